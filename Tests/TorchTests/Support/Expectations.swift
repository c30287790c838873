import Testing
import Torch

/// Expects the values of a tensor, in row-major order, and optionally its shape.
func expectValues(
    _ tensor: Tensor, _ expected: [Double], shape: [Int]? = nil, tolerance: Double = 1e-6,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    if let shape { #expect(tensor.shape == shape, sourceLocation: sourceLocation) }
    let found = tensor.doubles()
    #expect(found.count == expected.count, sourceLocation: sourceLocation)
    for (index, (a, b)) in zip(found, expected).enumerated() where !(abs(a - b) <= tolerance) {
        Issue.record(
            "element \(index) is \(a), expected \(b) within \(tolerance)",
            sourceLocation: sourceLocation)
        return
    }
}

/// Expects two tensors to have the same shape and the same values up to `tolerance`.
func expectEqual(
    _ a: Tensor, _ b: Tensor, tolerance: Double = 1e-6,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectValues(
        a, b.doubles(), shape: b.shape, tolerance: tolerance, sourceLocation: sourceLocation)
}

/// Expects reverse-mode gradients to equal central differences of `function`, in `float64`.
///
/// `function` maps `inputs` to a tensor; the gradients of Σ weight · result are compared for a
/// fixed, uneven weight, so that errors of different elements cannot cancel.
func expectGradients(
    _ inputs: [Tensor], tolerance: Double = 1e-7,
    sourceLocation: SourceLocation = #_sourceLocation, of function: ([Tensor]) -> Tensor
) {
    func objective(_ inputs: [Tensor]) -> Tensor {
        let result = function(inputs)
        let weight = (Tensor.arange(0, result.count, dtype: .float64) * 0.7 + 0.3).sin()
        return (result.reshape([-1]) * weight).sum()
    }
    let step = 1e-5
    for input in inputs {
        #expect(input.dtype == .float64, sourceLocation: sourceLocation)
        input.requiresGradient = true
    }
    let analytic = objective(inputs).gradients(of: inputs)
    for (position, input) in inputs.enumerated() {
        guard let gradient = analytic[position] else {
            Issue.record("input \(position) is unused", sourceLocation: sourceLocation)
            continue
        }
        let values = input.doubles()
        let differences = withoutGradients {
            values.indices.map { index in
                func moved(_ distance: Double) -> Double {
                    var changed = values
                    changed[index] += distance
                    var copies = inputs
                    copies[position] = Tensor(changed, input.shape)
                    return objective(copies).item()
                }
                return (moved(step) - moved(-step)) / (2 * step)
            }
        }
        expectValues(
            gradient, differences, shape: input.shape, tolerance: tolerance,
            sourceLocation: sourceLocation)
    }
}

/// Normally distributed `float64` or `float32` values that depend on the seed alone.
func sample(_ shape: [Int], seed: UInt64, dtype: DType = .float64) -> Tensor {
    .normal(shape, dtype: dtype, generator: RandomGenerator(seed: seed))
}
