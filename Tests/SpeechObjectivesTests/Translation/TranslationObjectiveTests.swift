import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct TranslationObjectiveTests {
    /// Four texts in two languages, 20 and 21; 2 ends them.
    static let labels = [
        [20, 5, 9, 9, 14, 2], [20, 7, 2], [21, 12, 5, 18, 6, 11, 2], [21, 4, 10, 13, 2],
    ]
    static let frames = [32, 18, 40, 25]

    static func decoder(_ kind: TextDecoderKind) throws -> TextDecoder {
        var config = TextDecoderConfig(kind)
        config.vocabularySize = 22
        config.width = 24
        config.layerCount = 2
        config.headCount = 4
        config.feedForwardWidth = 48
        config.maximumPositions = 8
        config.dropout = 0
        config.attentionDropout = 0
        config.start = 2
        config.forcedEnd = nil
        config.initializerRange = 0.1
        return try TextDecoder(new: config, seed: 3)
    }

    static func translator(
        _ kind: TextDecoderKind, _ adaptor: LengthAdaptorConfig.Kind
    ) throws -> SpeechTranslator {
        var config = LengthAdaptorConfig(adaptor)
        config.heads = 4
        config.dropout = 0
        let encoder = TinyFamily.w2vBert.encoder(layers: 2, width: 16, seed: 1)
        return try SpeechTranslator(
            encoder: encoder, adaptor: config, decoder: decoder(kind), seed: 2)
    }

    static func settings(_ change: (inout TranslationSettings) -> Void = { _ in })
        -> TranslationSettings
    {
        var settings = TranslationSettings()
        settings.labelSmoothing = 0.1
        change(&settings)
        return settings
    }

    static func context(step: Int = 0) -> LossContext {
        LossContext(
            seed: BatchSeed(seed: 7, step: step, batch: 0), step: step, steps: 500,
            withDiagnostics: true)
    }

    static func batch(_ input: EncoderInput, _ labels: [[Int]]) -> TrainingBatch {
        TrainingBatch(
            student: input,
            targets: labels.enumerated().map {
                ClipTarget(id: "\($0.offset)", language: "en", text: "", labels: $0.element)
            })
    }

    static var batch: TrainingBatch {
        batch(TinyFamily.w2vBert.input(frames: frames), labels)
    }

    /// Four sentences are learned by heart, and the search finds them again.
    @Test(arguments: [
        (TextDecoderKind.mbart, LengthAdaptorConfig.Kind.convolutions), (.m2m100, .transformer),
    ])
    func fourSentencesAreLearned(
        _ kind: TextDecoderKind, _ adaptor: LengthAdaptorConfig.Kind
    ) throws {
        let translator = try Self.translator(kind, adaptor)
        let objective = try TranslationObjective(
            Self.settings { $0.ignoresLanguage = true }, translator: translator,
            languages: [20, 21])
        objective.student.parameters.setTrainable(true)
        objective.heads.setTrainable(true)
        let optimizer = AdamW(
            objective.student.parameters.trainable + objective.heads.trainable, AdamW.Settings(),
            rateScale: { objective.learningRateScale(of: $0) })
        let batch = Self.batch
        var accuracy = 0.0
        var loss = Double.infinity
        for step in 0..<300 where loss > 0.05 {
            let report = try objective.loss(on: batch, Self.context(step: step))
            // All labels but the four of languages.
            #expect(report.count == 5 + 2 + 6 + 4)
            loss = report.sum.item() / Double(report.count) - objective.minimumLoss
            accuracy = report.metrics.first { $0.name == "token_accuracy" }?.value ?? 0
            if step == 0 {
                // A model that knows nothing is about as wrong as chance.
                let chance = try #require(objective.chanceLevel) - objective.minimumLoss
                #expect(loss > 0.5 * chance && loss < 3 * chance)
            }
            report.sum.backward()
            optimizer.update(learningRate: 3e-3, gradientDivisor: Double(report.count))
            objective.student.parameters.clearGradients()
            objective.heads.clearGradients()
        }
        #expect(loss <= 0.05, "\(kind): \(loss) above the least loss")
        #expect(accuracy == 1)
        let prefixes = Self.labels.map { TargetPrefix(start: [2], forced: $0[0]) }
        for beams in [1, 5] {
            var search = BeamSearch()
            search.beams = beams
            search.maximumLength = 8
            let found = translator.translate(batch.student, prefixes: prefixes, search: search)
            #expect(
                found.map { $0[0].text } == Self.labels.map { Array($0.dropFirst().dropLast()) },
                "\(kind), \(beams) beams")
        }
    }

    /// The loss of a batch is the sum of its clips', whatever they are batched with.
    @Test func clipsDoNotSeeEachOther() throws {
        let objective = try TranslationObjective(
            Self.settings(), translator: Self.translator(.mbart, .transformer), languages: [20])
        let input = Self.batch.student
        let together = try objective.loss(on: Self.batch, Self.context())
        var sum = 0.0
        var count = 0
        for (clip, length) in Self.frames.enumerated() {
            let alone = EncoderInput(
                values: input.values.narrow(0, clip, 1).narrow(1, 0, length), lengths: nil)
            let report = try objective.loss(
                on: Self.batch(alone, [Self.labels[clip]]), Self.context())
            sum += report.sum.item()
            count += report.count
        }
        expectClose(together.sum.item(), sum, within: 1e-4)
        #expect(together.count == count && count == 5 + 2 + 7 + 5)
    }

    /// Which parameters have gradients follows the settings.
    @Test(arguments: DecoderTraining.allCases)
    func onlyWhatIsChosenIsTrained(_ training: DecoderTraining) throws {
        let translator = try Self.translator(.m2m100, .convolutions)
        let objective = try TranslationObjective(
            Self.settings {
                $0.decoder = training
                $0.freezeEncoderUpdates = 5
                $0.decoderRate = 0.1
                $0.encoderRate = 0.2
            }, translator: translator, languages: [20, 21])
        objective.student.parameters.setTrainable(true, where: objective.isTrained)
        objective.heads.setTrainable(true)
        for step in [4, 5] {
            try objective.loss(on: Self.batch, Self.context(step: step)).sum.backward()
            for (name, tensor) in translator.parameters.all {
                let hasGradient = tensor.gradient != nil
                if name.hasPrefix("encoder.") {
                    if name.contains("masked_spec_embed") { continue }
                    #expect(hasGradient == (step == 5), "\(name)")
                } else if name.hasPrefix("decoder.") {
                    let own = String(name.dropFirst("decoder.".count))
                    #expect(hasGradient == training.includes(own), "\(name)")
                    #expect(objective.heads.names.contains(name) == hasGradient, "\(name)")
                } else {
                    #expect(hasGradient, "\(name)")
                }
            }
            translator.parameters.clearGradients()
        }
        #expect(objective.learningRateScale(of: "decoder.model.decoder.layer_norm.bias") == 0.1)
        #expect(objective.learningRateScale(of: "encoder.layers.0.ffn1_layer_norm.bias") == 0.2)
        #expect(objective.learningRateScale(of: "adaptor.layers.0.conv.bias") == 1)
        #expect(objective.learningRateScale(of: "adapter.layers.0.residual_conv.bias") == 1)
    }

    /// A validation translates every clip into its language, and forgets it with its end.
    @Test func validationsTranslate() throws {
        let translator = try Self.translator(.m2m100, .transformer)
        translator.search.maximumLength = 6
        let objective = try TranslationObjective(
            Self.settings(), translator: translator, languages: [20, 21]
        ) { clips in
            ValidationFigures(
                metrics: [("clips", Double(clips.count))], selection: "clips",
                notes: clips.map { "\($0.target.id): \($0.tokens)" })
        }
        let context = LossContext(
            seed: BatchSeed(seed: 7, step: 0, batch: 0), step: 0, steps: 1, isValidation: true)
        let report = try withoutGradients { try objective.loss(on: Self.batch, context) }
        #expect(report.count == 17)
        var search = translator.search
        search.beams = 1
        let expected = translator.translate(
            Self.batch.student,
            prefixes: Self.labels.map { TargetPrefix(start: [2], forced: $0[0]) },
            search: search)
        let figures = objective.finishValidation()
        #expect(figures.selected == 4)
        #expect(figures.notes == expected.enumerated().map { "\($0): \($1[0].text)" })
        #expect(objective.finishValidation().selected == 0)
        #expect(objective.result().translator === translator)
    }

    @Test func longTextsAreReported() throws {
        let objective = try TranslationObjective(
            Self.settings(), translator: Self.translator(.mbart, .convolutions))
        let long = [4, 5, 6, 7, 8, 9, 10, 11, 2]
        let report = try objective.loss(
            on: Self.batch(Self.batch.student, [[4, 2], long, [5, 2], [6, 2]]), Self.context())
        #expect(report.count == 6)
        #expect(report.leftOut.map(\.clip) == [1])
        #expect(report.leftOut[0].reason.contains("at most 8"))
        #expect(report.leftOut[0].reason.contains("found 9"))
    }

    @Test func badSettingsAreNamed() throws {
        let cases: [(String, (inout TranslationSettings) -> Void)] = [
            ("objective.label_smoothing", { $0.labelSmoothing = 1 }),
            ("objective.decoder_rate", { $0.decoderRate = -1 }),
            ("objective.freeze_encoder_updates", { $0.freezeEncoderUpdates = -1 }),
            ("objective.masking", { $0.masking.timeProbability = 2 }),
        ]
        for (key, change) in cases {
            expectError(ObjectiveError.self, containing: [key]) {
                try Self.settings(change).validate()
            }
        }
    }
}
