import Foundation
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// How alike the layers of two encoders are.
@Suite struct LayerSimilarityTests {
    private func normal(_ shape: [Int], seed: UInt64) -> Tensor {
        .normal(shape, dtype: .float64, generator: RandomGenerator(seed: seed))
    }

    /// ‖Yᵀ X‖² / (‖Xᵀ X‖ ‖Yᵀ Y‖) of centred features, by plain loops.
    private func naive(_ x: [[Double]], _ y: [[Double]]) -> Double {
        func centred(_ rows: [[Double]]) -> [[Double]] {
            let means = rows[0].indices.map { column in
                rows.reduce(0) { $0 + $1[column] } / Double(rows.count)
            }
            return rows.map { zip($0, means).map { $0 - $1 } }
        }
        func squares(_ a: [[Double]], _ b: [[Double]]) -> Double {
            var total = 0.0
            for i in a[0].indices {
                for j in b[0].indices {
                    let product = zip(a, b).reduce(0) { $0 + $1.0[i] * $1.1[j] }
                    total += product * product
                }
            }
            return total
        }
        let (x, y) = (centred(x), centred(y))
        return squares(x, y) / (squares(x, x) * squares(y, y)).squareRoot()
    }

    @Test func equalsItsDefinition() {
        let (x, y) = (normal([11, 3], seed: 1), normal([11, 5], seed: 2) + 3.0)
        func rows(_ tensor: Tensor) -> [[Double]] {
            let (values, width) = (tensor.doubles(), tensor.size(1))
            return stride(from: 0, to: values.count, by: width).map {
                Array(values[$0..<($0 + width)])
            }
        }
        expectClose(LayerSimilarity.alignment(x, y), naive(rows(x), rows(y)), within: 1e-12)
        // By hand: one column each, the square of their correlation.
        let a = Tensor([1.0, 2, 3], [3, 1])
        let b = Tensor([1.0, 3, 2], [3, 1])
        expectClose(LayerSimilarity.alignment(a, b), 0.25, within: 1e-12)
    }

    @Test func rotationsShiftsAndFactorsChangeNothing() {
        let x = normal([30, 2], seed: 3)
        let (c, s) = (cos(1.1), sin(1.1))
        let turned = x.matmul(Tensor([c, -s, s, c], [2, 2])) * -4.0 + 7.0
        expectClose(LayerSimilarity.alignment(x, turned), 1, within: 1e-12)
        let other = normal([30, 4], seed: 4)
        let first = LayerSimilarity.alignment(x, other)
        #expect(0..<0.5 ~= first)
        expectClose(LayerSimilarity.alignment(turned, other), first, within: 1e-12)
        expectClose(LayerSimilarity.alignment(other, x), first, within: 1e-12)
    }

    @Test(arguments: TinyFamily.allCases)
    func layersOfEncoders(_ family: TinyFamily) throws {
        let teacher = family.encoder(layers: 3, width: 24, seed: 1)
        let student = family.encoder(layers: 2, width: 16, seed: 2)
        let similarity = try LayerSimilarity(
            student: student, teacher: teacher, maximumFrames: 70)
        #expect(similarity.matrix().isEmpty)
        for (index, frames) in [[30, 20], [15, 30], [40]].enumerated() {
            let input = family.input(frames: frames, seed: UInt64(index))
            similarity.add(student: input, teacher: input)
        }
        #expect(similarity.frames == 70 && similarity.isFull)
        let matrix = similarity.matrix()
        #expect(matrix.count == 3 && matrix.allSatisfy { $0.count == 4 })
        #expect(matrix.joined().allSatisfy { 0...1.0001 ~= $0 })

        // An encoder beside itself: 1 on the diagonal, symmetric beside it.
        let twin = try LayerSimilarity(student: teacher, teacher: teacher)
        let input = family.input(frames: [40, 25])
        twin.add(student: input, teacher: input)
        #expect(twin.frames == 65 && !twin.isFull)
        let own = twin.matrix()
        for row in own.indices {
            expectClose(own[row][row], 1, within: 1e-4)
            for column in own.indices {
                expectClose(own[row][column], own[column][row], within: 1e-4)
            }
        }
        // Padding has no part in it.
        let padded = family.input(frames: [25, 60])
        let (values, lengths) = (padded.values, padded.lengths)
        let first = EncoderInput(
            values: values.narrow(0, 0, 1), lengths: lengths.map { [$0[0]] })
        let short = EncoderInput(
            values: values.narrow(0, 0, 1).narrow(1, 0, lengths?[0] ?? values.size(1)),
            lengths: nil)
        let (one, other) = (
            try LayerSimilarity(student: student, teacher: teacher),
            try LayerSimilarity(student: student, teacher: teacher)
        )
        one.add(student: first, teacher: first)
        other.add(student: short, teacher: short)
        #expect(one.frames == 25 && other.frames == 25)
        for (a, b) in zip(one.matrix(), other.matrix()) { expectClose(a, b, within: 1e-3) }
    }
}
