public import Torch

/// The mean of all hidden states of an encoder, the input of the first layer among them, by weights
/// that are trained (the `Featurizer` of SUPERB, arXiv 2105.01051).
public struct LayerMixture {
    private let weights: Tensor

    /// * `layers`: of the encoder; there is one weight more. All are equal at first.
    public init(_ scope: ParameterScope, layers: Int) {
        weights = scope.parameter("weights", [layers + 1], .zeros)
    }

    /// What an encoder is asked for.
    public static func request(layers: Int) -> LayerRequest {
        LayerRequest(hiddenStates: Set(0...layers), wantsLastHiddenState: false)
    }

    /// The share of each layer, [L + 1].
    public var shares: Tensor { weights.softmax(-1) }

    /// All hidden states, [B, T, D] each, to their mean [B, T, D] in `float32`.
    public func callAsFunction(_ output: EncoderOutput) -> Tensor {
        let shares = shares
        let parts = (0..<weights.size(0)).map { layer in
            output.hiddenStates[layer]!.to(.float32) * shares.narrow(0, layer, 1)
        }
        return parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    }
}

extension Tensor {
    /// [B, T, D] with mean 0 and variance 1 of every channel of every clip, zeros behind its frames.
    func normalizedClips(_ lengths: [Int]) -> Tensor {
        let valid = Tensor.validFrames(lengths, of: size(1), device: device).unsqueeze(2)
            .to(dtype)  // [B, T, 1]
        let counts = Tensor(lengths.map { Float($0) }, [lengths.count, 1, 1], device: device)
        let mean = (self * valid).sum([1], keepDimensions: true) / counts
        let centred = (self - mean) * valid
        let variance = (centred * centred).sum([1], keepDimensions: true) / counts
        return centred / (variance + 1e-10).squareRoot()
    }
}
