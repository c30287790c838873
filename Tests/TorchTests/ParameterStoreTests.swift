import Testing
import Torch

/// A source whose tensors are in memory.
private struct FakeSource: TensorSource {
    var tensors: [String: Tensor]

    var names: [String] { tensors.keys.sorted() }
    func shape(of name: String) -> [Int]? { tensors[name]?.shape }
    func tensor(_ name: String) -> Tensor { tensors[name]!.copied() }
}

/// A small model with every kind of tensor.
private struct Model {
    let layers: [Linear]
    let norm: LayerNorm
    let batchNorm: BatchNorm

    init(_ root: ParameterScope) {
        layers = (0..<2).map { Linear(root["layers"][$0]["proj"], 3, 3) }
        norm = LayerNorm(root["norm"], 3, epsilon: 1e-5)
        batchNorm = BatchNorm(root["bn"], 3)
    }
}

@Suite struct ParameterStoreTests {
    private let allNames = [
        "layers.0.proj.weight", "layers.0.proj.bias", "layers.1.proj.weight", "layers.1.proj.bias",
        "norm.weight", "norm.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
    ]

    private func fullSource() -> FakeSource {
        let store = ParameterStore(seed: 99)
        _ = Model(store.root)
        return FakeSource(
            tensors: Dictionary(uniqueKeysWithValues: store.all.map { ($0.name, $0.tensor) }))
    }

    @Test func namesComeInTheOrderOfConstruction() {
        let store = ParameterStore()
        _ = Model(store.root)
        #expect(store.names == allNames)
        #expect(store.all.map(\.name) == allNames)
        #expect(store.root["layers"][1]["proj"].path == "layers.1.proj")
        #expect(store["norm.weight"]?.floats() == [1, 1, 1])
        #expect(store["nowhere"] == nil)
        #expect(store.mismatch.isEmpty)
    }

    @Test func buffersAreNotParameters() {
        let store = ParameterStore()
        _ = Model(store.root)
        #expect(store.names.filter(store.isBuffer) == ["bn.running_mean", "bn.running_var"])
        #expect(store.parameterCount == 2 * (9 + 3) + 6 + 6)
        store.setTrainable(true)
        #expect(store.trainable.map(\.name) == Array(allNames.dropLast(2)))
    }

    @Test func trainingIsSwitchedByName() {
        let store = ParameterStore()
        let model = Model(store.root)
        #expect(store.trainable.isEmpty)
        store.setTrainable(true) { $0.hasPrefix("layers.") }
        store.setTrainable(false) { $0.hasSuffix(".bias") }
        #expect(store.trainable.map(\.name) == ["layers.0.proj.weight", "layers.1.proj.weight"])
        model.layers[1](model.layers[0](.ones([1, 3]))).sum().backward()
        #expect(model.layers[0].weight.gradient != nil)
        #expect(model.layers[0].bias?.gradient == nil)
        store.clearGradients()
        #expect(store.all.allSatisfy { $0.tensor.gradient == nil })
    }

    @Test func storesAreJoined() {
        let one = ParameterStore(seed: 1)
        let weight = one.root["layer"].parameter("weight", [2], .ones)
        let two = ParameterStore(seed: 2)
        let other = two.root.parameter("weight", [3], .zeros)
        _ = two.root.buffer("count", [1], .zeros)
        let both = ParameterStore(joining: [(prefix: "a.", store: one), (prefix: "b.", store: two)])
        #expect(both.names == ["a.layer.weight", "b.weight", "b.count"])
        #expect(both.parameterCount == 5 && both.isBuffer("b.count"))
        both.setTrainable(true)
        #expect(weight.requiresGradient && other.requiresGradient)
        (weight.sum() + other.sum()).backward()
        #expect(both["b.weight"]?.gradient?.floats() == [1, 1, 1])
        both.clearGradients()
        #expect(other.gradient == nil)
        let part = ParameterStore(joining: [(prefix: "a.", store: one), (prefix: "b.", store: two)])
        {
            $0.hasPrefix("b.")
        }
        #expect(part.names == ["b.weight", "b.count"])
    }

    @Test func aSeedDecidesTheValues() {
        func values(_ seed: UInt64) -> [Float] {
            let store = ParameterStore(seed: seed)
            _ = Model(store.root)
            return store.all.flatMap { $0.tensor.floats() }
        }
        #expect(values(1) == values(1))
        #expect(values(1) != values(2))
    }

    @Test func aSourceGivesTheValues() {
        let source = fullSource()
        let store = ParameterStore(source: source, seed: 1)
        let model = Model(store.root)
        #expect(store.mismatch.isEmpty)
        #expect(store.requested == Set(allNames))
        #expect(model.layers[1].weight.floats() == source.tensors["layers.1.proj.weight"]!.floats())
        #expect(store.root["norm"].sourceHolds("weight"))
        #expect(!store.root["norm"].sourceHolds("scale"))
        #expect(!ParameterStore().root.sourceHolds("weight"))
        // The model's memory is its own.
        withoutGradients { model.layers[1].weight.fill(0) }
        #expect(source.tensors["layers.1.proj.weight"]!.floats() != [Float](repeating: 0, count: 9))
    }

