import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The objective with whole encoders: what it computes.
@Suite(.serialized) struct CoLLDTests {
    private static let everything: [(LayerMapping, TargetFeature, PredictionHeadKind)] = [
        (.uniform, TargetFeature(), .linear),
        (.everyTeacher, TargetFeature(normalization: .instance), .mlp),
        (.last([4, 1]), TargetFeature(feature: .layerOutput, normalization: .layer), .linear),
        (.sparse(1), TargetFeature(feature: .layerOutput, normalization: .center), .mlp),
    ]

    /// The features of one teacher layer, one utterance, as the target is defined.
    private func target(
        _ objective: CoLLD, _ input: EncoderInput, layer: Int
    ) -> [[Double]] {
        let settings = objective.settings.layers.target
        let request = LayerRequest(hiddenStates: [layer], feedForward: [layer])
        let output = withoutGradients { objective.teachers[0].encode(input, request: request) }
        let features =
            settings.feature == .feedForward
            ? output.feedForward[layer]! : output.hiddenStates[layer]!
        return Matrix(settings.normalized(features, valid: nil).select(0, 0)).rows
    }

    /// The predictions of one pair, by the names of the head's parameters.
    private func prediction(
        _ objective: CoLLD, _ input: EncoderInput, _ pair: LayerPair
    ) throws -> [[Double]] {
        func parameter(_ name: String) throws -> [[Double]] {
            let path = "heads.\(pair.student)-\(pair.teacher).\(name)"
            let tensor = try #require(objective.heads[path], "\(path)")
            return Matrix(tensor.rank == 1 ? tensor.unsqueeze(0) : tensor).rows
        }
        func map(_ row: [Double], _ name: String) throws -> [Double] {
            let bias = try parameter(name + "bias")[0]
            return try parameter(name + "weight").enumerated().map { index, weights in
                zip(weights, row).reduce(bias[index]) { $0 + $1.0 * $1.1 }
            }
        }
        let request = LayerRequest(hiddenStates: [pair.student])
        let output = withoutGradients { objective.student.encode(input, request: request) }
        return try Matrix(output.hiddenStates[pair.student]!.select(0, 0)).rows.map { row in
            guard objective.settings.layers.head == .mlp else { return try map(row, "") }
            return try map(try map(row, "0.").map { max(0, $0) }, "2.")
        }
    }

