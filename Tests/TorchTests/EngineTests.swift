import Foundation
import Testing
import Torch

@Suite struct EngineTests {
    @Test func theEngineNamesItself() throws {
        let parts = Engine.version.split(separator: ".")
        #expect(parts.first == "2")
        let minor = try #require(parts.dropFirst().first.flatMap { Int($0) })
        #expect(minor >= 11)
        #expect(Engine.buildConfiguration.contains("PyTorch built with"))
        #expect(!Engine.cpuCapability.isEmpty)
        #expect(Engine.cudaDeviceCount >= 0)
    }

    /// A result of 4 MB and, for a time, one more of as much.
    @Test func peakMemoryOfTensors() {
        let before = Tensor.ones([1 << 20])
        let (result, bytes) = Engine.peakTensorBytes {
            let doubled = before + before
            return doubled + before
        }
        #expect(result.sum().item() == Double(3 << 20))
        #expect(8 << 20..<(9 << 20) ~= bytes)
        #expect(Engine.peakTensorBytes { before.sum().item() }.bytes < 1 << 16)
    }

    /// In a process of its own: the number of threads belongs to the process.
    @Test func threadsCanBeChosen() async {
        await #expect(processExitsWith: .success) {
            #expect(Engine.threads >= 1)
            for count in [1, 2, 3] {
                Engine.threads = count
                #expect(Engine.threads == count)
                let size = 200
                let product = Tensor.ones([size, size]).matmul(.ones([size, size]))
                #expect(product.sum().item() == Double(size * size * size))
            }
            #expect(throws: TorchError.self) { try withTorchErrors { Engine.threads = 0 } }
            #expect(Engine.threads == 3)
        }
    }

    #if os(Linux)
        /// In a process of its own: other tests allocate meanwhile.
        @Test func memoryStaysSteadyOverAThousandSteps() async {
            await #expect(processExitsWith: .success) {
                Engine.threads = 1
                let store = ParameterStore(seed: 1)
                let input = Linear(store.root["input"], 64, 64)
                let norm = LayerNorm(store.root["norm"], 64, epsilon: 1e-5)
                let output = Linear(store.root["output"], 64, 8)
                store.setTrainable(true)
                let optimizer = AdamW(store.trainable, AdamW.Settings())
                let generator = RandomGenerator(seed: 2)
                let index = Tensor([0, 3, 1] as [Int64], [3])

                func steps(_ count: Int) throws {
                    for step in 0..<count {
                        try withTorchErrors {
                            let x = Tensor.normal([4, 50, 64], generator: generator)
                            let hidden = norm(input(x).dropout(0.1)).gelu()
                            let heads = hidden.chunk(4, 2).map { $0.unsqueeze(1) }
                            let attended = heads[0].attention(key: heads[1], value: heads[2])
                            let all = Tensor.concatenate([attended, heads[3]] + heads[0..<2], 3)
                            let result = output(all.squeeze(1)).indexSelect(2, index)
                            let loss = result.power(2).mean()
                            loss.backward()
                            _ = optimizer.gradientNorm()
                            optimizer.update(learningRate: 1e-3, gradientDivisor: 2)
                            store.clearGradients()
                            _ = (loss.item(), result.floats())
                        }
                        if step % 10 == 0 {
                            // Failures must not keep anything either.
                            _ = try? withTorchErrors {
                                let kept = input(.ones([4, 64]))
                                return kept + Tensor.ones([3, 3])
                            }
                        }
                    }
                }

                try steps(200)
                let before = try residentKilobytes()
                try steps(1000)
                let after = try residentKilobytes()
                #expect(before > 0)
                #expect(
                    Double(after) <= 1.01 * Double(before), "\(before) kB grew to \(after) kB")
            }
        }

        /// What is too small to show in a training step shows in this many calls.
        @Test func smallObjectsAreFreed() async {
            await #expect(processExitsWith: .success) {
                let leaf = Tensor.ones([2, 3])
                leaf.requiresGradient = true
                leaf.sum().backward()
                func calls(_ count: Int) {
                    for _ in 0..<count {
                        let view = leaf.transpose(0, 1).detached()
                        _ = view.chunk(3, 0).count + (leaf.gradient == nil ? 1 : 0)
                        _ = leaf.sum().gradients(of: [leaf])
                        _ = RandomGenerator(seed: 1).state.count
                        try? withTorchErrors { _ = view.reshape([7]) }
                    }
                }
                calls(1000)
                let before = try residentKilobytes()
                calls(20_000)
                let after = try residentKilobytes()
                #expect(
                    Double(after) <= 1.01 * Double(before), "\(before) kB grew to \(after) kB")
            }
        }
    #endif
}

#if os(Linux)
    /// The memory of this process that is in RAM, as the kernel counts it.
    private func residentKilobytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(Int(line.filter(\.isNumber)))
    }
#endif
