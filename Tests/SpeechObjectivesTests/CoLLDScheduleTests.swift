import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// What moves during a run: the rate of masking and the temperature; and what each pair counts.
@Suite struct CoLLDScheduleTests {
    private func context(
        step: Int, isValidation: Bool = false
    ) -> LossContext {
        LossContext(
            seed: BatchSeed(seed: 7, step: step, batch: 0), step: step, steps: 1000,
            isValidation: isValidation, withDiagnostics: true)
    }

    /// From no masking, where every frame is predicted, to the full rate; validations stand at the
    /// end.
    @Test(arguments: [0.1, 100])
    func maskingWarmsUp(_ warmup: Double) throws {
        let family = TinyFamily.w2vBert
        let objective = try family.objective { $0.layers.masking.warmup = warmup }
        let batch = family.batch(frames: [200, 160])
        func count(_ context: LossContext) throws -> Int {
            try objective.loss(on: batch, context).count
        }
        #expect(try count(context(step: 0)) == 360)
        // 0.65 / 10 · 199 · 0.3 gives 3 spans, of 159 frames 3.
        let early = try count(context(step: 30))
        let late = try count(context(step: 100))
        #expect((10...60).contains(early), "\(early) frames")
        #expect((130...230).contains(late), "\(late) frames")
        #expect((130...230).contains(try count(context(step: 0, isValidation: true))))
        let plain = try family.objective()
        #expect(
            try plain.loss(on: batch, context(step: 100)).sum.item()
                == objective.loss(on: batch, context(step: 100)).sum.item())
    }

    /// τ starts at its setting, has a gradient, and stays above 0.01.
    @Test func temperatureIsLearned() throws {
        let family = TinyFamily.w2vBert
        let batch = family.batch(frames: [60, 50])
        let fixed = try family.objective().report(batch)
        let objective = try family.objective { $0.learnsTemperature = true }
        let report = try objective.report(batch)
        expectClose(report.sum.item(), fixed.sum.item(), within: 1e-2)
        let logged = try #require(report.metrics.first { $0.name == "temperature" })
        expectClose(logged.value, 0.1, within: 1e-6)

        let scale = try #require(objective.heads["log_scale"])
        report.sum.backward()
        let gradient = try #require(scale.gradient).item()
        func loss(_ change: Double) throws -> Double {
            let value = -log(0.1) + change
            withoutGradients { scale.assign(Tensor.full([], value)) }
            return try withoutGradients { try objective.report(batch).sum.item() }
        }
        let slope = try (loss(1e-2) - loss(-1e-2)) / 2e-2
        expectClose(gradient, slope, within: 0.02 * abs(slope) + 1e-2)
        withoutGradients { scale.assign(Tensor.full([], 20)) }
        let coldest = try objective.report(batch).metrics.first { $0.name == "temperature" }
        expectClose(try #require(coldest).value, 0.01, within: 1e-6)
    }

    /// Weights multiply the losses of pairs; without any all count the same.
    @Test func pairsAreWeighed() throws {
        let family = TinyFamily.w2vBert
        let batch = family.batch(frames: [60, 50])
        func sum(_ weights: [Double]) throws -> Double {
            try family.objective { $0.layers.layerWeights = weights }.report(batch).sum.item()
        }
        let (first, last) = (try sum([1, 0]), try sum([0, 1]))
        expectClose(try sum([]), (first + last) / 2, within: 1e-2)
        expectClose(try sum([0.1, 1]), 0.1 * first + last, within: 1e-2)
        for (weights, found) in [([1.0], "1"), ([1, 2, 3], "3"), ([0, 0], "[0.0, 0.0]")] {
            expectError(ObjectiveError.self, containing: ["objective.layer_weights", found]) {
                _ = try sum(weights)
            }
        }
    }

    /// Differentiating pair by pair gives the student the gradient of the whole sum.
    @Test(arguments: TinyFamily.allCases)
    func gradientsAreThoseOfTheSum(_ family: TinyFamily) throws {
        let batch = family.batch(frames: [40, 30])
        func objective(_ weights: [Double]) throws -> CoLLD {
            try family.objective {
                $0.layers.mapping = .everyTeacher
                $0.layers.layerWeights = weights
            }
        }
        func gradients(_ weights: [Double]) throws -> [String: [Double]] {
            let objective = try objective(weights)
            try objective.report(batch).sum.backward()
            return Dictionary(
                uniqueKeysWithValues: (objective.student.parameters.all + objective.heads.all)
                    .compactMap { parameter in
                        parameter.tensor.gradient.map { (parameter.name, $0.doubles()) }
                    })
        }
        let all = try gradients([1, 1, 1, 1])
        let parts = try (0..<4).map { pair in
            try gradients((0..<4).map { $0 == pair ? 1 : 0 })
        }
        #expect(all.count > 20)
        for (name, gradient) in all {
            let sum = parts.reduce([Double](repeating: 0, count: gradient.count)) { total, part in
                zip(total, part[name] ?? total.map { _ in 0 }).map { $0 + $1 }
            }
            let scale = gradient.map { abs($0) }.max() ?? 0
            for (one, other) in zip(gradient, sum) {
                expectClose(one, other, within: 1e-4 * scale + 1e-5, name)
            }
        }
        // And a step along the gradient moves the loss as it says.
        let stepped = try objective([1, 1, 1, 1])
        let report = try stepped.report(batch)
        report.sum.backward()
        var expected = 0.0
        withoutGradients {
            for (_, tensor) in stepped.student.parameters.all {
                guard let gradient = tensor.gradient else { continue }
                let norm = gradient.norm([]).item() as Double
                expected += norm * norm
            }
            for (_, tensor) in stepped.student.parameters.all {
                guard let gradient = tensor.gradient else { continue }
                tensor.assign(tensor - gradient * (1e-3 / expected.squareRoot()))
            }
        }
        let after = try stepped.report(batch).sum.item()
        let slope = (report.sum.item() - after) / 1e-3
        expectClose(slope, expected.squareRoot(), within: 0.1 * expected.squareRoot())
    }

    /// A batch of 340 x 512 values a clip, which goes through heads and loss three clips at a time.
    private static let bigBatch = [340, 300, 330, 290]

    /// The sum, and the gradients of student and heads by name, of the clips in a batch.
    private func gradients(
        of clips: [Int], _ settings: CoLLDSettings, diagnostics: Bool = false
    ) throws -> (count: Int, sum: Double, gradients: [String: [Double]]) {
        let family = TinyFamily.w2vBert
        let teacher = family.encoder(layers: 2, width: 512, heads: 8, seed: 1)
        let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 2)
        student.parameters.setTrainable(true)
        let objective = try CoLLD(settings, teachers: [teacher], student: student, seed: 3)
        let whole = family.batch(frames: Self.bigBatch)
        let clip = whole.utterance(clips[0])
        let batch =
            clips.count == Self.bigBatch.count
            ? whole : TrainingBatch(student: clip, teachers: [clip])
        let report = try objective.loss(
            on: batch,
            LossContext(
                seed: BatchSeed(seed: 7, step: 1, batch: 0), step: 1, steps: 1000,
                withDiagnostics: diagnostics))
        #expect(report.metrics.isEmpty == !diagnostics)
        report.sum.backward()
        let gradients = (student.parameters.all + objective.heads.all).compactMap { parameter in
            parameter.tensor.gradient.map { (parameter.name, $0.doubles()) }
        }
        return (report.count, report.sum.item(), Dictionary(uniqueKeysWithValues: gradients))
    }

    /// Big batches go through heads and loss a few clips at a time, which gives the sum over clips.
    @Test func partsOfABatchAddUp() throws {
        var settings = CoLLDSettings()
        settings.layers.masking.sampler = .none
        settings.distractors = .all
        let clips = Array(Self.bigBatch.indices)
        let whole = try gradients(of: clips, settings)
        let alone = try clips.map { try gradients(of: [$0], settings) }
        #expect(whole.count == 1260 && alone.map(\.count) == Self.bigBatch)
        let sum = alone.reduce(0) { $0 + $1.sum }
        expectClose(whole.sum, sum, within: 1e-5 * sum)
        #expect(whole.gradients.count > 20)
        for (name, gradient) in whole.gradients {
            let added = try alone.reduce([Double](repeating: 0, count: gradient.count)) {
                zip($0, try #require($1.gradients[name])).map { $0 + $1 }
            }
            let scale = added.map { abs($0) }.max() ?? 0
            expectClose(gradient, added, within: 1e-4 * scale + 1e-6, name)
        }
    }

    /// What is logged about a step has no part in it: the last bits stay, so that a run may be resumed
    /// with another `trainer.log_every`.
    @Test(arguments: [true, false])
    func lookingChangesNothing(_ shares: Bool) throws {
        var settings = CoLLDSettings()
        settings.sharesDistractors = shares
        let clips = Array(Self.bigBatch.indices)
        let unseen = try gradients(of: clips, settings)
        let seen = try gradients(of: clips, settings, diagnostics: true)
        #expect(seen.sum == unseen.sum)
        #expect(seen.gradients == unseen.gradients)
    }
}
