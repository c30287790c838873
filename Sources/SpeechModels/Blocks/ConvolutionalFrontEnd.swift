public import SpeechCore
import Torch

/// How the waveform front end normalises.
public enum FrontEndNorm: String, ConfigChoice {
    /// The first layer only, every channel over time.
    case group
    /// Every layer, over channels.
    case layer
}

/// The stack of strided convolutions that turns samples into frames (wav2vec 2.0, section 2;
/// `Wav2Vec2FeatureEncoder`).
struct ConvolutionalFrontEnd {
    private enum Norm {
        case none
        case group(InstanceNorm)
        case layer(LayerNorm)
    }

    /// Samples of a part, half a minute of speech.
    private static let partSamples = 1 << 19
    /// Frames of the first layer that its statistics are taken from at a time.
    private static let statisticsFrames = 1 << 12
    /// The name of the fixed numbers that the last channels are multiplied by.
    static let scaleName = "feature_extractor.scale"

    private let layers: [(convolution: Conv1d, norm: Norm)]
    private let activation: Activation
    /// [C]: what pruning left of the gates of the last channels.
    private let scale: Tensor?
    private let shape: WaveformConvolutions

    /// * `isScaled`: whether the channels that come out are multiplied by fixed numbers.
    init(_ scope: ParameterScope, _ shape: WaveformConvolutions, isScaled: Bool = false) {
        layers = shape.channels.indices.map { index in
            let scope = scope["conv_layers"][index]
            let inputs = index == 0 ? 1 : shape.channels[index - 1]
            let outputs = shape.channels[index]
            let kernel = shape.kernels[index]
            let convolution = Conv1d(
                scope["conv"], inputs, outputs, kernel: kernel, stride: shape.strides[index],
                bias: shape.hasBias, initializer: .kaimingNormal(fanIn: inputs * kernel))
            let norm: Norm =
                switch shape.norm {
                case .layer: .layer(LayerNorm(scope["layer_norm"], outputs, epsilon: 1e-5))
                case .group where index == 0:
                    // GroupNorm with a group for every channel.
                    .group(InstanceNorm(scope["layer_norm"], channels: outputs))
                case .group: .none
                }
            return (convolution, norm)
        }
        activation = shape.activation
        scale = isScaled ? scope.buffer("scale", [shape.channels.last!], .ones) : nil
        self.shape = shape
    }

    /// Samples [B, N] to frames [B, T, C].
    ///
    /// A valid frame only sees valid samples, but for the statistics over time of the first layer.
    /// Without gradients long clips go through in parts, so that the first layers' many frames are never
    /// all in memory.
    ///
    /// * `lengths`: samples of each clip that these statistics are taken over; nil for all.
    /// * `gates`: what channels are multiplied by.
    /// * `gradientScale`: what the gradients of the convolutions are multiplied by; 0 records none.
    func callAsFunction(
        _ samples: Tensor, lengths: [Int]?, gates: EncoderGates? = nil, gradientScale: Double = 1
    ) -> Tensor {
        if gradientScale == 0 {
            return withoutGradients { self(samples, lengths: lengths, gates: gates) }
        }
        let features = features(of: samples, lengths: lengths, gates: gates)
        return gradientScale == 1 ? features : features.scalingGradient(by: gradientScale)
    }

    private func features(
        of samples: Tensor, lengths: [Int]?, gates: EncoderGates?
    ) -> Tensor {
        let recorded: [Tensor?] = [samples] + layers.map { $0.convolution.weight }
        if samples.size(1) > Self.partSamples, !Tensor.records(recorded) {
            let clips = (0..<samples.size(0)).map {
                inParts(samples.narrow(0, $0, 1), length: lengths?[$0] ?? samples.size(1), gates)
            }
            return clips.count == 1 ? clips[0] : .concatenate(clips, 0)
        }
        let lengths = lengths?.map { firstFrames(samples: $0) }
        return frames(of: samples, gates) { norm, x in norm(x, lengths: lengths) }
    }

    /// One clip [1, N] to [1, T, C].
    private func inParts(_ samples: Tensor, length: Int, _ gates: EncoderGates?) -> Tensor {
        func part(_ frames: Range<Int>, hop: Int, field: Int) -> Tensor {
            samples.narrow(1, frames.lowerBound * hop, (frames.count - 1) * hop + field)
        }
        var statistics: InstanceNorm.Statistics?
        if case .group(let norm) = layers[0].norm {
            let (hop, field) = (shape.strides[0], shape.kernels[0])
            statistics = norm.statistics(
                frames: firstFrames(samples: length), height: Self.statisticsFrames
            ) { layers[0].convolution(part($0, hop: hop, field: field).unsqueeze(2)).select(0, 0) }
        }
        let count = shape.frameCount(samples: samples.size(1))
        let height = max(1, Self.partSamples / shape.hop)
        let parts = stride(from: 0, to: count, by: height).map { first in
            let range = first..<min(count, first + height)
            return frames(
                of: part(range, hop: shape.hop, field: shape.receptiveField), gates
            ) { norm, x in
                norm.normalized(x, by: statistics!)
            }
        }
        return parts.count == 1 ? parts[0] : .concatenate(parts, 1)
    }

    /// Through all layers.
    ///
    /// * `normalize`: applies the norm over time of the first one.
    private func frames(
        of samples: Tensor, _ gates: EncoderGates?, normalize: (InstanceNorm, Tensor) -> Tensor
    ) -> Tensor {
        var x = samples.unsqueeze(2)  // [B, N, 1]
        for (index, (convolution, norm)) in layers.enumerated() {
            x = convolution(x)
            switch norm {
            case .none: break
            case .group(let norm): x = normalize(norm, x)
            case .layer(let norm): x = norm(x)
            }
            x = activation(x).gated(gates?[UnitGroup(.convolution, layer: index)])
        }
        return scale.map { x * $0.to(x.dtype) } ?? x
    }

    private func firstFrames(samples: Int) -> Int {
        (samples - shape.kernels[0]) / shape.strides[0] + 1
    }
}

/// The shape of a waveform front end.
public struct WaveformConvolutions: Equatable, Sendable {
    /// Output channels of each layer.
    public var channels: [Int]
    /// Taps of each layer.
    public var kernels: [Int]
    /// Strides of each layer.
    public var strides: [Int]
    /// Whether convolutions have a bias.
    public var hasBias: Bool
    /// Where normalisation stands.
    public var norm: FrontEndNorm
    /// Behind every layer.
    public var activation: Activation

    /// ⌊(L − kernel) / stride⌋ + 1 through all layers; 0 for a clip that is too short.
    public func frameCount(samples: Int) -> Int {
        var length = samples
        for (kernel, stride) in zip(kernels, strides) {
            if length < kernel { return 0 }
            length = (length - kernel) / stride + 1
        }
        return length
    }

    /// Multiply-accumulate operations for a clip.
    func multiplyAccumulates(samples: Int) -> Int {
        var length = samples
        var inputs = 1
        var count = 0
        for index in channels.indices {
            length = max(0, (length - kernels[index]) / strides[index] + 1)
            count += length * channels[index] * inputs * kernels[index]
            inputs = channels[index]
        }
        return count
    }

    /// Samples that one frame sees.
    public var receptiveField: Int {
        zip(kernels, strides).reversed().reduce(1) { ($0 - 1) * $1.1 + $1.0 }
    }

    /// Samples from one frame to the next.
    public var hop: Int { strides.reduce(1, *) }
}
