import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The objective with whole encoders: gradients, learning, limits and settings.
@Suite(.serialized) struct CoLLDTrainingTests {
    @Test(arguments: TinyFamily.allCases, [LayerMapping.uniform, .everyTeacher])
    func gradientsReachStudentAndHeadsOnly(
        _ family: TinyFamily, _ mapping: LayerMapping
    ) throws {
        let objective = try family.objective { $0.layers.mapping = mapping }
        // Even of a teacher whose parameters record gradients.
        objective.teachers[0].parameters.setTrainable(true)
        defer { objective.teachers[0].parameters.setTrainable(false) }
        try objective.report(family.batch(frames: [60, 41])).sum.backward()
        #expect(objective.teachers[0].parameters.all.allSatisfy { $0.tensor.gradient == nil })
        for (name, tensor) in objective.heads.all {
            let gradient = try #require(tensor.gradient, "\(name)")
            #expect(gradient.isAllFinite())
            #expect(gradient.floats().contains { $0 != 0 }, "\(name)")
        }
        for (name, tensor) in objective.student.parameters.trainable {
            // The final norm of pre-norm models stands behind the last hidden state.
            if family == .wav2Vec2 && name.hasPrefix("encoder.layer_norm.") {
                #expect(tensor.gradient == nil)
                continue
            }
            let gradient = try #require(tensor.gradient, "\(name)")
            #expect(gradient.isAllFinite(), "\(name)")
            if !name.hasSuffix("k_proj.bias") && !name.hasSuffix("linear_k.bias") {
                #expect(gradient.floats().contains { $0 != 0 }, "\(name)")
            }
        }
    }

    /// Twenty updates on one batch, each with new masks and distractors.
    @Test(arguments: TinyFamily.allCases)
    func theLossFalls(_ family: TinyFamily) throws {
        let objective = try family.objective()
        let batch = family.batch(frames: [90, 75])
        let parameters = objective.student.parameters.trainable + objective.heads.trainable
        let optimizer = AdamW(parameters, AdamW.Settings())
        func validation() throws -> Double {
            try withoutGradients {
                let report = try objective.report(batch, BatchSeed(seed: 99, step: 0, batch: 0))
                return report.sum.item() / Double(report.count)
            }
        }
        let teacher = objective.teachers[0].parameters.all.map { $0.tensor.floats() }
        let before = try validation()
        for step in 0..<20 {
            let report = try objective.loss(
                on: batch, context(BatchSeed(seed: 7, step: step, batch: 0)))
            report.sum.backward()
            optimizer.update(learningRate: 5e-3, gradientDivisor: Double(report.count))
            objective.student.parameters.clearGradients()
            objective.heads.clearGradients()
        }
        let after = try validation()
        // A student that knows nothing is at chance or, in few dimensions, where cosines of
        // unrelated vectors are far from 0, above it.
        let chance = try #require(objective.chanceLevel)
        #expect(before > chance - 0.2)
        #expect(after < before - 0.1, "\(before) to \(after)")
        #expect(objective.teachers[0].parameters.all.map { $0.tensor.floats() } == teacher)
    }

    @Test func chanceIsAKnownConstant() throws {
        let family = TinyFamily.w2vBert
        #expect(try family.objective().chanceLevel == log(101))
        #expect(try family.objective { $0.distractors = .sampled(7) }.chanceLevel == log(8))
        #expect(try family.objective { $0.distractors = .all }.chanceLevel == nil)
    }

    @Test(arguments: TinyFamily.allCases)
    func shortUtterances(_ family: TinyFamily) throws {
        let objective = try family.objective()
        #expect(objective.minimumFrames == 20)
        let error = expectError(
            ObjectiveError.self, containing: ["at least 20 frames", "[19, 5]"]
        ) { try objective.report(family.batch(frames: [19, 5])) }
        #expect(error == .nothingToPredict(frames: [19, 5], needed: 20))
        #expect(error?.exitStatus == .badInput)
        // In company they are left out.
        let single = try family.objective {
            $0.layers.masking = SpanMasking(probability: 0, length: 10, minimumSpans: 1)
        }
        let report = try single.report(family.batch(frames: [19, 20, 5]))
        #expect(report.count == 10)
        report.sum.backward()
        #expect(single.heads.all.allSatisfy { $0.tensor.gradient?.isAllFinite() == true })
    }

