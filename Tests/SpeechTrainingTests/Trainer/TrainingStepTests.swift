import Foundation
import SpeechModels
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing
import Torch

@Suite struct TrainingStepTests {
    private func values(_ store: ParameterStore) -> [String: [Float]] {
        store.all.reduce(into: [:]) { $0[$1.name] = $1.tensor.floats() }
    }

    /// In a process of its own: the number of threads belongs to the process.
    @Test func eightUtterancesAreLearnedByHeart() async {
        await #expect(processExitsWith: .success) {
            Engine.threads = 1
            let tiny = try TinyDistillation(TinyDistillation.unmasked)
            let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
            let batch = try TinyDistillation.batch((0..<8).map { 1 + 0.1 * Double($0) })
            var losses: [Double] = []
            while losses.count < 500 && losses.last ?? 1 >= 0.1 {
                let seed = BatchSeed(seed: 1, step: losses.count, batch: 0)
                let warmup = min(1, Double(losses.count + 1) / 20)
                let report = try step([(batch, seed)], learningRate: 4e-3 * warmup)
                #expect(report.isApplied)
                losses.append(report.loss)
            }
            // It began about where nothing is known.
            let chance = try #require(tiny.objective.chanceLevel)
            #expect(abs(losses[0] - chance) < 1, "\(losses[0])")
            #expect(losses[losses.count - 1] < 0.1, "\(losses.count): \(losses.suffix(3))")
        }
    }

    @Test func batchesOfAnUpdateWeighByTheirFrames() throws {
        // All other frames as distractors: a batch has no randomness, and its loss is a sum over
        // its utterances.
        var settings = TinyDistillation.unmasked
        settings.distractors = .all
        let seconds = [1.0, 0.8, 0.7]
        var results: [TrainingStep.Report] = []
        for groups in [[3], [1, 2], [1, 1, 1]] {
            let tiny = try TinyDistillation(settings)
            let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 0)
            var first = 0
            let batches = try groups.enumerated().map { index, count in
                defer { first += count }
                return (
                    batch: try TinyDistillation.batch(
                        Array(seconds[first..<first + count]), first: first),
                    seed: BatchSeed(seed: 1, step: 0, batch: index)
                )
            }
            results.append(try step(batches, learningRate: 1e-3))
        }
        // The same speech twice is no larger step.
        let tiny = try TinyDistillation(settings)
        let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 0)
        let batch = try TinyDistillation.batch(seconds)
        var twice = try step(
            (0..<2).map { (batch, BatchSeed(seed: 1, step: 0, batch: $0)) }, learningRate: 1e-3)
        twice.count /= 2
        twice.lossSum /= 2
        results.append(twice)
        for result in results.dropFirst() {
            #expect(result.count == results[0].count)
            expectClose(result.loss, results[0].loss, within: 1e-5, "loss")
            let norm = results[0].gradientNorm
            expectClose(result.gradientNorm, norm, within: 1e-4 * norm, "norm")
        }
    }

    @Test func onlyStudentAndHeadsMove() throws {
        let tiny = try TinyDistillation()
        let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
        let batch = try TinyDistillation.batch([1.5, 2])
        let teacher = values(tiny.teacher.parameters)
        let student = values(tiny.student.parameters)
        let heads = values(tiny.objective.heads)
        let report = try step(
            [(batch, BatchSeed(seed: 1, step: 0, batch: 0))], learningRate: 1e-3,
            withDiagnostics: true)
        #expect(values(tiny.teacher.parameters) == teacher)
        let moved = values(tiny.student.parameters).filter { student[$0.key] != $0.value }
        // With what is behind the last layer unused everything that the loss sees moves.
        #expect(Set(student.keys).subtracting(moved.keys).isEmpty, "\(moved.count)")
        #expect(values(tiny.objective.heads).allSatisfy { heads[$0.key] != $0.value })
        #expect(report.count > 0 && report.gradientNorm > 0)
        #expect(step.optimizer.step == 1)
        #expect(report.metrics.map(\.name).contains("2:3/accuracy"))
        // Gradients do not stay behind, and dropout is off again.
        #expect(tiny.student.parameters.all.allSatisfy { $0.tensor.gradient == nil })
        #expect(!tiny.student.isTraining)
    }

    @Test func aStepIsAFunctionOfItsSeed() throws {
        func losses(_ seed: UInt64) throws -> [Double] {
            let tiny = try TinyDistillation()
            let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
            let batch = try TinyDistillation.batch([1.5, 2])
            return try (0..<3).map {
                try step(
                    [(batch, BatchSeed(seed: seed, step: $0, batch: 0))], learningRate: 1e-3
                ).loss
            }
        }
        #expect(try losses(1) == losses(1))
        #expect(try losses(1) != losses(2))
    }

    @Test func aGradientThatIsNotFiniteChangesNothing() throws {
        let tiny = try TinyDistillation()
        let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
        let batch = try TinyDistillation.batch([1.5])
        let weight = try #require(tiny.student.parameters["feature_projection.projection.weight"])
        withoutGradients { weight.fill(.infinity) }
        let student = values(tiny.student.parameters)
        let report = try step(
            [(batch, BatchSeed(seed: 1, step: 0, batch: 0))], learningRate: 1e-3)
        #expect(!report.isApplied)
        #expect(report.count > 0)
        #expect(values(tiny.student.parameters) == student)
        #expect(step.optimizer.step == 0)
        #expect(step.optimizer.state.allSatisfy { $0.tensor.abs().sum().item() == 0 })
    }

    @Test func aBatchThatCannotBeUsedChangesNothing() throws {
        let tiny = try TinyDistillation()
        let step = TrainingStep(tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
        let student = values(tiny.student.parameters)
        let good = try TinyDistillation.batch([1.5])
        // Shorter than two spans.
        let bad = try TinyDistillation.batch([0.2])
        expectError(ObjectiveError.self, containing: ["20 frames"]) {
            try step(
                [
                    (good, BatchSeed(seed: 1, step: 0, batch: 0)),
                    (bad, BatchSeed(seed: 1, step: 0, batch: 1)),
                ], learningRate: 1e-3)
        }
        #expect(values(tiny.student.parameters) == student)
        #expect(tiny.student.parameters.all.allSatisfy { $0.tensor.gradient == nil })
        #expect(!tiny.student.isTraining)
        let empty = try step([], learningRate: 1e-3)
        #expect(empty.count == 0 && !empty.isApplied)
        // The step works as before.
        #expect(
            try step([(good, BatchSeed(seed: 1, step: 0, batch: 0))], learningRate: 1e-3).isApplied)
    }

    @Test func clippingBoundsTheUpdateOfPlainGradients() throws {
        // With both decay rates at 0 AdamW moves by lr · g / (|g| + ε); a large ε makes that
        // proportional to the clipped gradient.
        func move(clipNorm: Double) throws -> (norm: Double, moved: Double) {
            let tiny = try TinyDistillation()
            let settings = AdamW.Settings(betas: [0, 0], epsilon: 1e6, weightDecay: 0)
            let step = TrainingStep(tiny.objective, settings: settings, clipNorm: clipNorm)
            let before =
                tiny.objective.heads.all.map { $0.tensor.floats() }
                + tiny.student.parameters.all.map { $0.tensor.floats() }
            let report = try step(
                [(try TinyDistillation.batch([1.5]), BatchSeed(seed: 1, step: 0, batch: 0))],
                learningRate: 1e6)
            let after =
                tiny.objective.heads.all.map { $0.tensor.floats() }
                + tiny.student.parameters.all.map { $0.tensor.floats() }
            let squares = zip(before, after).reduce(0.0) { sum, pair in
                sum
                    + zip(pair.0, pair.1).reduce(0.0) {
                        $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
                    }
            }
            return (report.gradientNorm, squares.squareRoot())
        }
        let free = try move(clipNorm: 0)
        expectClose(free.moved, free.norm, within: 0.01 * free.norm, "without clipping")
        let clipped = try move(clipNorm: free.norm / 2)
        expectClose(clipped.norm, free.norm, within: 1e-6 * free.norm, "norm before clipping")
        expectClose(clipped.moved, free.norm / 2, within: 0.01 * free.norm, "clipped")
        let loose = try move(clipNorm: 2 * free.norm)
        expectClose(loose.moved, free.norm, within: 0.01 * free.norm, "not clipped")
    }

    #if os(Linux)
        /// In a process of its own: other tests allocate meanwhile.
        @Test func memoryStaysSteady() async {
            await #expect(processExitsWith: .success) {
                Engine.threads = 1
                let tiny = try TinyDistillation(precision: .bfloat16)
                let step = TrainingStep(
                    tiny.objective, settings: AdamW.Settings(), clipNorm: 1)
                // Lengths and masks differ as they do in a run, but come back: the engine keeps a
                // bounded number of shapes, which takes many more steps to fill.
                let batches = try [[1.2, 1.5], [1.9, 2, 2], [0.9]].map {
                    try TinyDistillation.batch($0)
                }
                func steps(_ range: Range<Int>) throws {
                    for index in range {
                        let seed = BatchSeed(seed: 1, step: index % 30, batch: 0)
                        _ = try step(
                            [(batches[index % 3], seed)], learningRate: 1e-4,
                            withDiagnostics: index.isMultiple(of: 10))
                    }
                }
                try steps(0..<120)
                let before = try residentKilobytes()
                try steps(120..<450)
                let after = try residentKilobytes()
                #expect(before > 0)
                #expect(
                    Double(after) <= 1.01 * Double(before), "\(before) kB grew to \(after) kB")
            }
        }
    #endif
}

#if os(Linux)
    /// The memory of this process that is in RAM, as the kernel counts it.
    private func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber)))
    }
#endif
