import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The loss beside plain loops, at its limits, and its gradients.
@Suite(.serialized) struct ContrastiveLossPropertyTests {
    private func normal(
        _ shape: [Int], dtype: DType = .float64, seed: UInt64
    ) -> Tensor {
        .normal(shape, dtype: dtype, generator: RandomGenerator(seed: seed))
    }

    /// Distractors by clip and anchor, drawn with replacement from the other anchors.
    private func lists(_ anchors: [Int], count: Int, seed: UInt64) -> [[[Int]]] {
        var generator = SeededGenerator(seed: seed)
        return anchors.map { anchors in
            (0..<anchors).map { anchor in
                guard anchors > 1 else { return [] }
                return (0..<count).map { _ in
                    let drawn = generator.uniform(below: anchors - 1)
                    return drawn < anchor ? drawn : drawn + 1
                }
            }
        }
    }

    private func naive(
        _ predictions: Tensor, _ targets: Tensor, _ lists: [[[Int]]], temperature: Double
    ) -> NaiveLoss {
        var total = NaiveLoss([], [], distractors: [], temperature: temperature)
        for (clip, distractors) in lists.enumerated() {
            total.add(
                NaiveLoss(
                    Matrix(predictions.select(0, clip)).rows, Matrix(targets.select(0, clip)).rows,
                    distractors: distractors, temperature: temperature))
        }
        return total
    }

    /// Clips of very different numbers of anchors, down to none.
    @Test(arguments: [0.05, 0.1, 1.0], [3, 40])
    func equalsPlainLoops(_ temperature: Double, _ count: Int) throws {
        let anchors = [9, 4, 2, 1, 0]
        let predictions = normal([5, 9, 6], seed: 1)
        let targets = ContrastiveLoss.unit(normal([5, 9, 6], seed: 2))
        let lists = lists(anchors, count: count, seed: 3)
        let expected = naive(predictions, targets, lists, temperature: temperature)
        for (dtype, tolerance) in [(DType.float64, 1e-10), (.float32, 2e-4)] {
            let found = ContrastiveLoss(temperature: temperature)(
                predictions.to(dtype), targets: targets.to(dtype),
                Distractors(drawn: lists, dtype: dtype), withDiagnostics: true)
            #expect(found.sum.dtype == dtype)
            let perFrame = found.perFrame.doubles()
            let used = [0..<9, 9..<13, 18..<20].flatMap { perFrame[$0] }
            expectClose(used, expected.perFrame, within: tolerance)
            // Nothing is predicted in the other rows.
            #expect(perFrame.enumerated().allSatisfy { $0 < 13 || 18..<20 ~= $0 || $1 == 0 })
            expectClose(found.sum.item(), expected.sum, within: 20 * tolerance)
            let diagnostics = try #require(found.diagnostics).values.doubles()
            expectClose(
                Array(diagnostics.prefix(5)), expected.diagnostics, within: tolerance, "diagnostics"
            )
        }
        #expect(ContrastiveLoss.Diagnostics.names.count == expected.diagnostics.count + 2)
    }

    /// What is drawn as counts is the same loss as the list of draws.
    @Test func countsStandForLists() throws {
        let frames = [[0, 1, 4, 5, 6, 9, 12], [2, 3, 8]]
        var generator = SeededGenerator(seed: 8)
        let drawn = Distractors.draw(
            .sampled(25), frames: frames, excludeRadius: 1, device: .cpu, using: &generator)
        let counts = drawn.logCounts.exp().doubles().map { Int($0.rounded()) }
        let lists = frames.enumerated().map { clip, frames in
            frames.indices.map { row in
                frames.indices.flatMap { column in
                    Array(
                        repeating: column,
                        count: counts[(clip * 7 + row) * 7 + column] - (row == column ? 1 : 0))
                }
            }
        }
        #expect(lists.allSatisfy { $0.allSatisfy { $0.count == 25 } })
        let predictions = normal([2, 7, 5], seed: 4)
        let targets = ContrastiveLoss.unit(normal([2, 7, 5], seed: 5))
        let found = ContrastiveLoss(temperature: 0.1)(
            predictions.to(.float32), targets: targets.to(.float32), drawn)
        let expected = naive(predictions, targets, lists, temperature: 0.1)
        expectClose(found.sum.item(), expected.sum, within: 1e-3)
        #expect(found.diagnostics == nil)
    }

    /// In high dimension all cosines of random vectors are small: the loss is ln(K + 1).
    @Test func chanceLevel() throws {
        let frames = [Array(0..<150), Array(0..<120)]
        var generator = SeededGenerator(seed: 1)
        let drawn = Distractors.draw(
            .sampled(100), frames: frames, excludeRadius: 0, device: .cpu, using: &generator)
        let result = ContrastiveLoss(temperature: 0.1)(
            normal([2, 150, 4096], dtype: .float32, seed: 1),
            targets: ContrastiveLoss.unit(normal([2, 150, 4096], dtype: .float32, seed: 2)), drawn,
            withDiagnostics: true)
        let mean = result.sum.item() / Double(drawn.anchorCount)
        expectClose(mean, log(101), within: 0.04)
        let diagnostics = try #require(result.diagnostics).values.doubles()
        expectClose(Array(diagnostics.prefix(5)), [mean, 0, 0, 0, 0], within: 0.03)
        // 256 of 270 random directions, nearly orthogonal.
        #expect(diagnostics[5...].allSatisfy { 240...256 ~= $0 }, "\(diagnostics)")
    }

