import Torch

/// The layers that shorten w2v-BERT's output for speech translation and many recognisers
/// (`Wav2Vec2BertAdapter`, `SeamlessM4Tv2ConformerAdapter`).
struct W2VBertAdapter {
    private struct Layer {
        let residualNorm, attentionNorm, feedForwardNorm: LayerNorm
        let residualConvolution, attentionConvolution: Conv1d
        let attention: ConformerSelfAttention
        let feedForward: FeedForward

        init(_ scope: ParameterScope, _ config: W2VBertConfig, epsilon: Double) {
            let width = config.outputHiddenSize
            func norm(_ name: String) -> LayerNorm {
                LayerNorm(scope[name], width, epsilon: epsilon)
            }
            func convolution(_ name: String) -> Conv1d {
                Conv1d(
                    scope[name], width, 2 * width, kernel: config.adapterKernel,
                    stride: config.adapterStride, padding: config.adapterStride / 2)
            }
            residualNorm = norm("residual_layer_norm")
            residualConvolution = convolution("residual_conv")
            attentionNorm = norm("self_attn_layer_norm")
            attentionConvolution = convolution("self_attn_conv")
            attention = ConformerSelfAttention(
                scope["self_attn"],
                .init(
                    width: width, heads: config.numAttentionHeads,
                    dropout: config.attentionDropout, positions: nil))
            feedForwardNorm = norm("ffn_layer_norm")
            feedForward = FeedForward(
                scope["ffn"], width: width, units: config.intermediateSize,
                activation: config.adapterActivation)
        }

        /// * `inputLengths`: frames of each clip behind which convolutions see zeros.
        /// * `lengths`: frames of each clip that are attended to.
        func callAsFunction(_ x: Tensor, inputLengths: [Int]?, lengths: [Int]?) -> Tensor {
            let residual = residualConvolution(residualNorm(x).zeroed(behind: inputLengths)).glu(2)
            let attended = attentionConvolution(attentionNorm(x).zeroed(behind: inputLengths))
                .glu(2)
            let mask = AttentionMask(
                lengths: lengths, frames: attended.size(1), device: x.device, padding: .isolated)
            let x = residual + attention(attended, mask, isTraining: false)
            return x + feedForward(feedForwardNorm(x), isTraining: false)
        }
    }

    private let projection: (linear: Linear, norm: LayerNorm)?
    private let layers: [Layer]
    private let config: W2VBertConfig
    private let countsFromInput: Bool

    /// * `countsFromInput`: whether every layer masks what remains of the adapter's input behind one
    ///   layer, as SeamlessM4T does, instead of what remains of its own.
    init(
        _ scope: ParameterScope, _ config: W2VBertConfig, epsilon: Double, countsFromInput: Bool
    ) {
        if config.outputHiddenSize != config.hiddenSize {
            projection = (
                Linear(scope["proj"], config.hiddenSize, config.outputHiddenSize),
                LayerNorm(
                    scope["proj_layer_norm"], config.outputHiddenSize,
                    epsilon: epsilon)
            )
        } else {
            projection = nil
        }
        layers = (0..<config.adapterLayers).map {
            Layer(scope["layers"][$0], config, epsilon: epsilon)
        }
        self.config = config
        self.countsFromInput = countsFromInput
    }

    /// [B, T, D] to [B, T', O].
    ///
    /// * `lengths`: valid frames of each clip.
    func callAsFunction(_ x: Tensor, lengths: [Int], of input: EncoderInput) -> Tensor {
        var x = x
        if let projection { x = projection.norm(projection.linear(x)) }
        let isIsolated = input.padding == .isolated
        var made = input.inputLengths
        var counted = lengths
        for (index, layer) in layers.enumerated() {
            let inputLengths = isIsolated ? made : nil
            made = made.map(config.adaptedLength)
            if index == 0 || !countsFromInput { counted = counted.map(config.countedLength) }
            let attended = isIsolated ? zip(counted, made).map { min($0, $1) } : counted
            // The reference counts only where it is given a mask; alone it has none to be given.
            let hasMask = isIsolated || input.lengths != nil
            x = layer(x, inputLengths: inputLengths, lengths: hasMask ? attended : nil)
        }
        return x
    }
}
