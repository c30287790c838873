import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// What all objectives that regress teachers' layers have in common.
@Suite(.serialized) struct BaselineTests {
    /// Sums and counts add up, so that it does not matter how an update is cut into batches.
    @Test(arguments: TinyFamily.allCases, Baseline.allCases)
    func sumsAndCountsAddUp(_ family: TinyFamily, _ baseline: Baseline) throws {
        // Masks follow a batch's seed: those of its parts would be others.
        let objective = try baseline.objective(family, masking: SpanMasking(sampler: .none))
        let frames = [30, 12, 25, 1, 2]
        let whole = family.batch(frames: frames)
        let report = try objective.report(whole)
        #expect(report.count == 70)
        let parts = try frames.indices.map { clip in
            let input = whole.utterance(clip)
            return try objective.report(TrainingBatch(student: input, teachers: [input]))
        }
        #expect(parts.map(\.count) == frames)
        expectClose(
            report.sum.item(), parts.map { $0.sum.item() }.reduce(0, +),
            within: 1e-4 * report.sum.item())
        #expect(report.metrics.allSatisfy { $0.value.isFinite })
        #expect(parts.allSatisfy { $0.metrics.allSatisfy { $0.value.isFinite } })
    }

    /// Padding has no part in it, whatever it holds.
    @Test(arguments: TinyFamily.allCases, Baseline.allCases)
    func paddingIsNotHeard(_ family: TinyFamily, _ baseline: Baseline) throws {
        let objective = try baseline.objective(family)
        let input = family.input(frames: [45, 61])
        let lengths = input.lengths ?? []
        func report(_ extra: Int, _ value: Double) throws -> LossReport {
            objective.student.parameters.clearGradients()
            objective.heads.clearGradients()
            var shape = input.values.shape
            shape[1] += extra
            let padded = EncoderInput(
                values: .concatenate(
                    [
                        input.values,
                        .full([shape[0], extra] + shape.dropFirst(2), value),
                    ], 1), lengths: lengths)
            let report = try objective.report(TrainingBatch(student: padded, teachers: [padded]))
            report.sum.backward()
            return report
        }
        func gradients() -> [Float] {
            objective.student.parameters.trainable.flatMap { $0.tensor.gradient?.floats() ?? [] }
        }
        let zeros = try report(family == .w2vBert ? 20 : 400, 0)
        let expected = gradients()
        let loud = try report(family == .w2vBert ? 33 : 660, 9)
        #expect(loud.count == zeros.count)
        expectClose(loud.sum.item(), zeros.sum.item(), within: 1e-4 * zeros.sum.item())
        let scale = expected.reduce(0) { max($0, abs(Double($1))) }
        expectClose(gradients(), expected, within: 1e-4 * scale, "gradients")
    }

    /// The slope of the loss along the gradient itself, for the student and for the heads.
    @Test(arguments: TinyFamily.allCases, Baseline.allCases)
    func gradientsEqualFiniteDifferences(_ family: TinyFamily, _ baseline: Baseline) throws {
        let objective = try baseline.objective(family)
        let batch = family.batch(frames: [42, 35])
        func mean() throws -> Double {
            let report = try objective.loss(on: batch, context(firstBatch))
            return report.sum.item() / Double(report.count)
        }
        let report = try objective.loss(on: batch, context(firstBatch))
        report.sum.backward()
        for store in [objective.student.parameters, objective.heads] {
            let moved = store.trainable.compactMap { _, tensor in
                tensor.gradient.map { (tensor, tensor.copied().detached(), $0.copied()) }
            }
            guard !moved.isEmpty else {
                #expect(baseline == .starHuBERT)
                continue
            }
            let count = Double(report.count)
            let norm = moved.reduce(0) { $0 + ($1.2 * $1.2).sum().item() }.squareRoot() / count
            func loss(at distance: Double) throws -> Double {
                try withoutGradients {
                    for (tensor, start, gradient) in moved {
                        tensor.assign(start + gradient * (distance / norm / count))
                    }
                    return try mean()
                }
            }
            let step = 2e-3
            let slope = (try loss(at: step) - loss(at: -step)) / (2 * step)
            _ = try loss(at: 0)
            expectClose(slope, norm, within: 0.02 * norm, "slope")
        }
    }

    @Test(arguments: Baseline.allCases)
    func gradientsReachStudentAndHeadsOnly(_ baseline: Baseline) throws {
        let objective = try baseline.objective(.w2vBert)
        objective.teachers[0].parameters.setTrainable(true)
        defer { objective.teachers[0].parameters.setTrainable(false) }
        let batch = TinyFamily.w2vBert.batch(frames: [60, 41])
        try objective.report(batch).sum.backward()
        #expect(objective.teachers[0].parameters.all.allSatisfy { $0.tensor.gradient == nil })
        #expect((objective.heads.all.count > 0) == (baseline != .starHuBERT))
        for (name, tensor) in objective.heads.all + objective.student.parameters.trainable {
            let isUnused =
                name == "masked_spec_embed" && !baseline.masks || name.hasSuffix("linear_k.bias")
            guard !isUnused else { continue }
            let gradient = try #require(tensor.gradient, "\(name)")
            #expect(gradient.isAllFinite() && gradient.floats().contains { $0 != 0 }, "\(name)")
        }
    }

    /// The batches before have no part in a loss; masks follow its seed.
    @Test(arguments: Baseline.allCases)
    func theBatchSeedDecides(_ baseline: Baseline) throws {
        let objective = try baseline.objective(.w2vBert)
        let batch = TinyFamily.w2vBert.batch(frames: [60, 45])
        func sum(_ seed: UInt64, _ step: Int, _ index: Int) throws -> Double {
            try objective.report(batch, BatchSeed(seed: seed, step: step, batch: index)).sum.item()
        }
        let first = try sum(1, 0, 0)
        let others = [try sum(2, 0, 0), try sum(1, 1, 0), try sum(1, 0, 1)]
        #expect(try sum(1, 0, 0) == first)
        #expect(Set(others + [first]).count == (baseline.masks ? 4 : 1))
    }

    @Test(arguments: Baseline.allCases)
    func halfPrecisionStaysClose(_ baseline: Baseline) throws {
        let objective = try baseline.objective(.w2vBert)
        let batch = TinyFamily.w2vBert.batch(frames: [80, 64])
        let exact = try objective.report(batch)
        objective.teachers[0].precision = .bfloat16
        objective.student.precision = .bfloat16
        let half = try objective.report(batch)
        #expect(half.sum.dtype == .float32 && half.count == exact.count)
        expectClose(half.sum.item(), exact.sum.item(), within: 0.03 * exact.sum.item())
    }

    @Test(arguments: Baseline.allCases)
    func shortUtterances(_ baseline: Baseline) throws {
        let objective = try baseline.objective(.w2vBert)
        #expect(objective.minimumFrames == (baseline.masks ? 20 : 1))
        guard baseline.masks else { return }
        #expect(throws: ObjectiveError.nothingToPredict(frames: [19, 5], needed: 20)) {
            try objective.report(TinyFamily.w2vBert.batch(frames: [19, 5]))
        }
    }
}