    @Test func gradientsEqualFiniteDifferences() throws {
        let lists = lists([5, 3, 2, 1], count: 7, seed: 2)
        let drawn = Distractors(drawn: lists, dtype: .float64)
        let targets = ContrastiveLoss.unit(normal([4, 5, 3], seed: 7))
        let loss = ContrastiveLoss(temperature: 0.3)
        let values = normal([4, 5, 3], seed: 6).doubles()
        func sum(_ values: [Double]) -> Double {
            withoutGradients {
                loss(Tensor(values, [4, 5, 3]), targets: targets, drawn).sum.item()
            }
        }
        let predictions = Tensor(values, [4, 5, 3])
        predictions.requiresGradient = true
        loss(predictions, targets: targets, drawn).sum.backward()
        let differences = values.indices.map { index in
            var (more, less) = (values, values)
            more[index] += 1e-5
            less[index] -= 1e-5
            return (sum(more) - sum(less)) / 2e-5
        }
        let gradient = try #require(predictions.gradient).doubles()
        expectClose(gradient, differences, within: 1e-8, "gradient")
        // Rows that are not predicted have none: the last clip has one anchor only.
        #expect(gradient[45...].allSatisfy { $0 == 0 })
        #expect(gradient[..<15].allSatisfy { $0 != 0 })
    }

    @Test(arguments: [DType.float32, .float64])
    func nothingIsNotANumber(_ dtype: DType) throws {
        let lists: [[[Int]]] = [[[1], [0]], [[]], []]
        let drawn = Distractors(drawn: lists, dtype: dtype)
        let random = normal([3, 2, 4], seed: 3).to(dtype)
        let zero = random.zerosLike()
        for (values, targets) in [(random, random), (zero, random), (random, zero), (zero, zero)] {
            for scale in [1e-20, 1, 1e15] {
                let predictions = (values * scale).detached()
                predictions.requiresGradient = true
                let result = ContrastiveLoss(temperature: 0.1)(
                    predictions, targets: ContrastiveLoss.unit(targets), drawn,
                    withDiagnostics: true)
                result.sum.backward()
                #expect(result.perFrame.isAllFinite())
                #expect(try #require(predictions.gradient).isAllFinite())
                #expect(try #require(result.diagnostics).values.isAllFinite())
            }
        }
    }

    /// Digital silence gives many frames one and the same feature.
    @Test(arguments: [DType.float32, .float64])
    func equalTargetsAreNoDistractors(_ dtype: DType) throws {
        let tolerance = dtype == .float64 ? 1e-10 : 1e-3
        let rows = Matrix(normal([8, 40], seed: 12)).rows
        // Frames 1, 4 and 6 are silent, and 7 differs from them by little.
        let silent =
            [rows[0], rows[1], rows[2], rows[3], rows[1], rows[5], rows[1]]
            + [rows[1].enumerated().map { $0 == 3 ? $1 + 0.01 : $1 }]
        let targets = Tensor(silent.flatMap { $0 }, [1, 8, 40])
        let predictions = normal([1, 8, 40], seed: 13)
        let lists = lists([8], count: 30, seed: 14)
        #expect(lists[0][1].contains(4) && lists[0][1].contains(7))
        let expected = naive(predictions, targets, lists, temperature: 0.1)
        let unit = ContrastiveLoss.unit(targets.to(dtype))
        let result = ContrastiveLoss(temperature: 0.1)(
            predictions.to(dtype), targets: unit, Distractors(drawn: lists, dtype: dtype),
            withDiagnostics: true)
        expectClose(result.perFrame.doubles(), expected.perFrame, within: tolerance)
        expectClose(
            Array(try #require(result.diagnostics).values.doubles().prefix(5)),
            expected.diagnostics, within: tolerance)
    }

    @Test func silenceThroughoutTeachesNothing() throws {
        let targets = ContrastiveLoss.unit(Tensor.ones([2, 5, 6]))
        let predictions = normal([2, 5, 6], dtype: .float32, seed: 1)
        predictions.requiresGradient = true
        let lists = lists([5, 3], count: 10, seed: 1)
        let result = ContrastiveLoss(temperature: 0.1)(
            predictions, targets: targets, Distractors(drawn: lists), withDiagnostics: true)
        result.sum.backward()
        expectClose(result.sum.item(), 0, within: 1e-5)
        expectClose(
            try #require(predictions.gradient).doubles(), Array(repeating: 0, count: 60),
            within: 1e-6)
        let diagnostics = try #require(result.diagnostics).values.doubles()
        #expect(diagnostics.allSatisfy { $0.isFinite })
        // Which is seen by that all targets are the same.
        expectClose([diagnostics[4], diagnostics[6]], [1, 1], within: 1e-4)
    }

    /// Only directions count, and a perfect prediction has hardly any loss.
    @Test func lengthsDoNotMatter() {
        let targets = ContrastiveLoss.unit(normal([1, 6, 30], seed: 3))
        let predictions = normal([1, 6, 30], seed: 4)
        let drawn = Distractors(drawn: lists([6], count: 9, seed: 5), dtype: .float64)
        let loss = ContrastiveLoss(temperature: 0.1)
        let factors = Tensor([0.01, 3, 1, 200, 7, 0.5], [1, 6, 1])
        expectClose(
            loss(predictions * factors, targets: targets, drawn).perFrame.doubles(),
            loss(predictions, targets: targets, drawn).perFrame.doubles(), within: 1e-12)
        let perfect = loss(targets * factors, targets: targets, drawn, withDiagnostics: true)
        #expect(perfect.sum.item() < 0.1)
        #expect(perfect.diagnostics?.values.doubles()[1] == 1)
        expectClose(perfect.diagnostics?.values.doubles()[2] ?? .nan, 1, within: 1e-12)
        let opposite = loss(targets * -1.0, targets: targets, drawn, withDiagnostics: true)
        #expect(opposite.diagnostics?.values.doubles()[1] == 0)
        #expect(opposite.sum.item() > 6 * 5)
    }
}
