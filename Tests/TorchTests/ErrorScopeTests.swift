import Testing
import Torch

@Suite struct ErrorScopeTests {
    private struct OwnError: Error, Equatable {}

    private let a = Tensor.ones([2, 3])
    private let b = Tensor.ones([4, 5])

    @Test func theErrorNamesOperatorShapesAndReason() {
        let error = #expect(throws: TorchError.self) {
            try withTorchErrors { a + b }
        }
        #expect(
            error?.message
                == "aten::add([2, 3] float32, [4, 5] float32): The size of tensor a (3) must match "
                + "the size of tensor b (5) at non-singleton dimension 1")
        #expect(error?.description == error?.message)
        #expect(error?.isOutOfMemory == false)
    }

    @Test func onlyTheFirstLineOfTheReasonIsShown() {
        // No machine has this device, and LibTorch says so in many lines.
        let error = #expect(throws: TorchError.self) {
            try withTorchErrors { Tensor.zeros([2], device: .cuda(127)) }
        }
        #expect(error?.message.hasPrefix("aten::full([2], 0.0, float32, none, cuda:127): ") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test func theFirstFailureIsKept() {
        let integers = Tensor.arange(0, 2)
        let error = #expect(throws: TorchError.self) {
            try withTorchErrors {
                _ = a.reshape([7])
                _ = a + b
                // Fails by itself: it is no operator that an earlier failure switches off.
                integers.requiresGradient = true
            }
        }
        #expect(error?.message.hasPrefix("aten::reshape([2, 3] float32, [7]): ") == true)
    }

    @Test func laterOperatorsDoNothing() {
        let counter = Tensor.zeros([1])
        var seen: [Int] = []
        #expect(throws: TorchError.self) {
            try withTorchErrors {
                counter.addInPlace(.ones([1]))
                let failed = a + b
                counter.addInPlace(.ones([1]))
                // Code that runs on meets tensors without values and must not stop.
                let more = failed.matmul(a).reshape([failed.size(0), -1]).softmax(-1)
                let parts = more.chunk(3, 0) + more.split([1, 2], 0)
                let read = more.floats() + a.floats()
                seen = [parts.count, read.count, more.count, more.rank, more.size(-1)]
                more.backward()
                _ = more.gradients(of: [more])
                more.requiresGradient = true
                more.gradient = a
                _ = (more.item(), more.detached(), more.withHostBytes { $0.count })
                _ = ("\(more)", more.dtype, more.device, more.requiresGradient, more.gradient)
                // Shapes taken from failed tensors need not fit.
                _ = Tensor([1, 2, 3] as [Float], [failed.size(0)])
                _ = Tensor.stack([more, a]) + Tensor.norms([more])[0]
                _ = a.indexed([more]) + Tensor.scalar(1.0)
            }
        }
        expectValues(counter, [1])
        #expect(seen == [5, 0, 0, 0, 1])
    }

    @Test func resultsComeThrough() throws {
        let sum = try withTorchErrors { a + a }
        expectValues(sum, [2, 2, 2, 2, 2, 2])
        #expect(try withTorchErrors { 7 } == 7)
    }

    @Test func theBodysOwnErrorIsThrownIfNoOperatorFailed() {
        #expect(throws: OwnError.self) { try withTorchErrors { throw OwnError() } }
        #expect(throws: TorchError.self) {
            try withTorchErrors {
                _ = a + b
                throw OwnError()
            }
        }
    }

    @Test func afterAScopeAllIsWell() throws {
        for _ in 0..<3 {
            #expect(throws: TorchError.self) { try withTorchErrors { a + b } }
            expectValues(a + a, [2, 2, 2, 2, 2, 2])
            expectValues(try withTorchErrors { a.sum() }, [6])
        }
    }

    @Test func anInnerScopeKeepsItsFailureToItself() throws {
        let result = try withTorchErrors {
            let inner = Result { try withTorchErrors { a + b } }
            #expect(throws: TorchError.self) { try inner.get() }
            return a + a
        }
        expectValues(result, [2, 2, 2, 2, 2, 2])
    }

    @Test func aScopeInsideAFailedOneFailsTheSameWay() {
        var inner: TorchError?
        let outer = #expect(throws: TorchError.self) {
            try withTorchErrors {
                let failed = a + b
                do {
                    try withTorchErrors { _ = failed.reshape([1]) + a }
                } catch let error as TorchError {
                    inner = error
                }
            }
        }
        #expect(outer?.message.hasPrefix("aten::add(") == true)
        #expect(inner?.message == outer?.message)
    }

    @Test func failuresOfAutogradAreCaught() {
        let error = #expect(throws: TorchError.self) { try withTorchErrors { a.backward() } }
        #expect(error?.message.hasPrefix("backward of [2, 3] float32: ") == true)
        let integers = Tensor.arange(0, 2)
        let other = #expect(throws: TorchError.self) {
            try withTorchErrors { integers.requiresGradient = true }
        }
        #expect(other?.message.hasPrefix("requires gradient of [2] int64: ") == true)
        #expect(!integers.requiresGradient)
    }

    @Test func runningOutOfMemoryIsRecognised() throws {
        let error = #expect(throws: TorchError.self) {
            try withTorchErrors { Tensor.empty([1 << 50], dtype: .uint8) }
        }
        #expect(error?.isOutOfMemory == true)
        #expect(error?.message.hasPrefix("aten::empty([1125899906842624], uint8") == true)
        // The process goes on.
        expectValues(try withTorchErrors { a + a }, [2, 2, 2, 2, 2, 2])
    }

    @Test func scopesOfThreadsAreTheirOwn() async {
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<8 {
                group.addTask {
                    for _ in 0..<50 {
                        let x = Tensor.ones([2]), y = Tensor.ones([index % 2 == 0 ? 2 : 3])
                        let result = Result { try withTorchErrors { (x + y).sum().item() } }
                        switch result {
                        case .success(let sum): if index % 2 != 0 || sum != 4 { return false }
                        case .failure(let error):
                            if index % 2 == 0 || !(error is TorchError) { return false }
                        }
                    }
                    return true
                }
            }
            for await fine in group { #expect(fine) }
        }
    }

    @Test func outsideAScopeAFailureStopsTheProgram() async {
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) {
            _ = Tensor.ones([2, 3]) + Tensor.ones([4, 5])
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(
            text.contains("aten::add([2, 3] float32, [4, 5] float32): The size of tensor a (3)"))
    }

    @Test func aFailedTensorOutsideItsScopeStopsTheProgram() async {
        await #expect(processExitsWith: .failure) {
            var kept = Tensor.ones([1])
            try? withTorchErrors { kept = Tensor.ones([2, 3]) + Tensor.ones([4, 5]) }
            _ = kept + kept
        }
    }
}
