import Testing
import Torch

@Suite struct AutogradTests {
    private func leaf(_ values: [Double]) -> Tensor {
        let tensor = Tensor(values, [values.count])
        tensor.requiresGradient = true
        return tensor
    }

    @Test func backwardGivesDerivatives() {
        let x = leaf([2, 3])
        (x * x * x).sum().backward()
        expectValues(x.gradient!, [12, 27], shape: [2])
    }

    @Test func gradientsAccumulateUntilTheyAreCleared() {
        let x = leaf([2, 3])
        #expect(x.gradient == nil)
        (x * x).sum().backward()
        (x * 10.0).sum().backward()
        expectValues(x.gradient!, [14, 16])
        x.gradient = nil
        #expect(x.gradient == nil)
        (x * 10.0).sum().backward()
        expectValues(x.gradient!, [10, 10])
    }

    @Test func aGradientCanBeSet() {
        let x = leaf([2, 3])
        x.gradient = Tensor([5, 6] as [Double], [2])
        (x * 1.0).sum().backward()
        expectValues(x.gradient!, [6, 7])
    }

    @Test func backwardTakesAnOuterGradient() {
        let x = leaf([2, 3])
        (x * x).backward(gradient: Tensor([1, 10] as [Double], [2]))
        expectValues(x.gradient!, [4, 60])
    }

    @Test func aRetainedGraphCanBeUsedAgain() {
        let x = leaf([2, 3])
        let y = (x * x).sum()
        y.backward(retainGraph: true)
        y.backward()
        expectValues(x.gradient!, [8, 12])
        #expect(throws: TorchError.self) { try withTorchErrors { y.backward() } }
    }

    @Test func gradientsOfInputsLeaveTheLeavesAlone() {
        let x = leaf([2, 3])
        let y = leaf([5, 7])
        let unused = leaf([1])
        let inner = x * y
        let gradients = (inner * inner).sum().gradients(of: [x, inner, unused, y])
        expectValues(gradients[0]!, [100, 294])
        expectValues(gradients[1]!, [20, 42])
        #expect(gradients[2] == nil)
        expectValues(gradients[3]!, [40, 126])
        #expect(x.gradient == nil)
        #expect(y.gradient == nil)
    }

    @Test func gradientsOfInputsTakeAnOuterGradient() {
        let x = leaf([2, 3])
        let gradients = (x * x).gradients(of: [x], gradient: Tensor([1, 10] as [Double], [2]))
        expectValues(gradients[0]!, [4, 60])
    }

    @Test func nothingIsRecordedInsideTheScope() {
        let x = leaf([2, 3])
        let inside = withoutGradients { x * 2.0 }
        #expect(!inside.requiresGradient)
        #expect((x * 2.0).requiresGradient)
        let again = withoutGradients { withGradients(enabled: true) { x * 2.0 } }
        #expect(again.requiresGradient)
    }

    @Test func theScopeEndsWhenItsBodyThrows() {
        struct Stop: Error {}
        let x = leaf([2, 3])
        #expect(throws: Stop.self) { try withoutGradients { throw Stop() } }
        #expect((x * 2.0).requiresGradient)
    }

    @Test func leavesChangeInPlaceInsideTheScope() {
        let x = leaf([2, 3])
        withoutGradients { x.addInPlace(.ones([2], dtype: .float64), scale: 0.5) }
        expectValues(x, [2.5, 3.5])
        #expect(x.requiresGradient)
    }

    @Test func detachedTensorsShareMemoryButNotHistory() {
        let x = leaf([2, 3])
        let product = x * 2.0
        let detached = product.detached()
        #expect(product.requiresGradient)
        #expect(!detached.requiresGradient)
        (x * detached).sum().backward()
        expectValues(x.gradient!, [4, 6])
        detached.fill(1)
        expectValues(product, [1, 1])
    }

    @Test func conversionsPassGradientsInTheLeafsType() {
        let x = Tensor([1, 2] as [Float], [2])
        x.requiresGradient = true
        (x.to(.bfloat16) * 3.0).sum().backward()
        #expect(x.gradient!.dtype == .float32)
        expectValues(x.gradient!, [3, 3])
    }

    @Test func tensorsOutliveTheTemporariesOfAnExpression() {
        // Nothing but the graph holds the intermediate results here.
        func deep() -> Tensor {
            let x = leaf([1, 2])
            var y = x
            for _ in 0..<200 { y = (y + 0.0).reshape([1, 2]).transpose(0, 1).reshape([2]) * 1.0 }
            y.sum().backward()
            return x.gradient!
        }
        expectValues(deep(), [1, 1])
    }

    @Test func gradientsAreScaled() throws {
        for dtype in [DType.float32, .bfloat16] {
            for factor in [0.5, 2.0 / 3, 0.9, 1] {
                let x = sample([50], seed: 3, dtype: .float32).to(dtype)
                x.requiresGradient = true
                let y = x.scalingGradient(by: factor)
                #expect(y.floats() == x.floats())
                (y * 3.0).sum().backward()
                let gradient = try #require(x.gradient)
                expectValues(
                    gradient, Array(repeating: 3 * factor, count: 50),
                    tolerance: dtype == .float32 ? 1e-6 : 1e-2)
            }
        }
    }
}
