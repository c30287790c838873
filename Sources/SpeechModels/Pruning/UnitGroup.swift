public import SpeechCore

/// Units of an encoder that do the same work side by side, so that any of them can be left out: the
/// heads of one layer, or the channels of one convolution.
public struct UnitGroup: Hashable, Sendable, CustomStringConvertible {
    /// What the units are.
    public enum Kind: String, ConfigChoice {
        /// Output channels of a convolution of the waveform front end.
        case convolution
        /// Attention heads.
        case heads
        /// Inner units of a feed-forward network.
        case feedForward = "feed_forward"
        /// Channels of the convolution module of a conformer layer.
        case conformerConvolution = "conformer_convolution"
    }

    /// What the units are.
    public let kind: Kind
    /// The layer, or the convolution of the front end, counted from 0.
    public let layer: Int
    /// Which of a layer's feed-forward networks, counted from 0; 0 for all other kinds.
    public let network: Int

    /// Names a group.
    public init(_ kind: Kind, layer: Int, network: Int = 0) {
        self.kind = kind
        self.layer = layer
        self.network = network
    }

    /// Such as `heads.3`, or `feed_forward.3.1` for the second network of a layer.
    public var description: String {
        kind == .feedForward
            ? "\(kind.rawValue).\(layer).\(network)" : "\(kind.rawValue).\(layer)"
    }
}
