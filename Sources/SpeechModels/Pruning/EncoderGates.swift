public import Torch

/// How far the units of an encoder are open: what each is multiplied by, from 0 to 1.
///
/// Convolution channels are multiplied behind norm and activation, heads before the output
/// projection, feed-forward units before the second linear map, channels of a conformer's
/// convolution behind norm and activation of the depthwise convolution. Its LayerNorm only sees open
/// channels, as if the others were not there (DPHuBERT, arXiv 2305.17651, section 2.2).
public struct EncoderGates {
    private let factors: [UnitGroup: Tensor]

    /// Takes the factors of any groups, each [n]; units of other groups stay as they are.
    public init(_ factors: [UnitGroup: Tensor]) { self.factors = factors }

    /// The factors of a group, nil where nothing is multiplied.
    public subscript(group: UnitGroup) -> Tensor? { factors[group] }

    /// Of the layer with an index.
    func layer(_ index: Int) -> LayerGates {
        LayerGates(
            heads: self[UnitGroup(.heads, layer: index)],
            feedForward: self[UnitGroup(.feedForward, layer: index)],
            secondFeedForward: self[UnitGroup(.feedForward, layer: index, network: 1)],
            convolution: self[UnitGroup(.conformerConvolution, layer: index)])
    }
}

/// The factors of one layer's units.
struct LayerGates {
    /// [n], of its heads.
    var heads: Tensor?
    /// [F], of the units of its only, or first, feed-forward network.
    var feedForward: Tensor?
    /// [F], of a conformer layer's second network.
    var secondFeedForward: Tensor?
    /// [C], of the channels of its convolution module.
    var convolution: Tensor?
}

/// An encoder whose units can be closed one by one and left out for good.
public protocol PrunableEncoder: SpeechEncoder {
    /// What units are multiplied by in passes from now on; nil for nothing.
    var gates: EncoderGates? { get set }
}

extension Tensor {
    /// This tensor [..., n] with every column multiplied by its factor [n]; itself for nil.
    func gated(_ factors: Tensor?) -> Tensor {
        guard let factors else { return self }
        return self * factors.to(dtype)
    }

    /// This tensor [B, n, T, d] with every head multiplied by its factor [n]; itself for nil.
    func gatedHeads(_ factors: Tensor?) -> Tensor {
        guard let factors else { return self }
        return self * factors.to(dtype).unsqueeze(1).unsqueeze(2)
    }
}
