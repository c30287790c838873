import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing
import Torch

/// Every run file that is part of the command: it resolves, builds its models and learns.
@Suite(.serialized) struct PresetTests {
    @Test func namesAndSummaries() {
        #expect(Set(Preset.all.map(\.name)).count == Preset.all.count)
        for preset in Preset.all {
            #expect(!preset.summary.isEmpty && preset.summary.count < 120, "\(preset.name)")
            #expect(preset.text.hasSuffix("\n"), "\(preset.name)")
            #expect(Preset.named(preset.name)?.text == preset.text)
        }
        #expect(Preset.named("none") == nil)
    }

    @Test(arguments: Preset.all.filter { [.method, .teacher].contains($0.kind) }.map(\.name))
    func resolves(_ name: String) throws {
        let config = try ConfigDocument.readRun(DistillConfig(), file: name)
        #expect(config != DistillConfig())
        // A method with a teacher, in either order.
        let teacher = "w2v-bert-2.0-12x384"
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("run.yaml")
            for order in ["\(teacher), \(name)", "\(name), \(teacher)"] {
                try Data("defaults: [\(order)]\n".utf8).write(to: file)
                _ = try ConfigDocument.readRun(DistillConfig(), file: file.path)
            }
        }
    }

    /// Ways to train without a teacher, at a smaller size where they leave it open.
    @Test(arguments: Preset.all.filter { $0.kind == .pretraining }.map(\.name))
    func withoutATeacher(_ name: String) throws {
        let config = try ConfigDocument.readRun(PretrainConfig(), file: name)
        #expect(config != PretrainConfig())
        let family = try #require(
            EncoderFamily.called(
                config.model.family == "auto" ? "w2v-bert" : config.model.family))
        var design = StudentDesign(layers: 6, width: 256)
        if case .design(let own) = config.model.design { design = own }
        let encoder = try design.config(like: family.largeConfig())
            .makeEncoder(in: ParameterStore(seed: 2))
        let objective = try config.objective.makeObjective(student: encoder, seed: 3)
        try train(
            name,
            TrainingStep(
                objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm))
    }

    /// Ways to fine-tune, for a small encoder with few tokens.
    @Test(arguments: Preset.all.filter { $0.kind == .recognition }.map(\.name))
    func recognition(_ name: String) throws {
        let config = try ConfigDocument.readRun(FinetuneConfig(), file: name)
        #expect(config != FinetuneConfig())
        let encoder = try StudentDesign(layers: 6, width: 256)
            .config(like: EncoderFamily.w2vBert.largeConfig())
            .makeEncoder(in: ParameterStore(seed: 2))
        let folder = Fixtures.model("w2vbert_adapter_ctc")
        let tokenizer = try #require(try CTCTokenizer(folder: folder))
        let store = ParameterStore(seed: 3)
        let objective: any TrainingObjective
        if let probe = config.objective.probe.design {
            objective = try ProbeObjective(
                config.objective, student: encoder,
                probe: probe.makeProbe(of: encoder, vocabularySize: 32, in: store),
                tokenizer: tokenizer
            ) { _ in ValidationFigures() }
        } else {
            let head = CTCHead(
                CTCConfig(vocabularySize: 32), width: 256, vocabularySize: 32, in: store,
                tokenizer: tokenizer)
            objective = try CTCObjective(config.objective, student: encoder, head: head) { _ in
                ValidationFigures()
            }
        }
        try train(
            name,
            TrainingStep(
                objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm))
    }

    /// Ways to fine-tune for translation, for a small encoder and a small decoder with few tokens.
    @Test(arguments: Preset.all.filter { $0.kind == .translation }.map(\.name))
    func translation(_ name: String) throws {
        let config = try ConfigDocument.readRun(TranslationConfig(), file: name)
        #expect(config != TranslationConfig())
        let plain = try StudentDesign(layers: 6, width: 256)
            .config(like: EncoderFamily.w2vBert.largeConfig())
            .makeEncoder(in: ParameterStore(seed: 2))
        let encoder = try #require(try plain.addingAdapter(width: 64, seed: 3))
        var sizes = TextDecoderConfig(config.decoder.kind)
        sizes.vocabularySize = 32
        sizes.width = 64
        sizes.layerCount = 2
        sizes.headCount = 4
        sizes.feedForwardWidth = 128
        let translator = try SpeechTranslator(
            encoder: encoder, decoder: TextDecoder(new: sizes, seed: 4), seed: 5)
        let objective = try TranslationObjective(config.objective, translator: translator)
        try train(
            name,
            TrainingStep(
                objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm))
    }

    /// Students of real teachers at their full size, but for w2v-BERT 2.0's depth with the widest
    /// student: a teacher of 12 of its 24 layers keeps two updates of 290 M parameters affordable.
    @Test(arguments: [
        (
            ["w2v-bert-2.0-24x384", "w2v-bert-2.0-12x512", "w2v-bert-2.0-12x384"], "wav2vec2-bert",
            24, 1024
        ),
        (["w2v-bert-2.0-12x1024"], "wav2vec2-bert", 12, 1024),
        (["xls-r-300m", "mms-300m", "distilxlsr"], "wav2vec2", 24, 1024),
        (["hubert-base"], "hubert", 12, 768), (["wavlm-base-plus"], "wavlm", 12, 768),
    ])
    func teachers(_ names: [String], _ family: String, _ layers: Int, _ width: Int) throws {
        let teacher = try encoder(family, layers, width, precision: .bfloat16)
        for name in names { try train(name, teacher) }
    }

    /// Methods with a teacher of HuBERT base's depth and width.
    @Test func methods() throws {
        let teacher = try encoder("hubert", 12, 768, precision: .bfloat16)
        // DistilXLSR copies layers of a wider one.
        let others = Preset.all.filter { $0.kind == .method && $0.name != "distilxlsr" }
        for preset in others where !preset.name.hasPrefix("dp-w2v-bert") {
            try train(preset.name, teacher)
        }
    }

    /// Joint pruning of conformers: a copy of the teacher, here of a quarter of its depth and width.
    @Test(arguments: ["dp-w2v-bert", "dp-w2v-bert-stage2"])
    func conformerPruning(_ name: String) throws {
        try train(name, encoder("wav2vec2-bert", 6, 256, precision: .bfloat16))
    }

    private func encoder(
        _ family: String, _ layers: Int, _ width: Int, precision: DType
    ) throws -> any SpeechEncoder {
        let family = try #require(EncoderFamily.all.first { $0.modelType == family })
        let config = try StudentDesign(layers: layers, width: width).config(
            like: family.largeConfig())
        return config.makeEncoder(in: ParameterStore(seed: 1, dtype: precision))
    }

    /// Two updates on short noise.
    private func train(_ name: String, _ teacher: any SpeechEncoder) throws {
        let config = try ConfigDocument.readRun(DistillConfig(), file: name)
        let (student, _) = try config.student.makeStudent(of: teacher, seed: 2, device: .cpu) {
            try #require(teacher.parameters[$0]).to(.float32)
        }
        let objective = try config.objective.makeObjective(
            teachers: [teacher], student: student, seed: 3)
        try train(
            name,
            TrainingStep(
                objective, settings: config.optimizer.settings,
                clipNorm: config.optimizer.clipNorm))
    }

    private func train(_ name: String, _ step: TrainingStep) throws {
        let encoder = step.objective.student
        let extractor = encoder.config.standardExtractor.makeExtractor()
        let noise = Tensor.normal([11_200], generator: RandomGenerator(seed: 4)).floats()
        let input = EncoderInput(try extractor.extract([noise.map { 0.1 * $0 }]))
        let batch = TrainingBatch(
            student: input, teachers: step.objective.teachers.map { _ in input },
            targets: [ClipTarget(id: "noise", language: nil, text: "ab", labels: [5, 6])])
        for index in 0..<2 {
            let context = LossContext(
                seed: BatchSeed(seed: 1, step: index, batch: 0), step: index, steps: 2)
            let report = try step([(batch, context)], learningRate: 1e-5)
            #expect(report.count > 0 && report.loss.isFinite && report.isApplied, "\(name)")
        }
    }
}
