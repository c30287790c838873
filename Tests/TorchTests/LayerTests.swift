import Testing
import Torch

@Suite struct LayerTests {
    private func assign(_ store: ParameterStore, _ name: String, _ values: [Double]) {
        let tensor = store[name]!
        withoutGradients { tensor.assign(Tensor(values, tensor.shape)) }
    }

    @Test func linear() {
        let store = ParameterStore()
        let layer = Linear(store.root["l"], 2, 3)
        #expect(store.all.map(\.name) == ["l.weight", "l.bias"])
        #expect(store.all.map(\.tensor.shape) == [[3, 2], [3]])
        #expect(layer.bias?.floats() == [0, 0, 0])
        assign(store, "l.weight", [1, 0, 0, 1, 1, 1])
        assign(store, "l.bias", [10, 20, 30])
        expectValues(
            layer(Tensor([1, 2, 3, 4] as [Float], [1, 2, 2])), [11, 22, 33, 13, 24, 37],
            shape: [1, 2, 3])
        #expect(Linear(store.root["m"], 2, 3, bias: false).bias == nil)
        #expect(store["m.bias"] == nil)
    }

    @Test func linearComputesInTheTypeOfItsInput() {
        let store = ParameterStore(seed: 1)
        let layer = Linear(store.root, 8, 8, initializer: .normal(standardDeviation: 1))
        store.setTrainable(true)
        let x = sample([3, 8], seed: 2, dtype: .float32)
        let exact = layer(x)
        let rounded = layer(x.to(.bfloat16))
        #expect(rounded.dtype == .bfloat16)
        #expect(layer.weight.dtype == .float32)
        expectEqual(rounded.to(.float32), exact, tolerance: 0.1)
        rounded.sum().backward()
        #expect(layer.weight.gradient?.dtype == .float32)
        expectEqual(
            layer.weight.gradient!, x.sum([0], keepDimensions: true).expand([8, 8]), tolerance: 0.05
        )
        #expect(layer(x.to(.float64)).dtype == .float64)
    }

    @Test func embedding() {
        let store = ParameterStore()
        let table = Embedding(store.root["e"], count: 3, width: 2)
        assign(store, "e.weight", [0, 1, 10, 11, 20, 21])
        expectValues(
            table(Tensor([2, 0] as [Int64], [1, 2])), [20, 21, 0, 1], shape: [1, 2, 2])
    }

    @Test(arguments: [DType.float32, .bfloat16, .float16, .float64])
    func layerNorm(_ dtype: DType) {
        let store = ParameterStore(dtype: .bfloat16)
        let norm = LayerNorm(store.root["n"], 2, epsilon: 0)
        assign(store, "n.weight", [2, 3])
        assign(store, "n.bias", [10, 20])
        // Means near 1000 would lose the differences in half-precision statistics.
        let x = Tensor([1, 3, 1000, 1008] as [Float], [2, 2]).to(dtype)
        let y = norm(x)
        #expect(y.dtype == dtype)
        expectValues(y, [8, 23, 8, 23], shape: [2, 2], tolerance: 1e-4)
        // The parameters keep their precision too: 1/256 gets lost in a shift held in bfloat16.
        assign(store, "n.weight", [1, 1])
        assign(store, "n.bias", [1 + 1.0 / 256, 1 + 1.0 / 256])
        expectValues(norm(x).select(1, 0), [1.0 / 256, 1.0 / 256], tolerance: 1e-6)
    }

    /// Each clip by its own frames, in any type, with and without a record for gradients.
    @Test(arguments: [DType.float32, .bfloat16, .float64], [false, true])
    func instanceNorm(_ dtype: DType, isRecorded: Bool) {
        let store = ParameterStore(dtype: .bfloat16)
        let norm = InstanceNorm(store.root["n"], channels: 2, epsilon: 0)
        assign(store, "n.weight", [2, 3])
        assign(store, "n.bias", [10, 20])
        store.setTrainable(isRecorded)
        let noise = 777.0
        // Means near 1000 would lose the differences in half-precision statistics.
        let x = Tensor(
            [1, 2, 3, 6, noise, noise, 1000, 2, 1008, 6, 1000, 4], [2, 3, 2]
        ).to(dtype)
        let y = norm(x, lengths: [2, 3])
        #expect(y.dtype == dtype)
        let (a, b) = (0.5.squareRoot(), 1.5.squareRoot())
        expectValues(
            y,
            [8, 17, 12, 23, 0, 0, 10 - 2 * a, 20 - 3 * b, 10 + 4 * a, 20 + 3 * b, 10 - 2 * a, 20],
            shape: [2, 3, 2], tolerance: dtype == .bfloat16 ? 0.1 : 1e-4)
        expectValues(
            norm(x.narrow(0, 1, 1)), y.select(0, 1).doubles(), shape: [1, 3, 2],
            tolerance: dtype == .bfloat16 ? 0.1 : 1e-6)
    }

