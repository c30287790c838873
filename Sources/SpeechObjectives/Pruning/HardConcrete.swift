import Foundation
public import Torch

/// Gates that open and close during training and are mostly shut or fully open: a stretched binary
/// concrete variable, cut off at 0 and 1 (Louizos et al., 2018, arXiv 1712.01312), with the constants of
/// DPHuBERT.
public struct HardConcrete {
    /// β, the temperature of the concrete distribution.
    public static let temperature = 2.0 / 3
    /// Where the stretched variable begins and ends.
    public static let range = (low: -0.1, high: 1.1)
    /// How far uniform numbers stay away from 0 and 1.
    public static let epsilon = 1e-6
    /// What log α is multiplied by, besides 1/β, where gates no longer move.
    private static let sharpness = 0.8

    /// The logarithm of the odds of each gate, [n].
    public let logAlpha: Tensor

    /// Gates with these odds.
    public init(logAlpha: Tensor) { self.logAlpha = logAlpha }

    /// New gates, a parameter `log_alpha` around log((1 − p) / p) for a drop rate p.
    init(_ scope: ParameterScope, count: Int, dropRate: Double) {
        logAlpha = scope.parameter("log_alpha", [count], .normal(standardDeviation: 0.01))
        if scope.isInitializing {
            let center = log((1 - dropRate) / dropRate)
            withoutGradients { logAlpha.assign(logAlpha + center) }
        }
    }

    /// The gates that uniform numbers [n] between ε and 1 − ε give, [n], each from 0 to 1.
    public func sample(_ uniform: Tensor) -> Tensor {
        let odds = uniform.log() - (-uniform + 1.0).log()
        let concrete = ((odds + logAlpha) * (1 / Self.temperature)).sigmoid()
        let (low, high) = Self.range
        let stretched = concrete * (high - low) + low
        return stretched.clamped(min: 0.0, max: 1.0)
    }

    /// The probability of each gate not to be 0, [n].
    public var openProbability: Tensor {
        let (low, high) = Self.range
        return (logAlpha - Self.temperature * log(-low / high)).sigmoid()
    }

    /// The expected number of gates that are not 0, a scalar: the L0 norm.
    public var expectedCount: Tensor { openProbability.sum() }

    /// The gates without chance: as many are 0 as are expected to be, but never all, and the rest is as
    /// open as it mostly is.
    ///
    /// A layer that lost all units would lose the bias behind them, too, and could never learn again.
    public func evaluated() -> [Double] {
        withoutGradients {
            let count = logAlpha.count
            var values = (logAlpha * (Self.sharpness / Self.temperature)).sigmoid().to(.float64)
                .doubles()
            let expected = openProbability.to(.float64).sum().item()
            let closed = (Double(count) - expected).rounded(.toNearestOrEven)
            let shut = min(Int(closed), count - 1)
            let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
            for index in order.prefix(max(0, shut)) { values[index] = 0 }
            return values
        }
    }
}
