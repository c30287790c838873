public import SpeechCore
public import Torch

/// The distance of predictions from targets, frame by frame.
///
/// Channels are averaged, so that widths compare; the sum runs over frames that count, so that
/// padding has no part in it. In run files: `loss`, `cosine_weight`, `smooth_l1_beta`.
public struct RegressionLoss: Codable, Equatable, Sendable {
    /// How two features are compared.
    public enum Kind: String, ConfigChoice {
        /// The mean of squares over channels (FitHuBERT, ARMHuBERT).
        case mse
        /// The sum of squares over channels divided by √D (data2vec).
        case scaledL2 = "scaled_l2"
        /// The mean of absolute values over channels.
        case l1
        /// Squares near zero, absolute values from β on (data2vec): d² / 2β, then |d| − β / 2.
        case smoothL1 = "smooth_l1"
        /// L1 − w · log σ(cos) (DistilHuBERT, USAD).
        case l1Cosine = "l1_cosine"
        /// L1 − w · cos (DPHuBERT).
        case l1RawCosine = "l1_raw_cosine"
        /// −w · log σ(cos): only directions count.
        case cosine
    }

    /// How two features are compared.
    public var kind: Kind
    /// w: what the terms of the cosine are multiplied by.
    public var cosineWeight: Double
    /// β: where `smoothL1` passes from squares to absolute values.
    public var smoothL1Beta: Double

    private enum CodingKeys: String, CodingKey {
        case kind = "loss"
        case cosineWeight = "cosine_weight"
        case smoothL1Beta = "smooth_l1_beta"
    }

    /// * `kind`: how two features are compared.
    /// * `cosineWeight`: 1 in DistilHuBERT, DPHuBERT and USAD.
    /// * `smoothL1Beta`: above 0.
    public init(_ kind: Kind, cosineWeight: Double = 1, smoothL1Beta: Double = 1) {
        self.kind = kind
        self.cosineWeight = cosineWeight
        self.smoothL1Beta = smoothL1Beta
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        guard cosineWeight >= 0, cosineWeight.isFinite else {
            throw ObjectiveError.invalidSetting(
                key: "objective.cosine_weight", expected: "a number from 0 on",
                found: "\(cosineWeight)")
        }
        guard smoothL1Beta > 0, smoothL1Beta.isFinite else {
            throw ObjectiveError.invalidSetting(
                key: "objective.smooth_l1_beta", expected: "a positive number",
                found: "\(smoothL1Beta)")
        }
    }

    /// The loss of a frame that is predicted exactly, which is the least there is.
    public var minimum: Double {
        // log(1 + 1/e) = −log σ(1)
        let certain = 0.313_261_687_518_222_8
        return switch kind {
        case .mse, .scaledL2, .l1, .smoothL1: 0
        case .l1Cosine, .cosine: cosineWeight * certain
        case .l1RawCosine: -cosineWeight
        }
    }

    /// The loss of every frame.
    ///
    /// * `predictions`: [..., D], in `float32` or `float64`.
    /// * `targets`: [..., D].
    /// - Returns: [...].
    public func perFrame(_ predictions: Tensor, _ targets: Tensor) -> Tensor {
        switch kind {
        case .mse:
            return Self.squares(predictions, targets).mean([-1])
        case .scaledL2:
            let width = Double(predictions.size(-1))
            return Self.squares(predictions, targets).sum([-1]) / width.squareRoot()
        case .l1:
            return Self.absolute(predictions, targets)
        case .smoothL1:
            let distance = (predictions - targets).abs()
            // min(|d|, β) = s gives both branches: s · (|d| − s / 2) / β.
            let square = distance - (distance - smoothL1Beta).relu()
            return (square * (distance - square * 0.5)).mean([-1]) / smoothL1Beta
        case .l1Cosine:
            let cosine = Self.cosine(predictions, targets)
            return Self.absolute(predictions, targets)
                .adding(cosine.logSigmoid(), scale: -cosineWeight)
        case .l1RawCosine:
            let cosine = Self.cosine(predictions, targets)
            return Self.absolute(predictions, targets).adding(cosine, scale: -cosineWeight)
        case .cosine:
            return Self.cosine(predictions, targets).logSigmoid() * -cosineWeight
        }
    }

    /// The loss summed over the frames that count, a scalar.
    ///
    /// * `predictions`: [B, M, D], in `float32` or `float64`.
    /// * `targets`: [B, M, D].
    /// * `weights`: 1 for frames that count and 0 for the others, [B, M].
    public func callAsFunction(
        _ predictions: Tensor, _ targets: Tensor, weights: Tensor
    ) -> Tensor {
        (perFrame(predictions, targets) * weights).sum()
    }

    /// The cosine between corresponding rows, [..., D] to [...]; lengths below 1e-8 count as that.
    public static func cosine(_ a: Tensor, _ b: Tensor) -> Tensor {
        let lengths = a.norm([-1]).clamped(min: 1e-8) * b.norm([-1]).clamped(min: 1e-8)
        return (a * b).sum([-1]) / lengths
    }

    private static func squares(_ a: Tensor, _ b: Tensor) -> Tensor {
        let difference = a - b
        return difference * difference
    }

    private static func absolute(_ a: Tensor, _ b: Tensor) -> Tensor { (a - b).abs().mean([-1]) }
}