    /// Everything computed again from the encoders' outputs: without masking each frame is told
    /// from all others of its utterance.
    @Test(arguments: TinyFamily.allCases, CoLLDTests.everything.indices)
    func equalsPlainLoops(_ family: TinyFamily, _ index: Int) throws {
        let (mapping, target, head) = Self.everything[index]
        let objective = try family.objective {
            $0.layers.mapping = mapping
            $0.layers.target = target
            $0.layers.head = head
            $0.layers.masking.sampler = .none
            $0.distractors = .all
            $0.excludeRadius = 1
        }
        let frames = [14, 9]
        let batch = family.batch(frames: frames)
        let report = try objective.report(batch)
        #expect(report.count == frames.reduce(0, +))
        var sum = 0.0
        var metrics: [String: Double] = [:]
        for pair in objective.pairs {
            var loss = NaiveLoss([], [], distractors: [], temperature: 0.1)
            for (clip, count) in frames.enumerated() {
                // Each utterance for itself: what it is batched with must not matter.
                let length = batch.student.lengths?[clip] ?? batch.student.values.size(1)
                let input = EncoderInput(
                    values: batch.student.values.narrow(0, clip, 1).narrow(1, 0, length),
                    lengths: nil)
                let distractors = (0..<count).map { anchor in
                    (0..<count).filter { abs($0 - anchor) > 1 }
                }
                loss.add(
                    NaiveLoss(
                        try prediction(objective, input, pair),
                        self.target(objective, input, layer: pair.teacher),
                        distractors: distractors, temperature: 0.1))
            }
            sum += loss.sum
            for (name, value) in zip(ContrastiveLoss.Diagnostics.names, loss.diagnostics) {
                metrics["\(pair)/\(name)"] = value
            }
        }
        expectClose(report.sum.item(), sum / Double(objective.pairs.count), within: 2e-3)
        let found = report.metrics.filter { !$0.name.hasSuffix("_rank") }
        #expect(Set(found.map(\.name)) == Set(metrics.keys))
        #expect(report.metrics.count == 7 * objective.pairs.count)
        for (name, value) in found {
            expectClose(value, try #require(metrics[name]), within: 1e-3, name)
        }
    }

    /// Sums and counts add up, so that it does not matter how an update is cut into batches.
    @Test(arguments: TinyFamily.allCases, [TargetFeature.Normalization.none, .instance])
    func sumsAndCountsAddUp(
        _ family: TinyFamily, _ normalization: TargetFeature.Normalization
    ) throws {
        // Nothing is drawn at random here: masks and distractors follow a batch's seed, so those of
        // two halves are others than those of the whole.
        let objective = try family.objective {
            $0.layers.masking.sampler = .none
            $0.distractors = .all
            $0.layers.target.normalization = normalization
        }
        let frames = [30, 12, 25, 1, 2]
        let whole = family.batch(frames: frames)
        func part(_ clips: Range<Int>) -> TrainingBatch {
            let lengths = whole.student.lengths.map { Array($0[clips]) }
            let longest = lengths?.max() ?? whole.student.values.size(1)
            let input = EncoderInput(
                values: whole.student.values.narrow(0, clips.lowerBound, clips.count)
                    .narrow(1, 0, longest), lengths: lengths)
            return TrainingBatch(student: input, teachers: [input])
        }
        let report = try objective.report(whole)
        let parts = [try objective.report(part(0..<2)), try objective.report(part(2..<5))]
        // One frame alone has no distractors.
        #expect(report.count == 30 + 12 + 25 + 2)
        #expect(report.count == parts.map(\.count).reduce(0, +))
        expectClose(
            report.sum.item(), parts.map { $0.sum.item() }.reduce(0, +),
            within: 1e-4 * report.sum.item())
    }

    @Test(arguments: TinyFamily.allCases)
    func everyPairHasItsHead(_ family: TinyFamily) throws {
        let linear = try family.objective { $0.layers.mapping = .everyTeacher }
        #expect("\(linear.pairs)" == "[1:1, 1:2, 2:3, 2:4]")
        #expect(
            linear.heads.names
                == ["1-1", "1-2", "2-3", "2-4"].flatMap {
                    ["heads.\($0).weight", "heads.\($0).bias"]
                })
        #expect(linear.heads["heads.2-3.weight"]?.shape == [24, 16])
        #expect(linear.heads["heads.2-3.bias"]?.shape == [24])
        let first = linear.heads["heads.1-1.weight"]
        #expect(first?.floats() != linear.heads["heads.1-2.weight"]?.floats())
        let mlp = try family.objective { $0.layers.head = .mlp }
        #expect(
            mlp.heads.names
                == ["1-2", "2-4"].flatMap { pair in
                    ["0.weight", "0.bias", "2.weight", "2.bias"].map { "heads.\(pair).\($0)" }
                })
        #expect(mlp.heads["heads.1-2.0.weight"]?.shape == [16, 16])
        #expect(mlp.heads["heads.1-2.2.weight"]?.shape == [24, 16])
        #expect(mlp.heads.trainable.count == 8)
        // The seed decides their first values.
        let again = try family.objective { $0.layers.head = .mlp }
        let other = try family.objective({ $0.layers.head = .mlp }, seed: 4)
        let name = "heads.2-4.2.weight"
        #expect(mlp.heads[name]?.floats() == again.heads[name]?.floats())
        #expect(mlp.heads[name]?.floats() != other.heads[name]?.floats())
    }

    @Test(arguments: TinyFamily.allCases)
    func maskedFramesOrAll(_ family: TinyFamily) throws {
        // One span of 6 frames in every utterance that is long enough for two.
        func objective(_ frames: LayerSettings.Frames) throws -> CoLLD {
            try family.objective {
                $0.layers.masking = SpanMasking(probability: 0, length: 6, minimumSpans: 1)
                $0.layers.frames = frames
                $0.distractors = .all
            }
        }
        let masked = try objective(.masked)
        #expect(masked.minimumFrames == 12)
        let batch = family.batch(frames: [40, 11, 25])
        let some = try masked.report(batch)
        let all = try objective(.all).report(batch)
        #expect(some.count == 12)
        #expect(all.count == 40 + 25)
        let unmasked = try family.objective {
            $0.layers.masking.sampler = .none
            $0.distractors = .all
        }
        #expect(unmasked.minimumFrames == 2)
        let everything = try unmasked.report(batch)
        #expect(everything.count == 40 + 11 + 25)
        // The same frames and distractors, but the student hears less.
        let pair = family.batch(frames: [40, 40])
        let heard = try unmasked.report(pair)
        let hidden = try objective(.all).report(pair)
        #expect(heard.count == hidden.count)
        #expect(heard.sum.item() != hidden.sum.item())
    }

    @Test(arguments: TinyFamily.allCases)
    func theBatchSeedDecides(_ family: TinyFamily) throws {
        let objective = try family.objective()
        let batch = family.batch(frames: [60, 45])
        func sum(_ seed: UInt64, _ step: Int, _ index: Int) throws -> Double {
            try objective.report(batch, BatchSeed(seed: seed, step: step, batch: index)).sum.item()
        }
        let first = try sum(1, 0, 0)
        // The batches before have no part in it.
        let others = [try sum(2, 0, 0), try sum(1, 1, 0), try sum(1, 0, 1)]
        #expect(try sum(1, 0, 0) == first)
        #expect(Set(others + [first]).count == 4)
        let report = try objective.report(batch)
        let plain = try objective.loss(on: batch, context(firstBatch))
        #expect(plain.sum.item() == report.sum.item() && plain.count == report.count)
        #expect(plain.metrics.isEmpty && report.metrics.count == 14)
        // The diagnostics hold the loss by pair.
        let losses = report.metrics.filter { $0.name.hasSuffix("/loss") }.map(\.value)
        expectClose(
            report.sum.item() / Double(report.count), losses.reduce(0, +) / 2, within: 1e-5)
    }

    @Test func layersShareDistractorsOrNot() throws {
        func report(shared: Bool) throws -> [Double] {
            let objective = try TinyFamily.w2vBert.objective { $0.sharesDistractors = shared }
            return try objective.report(TinyFamily.w2vBert.batch(frames: [70, 50]))
                .metrics.map(\.value)
        }
        let (shared, own) = (try report(shared: true), try report(shared: false))
        // The first pair draws the same either way.
        #expect(shared[..<7] == own[..<7])
        #expect(shared[7] != own[7])
        // Cosines to the own targets and ranks know nothing of distractors.
        #expect(shared[9] == own[9] && shared[12...] == own[12...])
    }

    /// Front ends of one rate may give a frame more or less.
    @Test(arguments: TinyFamily.allCases)
    func frontEndsMayDifferByAFrame(_ family: TinyFamily) throws {
        let teacher = family.encoder(layers: 3, width: 24, seed: 1)
        let student = family.encoder(layers: 3, width: 16, heads: 2, seed: 2)
        var settings = CoLLDSettings()
        settings.layers.frames = .all
        let objective = try CoLLD(settings, teachers: [teacher], student: student, seed: 3)
        for (taught, heard) in [
            ([30, 22], [29, 23]), ([30, 30], [31, 31]), ([31, 25], [30, 25]),
            ([30, 22], [31, 31]),
            ([31, 31], [30, 22]),
        ] {
            let batch = TrainingBatch(
                student: family.input(frames: heard), teachers: [family.input(frames: taught)])
            let report = try objective.report(batch)
            #expect(report.count == zip(taught, heard).map { min($0, $1) }.reduce(0, +))
            #expect(report.sum.item().isFinite)
        }
    }

    @Test(arguments: TinyFamily.allCases)
    func halfPrecisionStaysClose(_ family: TinyFamily) throws {
        let objective = try family.objective()
        let batch = family.batch(frames: [80, 64])
        let exact = try objective.report(batch)
        objective.teachers[0].precision = .bfloat16
        objective.student.precision = .bfloat16
        let half = try objective.report(batch)
        #expect(half.sum.dtype == .float32 && half.count == exact.count)
        #expect(half.sum.item() != exact.sum.item())
        expectClose(half.sum.item(), exact.sum.item(), within: 0.02 * exact.sum.item())
    }
}
