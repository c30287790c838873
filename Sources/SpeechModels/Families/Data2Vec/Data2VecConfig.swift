import Foundation
public import Torch

/// The configuration of data2vec on audio; defaults are those of `Data2VecAudioConfig`.
public struct Data2VecConfig: WaveformEncoderConfig, StructuredConfig {
    /// Everything that is read and written as wav2vec 2.0's.
    ///
    /// `positionalKernel` is `conv_pos_kernel_size`, 19 by default. Every layer of the front end has
    /// LayerNorm, and norms stand behind attention and feed-forward networks.
    public var base: Wav2Vec2Config
    /// `num_conv_pos_embeddings`: the number of positional convolutions.
    public var positionalLayers = 5

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        var defaults = Wav2Vec2Config()
        defaults.dialect = .data2Vec
        defaults.frontEnd.norm = .layer
        defaults.positionalKernel = 19
        base = try Wav2Vec2Config(from: decoder, defaults: defaults)
        let c = try decoder.container(keyedBy: ConfigKey.self)
        positionalLayers = try c.value("num_conv_pos_embeddings", default: positionalLayers)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(positionalLayers, forKey: "num_conv_pos_embeddings")
    }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        try base.validateKeys(path: path)
        try structure?.validate(for: self, path: path)
        try ConfigCheck(path: path).positive(
            "num_conv_pos_embeddings", positionalLayers, limit: 1 << 8)
    }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        Wav2Vec2Encoder(self, base: base, in: store) { scope in
            .init(
                positions: PositionalConvolutionStack(
                    scope["pos_conv_embed"], layers: positionalLayers, width: width,
                    kernel: base.positionalKernel, groups: base.positionalGroups,
                    activation: base.frontEnd.activation),
                layers: base.transformerLayers(scope), normIsLast: false)
        }
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength samples: Int) -> [(part: String, count: Int)] {
        base.multiplyAccumulates(inputLength: samples).map { part, count in
            (part, part == "positional convolution" ? count * positionalLayers : count)
        }
    }
}

extension Wav2Vec2Dialect {
    /// data2vec on audio, which counts layers under the name that the others have for taps.
    static let data2Vec = Wav2Vec2Dialect(
        modelType: "data2vec-audio", architecture: "Data2VecAudioModel",
        keys: [.adapter], positionalKernelKey: "conv_pos_kernel_size")
}

extension EncoderFamily {
    /// data2vec on audio.
    public static let data2Vec = EncoderFamily(
        modelType: "data2vec-audio", prefixes: ["data2vec_audio."],
        ignored: heads + ["masked_spec_embed"], renamedSuffixes: []
    ) { try $0.decode(Data2VecConfig.self, from: $1) }
}
