import Testing
import Torch

@Suite struct FiniteDifferenceTests {
    @Test func arithmetic() {
        expectGradients([sample([3, 4], seed: 1), sample([4], seed: 2)]) { x in
            let positive = x[0].exp() + 0.5
            return (positive.log() * x[1] - x[0] / (x[1].abs() + 1.0)).sin()
                + (positive.squareRoot() * 2.0).cos() + positive.power(1.3).tanh()
        }
    }

    @Test func activations() {
        expectGradients([sample([2, 6], seed: 3)]) { x in
            .concatenate(
                [
                    x[0].gelu(), x[0].gelu(.tanh), x[0].silu(), x[0].sigmoid(), x[0].logSigmoid(),
                    x[0].glu(-1), x[0].relu(), x[0].softmax(-1), x[0].logSoftmax(0),
                ], 1)
        }
    }

    @Test func reductions() {
        expectGradients([sample([3, 4], seed: 4)]) { x in
            .concatenate(
                [
                    x[0].sum([0]), x[0].mean([1]), x[0].variance([0], correction: 1),
                    x[0].norm([1]), x[0].logSumExp([0]), x[0].max([1]),
                ], 0)
        }
    }

    @Test func shapes() {
        expectGradients([sample([2, 3, 4], seed: 5)]) { x in
            let parts = x[0].split([1, 3], 2)
            let turned = x[0].permute([2, 0, 1]).padded([1, 0], value: 2).flipped(2)
            return .concatenate(
                [
                    turned.reshape([-1]), parts[1].transpose(0, 2).contiguous().reshape([-1]),
                    x[0].slice(1, 0, 3, step: 2).flatten(0, 2),
                    x[0].select(0, 1).narrow(1, 1, 2).unsqueeze(0).expand([2, -1, -1])
                        .reshape([-1]),
                    Tensor.stack(x[0].chunk(2, 2)).reshape([-1]),
                ], 0)
        }
    }

    @Test func indexing() {
        let ids = Tensor([2, 0, 2, 1] as [Int64], [4])
        let mask = Tensor([true, false, true], [3])
        expectGradients([sample([3, 4], seed: 6), sample([4], seed: 7)]) { x in
            .concatenate(
                [
                    x[0].indexSelect(0, ids).reshape([-1]), x[0].embedding(ids).exp().reshape([-1]),
                    x[0].gather(1, ids.reshape([2, 2])).reshape([-1]),
                    x[0].indexed([ids, nil]).reshape([-1]),
                    x[0].replacing([mask], with: x[1]).power(2).reshape([-1]),
                    x[0].scatterAdding(1, ids.reshape([1, 4]), x[1].unsqueeze(0)).reshape([-1]),
                    x[0].filled(where: mask.unsqueeze(1), 3).reshape([-1]),
                    mask.unsqueeze(1).select(x[0], else: x[0] * x[1]).reshape([-1]),
                ], 0)
        }
    }

    @Test func products() {
        expectGradients(
            [
                sample([2, 3, 4], seed: 8), sample([2, 4, 3], seed: 9),
                sample([2, 3, 3], seed: 10),
            ]
        ) { x in
            x[0].matmul(x[1]) + x[0].batchedMatmul(x[1]).tanh()
                + x[2].addingBatchedMatmul(x[0], x[1], beta: 0.3, alpha: 0.7)
        }
    }

    @Test func normalisations() {
        expectGradients(
            [sample([2, 4, 3], seed: 11), sample([3], seed: 12), sample([4], seed: 13)],
            tolerance: 1e-6
        ) { x in
            x[0].layerNorm(x[1], x[1] * 0.5, epsilon: 1e-5)
                + x[0].batchNorm(weight: x[2], bias: x[2] * 0.5, epsilon: 1e-5)
                + x[0].batchNorm(
                    weight: x[2], bias: x[2], mean: .ones([4], dtype: .float64),
                    variance: .full([4], 2, dtype: .float64), epsilon: 1e-5)
        }
    }

    /// Statistics of the frames that count, of each clip; frames behind them have no gradient.
    @Test func instanceNorm() {
        let store = ParameterStore()
        let norm = InstanceNorm(store.root, channels: 3)
        withoutGradients {
            store["weight"]!.assign(sample([3], seed: 26))
            store["bias"]!.assign(sample([3], seed: 27))
        }
        expectGradients([sample([2, 5, 3], seed: 28)], tolerance: 1e-6) { x in
            norm(x[0], lengths: [5, 3])
        }
    }

    @Test func convolutions() {
        expectGradients(
            [sample([2, 7, 4], seed: 14), sample([6, 2, 3], seed: 15), sample([6], seed: 16)]
        ) { x in
            x[0].channelsLastConvolution(x[1], x[2], stride: 2, padding: 1, groups: 2)
        }
    }

    @Test func weightNorm() {
        // w = g · v / ‖v‖, the norm over all but the last dimension.
        expectGradients(
            [
                sample([2, 8, 4], seed: 17), sample([4, 2, 3], seed: 18),
                sample([1, 1, 3], seed: 19),
            ]
        ) { x in
            let weight = x[1] * (x[2] / x[1].norm([0, 1], keepDimensions: true))
            return x[0].channelsLastConvolution(weight, nil, padding: 1, groups: 2)
        }
    }

    @Test func attention() {
        expectGradients(
            (20..<23).map { sample([1, 2, 4, 3], seed: $0) } + [sample([1, 2, 4, 4], seed: 23)],
            tolerance: 1e-6
        ) { x in
            x[0].attention(key: x[1], value: x[2], mask: x[3])
        }
    }

    @Test func losses() {
        expectGradients([sample([5], seed: 24), sample([5], seed: 25)]) { x in
            x[0].l1Loss(x[1]) + x[0].mseLoss(x[1])
        }
    }

    /// A block as encoders have it: everything above in one graph.
    @Test func wholeBlock() {
        let width = 4
        let inputs = [
            sample([2, 5, width], seed: 30), sample([width], seed: 31), sample([width], seed: 32),
            sample([3 * width, width], seed: 33), sample([2 * width, width], seed: 34),
            sample([width, 1, 3], seed: 35), sample([width, width], seed: 36),
        ]
        expectGradients(inputs, tolerance: 1e-6) { x in
            let normal = x[0].layerNorm(x[1], x[2], epsilon: 1e-5)
            let heads = normal.linear(x[3]).unflatten(2, [3, 2, 2]).permute([2, 0, 3, 1, 4])
            let attended = heads.select(0, 0).attention(
                key: heads.select(0, 1), value: heads.select(0, 2))
            var y = x[0] + attended.transpose(1, 2).flatten(2, 3)
            let gated = y.linear(x[4]).glu(-1)
            y = y + gated.channelsLastConvolution(x[5], nil, padding: 1, groups: width).silu()
            return y + y.linear(x[6]).gelu().adding(y, scale: 0.5)
        }
    }
}
