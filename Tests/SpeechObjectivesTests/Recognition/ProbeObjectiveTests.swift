import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Probes learn, encoders do not.
@Suite(.serialized) struct ProbeObjectiveTests {
    private static let probes: [CTCSettings.Probe] = [.mlSuperb, .superb]

    private func objective(
        _ probe: CTCSettings.Probe = .mlSuperb, tags: Set<Int> = [],
        heard: HeardClips = HeardClips(),
        _ change: (inout CTCSettings) -> Void = { _ in }
    ) throws -> ProbeObjective {
        var settings = CTCSettings(probe: probe)
        change(&settings)
        // With dropout, which a frozen encoder must not have.
        var config = W2VBertConfig()
        config.hiddenSize = 16
        config.outputHiddenSize = 16
        config.numHiddenLayers = 2
        config.numAttentionHeads = 2
        config.intermediateSize = 32
        config.inputDimension = 12
        config.leftPositions = 5
        config.rightPositions = 2
        config.convolutionKernel = 5
        let student = config.makeEncoder(in: ParameterStore(seed: 3))
        let design = try #require(probe.design)
        return try ProbeObjective(
            settings, student: student,
            probe: design.makeProbe(of: student, vocabularySize: 32, in: ParameterStore(seed: 4)),
            tokenizer: CTCTokenizer.ofFixture(), languageTags: tags
        ) {
            heard.clips = $0
            return ValidationFigures(metrics: [("cer", 0.25)], selection: "cer")
        }
    }

    private func batch(_ labels: [[Int]], frames: [Int]) -> TrainingBatch {
        TrainingBatch(
            student: TinyFamily.w2vBert.input(frames: frames),
            targets: labels.enumerated().map { index, ids in
                ClipTarget(id: "u\(index)", language: "de", text: "t\(index)", labels: ids)
            })
    }

    private func context(_ step: Int, isValidation: Bool = false) -> LossContext {
        LossContext(
            seed: BatchSeed(seed: 1, step: step, batch: 0), step: step, steps: 100,
            isValidation: isValidation, withDiagnostics: true)
    }

    private func values(_ store: ParameterStore) -> [String: [Float]] {
        Dictionary(uniqueKeysWithValues: store.all.map { ($0.name, $0.tensor.floats()) })
    }

    @Test func theLossFallsAndTheEncoderStays() throws {
        let heard = HeardClips()
        let objective = try objective(tags: [30, 31], heard: heard)
        let batch = batch([[30, 5, 6], [31, 7]], frames: [36, 31])
        objective.student.parameters.setTrainable(true, where: objective.isTrained)
        objective.heads.setTrainable(true)
        let optimizer = AdamW(objective.heads.trainable, AdamW.Settings())
        let encoder = values(objective.student.parameters)
        let first = try objective.loss(on: batch, context(0, isValidation: true))
        #expect(first.metrics.map(\.name) == (0...2).map { "layer_share/\($0)" })
        for share in first.metrics { expectClose(share.value, 1 / 3, within: 1e-6) }
        objective.student.isTraining = true
        for step in 0..<60 {
            let report = try objective.loss(on: batch, context(step))
            report.sum.backward()
            optimizer.update(learningRate: 1e-3, gradientDivisor: Double(report.count))
            objective.heads.clearGradients()
        }
        #expect(objective.student.isTraining)
        _ = objective.finishValidation()
        let last = try objective.loss(on: batch, context(0, isValidation: true))
        #expect(last.sum.item() < 0.3 * first.sum.item(), "\(first.sum.item()) \(last.sum.item())")
        #expect(objective.finishValidation().selected == 0.25)
        #expect(heard.clips.map(\.target.id) == ["u0", "u1"])
        #expect(heard.clips.allSatisfy { $0.hasLanguage != nil && $0.loss != nil })
        // The shares have moved and are still shares.
        let shares = last.metrics.map(\.value)
        #expect(shares != first.metrics.map(\.value))
        expectClose(shares.reduce(0, +), 1, within: 1e-5)
        #expect(values(objective.student.parameters) == encoder)
    }

    /// The encoder in training is the encoder as it is: only the probe's own noise is there.
    @Test(arguments: ProbeObjectiveTests.probes)
    func theEncoderIsHeardAsItIs(_ probe: CTCSettings.Probe) throws {
        let objective = try objective(probe)
        let batch = batch([[5, 6], [7]], frames: [30, 24])
        func step(_ seed: Int, isTraining: Bool) throws -> Double {
            objective.student.isTraining = isTraining
            RandomGenerator.standard(of: .cpu).seed(7)
            return try objective.loss(on: batch, context(seed)).sum.item()
        }
        let calm = try step(1, isTraining: false)
        #expect(try step(1, isTraining: true) == calm)
        #expect(try step(2, isTraining: true) != calm)
        objective.heads.setTrainable(true)
        let report = try objective.loss(on: batch, context(1))
        report.sum.backward()
        #expect(objective.heads.all.contains { $0.tensor.gradient != nil })
        #expect(objective.student.parameters.all.allSatisfy { $0.tensor.gradient == nil })
        #expect(objective.student.parameters.all.allSatisfy { !objective.isTrained($0.name) })
        let result = objective.result()
        #expect(result.probe != nil && result.head == nil)
        // Nothing is hidden from a validation.
        let losses = try (1...2).map {
            try objective.loss(on: batch, context($0, isValidation: true)).sum.item()
        }
        #expect(losses[0] == losses[1])
    }

    /// Frames are those of the probe: 11 of the encoder are 3 of ML-SUPERB's, 6 are none.
    @Test func impossibleTargetsCountAsNothingAndAreReported() throws {
        let objective = try objective()
        #expect(objective.minimumFrames == 7)
        for isValidation in [true, false] {
            let report = try objective.loss(
                on: batch([[5, 6, 7], [5, 6, 6], [5], [5]], frames: [11, 11, 6, 7]),
                context(0, isValidation: isValidation))
            #expect(report.count == 2 && report.sum.item().isFinite)
            #expect(report.leftOut.map(\.clip) == [1, 2])
            #expect(report.leftOut[0].reason.contains("at most 3"))
            #expect(report.leftOut[1].reason.contains("at most 0"))
        }
    }

    @Test func whatWouldChangeTheEncoderIsRefused() throws {
        let changes: [(String, (inout CTCSettings) -> Void)] = [
            ("objective.layer_drop", { $0.layerDrop = 0.1 }),
            ("objective.final_dropout", { $0.finalDropout = 0.1 }),
            ("objective.freeze_encoder_updates", { $0.freezeEncoderUpdates = 1 }),
            ("objective.masking.time_probability", { $0.masking.timeProbability = 0.5 }),
            ("objective.masking.channel_probability", { $0.masking.channelProbability = 0.5 }),
        ]
        for (key, change) in changes {
            #expect {
                try objective(.superb, change)
            } throws: {
                "\($0)".hasPrefix(key) && "\($0)".contains("objective.probe=superb")
            }
        }
    }
}

/// What the last validation heard.
private final class HeardClips {
    var clips: [CTCObjective.HeardClip] = []
}
