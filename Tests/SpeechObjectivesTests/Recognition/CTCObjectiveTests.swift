import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct CTCObjectiveTests {
    /// Of 32 tokens, blank 0.
    private let tokenizer = CTCTokenizer.ofFixture()

    private func objective(
        _ family: TinyFamily = .w2vBert, tags: Set<Int> = [], layers: Int = 2,
        heard: Heard = Heard(), _ change: (inout CTCSettings) -> Void = { _ in }
    ) throws -> CTCObjective {
        var settings = CTCSettings()
        settings.masking.timeLength = 3
        settings.masking.channelLength = 4
        change(&settings)
        let student = family.encoder(layers: layers, width: 16, heads: 2, seed: 3)
        let head = CTCHead(
            CTCConfig(vocabularySize: 32), width: 16, vocabularySize: 32,
            in: ParameterStore(seed: 4), tokenizer: tokenizer)
        return try CTCObjective(
            settings, student: student, head: head, languageTags: tags
        ) {
            heard.clips = $0
            return ValidationFigures(metrics: [("cer", 0.25)], selection: "cer")
        }
    }

    private func batch(
        _ labels: [[Int]], frames: [Int], _ family: TinyFamily = .w2vBert
    ) -> TrainingBatch {
        TrainingBatch(
            student: family.input(frames: frames),
            targets: labels.enumerated().map { index, ids in
                ClipTarget(id: "u\(index)", language: "de", text: "t\(index)", labels: ids)
            })
    }

    private func validation(_ step: Int = 0) -> LossContext {
        LossContext(
            seed: BatchSeed(seed: 1, step: step, batch: 0), step: step, steps: 10,
            isValidation: true, withDiagnostics: true)
    }

    /// The loss of a clip alone is that in a batch; sums are those of the loss function.
    @Test(arguments: TinyFamily.allCases, [CTCReduction.sum, .mean])
    func isTheMeanOverClips(_ family: TinyFamily, _ reduction: CTCReduction) throws {
        let objective = try objective(family) { $0.reduction = reduction }
        let labels = [[5, 6, 6], [7], []]
        let whole = batch(labels, frames: [12, 9, 5], family)
        let report = try objective.loss(on: whole, validation())
        #expect(report.count == 3 && report.leftOut.isEmpty)
        let output = objective.student.encode(whole.student)
        let logits = objective.head(try #require(output.lastHiddenState))
        let sums = CTCLoss(blank: 0).losses(
            logits, inputLengths: [12, 9, 5], labels: labels
        ).floats()
        let counts: [Float] = reduction == .sum ? [1, 1, 1] : [3, 1, 1]
        let parts = zip(sums, counts).map { Double($0 / $1) }
        let expected = parts.reduce(0, +)
        expectClose(report.sum.item(), expected, within: 1e-3)
        // Of nothing said, every frame is blank.
        let blanks = logits.logSoftmax(-1).narrow(0, 2, 1).narrow(1, 0, 5).floats()
        let silence = -(0..<5).map { Double(blanks[$0 * 32]) }.reduce(0, +)
        expectClose(Double(sums[2]), silence, within: 1e-3)
    }

    @Test func impossibleTargetsCountAsNothingAndAreReported() throws {
        let objective = try objective {
            $0.masking.timeProbability = 0
            $0.masking.channelProbability = 0
            $0.layerDrop = 0
        }
        // Three labels, of which two are the same, need four frames.
        for context in [validation(), context(firstBatch)] {
            let fits = try objective.loss(
                on: batch([[5, 6, 6], [7]], frames: [4, 9]), context)
            #expect(fits.count == 2 && fits.leftOut.isEmpty)
            let report = try objective.loss(
                on: batch([[5, 6, 6], [7]], frames: [3, 9]), context)
            #expect(report.count == 1 && report.leftOut.map(\.clip) == [0])
            #expect(report.leftOut[0].reason.contains("which need 4"))
            let rest = try objective.loss(on: batch([[7]], frames: [9]), context)
            #expect(report.sum.item().isFinite && rest.count == 1)
        }
        let none = try objective.loss(on: batch([[5, 5, 5]], frames: [2]), context(firstBatch))
        #expect(none.count == 0 && none.sum.item() == 0)
    }

    @Test func whatIsFrozenStaysAsItIs() throws {
        let cases: [(TinyFamily, Bool, Int)] = [
            (.wav2Vec2, true, 0), (.wav2Vec2, false, 0), (.w2vBert, true, 2),
        ]
        for (family, freezes, updates) in cases {
            let objective = try objective(family) {
                $0.freezesFeatureExtractor = freezes
                $0.freezeEncoderUpdates = updates
                $0.layerDrop = 0
            }
            let step = TrainingParts(objective)
            for number in 0..<3 {
                let before = step.values
                let context = LossContext(
                    seed: BatchSeed(seed: 1, step: number, batch: 0), step: number, steps: 10)
                try step.update(batch([[5, 6], [7]], frames: [16, 12], family), context)
                let moved = step.values.filter { before[$0.key] != $0.value }.map(\.key)
                let frontEnd = moved.contains { $0.hasPrefix("feature_extractor.") }
                let layers = moved.contains { $0.hasPrefix("encoder.layers.") }
                #expect(moved.contains("lm_head.weight"))
                #expect(layers == (number >= updates), "\(family) \(number)")
                #expect(frontEnd == (family == .wav2Vec2 && !freezes), "\(family) \(freezes)")
            }
        }
    }

    @Test func whatIsHiddenIsAFunctionOfSeedAndStep() throws {
        let objective = try objective(layers: 4) { $0.layerDrop = 0.5 }
        let batch = batch([[5, 6], [7]], frames: [30, 25])
        func loss(_ step: Int, _ seed: UInt64 = 1) throws -> Double {
            let context = LossContext(
                seed: BatchSeed(seed: seed, step: step, batch: 0), step: step, steps: 10)
            return try objective.loss(on: batch, context).sum.item()
        }
        let losses = try (0..<6).map { try loss($0) }
        #expect(Set(losses).count == 6)
        #expect(try (0..<6).map { try loss($0) } == losses)
        #expect(try loss(0, 2) != losses[0])
        let calm = try objective.loss(on: batch, validation(1)).sum.item()
        #expect(try objective.loss(on: batch, validation(2)).sum.item() == calm)
    }

    @Test func aFewClipsAreLearnedByHeart() throws {
        let heard = Heard()
        let objective = try objective(heard: heard) {
            $0.masking.timeProbability = 0
            $0.masking.channelProbability = 0
            $0.layerDrop = 0
        }
        let batch = batch([[5, 6, 6], [7, 8]], frames: [14, 11])
        let step = TrainingParts(objective, learningRate: 1e-2)
        let first = try objective.loss(on: batch, validation()).sum.item()
        for number in 0..<150 {
            try step.update(batch, context(BatchSeed(seed: 1, step: number, batch: 0)))
        }
        _ = objective.finishValidation()
        let last = try objective.loss(on: batch, validation()).sum.item()
        #expect(last < 0.05 * first)
        #expect(objective.finishValidation().selected == 0.25)
        let texts = [[5, 6, 6], [7, 8]].map { ids in
            ids.map { tokenizer.text(of: $0) ?? "" }.joined()
        }
        #expect(heard.clips.map(\.text) == texts && heard.clips.map(\.target.id) == ["u0", "u1"])
        #expect(heard.clips.allSatisfy { $0.hasLanguage == nil && ($0.loss ?? 9) < 1 })
        // Nothing is kept for the next one.
        _ = objective.finishValidation()
        #expect(heard.clips.isEmpty)
    }

    /// A tag is recognised as the language and is no part of the text.
    @Test func tagsAreLanguages() throws {
        let heard = Heard()
        let objective = try objective(tags: [30, 31], heard: heard) {
            $0.masking.timeProbability = 0
            $0.masking.channelProbability = 0
            $0.layerDrop = 0
        }
        let batch = batch([[30, 5], [31, 6]], frames: [10, 9])
        let step = TrainingParts(objective, learningRate: 1e-2)
        for number in 0..<120 {
            try step.update(batch, context(BatchSeed(seed: 1, step: number, batch: 0)))
        }
        _ = objective.finishValidation()
        _ = try objective.loss(on: batch, validation())
        _ = objective.finishValidation()
        #expect(heard.clips.map(\.hasLanguage) == [true, true])
        #expect(heard.clips.map(\.text) == [5, 6].map { tokenizer.text(of: $0) ?? "" })
    }

    @Test func settingsThatCannotBeAreNamed() throws {
        let changes: [(String, (inout CTCSettings) -> Void)] = [
            ("objective.layer_drop", { $0.layerDrop = 1 }),
            ("objective.final_dropout", { $0.finalDropout = -0.1 }),
            ("objective.freeze_encoder_updates", { $0.freezeEncoderUpdates = -1 }),
            ("objective.masking.time_length", { $0.masking.timeLength = 0 }),
            ("objective.masking.channel_probability", { $0.masking.channelProbability = 2 }),
        ]
        for (key, change) in changes {
            #expect {
                try objective(.w2vBert, change)
            } throws: {
                "\($0)".hasPrefix(key)
            }
        }
    }
}

