import Foundation
import Testing
import Torch

/// AdamW for one parameter, by the equations of the paper in `Double`.
private struct ReferenceAdamW {
    var values: [Double]
    var first: [Double]
    var second: [Double]
    let settings: AdamW.Settings
    let decay: Double

    init(_ values: [Double], _ settings: AdamW.Settings, decays: Bool) {
        self.values = values
        self.settings = settings
        decay = decays ? settings.weightDecay : 0
        first = values.map { _ in 0 }
        second = first
    }

    mutating func update(_ gradient: [Double], learningRate: Double, step: Int) {
        let (b1, b2) = (settings.betas[0], settings.betas[1])
        for index in values.indices {
            values[index] -= learningRate * decay * values[index]
            first[index] = b1 * first[index] + (1 - b1) * gradient[index]
            second[index] = b2 * second[index] + (1 - b2) * gradient[index] * gradient[index]
            let mean = first[index] / (1 - pow(b1, Double(step)))
            let square = second[index] / (1 - pow(b2, Double(step)))
            values[index] -= learningRate * mean / (square.squareRoot() + settings.epsilon)
        }
    }
}

@Suite struct AdamWTests {
    private let settings = AdamW.Settings(betas: [0.9, 0.98], epsilon: 1e-6, weightDecay: 0.1)

    private func parameter(_ shape: [Int], seed: UInt64) -> Tensor {
        let tensor = sample(shape, seed: seed, dtype: .float32)
        tensor.requiresGradient = true
        return tensor
    }

    private func gradient(_ shape: [Int], _ step: Int, _ index: Int) -> Tensor {
        sample(shape, seed: UInt64(1000 * step + index), dtype: .float32)
    }

    @Test func equalsTheEquationsOfThePaper() {
        // A matrix, a kernel, a bias, a scalar and a matrix that is exempt.
        let shapes = [[3, 4], [2, 3, 5], [17], [], [2, 2]]
        let names = ["weight", "conv", "bias", "scale", "exempt.weight"]
        let parameters = shapes.enumerated().map { parameter($1, seed: UInt64($0)) }
        let optimizer = AdamW(
            Array(zip(names, parameters)).map { (name: $0, tensor: $1) }, settings
        ) {
            $0.hasPrefix("exempt")
        }
        var references = parameters.enumerated().map {
            ReferenceAdamW($1.doubles(), settings, decays: $0 < 2)
        }
        for step in 1...8 {
            let rate = 0.05 / Double(step)
            for (index, parameter) in parameters.enumerated() {
                let value = gradient(shapes[index], step, index)
                parameter.gradient = value * 4.0
                references[index].update(value.doubles(), learningRate: rate, step: step)
            }
            optimizer.update(learningRate: rate, gradientDivisor: 4)
            for (parameter, reference) in zip(parameters, references) {
                expectValues(parameter, reference.values, tolerance: 2e-6)
            }
        }
        #expect(optimizer.step == 8)
        let moments = Dictionary(uniqueKeysWithValues: optimizer.state.map { ($0.name, $0.tensor) })
        #expect(moments.count == 10)
        for (name, reference) in zip(names, references) {
            expectValues(moments["\(name).exp_avg"]!, reference.first, tolerance: 1e-6)
            expectValues(moments["\(name).exp_avg_sq"]!, reference.second, tolerance: 1e-6)
        }
    }

    @Test func gradientsInAnotherLayoutAreUsedElementByElement() {
        let (a, b) = (parameter([3, 4], seed: 1), parameter([3, 4], seed: 1))
        let optimizers = [a, b].map { AdamW([("w", $0)], settings) }
        let value = sample([3, 4], seed: 2, dtype: .float32)
        a.gradient = value
        b.gradient = value.transpose(0, 1).contiguous().transpose(0, 1)
        #expect(b.gradient?.isContiguous == false)
        for optimizer in optimizers { optimizer.update(learningRate: 0.1) }
        #expect(a.floats() == b.floats())
    }

    @Test func gradientsOfAConvolutionLandOnTheRightWeights() {
        let weight = parameter([6, 4, 3], seed: 3)
        let twin = parameter([6, 4, 3], seed: 3)
        let x = sample([2, 9, 4], seed: 4, dtype: .float32)
        x.channelsLastConvolution(weight, nil).power(2).sum().backward()
        x.transpose(1, 2).convolution1d(twin).power(2).sum().backward()
        for tensor in [weight, twin] { AdamW([("w", tensor)], settings).update(learningRate: 0.1) }
        expectEqual(weight, twin, tolerance: 1e-5)
    }

