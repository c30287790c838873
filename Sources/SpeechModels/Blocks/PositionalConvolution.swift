import Torch

/// What tells layers where frames are by being added to them.
protocol PositionalEmbedding {
    /// What is added to `x` [B, T, D], which is zero in padded frames.
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?) -> Tensor
}

/// The convolutional position embedding of wav2vec 2.0: a grouped convolution and an activation,
/// whose result is added to its input (`Wav2Vec2PositionalConvEmbedding`).
struct PositionalConvolution: PositionalEmbedding {
    private enum Weights {
        case weightNorm(WeightNormConv1d)
        case batchNorm(BatchNorm, Conv1d)
    }

    private let weights: Weights
    private let activation: Activation
    private let extraFrames: Int

    init(
        _ scope: ParameterScope, width: Int, kernel: Int, groups: Int, stride: Int,
        activation: Activation, usesBatchNorm: Bool
    ) {
        // transformers: normal with this deviation, bias 0.
        let deviation = 2 * (1 / Double(kernel * width)).squareRoot()
        if usesBatchNorm {
            weights = .batchNorm(
                BatchNorm(scope["batch_norm"], width),
                Conv1d(
                    scope["conv"], width, width, kernel: kernel, stride: stride,
                    padding: kernel / 2, groups: groups,
                    initializer: .normal(standardDeviation: deviation)))
        } else {
            let convolution = WeightNormConv1d(
                scope["conv"], width, width, kernel: kernel, stride: stride, padding: kernel / 2,
                groups: groups, initializer: .normal(standardDeviation: deviation))
            // New weights are to be what their distribution says.
            if scope.isInitializing { convolution.matchMagnitudeToDirection() }
            weights = .weightNorm(convolution)
        }
        self.activation = activation
        // An even kernel with padding on both sides gives one frame too many.
        extraFrames = kernel.isMultiple(of: 2) ? 1 : 0
    }

    /// [B, T, D] to [B, T, D], or with a stride S to about [B, T / S, D].
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?) -> Tensor {
        var y: Tensor
        switch weights {
        case .weightNorm(let convolution): y = convolution(x)
        case .batchNorm(let norm, let convolution):
            y = norm(x.transpose(1, 2)).transpose(1, 2)  // padding is no longer zero
            y = convolution(mask?.isolated(y) ?? y)
        }
        if extraFrames > 0 { y = y.slice(1, 0, -extraFrames) }
        return activation(y)
    }
}

/// Several such convolutions, each behind the other, with LayerNorm instead of weight norm
/// (`Data2VecAudioPositionalConvEmbedding`).
struct PositionalConvolutionStack: PositionalEmbedding {
    private let convolutions: [Conv1d]
    private let activation: Activation
    private let extraFrames: Int

    init(
        _ scope: ParameterScope, layers: Int, width: Int, kernel: Int, groups: Int,
        activation: Activation
    ) {
        let deviation = 2 * (1 / Double(kernel * width)).squareRoot()
        convolutions = (0..<layers).map {
            Conv1d(
                scope["layers"][$0]["conv"], width, width, kernel: kernel, padding: kernel / 2,
                groups: groups, initializer: .normal(standardDeviation: deviation))
        }
        self.activation = activation
        extraFrames = kernel.isMultiple(of: 2) ? 1 : 0
    }

    /// [B, T, D] to [B, T, D].
    func callAsFunction(_ x: Tensor, _ mask: AttentionMask?) -> Tensor {
        convolutions.reduce(x) { x, convolution in
            var y = convolution(mask?.isolated(x) ?? x)
            if extraFrames > 0 { y = y.slice(1, 0, -extraFrames) }
            return activation(y.layerNorm(nil, nil, epsilon: 1e-5))
        }
    }
}
