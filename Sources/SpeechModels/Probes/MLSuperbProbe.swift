import Foundation
public import SpeechCore
public import Torch

/// ML-SUPERB's recogniser: normalised features, 80 channels, convolutions that halve the frames, two
/// Transformer layers of width 256 (ESPnet, `egs2/ml_superb/asr1`).
public struct MLSuperbProbe: RecognitionProbe {
    /// All parameters.
    public let parameters: ParameterStore
    private let mixture: LayerMixture
    private let reduction, embedding, scores: Linear
    private let convolutions: [(weight: Tensor, bias: Tensor)]
    private let layers: [TransformerLayer]
    private let finalNorm: LayerNorm

    private static let channels = 80
    private static let width = 256
    private static let dropout = 0.1

    /// * `layers`, `width`: of the encoder.
    /// * `vocabularySize`: V, with the blank.
    public init(layers: Int, width: Int, vocabularySize: Int, in store: ParameterStore) {
        parameters = store
        let root = store.root
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) -> Linear {
            Linear(root[name], inputs, outputs, initializer: .uniform(fanIn: inputs))
        }
        mixture = LayerMixture(root["featurizer"], layers: layers)
        reduction = linear("preencoder.linear_out", width, Self.channels)
        convolutions = [1, Self.width].enumerated().map { index, inputs in
            let scope = root["encoder.embed.conv.\(2 * index)"]
            let initializer = Initializer.uniform(fanIn: 9 * inputs)
            return (
                scope.parameter("weight", [Self.width, inputs, 3, 3], initializer),
                scope.parameter("bias", [Self.width], .zeros)
            )
        }
        embedding = linear(
            "encoder.embed.out.0", Self.width * Self.reduced(Self.channels), Self.width)
        let shape = TransformerShape(
            width: Self.width, heads: 8, headWidth: 32, feedForward: 1024, activation: .relu,
            epsilon: 1e-12, isPreNorm: true, hiddenDropout: Self.dropout,
            attentionDropout: Self.dropout, activationDropout: Self.dropout,
            initializer: .uniform(fanIn: Self.width))
        self.layers = (0..<2).map { TransformerLayer(root["encoder.encoders.\($0)"], shape) }
        finalNorm = LayerNorm(root["encoder.after_norm"], Self.width, epsilon: 1e-12)
        scores = linear("ctc.ctc_lo", Self.width, vocabularySize)
    }

    /// The mixture's.
    public var layerShares: Tensor { mixture.shares }
    /// What the two convolutions of kernel 3 need.
    public var minimumFrames: Int { 7 }
    /// ⌊(T − 1) / 2⌋ − 2, and none of too few.
    public func outputLength(frames: Int) -> Int { Self.outputLength(frames: frames) }

    static func outputLength(frames: Int) -> Int { max(0, reduced(frames)) }

    /// Behind a convolution of kernel 3 and stride 2, and one of stride 1.
    private static func reduced(_ count: Int) -> Int { (count - 1) / 2 - 2 }

    /// Hidden states to logits [B, T', V].
    public func callAsFunction(
        _ output: EncoderOutput, using generator: inout SeededGenerator?
    ) -> Tensor {
        let isTraining = generator != nil
        func dropped(_ x: Tensor) -> Tensor { isTraining ? x.dropout(Self.dropout) : x }
        var features = mixture(output)
        if generator != nil {
            features = FeatureWarp()(features, lengths: output.lengths, using: &generator!)
        }
        var image = reduction(features.normalizedClips(output.lengths)).unsqueeze(1)
        for (index, convolution) in convolutions.enumerated() {  // [B, 256, T', 37]
            let stride = index == 0 ? 2 : 1
            image = image.convolution2d(
                convolution.weight, convolution.bias, stride: [stride, stride]
            ).relu()
        }
        let frames = image.size(2)
        let embedded = embedding(image.transpose(1, 2).flatten(2, 3))  // [B, T', 256]
        let positions = Tensor(
            sinusoids(frames, Self.width), [frames, Self.width], device: embedded.device)
        var states = dropped(embedded * Double(Self.width).squareRoot() + positions)
        let mask = AttentionMask(
            lengths: output.lengths.map { outputLength(frames: $0) }, frames: frames,
            device: states.device, padding: .isolated)
        var map: AttentionMap?
        for layer in layers {
            states =
                layer(states, mask, bias: nil, map: &map, gates: nil, isTraining: isTraining).output
        }
        return scores(finalNorm(states))
    }
}

/// Sines and cosines of positions in turn, T · D values (Vaswani and others 2017, section 3.5).
private func sinusoids(_ frames: Int, _ width: Int) -> [Float] {
    (0..<frames).flatMap { frame in
        (0..<width).map { channel in
            let angle = Double(frame) * pow(10000, -Double(channel / 2 * 2) / Double(width))
            return Float(channel % 2 == 0 ? sin(angle) : cos(angle))
        }
    }
}
