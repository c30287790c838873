import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The objectives without a teacher, with whole encoders.
@Suite(.serialized) struct PretrainingObjectiveTests {
    /// A student of three layers and one of the objectives in small.
    private func objective(
        _ name: String, _ family: TinyFamily = .w2vBert,
        _ change: (inout W2VBertSettings) -> Void = { _ in }
    ) throws -> any TrainingObjective {
        let student = family.encoder(layers: 3, width: 16, heads: 2, seed: 5)
        student.parameters.setTrainable(true)
        var settings = W2VBertSettings()
        settings.contrast.width = 12
        settings.contrast.quantizer.entries = 6
        settings.contrast.quantizer.width = 8
        (settings.codes.books, settings.codes.entries, settings.codes.width) = (2, 7, 4)
        if name == "w2v_bert/random_projection" { settings.targets = .randomProjection }
        change(&settings)
        switch name {
        case "wav2vec2":
            return try Wav2Vec2Objective(settings.contrast, student: student, seed: 3)
        case "random_projection":
            var own = RandomProjectionObjectiveSettings()
            (own.masking, own.codes) = (settings.contrast.masking, settings.codes)
            return try RandomProjectionObjective(own, student: student, seed: 3)
        default: return try W2VBertObjective(settings, student: student, seed: 3)
        }
    }

    private func validation(_ seed: BatchSeed = firstBatch) -> LossContext {
        LossContext(seed: seed, step: 0, steps: 10, isValidation: true, withDiagnostics: true)
    }

    private func metrics(_ report: LossReport) -> [String: Double] {
        Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
    }

    private static let all = [
        "wav2vec2", "random_projection", "w2v_bert", "w2v_bert/random_projection",
    ]

    @Test(arguments: all)
    func gradientsReachWhatIsTrained(_ name: String) throws {
        let objective = try objective(name)
        let report = try objective.report(TinyFamily.w2vBert.batch(frames: [60, 41]))
        report.sum.backward()
        #expect(report.sum.item().isFinite && report.count > 0)
        for (name, tensor) in objective.heads.trainable + objective.student.parameters.trainable {
            let gradient = try #require(tensor.gradient, "\(name)")
            #expect(gradient.isAllFinite(), "\(name)")
            if !name.hasSuffix("linear_k.bias") {
                #expect(gradient.floats().contains { $0 != 0 }, "\(name)")
            }
        }
        let buffers = objective.heads.names.filter { objective.heads.isBuffer($0) }
        #expect(buffers.isEmpty == !name.contains("random_projection"))
    }

    @Test func theFrontEndLearnsThroughTheTargets() throws {
        let objective = try objective("wav2vec2", .wav2Vec2)
        let report = try objective.report(TinyFamily.wav2Vec2.batch(frames: [60, 41]))
        report.sum.backward()
        for (name, tensor) in objective.student.parameters.trainable {
            #expect(try #require(tensor.gradient, "\(name)").isAllFinite(), "\(name)")
        }
        #expect(metrics(report)["feature_penalty"] != nil)
        let batch = TinyFamily.w2vBert.batch(frames: [60, 41])
        #expect(metrics(try self.objective("wav2vec2").report(batch))["feature_penalty"] == nil)
    }