    /// A million frames, as the first layer of a front end makes of five minutes.
    @Test func instanceNormIsExactOnLongInput() {
        let norm = InstanceNorm(ParameterStore().root, channels: 3)
        let x = sample([1, 1_000_000, 3], seed: 3, dtype: .float32) * 0.1 + 3.0
        let exact = norm(x.to(.float64))
        expectValues((norm(x).to(.float64) - exact).abs().max([0, 1, 2]), [0], tolerance: 5e-6)
    }

    @Test func batchNorm() {
        let store = ParameterStore()
        let norm = BatchNorm(store.root["n"], 2, epsilon: 0)
        #expect(
            store.names == ["n.weight", "n.bias", "n.running_mean", "n.running_var"])
        assign(store, "n.weight", [2, 3])
        assign(store, "n.bias", [10, 20])
        assign(store, "n.running_mean", [1, 2])
        assign(store, "n.running_var", [4, 16])
        let x = Tensor([1, 3, 2, 6] as [Float], [1, 2, 2])
        expectValues(norm(x), [10, 12, 20, 23], shape: [1, 2, 2], tolerance: 1e-5)
        // Evaluation leaves the running statistics alone.
        expectValues(store["n.running_mean"]!, [1, 2])
        #expect(norm(x.to(.bfloat16)).dtype == .bfloat16)
    }

    @Test func conv1d() {
        let store = ParameterStore()
        let layer = Conv1d(store.root["c"], 2, 2, kernel: 2, stride: 2, padding: 1, groups: 2)
        #expect(store.all.map(\.tensor.shape) == [[2, 1, 2], [2]])
        assign(store, "c.weight", [1, 1, 1, -1])
        assign(store, "c.bias", [0.5, 0])
        let x = Tensor([1, 10, 2, 20, 3, 30, 4, 40] as [Float], [1, 4, 2])
        expectValues(layer(x), [1.5, -10, 5.5, -10, 4.5, 40], shape: [1, 3, 2])
        #expect(layer(x.to(.bfloat16)).dtype == .bfloat16)
        expectValues(layer(x.to(.bfloat16)), [1.5, -10, 5.5, -10, 4.5, 40])
        let plain = Conv1d(store.root["d"], 2, 4, kernel: 3, bias: false)
        #expect(plain.bias == nil)
        let chosen = Conv1d(store.root["e"], 2, 4, kernel: 3, initializer: .ones)
        expectValues(chosen.bias!, [0, 0, 0, 0])
        let standard = Conv1d(store.root["f"], 2, 40, kernel: 8)
        #expect(standard.weight.abs().max([0, 1, 2]).item() <= 0.25)
        #expect(standard.bias!.abs().max([0]).item() > 0.1)
    }

    @Test func weightNormIsPerTap() {
        let store = ParameterStore(seed: 6, dtype: .bfloat16)
        let layer = WeightNormConv1d(
            store.root["conv"], 4, 4, kernel: 3, padding: 1, groups: 2,
            initializer: .normal(standardDeviation: 1))
        let directionName = "conv.parametrizations.weight.original1"
        let magnitudeName = "conv.parametrizations.weight.original0"
        #expect(Set(store.names) == [directionName, magnitudeName, "conv.bias"])
        #expect(store[directionName]?.shape == [4, 2, 3])
        #expect(store[magnitudeName]?.shape == [1, 1, 3])
        #expect(store[directionName]?.dtype == .float32)
        assign(store, magnitudeName, [1, 2, 0.5])

        let v = store[directionName]!.doubles()
        let g = [1, 2, 0.5]
        var expected = v
        for tap in 0..<3 {
            var square = 0.0
            for row in 0..<8 { square += v[row * 3 + tap] * v[row * 3 + tap] }
            for row in 0..<8 { expected[row * 3 + tap] *= g[tap] / square.squareRoot() }
        }
        expectValues(layer.weight, expected, shape: [4, 2, 3], tolerance: 1e-6)

        let x = sample([2, 5, 4], seed: 7, dtype: .float32)
        expectEqual(
            layer(x),
            x.channelsLastConvolution(
                Tensor(expected, [4, 2, 3]).to(.float32), nil, padding: 1, groups: 2),
            tolerance: 1e-5)
        #expect(layer(x.to(.bfloat16)).dtype == .bfloat16)

        layer.matchMagnitudeToDirection()
        expectEqual(layer.weight, store[directionName]!, tolerance: 1e-6)
    }

    @Test func weightNormPassesGradientsToBothParts() {
        let store = ParameterStore(seed: 8)
        let layer = WeightNormConv1d(
            store.root, 4, 4, kernel: 3, padding: 1, groups: 2,
            initializer: .normal(standardDeviation: 1))
        assign(store, "parametrizations.weight.original0", [1, 2, 0.5])
        store.setTrainable(true)
        let upstream = sample([4, 2, 3], seed: 9, dtype: .float32)
        layer.weight.backward(gradient: upstream)

        let v = store["parametrizations.weight.original1"]!
        let g = store["parametrizations.weight.original0"]!
        let formula = v * (g / v.norm([0, 1], keepDimensions: true))
        let expected = formula.gradients(of: [v, g], gradient: upstream)
        expectEqual(v.gradient!, expected[0]!, tolerance: 1e-5)
        expectEqual(g.gradient!, expected[1]!, tolerance: 1e-5)
    }
}
