import Foundation
public import Torch

/// The configuration of WavLM; defaults are those of `WavLMConfig`.
public struct WavLMConfig: WaveformEncoderConfig, StructuredConfig {
    /// Everything that is read and written as wav2vec 2.0's.
    public var base: Wav2Vec2Config
    /// `num_buckets`: ranges of distances that have a position bias of their own.
    public var buckets = 320
    /// `max_bucket_distance`: frames from which on all distances share one.
    public var maxDistance = 800

    /// Reads `config.json`; missing keys take the class defaults.
    public init(from decoder: any Decoder) throws {
        var defaults = Wav2Vec2Config()
        defaults.dialect = .wavLM
        base = try Wav2Vec2Config(from: decoder, defaults: defaults)
        let c = try decoder.container(keyedBy: ConfigKey.self)
        buckets = try c.value("num_buckets", default: buckets)
        maxDistance = try c.value("max_bucket_distance", default: maxDistance)
    }

    /// Writes every key that this type reads, and what `transformers` needs to choose a class.
    public func encode(to encoder: any Encoder) throws {
        try base.encode(to: encoder)
        var c = encoder.container(keyedBy: ConfigKey.self)
        try c.encode(buckets, forKey: "num_buckets")
        try c.encode(maxDistance, forKey: "max_bucket_distance")
    }

    /// Checks dimensions and the keys that only this family has.
    public func validate(path: String) throws {
        try base.validateKeys(path: path)
        try structure?.validate(for: self, path: path)
        let check = ConfigCheck(path: path)
        try check.require(
            (4...1 << 16).contains(buckets), "num_buckets", "4 to \(1 << 16)", buckets)
        try check.require(
            (buckets / 4 + 1...1 << 20).contains(maxDistance), "max_bucket_distance",
            "more than num_buckets / 4, up to \(1 << 20)", maxDistance)
    }

    /// One position bias for all layers.
    public var sharesPositionBias: Bool { true }

    /// Builds the network.
    public func makeEncoder(in store: ParameterStore) -> any SpeechEncoder {
        let first = Initializer.normal(standardDeviation: base.initializerRange)
        return Wav2Vec2Encoder(self, base: base, in: store) { scope in
            .init(
                positions: base.positionalConvolution(scope),
                bias: PositionBias(
                    scope["layers"][0]["attention"], heads: headCount, buckets: buckets,
                    maxDistance: maxDistance, first),
                layers: base.transformerLayers(scope, gatesBias: true),
                normIsLast: base.isPreNorm)
        }
    }

    /// Products of matrices and convolutions; activations and norms are left out.
    public func multiplyAccumulates(inputLength samples: Int) -> [(part: String, count: Int)] {
        let frames = frameCount(inputLength: samples)
        // Eight values of gates for every head, and their products with the bias.
        let gatedHeads = EncoderStructure(of: self).layers.reduce(0) {
            $0 + ($1.reusesAttention ? 0 : $1.heads)
        }
        let gates = frames * gatedHeads * (8 * (width / headCount) + frames)
        return base.multiplyAccumulates(inputLength: samples).map { part, count in
            (part, part == "attention" ? count + gates : count)
        }
    }
}

extension Wav2Vec2Dialect {
    /// WavLM.
    static let wavLM = Wav2Vec2Dialect(
        modelType: "wavlm", architecture: "WavLMModel",
        keys: [.frontEndNorm, .normOrder, .adapter])
}

extension EncoderFamily {
    /// WavLM.
    public static let wavLM = EncoderFamily(
        modelType: "wavlm", prefixes: ["wavlm."],
        ignored: heads + ["quantizer.", "project_hid.", "project_q.", "masked_spec_embed"],
        renamedSuffixes: weightNormNames
    ) { try $0.decode(WavLMConfig.self, from: $1) }
}