    /// The loss is the sum of its parts, which the metrics name.
    @Test func partsAddUp() throws {
        let batch = TinyFamily.wav2Vec2.batch(frames: [60, 41])
        let contrastive = try objective("wav2vec2", .wav2Vec2).report(batch)
        var parts = metrics(contrastive)
        let perFrame = contrastive.sum.item() / Double(contrastive.count)
        var expected = try #require(parts["contrastive/loss"])
        expected += 0.1 * (try #require(parts["diversity_loss"]))
        expected += 10 * (try #require(parts["feature_penalty"]))
        expectClose(perFrame, expected, within: 1e-4, "wav2vec2")
        #expect(parts["gumbel_temperature"] == 2)

        let both = try objective("w2v_bert").report(TinyFamily.w2vBert.batch(frames: [60, 41]))
        parts = metrics(both)
        expected = try #require(parts["contrastive/loss"])
        expected += try #require(parts["prediction_loss"])
        expected += 0.1 * (try #require(parts["diversity_loss"]))
        expectClose(both.sum.item() / Double(both.count), expected, within: 1e-4, "w2v_bert")
        #expect(both.metrics.count == Set(both.metrics.map(\.name)).count)
        #expect(parts["quantizer_entropy"] == nil)
        let fixed = try objective("w2v_bert/random_projection")
            .report(TinyFamily.w2vBert.batch(frames: [60, 41]))
        #expect(fixed.metrics.count == Set(fixed.metrics.map(\.name)).count)
        #expect(metrics(fixed)["quantizer_perplexity"] != nil)
        // Without weights there is nothing besides.
        let plain = try objective("wav2vec2", .wav2Vec2) {
            ($0.contrast.diversityWeight, $0.contrast.penaltyWeight) = (0, 0)
        }.report(batch)
        expectClose(
            plain.sum.item() / Double(plain.count),
            try #require(metrics(plain)["contrastive/loss"]), within: 1e-5, "plain")
    }

    @Test(arguments: all)
    func aLossIsAFunctionOfSeedAndStep(_ name: String) throws {
        let objective = try objective(name)
        let batch = TinyFamily.w2vBert.batch(frames: [60, 41])
        let first = try objective.report(batch).sum.item()
        #expect(try objective.report(batch).sum.item() == first)
        let other = BatchSeed(seed: 7, step: 1, batch: 0)
        #expect(try objective.report(batch, other).sum.item() != first)
        // A validation has neither noise nor what only guides.
        let valid = try objective.loss(on: batch, validation())
        let parts = metrics(valid)
        let expected = ["contrastive/loss", "prediction_loss"].compactMap { parts[$0] }
            .reduce(0, +)
        expectClose(
            valid.sum.item() / Double(valid.count), expected, within: 1e-4, "validation")
    }

    /// Codebooks of which only one entry is used are the worst that can be, and are measured so.
    @Test func aCollapsedQuantizerIsNoSuccess() throws {
        let objective = try objective("wav2vec2")
        let bias = try #require(objective.heads["quantizer.weight_proj.bias"])
        withoutGradients {
            objective.heads["quantizer.weight_proj.weight"]!.fill(0)
            bias.assign(Tensor([100, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0] as [Float], [12]))
        }
        let batch = TinyFamily.w2vBert.batch(frames: [60, 41])
        let measured = try objective.loss(on: batch, validation())
        let chance = try #require(objective.chanceLevel)
        expectClose(measured.sum.item() / Double(measured.count), chance, within: 1e-4, "loss")
        expectClose(metrics(measured)["code_perplexity"] ?? 0, 1, within: 1e-5, "perplexity")
        // The training has nothing to tell apart; only the diversity loss leads away from there.
        let trained = metrics(try objective.report(batch))
        expectClose(trained["contrastive/loss"] ?? 1, 0, within: 1e-5, "training")
        expectClose(trained["diversity_loss"] ?? 0, 10.0 / 12, within: 1e-4, "diversity")
    }

    /// What is hidden is hidden: the states do not depend on it, the targets do.
    @Test func theEncoderDoesNotHearWhatItPredicts() throws {
        let family = TinyFamily.w2vBert
        let encoder = family.encoder(layers: 1, width: 16, heads: 2, seed: 5)
        let input = family.input(frames: [30])
        let masked = Tensor((0..<30).map { 10..<20 ~= $0 }, [1, 30])
        let changed = EncoderInput(
            values: input.values.filled(where: masked.unsqueeze(2), 3), lengths: [30])
        let request = LayerRequest(wantsFeatures: true)
        let outputs = [input, changed].map { (heard: EncoderInput) -> EncoderOutput in
            withoutGradients { encoder.encode(heard, masked: masked, request: request) }
        }
        #expect(
            outputs[0].lastHiddenState?.floats() == outputs[1].lastHiddenState?.floats())
        #expect(outputs[0].features?.floats() != outputs[1].features?.floats())
        #expect(outputs[0].features?.shape == [1, 30, 12])
    }

    @Test func settingsAreChecked() throws {
        func refuses(
            _ key: String, _ found: String, _ change: (inout W2VBertSettings) -> Void
        ) {
            let error = expectError(
                ObjectiveError.self, containing: ["objective.\(key)", "found \(found)"]
            ) { try objective("w2v_bert", change) }
            #expect(error?.exitStatus == .badInput)
        }
        refuses("contrastive_layer", "4") { $0.contrastiveLayer = 4 }
        refuses("contrastive_layer", "-1") { $0.contrastiveLayer = -1 }
        refuses("temperature", "0.0") { $0.contrast.temperature = 0 }
        refuses("width", "0") { $0.contrast.width = 0 }
        refuses("distractors", "0") { $0.contrast.distractors = .sampled(0) }
        refuses("diversity_weight", "-1.0") { $0.contrast.diversityWeight = -1 }
        refuses("penalty_weight", "inf") { $0.contrast.penaltyWeight = .infinity }
        refuses("quantizer.groups", "0") { $0.contrast.quantizer.groups = 0 }
        refuses("quantizer.width", "7") { $0.contrast.quantizer.width = 7 }
        refuses("quantizer.temperature", "0.0") { $0.contrast.quantizer.temperature = 0 }
        refuses("quantizer.decay", "1.5") { $0.contrast.quantizer.decay = 1.5 }
        refuses("codes.entries", "0") { $0.codes.entries = 0 }
        refuses("masking.sampler", "none") { $0.contrast.masking.sampler = .none }
        #expect(try W2VBertSettings().layer(of: 24) == 8)
        #expect(try W2VBertSettings().layer(of: 12) == 4)
        #expect(try W2VBertSettings().layer(of: 1) == 1)
    }

    @Test(arguments: all)
    func shortUtterances(_ name: String) throws {
        let objective = try objective(name)
        #expect(objective.minimumFrames == 20)
        expectError(ObjectiveError.self, containing: ["at least 20 frames", "[19, 5]"]) {
            try objective.report(TinyFamily.w2vBert.batch(frames: [19, 5]))
        }
        let report = try objective.report(TinyFamily.w2vBert.batch(frames: [19, 40, 5]))
        report.sum.backward()
        #expect(objective.heads.trainable.allSatisfy { $0.tensor.gradient?.isAllFinite() == true })
    }

    private func objective(
        _ name: String, _ change: (inout W2VBertSettings) -> Void
    ) throws -> any TrainingObjective { try objective(name, .w2vBert, change) }

    @Test func framesHaveToBeHidden() throws {
        var config = W2VBertConfig()
        config.hiddenSize = 16
        config.outputHiddenSize = 16
        config.numHiddenLayers = 1
        config.numAttentionHeads = 2
        config.intermediateSize = 16
        config.inputDimension = 12
        config.maskTimeProbability = 0
        let student = config.makeEncoder(in: ParameterStore(seed: 1))
        expectError(ObjectiveError.self, containing: ["model.family", "masked_spec_embed"]) {
            try RandomProjectionObjective(.init(), student: student, seed: 1)
        }
        expectError(ObjectiveError.self, containing: ["model.family", "wav2vec2-bert"]) {
            try Wav2Vec2Objective(.init(), student: student, seed: 1)
        }
    }
}
