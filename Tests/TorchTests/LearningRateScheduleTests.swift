import Foundation
import Testing
import Torch

@Suite struct LearningRateScheduleTests {
    private func expect(
        _ schedule: LearningRateSchedule, total: Int, _ expected: [Int: Double],
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (step, factor) in expected.sorted(by: { $0.key < $1.key }) {
            let found = schedule.factor(step: step, total: total)
            #expect(
                abs(found - factor) < 1e-12, "step \(step): \(found), expected \(factor)",
                sourceLocation: sourceLocation)
        }
    }

    @Test func constant() {
        expect(
            .constant(warmup: 4), total: 10, [0: 0.25, 1: 0.5, 3: 1, 4: 1, 9: 1, 10: 1, 99: 1])
        expect(.constant(warmup: 0), total: 10, [0: 1, 9: 1])
    }

    @Test func linear() {
        expect(
            .linear(warmup: 2), total: 10,
            [0: 0.5, 1: 1, 2: 1, 3: 0.875, 6: 0.5, 9: 0.125, 10: 0, 11: 0])
        expect(.linear(warmup: 0), total: 4, [0: 1, 1: 0.75, 3: 0.25, 4: 0])
    }

    @Test func cosine() {
        expect(
            .cosine(warmup: 2, floor: 0.1), total: 10,
            [
                0: 0.5, 1: 1, 2: 1, 4: 0.1 + 0.9 * 0.5 * (1 + 0.5.squareRoot()), 6: 0.55, 10: 0.1,
                20: 0.1,
            ])
        expect(.cosine(warmup: 0, floor: 0), total: 2, [0: 1, 1: 0.5, 2: 0])
    }

    @Test func polynomial() {
        expect(
            .polynomial(warmup: 2, power: 2, floor: 0.2), total: 10,
            [0: 0.5, 1: 1, 2: 1, 6: 0.2 + 0.8 * 0.25, 9: 0.2 + 0.8 / 64, 10: 0.2, 12: 0.2])
        expect(.polynomial(warmup: 0, power: 1, floor: 0), total: 4, [0: 1, 3: 0.25, 4: 0])
    }

    @Test func triStage() {
        expect(
            .triStage(warmup: 4, hold: 3, decay: 2, start: 0.01, floor: 0.05), total: 9,
            [
                0: 0.01, 2: 0.505, 3: 0.01 + 0.99 * 0.75, 4: 1, 6: 1, 7: 1, 8: 0.05.squareRoot(),
                9: 0.05, 50: 0.05,
            ])
        expect(
            .triStage(warmup: 0, hold: 0, decay: 2, start: 0.01, floor: 0.25), total: 2,
            [0: 1, 1: 0.5, 2: 0.25])
        expect(
            .triStage(warmup: 1, hold: 1, decay: 0, start: 0, floor: 0.5), total: 2,
            [0: 0, 1: 1, 2: 1, 3: 0.5])
    }

    @Test func runsShorterThanTheirWarmUpOnlyRise() {
        for schedule in [
            LearningRateSchedule.constant(warmup: 10), .linear(warmup: 10),
            .cosine(warmup: 10, floor: 0), .polynomial(warmup: 10, power: 1, floor: 0),
        ] {
            expect(schedule, total: 5, [0: 0.1, 4: 0.5])
        }
    }
}