    @Test func allProblemsAreCollected() {
        var source = fullSource()
        source.tensors["layers.0.proj.weight"] = nil
        source.tensors["bn.running_var"] = nil
        source.tensors["layers.1.proj.weight"] = .zeros([3, 4])
        source.tensors["norm.bias"] = .zeros([1, 3])
        source.tensors["norm.weight"] = Tensor([1, .nan, 1] as [Float], [3])
        source.tensors["bn.weight"] = Tensor([1, 1, -.infinity] as [Float], [3])
        source.tensors["layers.0.proj.bias"] = Tensor([1, 2, 3] as [Int64], [3])
        let store = ParameterStore(source: source)
        _ = Model(store.root)
        let mismatch = store.mismatch
        #expect(!mismatch.isEmpty)
        #expect(mismatch.missing == ["layers.0.proj.weight", "bn.running_var"])
        #expect(mismatch.misshaped.map(\.name) == ["layers.1.proj.weight", "norm.bias"])
        #expect(mismatch.misshaped.map(\.expected) == [[3, 3], [3]])
        #expect(mismatch.misshaped.map(\.found) == [[3, 4], [1, 3]])
        #expect(mismatch.nonFinite == ["norm.weight", "bn.weight"])
        #expect(mismatch.mistyped.map(\.name) == ["layers.0.proj.bias"])
        #expect(mismatch.mistyped.map(\.found) == [.int64])
        // The model is complete all the same, so that every problem could be found.
        #expect(store.names == allNames)
        #expect(store["layers.1.proj.weight"]?.shape == [3, 3])
    }

    @Test func eachKindOfProblemCounts() {
        let wrong: [(String, Tensor?)] = [
            ("norm.bias", nil), ("norm.bias", .zeros([4])),
            ("norm.bias", .full([3], .nan)), ("norm.bias", .zeros([3], dtype: .int64)),
        ]
        for (name, tensor) in wrong {
            var source = fullSource()
            source.tensors[name] = tensor
            let store = ParameterStore(source: source)
            _ = Model(store.root)
            #expect(!store.mismatch.isEmpty)
        }
    }

    @Test func valuesThatOverflowTheStoresTypeAreFound() {
        var source = fullSource()
        source.tensors["layers.0.proj.bias"] = Tensor([1, 1e6, 1] as [Float], [3])
        for (dtype, expected) in [(DType.float32, []), (.float16, ["layers.0.proj.bias"])] {
            let store = ParameterStore(source: source, dtype: dtype)
            _ = Model(store.root)
            #expect(store.mismatch.nonFinite == expected)
        }
    }

    @Test(arguments: [DType.bfloat16, .float16])
    func normsStayInFloat32(_ dtype: DType) {
        for source in [nil, fullSource()] {
            let store = ParameterStore(source: source, dtype: dtype)
            _ = Model(store.root)
            for (name, tensor) in store.all {
                #expect(tensor.dtype == (name.hasPrefix("layers.") ? dtype : .float32), "\(name)")
            }
        }
    }

    @Test func sourcesInOtherTypesAreConverted() {
        var source = fullSource()
        for (name, tensor) in source.tensors { source.tensors[name] = tensor.to(.float16) }
        let store = ParameterStore(source: source)
        _ = Model(store.root)
        #expect(store.mismatch.isEmpty)
        #expect(store.all.allSatisfy { $0.tensor.dtype == .float32 })
    }

    @Test func initializersFollowTheirFormulas() {
        func values(_ initializer: Initializer) -> Tensor {
            ParameterStore(seed: 4).root.parameter("x", [100, 100], initializer)
        }
        #expect(Set(values(.zeros).floats()) == [0])
        #expect(Set(values(.ones).floats()) == [1])
        #expect(Set(values(.constant(0.5)).floats()) == [0.5])
        let bounds: [(Initializer, Double)] = [
            (.uniform(fanIn: 16), 0.25), (.xavierUniform(fanIn: 4, fanOut: 2), 1),
        ]
        for (initializer, bound) in bounds {
            let sample = values(initializer)
            #expect(sample.abs().max([0, 1]).item() <= bound)
            #expect(sample.abs().max([0, 1]).item() > 0.99 * bound)
            #expect(abs(sample.mean().item()) < 0.02 * bound)
        }
        let deviations: [(Initializer, Double)] = [
            (.normal(standardDeviation: 0.02), 0.02), (.kaimingNormal(fanIn: 8), 0.5),
        ]
        for (initializer, deviation) in deviations {
            let found = values(initializer).variance([0, 1], correction: 0).squareRoot().item()
            #expect(abs(found / deviation - 1) < 0.03)
        }
    }

    @Test func twoParametersOfOneNameStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            let store = ParameterStore()
            _ = Linear(store.root["a"], 1, 1)
            _ = Linear(store.root["a"], 1, 1)
        }
    }
}