    @Test func parametersWithoutGradientStayAsTheyAre() {
        let (used, idle) = (parameter([2, 2], seed: 1), parameter([2, 2], seed: 2))
        let before = (used.floats(), idle.floats())
        let optimizer = AdamW([("used", used), ("idle", idle)], settings)
        used.gradient = .ones([2, 2])
        optimizer.update(learningRate: 0.1)
        #expect(used.floats() != before.0)
        #expect(idle.floats() == before.1)
        #expect(
            optimizer.state.first { $0.name == "idle.exp_avg" }?.tensor.floats() == [0, 0, 0, 0])
        used.gradient = nil
        optimizer.update(learningRate: 0.1)
        #expect(optimizer.step == 2)
    }

    @Test func theNormIsTakenOverAllGradients() {
        let parameters = [
            parameter([2], seed: 1), parameter([1, 2], seed: 2), parameter([3], seed: 3),
        ]
        let optimizer = AdamW(
            parameters.enumerated().map { (name: "p\($0)", tensor: $1) }, settings)
        #expect(optimizer.gradientNorm() == 0)
        parameters[0].gradient = Tensor([2, 4] as [Float], [2])
        parameters[1].gradient = Tensor([5, 6] as [Float], [1, 2])
        #expect(optimizer.gradientNorm() == 9)
        #expect(optimizer.parameters.count == 3)
    }

    @Test func aRestoredOptimizerContinuesBitForBit() {
        let shapes = [[5, 7], [9]]
        func make() -> (parameters: [Tensor], optimizer: AdamW) {
            let parameters = shapes.enumerated().map { parameter($1, seed: UInt64($0)) }
            return (
                parameters, AdamW([("w", parameters[0]), ("b", parameters[1])], settings)
            )
        }
        func run(_ pair: (parameters: [Tensor], optimizer: AdamW), _ steps: ClosedRange<Int>) {
            for step in steps {
                for (index, parameter) in pair.parameters.enumerated() {
                    parameter.gradient = gradient(shapes[index], step, index)
                }
                pair.optimizer.update(learningRate: 0.01, gradientDivisor: 3)
            }
        }
        let whole = make()
        run(whole, 1...4)
        // What a checkpoint holds.
        let values = whole.parameters.map { $0.floats() }
        let state = whole.optimizer.state.map { ($0.name, $0.tensor.floats()) }
        run(whole, 5...9)

        let resumed = make()
        withoutGradients {
            for (parameter, saved) in zip(resumed.parameters, values) {
                parameter.assign(Tensor(saved, parameter.shape))
            }
            let moments = Dictionary(
                uniqueKeysWithValues: resumed.optimizer.state.map { ($0.name, $0.tensor) })
            for (name, saved) in state {
                moments[name]!.assign(Tensor(saved, moments[name]!.shape))
            }
        }
        resumed.optimizer.restore(step: 4)
        run(resumed, 5...9)
        #expect(resumed.optimizer.step == 9)
        #expect(resumed.parameters.map { $0.floats() } == whole.parameters.map { $0.floats() })
        #expect(
            resumed.optimizer.state.map { $0.tensor.floats() }
                == whole.optimizer.state.map { $0.tensor.floats() })
    }

    @Test func nothingIsUpdatedAfterAFailure() {
        let weight = parameter([2, 2], seed: 1)
        let before = weight.floats()
        let optimizer = AdamW([("w", weight)], settings)
        weight.gradient = .ones([2, 2])
        #expect(throws: TorchError.self) {
            try withTorchErrors {
                _ = Tensor.ones([2]) + Tensor.ones([3])
                #expect(optimizer.gradientNorm() == 0)
                optimizer.update(learningRate: 0.1)
            }
        }
        #expect(optimizer.step == 0)
        #expect(weight.floats() == before)
    }

    @Test func settingsSurviveCoding() throws {
        let data = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(AdamW.Settings.self, from: data) == settings)
    }

    @Test func parametersOfOtherTypesStopTheProgram() async {
        await #expect(processExitsWith: .failure) {
            _ = AdamW([("w", .zeros([2, 2], dtype: .bfloat16))], AdamW.Settings())
        }
    }

    @Test func theLossOfASmallProblemFalls() {
        let store = ParameterStore(seed: 3)
        let layers = [
            Linear(store.root["a"], 4, 16, initializer: .uniform(fanIn: 4)),
            Linear(store.root["b"], 16, 1, initializer: .uniform(fanIn: 16)),
        ]
        store.setTrainable(true)
        let x = sample([64, 4], seed: 4, dtype: .float32)
        let target = x.select(1, 0).sin().unsqueeze(1)
        let optimizer = AdamW(store.trainable, AdamW.Settings())
        var losses: [Double] = []
        for _ in 0..<200 {
            let loss = layers[1](layers[0](x).gelu()).mseLoss(target)
            loss.backward()
            optimizer.update(learningRate: 0.01)
            store.clearGradients()
            losses.append(loss.item())
        }
        #expect(losses.last! < 0.02 * losses[0])
    }
}
