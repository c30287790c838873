import Torch

/// One layer of an encoder, whatever is in it.
protocol EncoderLayer {
    /// [B, T, D] to the layer's output and its (last) feed-forward output before scaling and
    /// residual sum, both [B, T, D].
    ///
    /// * `bias`: what attention scores depend on besides their content, for layers that share it.
    /// * `map`: what the last layer attended to whose attention others reuse.
    /// * `gates`: what units are multiplied by.
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows?, map: inout AttentionMap?,
        gates: LayerGates?, isTraining: Bool
    ) -> (output: Tensor, feedForward: Tensor)
}

/// The layers of an encoder, from the first hidden state on.
struct LayerStack {
    private let layers: [any EncoderLayer]

    init(_ layers: [any EncoderLayer]) { self.layers = layers }

    /// Runs as many layers as the request needs and keeps in `output` what it asks for.
    ///
    /// * `gates`: what units are multiplied by.
    /// - Returns: the output of the last layer that ran, [B, T, D].
    func callAsFunction(
        _ x: Tensor, _ mask: AttentionMask?, bias: BiasRows? = nil, gates: EncoderGates? = nil,
        request: LayerRequest, isTraining: Bool, keepingIn output: inout EncoderOutput
    ) -> Tensor {
        var x = x
        var map: AttentionMap?
        if request.hiddenStates.contains(0) { output.hiddenStates[0] = x }
        for (index, layer) in layers.prefix(request.lastNeededLayer(of: layers.count)).enumerated()
        {
            let number = index + 1
            if !request.droppedLayers.contains(number) {
                let (state, feedForward) = layer(
                    x, mask, bias: bias, map: &map, gates: gates?.layer(index),
                    isTraining: isTraining)
                x = state
                if request.feedForward.contains(number) { output.feedForward[number] = feedForward }
            }
            if let scale = request.gradientScales[number] { x = x.scalingGradient(by: scale) }
            if request.hiddenStates.contains(number) { output.hiddenStates[number] = x }
        }
        return x
    }
}