    /// Where the masked frames of a batch lie too close together, it counts for nothing.
    @Test func nothingPredictedByChance() throws {
        let family = TinyFamily.w2vBert
        let objective = try family.objective {
            $0.layers.masking = SpanMasking(probability: 0, length: 3, minimumSpans: 1)
            $0.excludeRadius = 10
        }
        #expect(objective.minimumFrames == 12)
        let report = try objective.report(family.batch(frames: [30, 24]))
        #expect(report.count == 0)
        #expect(report.sum.item() == 0)
        #expect(report.metrics.allSatisfy { $0.value.isFinite })
        report.sum.backward()
        for (name, tensor) in objective.heads.all {
            #expect(try #require(tensor.gradient).floats().allSatisfy { $0 == 0 }, "\(name)")
        }
        #expect(throws: ObjectiveError.nothingToPredict(frames: [11], needed: 12)) {
            try objective.report(family.batch(frames: [11]))
        }
    }

    @Test func settingsAreChecked() throws {
        func refuses(
            _ key: String, _ found: String, _ change: (inout CoLLDSettings) -> Void
        ) {
            let error = expectError(
                ObjectiveError.self, containing: ["objective.\(key)", "found \(found)"]
            ) { try TinyFamily.w2vBert.objective(change) }
            #expect(error?.exitStatus == .badInput)
        }
        refuses("temperature", "0.0") { $0.temperature = 0 }
        refuses("temperature", "-0.1") { $0.temperature = -0.1 }
        refuses("temperature", "inf") { $0.temperature = .infinity }
        refuses("temperature", "nan") { $0.temperature = .nan }
        refuses("distractors", "0") { $0.distractors = .sampled(0) }
        refuses("distractors", "\(Int.max)") { $0.distractors = .sampled(.max) }
        refuses("exclude_radius", "-1") { $0.excludeRadius = -1 }
        refuses("exclude_radius", "\(Int.max)") { $0.excludeRadius = .max }
        refuses("masking.length", "0") { $0.layers.masking.length = 0 }
        refuses("layer_mapping", "sparse:3") { $0.layers.mapping = .sparse(3) }
        refuses("layer_mapping", "last:5") { $0.layers.mapping = .last([5]) }
    }

    /// Such a student would hear everything, and nothing would say so.
    @Test func maskingNeedsAVectorForMaskedFrames() throws {
        var config = W2VBertConfig()
        config.hiddenSize = 16
        config.outputHiddenSize = 16
        config.numHiddenLayers = 1
        config.numAttentionHeads = 2
        config.intermediateSize = 16
        config.inputDimension = 12
        config.maskTimeProbability = 0
        let student = config.makeEncoder(in: ParameterStore(seed: 1))
        let teacher = TinyFamily.w2vBert.encoder(layers: 2, width: 24, seed: 2)
        var settings = CoLLDSettings()
        expectError(
            ObjectiveError.self,
            containing: ["objective.masking.sampler", "masked_spec_embed", "fairseq2"]
        ) { try CoLLD(settings, teachers: [teacher], student: student, seed: 1) }
        settings.layers.masking.sampler = .none
        let objective = try CoLLD(settings, teachers: [teacher], student: student, seed: 1)
        #expect(try objective.report(TinyFamily.w2vBert.batch(frames: [8])).count == 8)
    }

    @Test func settingsAreReadAndWritten() throws {
        var settings = CoLLDSettings()
        settings.layers.mapping = .last([2, 4])
        settings.layers.target = TargetFeature(feature: .layerOutput, normalization: .instance)
        settings.layers.masking = SpanMasking(sampler: .fairseq, length: 5, equalizes: true)
        settings.layers.head = .mlp
        settings.layers.frames = .all
        settings.temperature = 0.2
        settings.distractors = .all
        settings.sharesDistractors = false
        settings.excludeRadius = 3
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(CoLLDSettings.self, from: json) == settings)
        let object = try #require(
            try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "distractors", "exclude_radius", "frames", "head", "layer_mapping", "layer_weights",
                "learn_temperature", "masking", "share_distractors", "target",
                "teacher_weights", "temperature",
            ])
    }
}
