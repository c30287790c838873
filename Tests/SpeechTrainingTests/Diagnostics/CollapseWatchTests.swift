import Foundation
import SpeechTraining
import TestSupport
import Testing

/// Warnings of runs that learn nothing.
@Suite struct CollapseWatchTests {
    /// A run of CoLLD that learns: validations every 100 steps.
    private static func healthy(_ index: Int) -> [(name: String, value: Double)] {
        let progress = 1 - exp(-Double(index) / 5)
        return [
            ("1:2/loss", 4.6 - 3 * progress), ("1:2/accuracy", 0.01 + 0.7 * progress),
            ("1:2/positive_cosine", 0.8 * progress), ("1:2/negative_cosine", 0.1),
            ("1:2/target_cosine", 0.3), ("1:2/prediction_rank", 1.2 + 40 * progress),
            ("1:2/target_rank", 60),
        ]
    }

    /// All warnings of a series of validations, by validation.
    private func warnings(
        _ count: Int, every steps: Int = 100, warmup: Int = 50, chance: Double? = log(101),
        loss: (Int) -> Double = { 4.6 - 3 * (1 - exp(-Double($0) / 5)) },
        changing changed: (Int) -> [String: Double] = { _ in [:] }
    ) -> [(validation: Int, text: String)] {
        var watch = CollapseWatch(warmup: warmup, chanceLevel: chance)
        return (0..<count).flatMap { index in
            let changes = changed(index)
            var metrics = Self.healthy(index).map { name, value in
                (name: name, value: changes[String(name.dropFirst(4))] ?? value)
            }
            for (name, value) in changes
            where !metrics.contains(where: { $0.name == "1:2/\(name)" }) {
                metrics.append((name, value))
            }
            return watch.observe(step: index * steps, loss: loss(index), metrics: metrics)
                .map { (index, $0) }
        }
    }

    @Test func aRunThatLearnsIsLeftAlone() {
        #expect(warnings(60).isEmpty)
        // Regression: no level of chance, a loss of any size.
        #expect(warnings(60, chance: nil, loss: { 80 * exp(-Double($0)) + 1e-4 }).isEmpty)
        // A slow start within the warm-up.
        #expect(
            warnings(60, warmup: 1000, loss: { $0 < 12 ? 4.615 : 3 }) {
                $0 < 12 ? ["accuracy": 0.01, "prediction_rank": 1] : [:]
            }.isEmpty)
        // Two bad validations are no state.
        #expect(
            warnings(60, loss: { $0 % 5 < 2 ? 4.615 : 2 }).isEmpty)
        // Similar targets that are told apart all the same.
        #expect(warnings(60, changing: { _ in ["target_cosine": 0.9, "accuracy": 0.6] }).isEmpty)
    }

    @Test(
        "each sign has its words",
        arguments: [
            (["target_rank": 1.0], "targets are all the same"),
            (["target_cosine": 0.7, "accuracy": 0.02], "target.normalization=instance"),
            (["prediction_rank": 1.05], "student has collapsed"),
            (["accuracy": 0.0099], "no more often than by chance"),
            (["prediction_loss": 5.5, "code_entropy": 5.51], "entropy of the codes"),
            (["code_perplexity": 1.01], "hardly more than one code"),
            (["quantizer_perplexity": 1.01, "code_perplexity": 9], "hardly more than one code"),
        ])
    func signs(_ values: [String: Double], _ said: String) {
        let found = warnings(12, changing: { _ in values })
        #expect(found.count == 1, "\(found)")
        #expect(found.first?.text.contains(said) == true, "\(found)")
        // Not before three validations behind twice the warm-up.
        #expect(found.first?.validation == 3)
        // And not in a run that is shorter than anything takes.
        #expect(warnings(12, every: 5, changing: { _ in values }).isEmpty)
    }

    @Test func lossesThatStay() {
        let stuck = warnings(12, loss: { 4.6 - 0.001 * Double($0) })
        #expect(stuck.map(\.validation) == [3])
        #expect(stuck[0].text.contains("level of chance") && stuck[0].text.contains("4.6"))
        let growing = warnings(12, chance: nil, loss: { 1 + Double($0) })
        #expect(growing.map(\.validation) == [3])
        #expect(growing[0].text.contains("no lower than before the first update"))
        // A student that has learned and then lost everything.
        let late = warnings(40, loss: { $0 == 0 ? 4.62 : $0 < 20 ? 2 : 4.61 })
        #expect(late.map(\.validation) == [22])
    }

    @Test func aWarningIsRepeatedSeldom() {
        let found = warnings(60, changing: { _ in ["prediction_rank": 1] })
        #expect(found.map(\.validation) == [3, 23, 43])
    }

    @Test func meansOverPairsAndMissingValues() {
        var watch = CollapseWatch(warmup: 0, chanceLevel: nil)
        for step in 1...10 {
            // One pair of two is flat, and a value is no number.
            let metrics: [(name: String, value: Double)] = [
                ("0/1:2/prediction_rank", 1), ("1/1:2/prediction_rank", 9),
                ("0/1:2/target_rank", 9), ("1/1:2/target_rank", .nan),
            ]
            #expect(
                watch.observe(step: 100 * step, loss: 1 / Double(step), metrics: metrics).isEmpty)
            #expect(watch.observe(step: 100 * step, loss: 0.9 / Double(step), metrics: []).isEmpty)
        }
    }
}
