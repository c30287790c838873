/// How a new parameter gets its first values.
public enum Initializer: Sendable {
    case zeros
    case ones
    case constant(Double)
    /// N(0, standardDeviation²).
    case normal(standardDeviation: Double)
    /// U(low, high).
    case uniform(Double, Double)

    /// U(−1/√fanIn, 1/√fanIn), LibTorch's own choice for linear and convolution layers.
    public static func uniform(fanIn: Int) -> Initializer {
        let bound = 1 / Double(fanIn).squareRoot()
        return .uniform(-bound, bound)
    }

    /// N(0, 2 / fanIn), He initialisation.
    public static func kaimingNormal(fanIn: Int) -> Initializer {
        .normal(standardDeviation: (2 / Double(fanIn)).squareRoot())
    }

    /// U(−√(6 / (fanIn + fanOut)), +√(6 / (fanIn + fanOut))), Glorot initialisation.
    public static func xavierUniform(fanIn: Int, fanOut: Int) -> Initializer {
        let bound = (6 / Double(fanIn + fanOut)).squareRoot()
        return .uniform(-bound, bound)
    }

    func tensor(_ shape: [Int], _ generator: RandomGenerator) -> Tensor {
        switch self {
        case .zeros: .zeros(shape)
        case .ones: .ones(shape)
        case .constant(let value): .full(shape, value)
        case .normal(let deviation):
            .normal(shape, standardDeviation: deviation, generator: generator)
        case .uniform(let low, let high):
            .uniform(shape, from: low, to: high, generator: generator)
        }
    }
}
