import Foundation
public import Torch

/// The configuration of SEW; defaults are those of `SEWConfig`.
public struct SEWConfig: WaveformEncoderConfig {
    /// Everything that is read and written as wav2vec 2.0's; norms stand behind attention and
    /// feed-forward networks.
    public var base: Wav2Vec2Config
    /// `squeeze_factor`: how many frames of the front end the layers see as one.
    public var squeezeFactor = 2

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        var defaults = Wav2Vec2Config()
        defaults.dialect = .sew
        defaults.frontEnd.channels =
            [64] + Array(repeating: 128, count: 4) + Array(repeating: 256, count: 4)
            + Array(repeating: 512, count: 4)
        defaults.frontEnd.kernels = [10, 3, 1, 3, 1, 3, 1, 3, 1, 2, 1, 2, 1]
        defaults.frontEnd.strides = [5, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
        base = try Wav2Vec2Config(from: decoder, defaults: defaults)
        let c = try decoder.container(keyedBy: ConfigKey.self)
        squeezeFactor = try c.value("squeeze_factor", default: squeezeFactor)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(squeezeFactor, forKey: "squeeze_factor")
    }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        try base.validateKeys(path: path)
        try ConfigCheck(path: path).positive("squeeze_factor", squeezeFactor, limit: 1 << 6)
    }

    /// What brings the output back to the rate of the front end.
    public var modulesBehindLayers: [String] { ["encoder.upsample."] }

    /// Squeezed frames that are all of the clip.
    public func frameCount(inputLength length: Int) -> Int {
        base.frontEnd.frameCount(samples: length) / squeezeFactor
    }

    /// The frames that squeezed ones are made of; what does not fill another one comes on top.
    public func outputLength(frames: Int) -> Int { frames * squeezeFactor }

    /// The frames of the front end.
    public func outputLength(inputLength length: Int) -> Int {
        base.frontEnd.frameCount(samples: length)
    }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        SEWEncoder(self, in: store)
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength samples: Int) -> [(part: String, count: Int)] {
        let all = base.frontEnd.frameCount(samples: samples)
        let frames = all / squeezeFactor
        let d = width
        let channels = base.frontEnd.channels.last!
        return [
            ("front end", base.frontEnd.multiplyAccumulates(samples: samples)),
            ("feature projection", channels == d ? 0 : all * channels * d),
            (
                "positional convolution",
                frames * d * (d / base.positionalGroups) * base.positionalKernel
            ),
            ("feed-forward", frames * layerCount * 2 * d * feedForwardWidth),
            ("attention", frames * layerCount * (4 * d * d + 2 * frames * d)),
            ("upsampling", frames * d * d * squeezeFactor),
        ]
    }
}

extension Wav2Vec2Dialect {
    /// SEW.
    static let sew = Wav2Vec2Dialect(
        modelType: "sew", architecture: "SEWModel",
        keys: [.frontEndNorm])
}

extension EncoderFamily {
    /// SEW.
    public static let sew = EncoderFamily(
        modelType: "sew", prefixes: ["sew."], ignored: heads + ["masked_spec_embed"],
        renamedSuffixes: weightNormNames
    ) { try $0.decode(SEWConfig.self, from: $1) }
}
