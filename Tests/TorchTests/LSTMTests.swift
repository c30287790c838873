import Foundation
import Testing
import Torch

/// The recurrent layers against plain loops.
@Suite struct LSTMTests {
    /// One direction of one layer over the rows of a clip: gates are input, forget, cell, output.
    private func run(
        _ rows: [[Double]], _ store: ParameterStore, _ suffix: String
    ) -> [[Double]] {
        func matrix(_ name: String) -> (values: [Double], columns: Int) {
            let tensor = store["rnn.\(name)_\(suffix)"]!
            return (tensor.doubles(), tensor.rank == 2 ? tensor.size(1) : 1)
        }
        let (inputs, hidden) = (matrix("weight_ih"), matrix("weight_hh"))
        let bias = zip(matrix("bias_ih").values, matrix("bias_hh").values).map { $0 + $1 }
        let width = hidden.columns
        func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
        var (state, cell) = (
            [Double](repeating: 0, count: width), [Double](repeating: 0, count: width)
        )
        return rows.map { row in
            let gates = bias.indices.map { gate -> Double in
                var sum = bias[gate]
                for (index, value) in row.enumerated() {
                    sum += inputs.values[gate * inputs.columns + index] * value
                }
                for (index, value) in state.enumerated() {
                    sum += hidden.values[gate * width + index] * value
                }
                return sum
            }
            for unit in 0..<width {
                let new = sigmoid(gates[unit]) * tanh(gates[2 * width + unit])
                cell[unit] = sigmoid(gates[width + unit]) * cell[unit] + new
            }
            state = (0..<width).map { sigmoid(gates[3 * width + $0]) * tanh(cell[$0]) }
            return state
        }
    }

    /// Two layers over clips of different lengths, in an order that packing has to change.
    @Test func equalsPlainLoops() {
        let store = ParameterStore(seed: 3)
        let lstm = BidirectionalLSTM(store.root["rnn"], 3, width: 2, layers: 2)
        #expect(store.names.count == 16 && store["rnn.weight_ih_l1_reverse"]?.shape == [8, 4])
        let lengths = [3, 5, 1]
        let x = sample([3, 5, 3], seed: 1, dtype: .float32)
        let found = withoutGradients { lstm(x, lengths: lengths, isTraining: false) }
        #expect(found.shape == [3, 5, 4])
        for (clip, length) in lengths.enumerated() {
            var rows = (0..<length).map { frame in
                x.narrow(0, clip, 1).narrow(1, frame, 1).doubles()
            }
            for layer in 0..<2 {
                let forward = run(rows, store, "l\(layer)")
                let backward = run(rows.reversed(), store, "l\(layer)_reverse").reversed()
                rows = zip(forward, backward).map { $0 + $1 }
            }
            let padded = rows.flatMap { $0 } + [Double](repeating: 0, count: 4 * (5 - length))
            expectValues(found.narrow(0, clip, 1), padded, tolerance: 1e-6)
        }
    }

    /// Gradients reach every parameter, and dropout works between the layers only in training.
    @Test func trains() {
        let store = ParameterStore(seed: 3)
        let lstm = BidirectionalLSTM(store.root["rnn"], 3, width: 2, layers: 2, dropout: 0.5)
        store.setTrainable(true)
        let x = sample([2, 4, 3], seed: 1, dtype: .float32)
        let still = lstm(x, lengths: [4, 2], isTraining: false)
        expectEqual(still.detached(), lstm(x, lengths: [4, 2], isTraining: false).detached())
        let trained = lstm(x, lengths: [4, 2], isTraining: true)
        #expect(trained.detached().doubles() != still.detached().doubles())
        still.sum().backward()
        for (name, parameter) in store.all {
            #expect(parameter.gradient?.abs().sum().item() ?? 0 > 0, "\(name)")
        }
    }

    /// As many rows stay as they are; between rows of a line lie rows of the same line.
    @Test func rowsAreResized() {
        let line = Tensor((0..<8).map { Float($0) }, [1, 8, 1]).expand([1, 8, 2])
        expectEqual(line.resizedRows(to: 8), line)
        let longer = line.resizedRows(to: 16)
        #expect(longer.shape == [1, 16, 2])
        // Half a row apart, aligned at the middle; LibTorch's cubic curve keeps lines nearly as they are.
        let inner = (4..<12).flatMap { frame in
            [Double](repeating: (Double(frame) + 0.5) / 2 - 0.5, count: 2)
        }
        expectValues(longer.narrow(1, 4, 8), inner, tolerance: 0.05)
    }
}