/// What the last validation heard.
private final class Heard {
    var clips: [CTCObjective.HeardClip] = []
}

@Suite struct LatentMaskingTests {
    @Test func sharesAreThoseOfFairseq() {
        var masking = LatentMasking()
        var generator = SeededGenerator(seed: 1)
        let frames = masking.frames(lengths: Array(repeating: 500, count: 40), using: &generator)
        let share = Double(frames.reduce(0) { $0 + $1.count }) / 20_000
        // 1 − exp(−0.75) of all frames, were starts drawn with replacement.
        expectClose(share, 0.53, within: 0.03)
        let channels = masking.channels(clips: 200, width: 1024, using: &generator)
        let masked = Double(channels.reduce(0) { $0 + $1.count }) / (200 * 1024)
        expectClose(masked, 0.22, within: 0.03)
        #expect(Set(channels).count > 190)
        masking.channelProbability = 0
        #expect(masking.channels(clips: 3, width: 1024, using: &generator).isEmpty)
    }

    @Test func clipsWithoutRoomAreLeftAlone() {
        let masking = LatentMasking()
        var generator = SeededGenerator(seed: 1)
        let frames = masking.frames(lengths: [10, 11, 40], using: &generator)
        // Two spans may cover all of the second clip.
        #expect(frames[0].isEmpty && (10...11).contains(frames[1].count))
        #expect(frames[2].allSatisfy { $0 < 40 })
        #expect(masking.channels(clips: 2, width: 64, using: &generator) == [[], []])
    }
}

