import Foundation
import Testing
import Torch

@Suite struct ActivationTests {
    let values: [Double] = [-2, -0.5, 0, 1, 3]
    var x: Tensor { Tensor(values, [5]) }

    private func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

    @Test func activationsFollowTheirFormulas() {
        expectValues(
            x.gelu(), values.map { $0 * 0.5 * (1 + erf($0 / 2.0.squareRoot())) }, tolerance: 1e-12)
        expectValues(
            x.gelu(.tanh),
            values.map {
                0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
            }, tolerance: 1e-12)
        expectValues(x.silu(), values.map { $0 * logistic($0) }, tolerance: 1e-12)
        expectValues(x.relu(), [0, 0, 0, 1, 3])
        expectValues(x.sigmoid(), values.map(logistic), tolerance: 1e-12)
        expectValues(x.logSigmoid(), values.map { log(logistic($0)) }, tolerance: 1e-12)
        expectValues(x.tanh(), values.map { tanh($0) }, tolerance: 1e-12)
    }

    @Test func gluMultipliesTheFirstHalfByTheGatedSecond() {
        let x = Tensor([1, 2, 0, 100] as [Double], [1, 4])
        expectValues(x.glu(-1), [0.5, 2], shape: [1, 2])
    }

    @Test func softmaxSumsToOne() {
        let x = Tensor([0, log(3), 1000, 1000] as [Double], [2, 2])
        expectValues(x.softmax(-1), [0.25, 0.75, 0.5, 0.5], tolerance: 1e-12)
        expectValues(
            x.logSoftmax(-1), [log(0.25), log(0.75), log(0.5), log(0.5)], tolerance: 1e-12)
        expectValues(x.softmax(0).sum([0]), [1, 1], tolerance: 1e-12)
    }

    @Test func dropoutOfNothingIsTheTensorItself() {
        let x = self.x
        #expect(x.dropout(0) === x)
    }
}