/// Encoder, head and optimiser, as a trainer has them.
private struct TrainingParts {
    let objective: CTCObjective
    let optimizer: AdamW
    let learningRate: Double

    init(_ objective: CTCObjective, learningRate: Double = 1e-3) {
        self.objective = objective
        self.learningRate = learningRate
        objective.student.parameters.setTrainable(true, where: objective.isTrained)
        objective.heads.setTrainable(true)
        optimizer = AdamW(
            objective.student.parameters.trainable + objective.heads.trainable, AdamW.Settings())
    }

    func update(_ batch: TrainingBatch, _ context: LossContext) throws {
        let report = try objective.loss(on: batch, context)
        report.sum.backward()
        optimizer.update(learningRate: learningRate, gradientDivisor: Double(report.count))
        objective.student.parameters.clearGradients()
        objective.heads.clearGradients()
    }

    var values: [String: [Float]] {
        let all = objective.student.parameters.all + objective.heads.all
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.tensor.floats()) })
    }
}

extension CTCTokenizer {
    /// 32 tokens, the first of them the blank.
    static func ofFixture() -> CTCTokenizer {
        guard let tokenizer = try? CTCTokenizer(folder: Fixtures.model("w2vbert_adapter_ctc"))
        else { preconditionFailure("no tokenizer") }
        return tokenizer
    }
}
