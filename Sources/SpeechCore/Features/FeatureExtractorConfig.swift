public import Foundation

/// What `preprocessor_config.json` says about a feature extractor.
///
/// Keys that the extractor does not use are ignored; missing keys take the defaults of the class in
/// `transformers`, which `init(kind:)` gives.
public struct FeatureExtractorConfig: Sendable, Hashable {
    /// The extractor classes that this package has.
    public enum Kind: String, Sendable, CaseIterable {
        /// Samples, normalised per clip.
        case wav2vec2 = "Wav2Vec2FeatureExtractor"
        /// Kaldi log-mel filterbank with stacked frames.
        case seamlessM4T = "SeamlessM4TFeatureExtractor"
        /// Log-mel spectrogram of a window of fixed length.
        case whisper = "WhisperFeatureExtractor"
    }

    /// The extractor class.
    public var kind: Kind
    /// `feature_size`: 1 for samples, the mel filters of the spectrogram, 80 for the filterbank, whose
    /// size is `melBins` whatever this says.
    public var featureSize: Int
    /// `sampling_rate` in hertz; 16000 by default.
    public var samplingRate = 16_000
    /// `padding_value`: what fills the padding; 0 by default.
    public var paddingValue: Float = 0
    /// `return_attention_mask`; by default true for the filterbank and false for the others.
    public var returnsAttentionMask: Bool
    /// `do_normalize` of the sample extractor; true by default.
    public var normalizes = true
    /// `num_mel_bins` of the filterbank; 80 by default.
    public var melBins = 80
    /// `stride` of the filterbank, the number of frames stacked into one; 2 by default.
    public var stride = 2
    /// `chunk_length` of the spectrogram: seconds that every clip is padded to; 30 by default.
    public var chunkLength = 30
    /// `n_fft` of the spectrogram: samples of a frame; 400 by default.
    public var fftLength = 400
    /// `hop_length` of the spectrogram: samples from one frame to the next; 160 by default.
    public var hopLength = 160

    /// The number of values of one position of the encoder's input.
    public var inputWidth: Int {
        switch kind {
        case .wav2vec2: 1
        case .seamlessM4T: melBins * stride
        case .whisper: featureSize
        }
    }

    /// Whether `transformers` has features as [B, F, T] instead of [B, T, F].
    public var hasFramesLast: Bool { kind == .whisper }

    /// The defaults of a class.
    public init(kind: Kind) {
        self.kind = kind
        featureSize = kind == .wav2vec2 ? 1 : 80
        returnsAttentionMask = kind == .seamlessM4T
    }

    /// Reads a `preprocessor_config.json`.
    ///
    /// The oldest files name no class; they are told apart by the keys of the classes.
    ///
    /// - Parameters:
    ///   - data: The file's bytes.
    ///   - path: The file's path, for messages.
    /// - Throws: `JSONFileError` for malformed JSON, a class that this package does not have, or a
    ///   value that the class cannot take.
    public init(data: Data, path: String) throws {
        let file = try JSONFile(path: path, data: data)
        self.init(kind: try Self.kind(of: file))
        if let side = try file.string("padding_side"), side != "right" {
            throw JSONFileError.wrongValue(
                path: path, key: "padding_side", expected: "\"right\"", found: "\"\(side)\"")
        }
        let sizes = kind == .wav2vec2 ? 1...1 : 1...1024
        featureSize = try file.integer("feature_size", in: sizes) ?? featureSize
        samplingRate = try file.integer("sampling_rate", in: 1000...384_000) ?? samplingRate
        if let value = try file.number("padding_value") { paddingValue = Float(value) }
        returnsAttentionMask = try file.bool("return_attention_mask") ?? returnsAttentionMask
        switch kind {
        case .wav2vec2:
            normalizes = try file.bool("do_normalize") ?? normalizes
        case .seamlessM4T:
            melBins = try file.integer("num_mel_bins", in: 1...1024) ?? melBins
            stride = try file.integer("stride", in: 1...64) ?? stride
        case .whisper:
            try readSpectrogram(file)
        }
    }

    private mutating func readSpectrogram(_ file: JSONFile) throws {
        chunkLength = try file.integer("chunk_length", in: 1...600) ?? chunkLength
        fftLength = try file.integer("n_fft", in: 2...8192) ?? fftLength
        hopLength = try file.integer("hop_length", in: 1...8192) ?? hopLength
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            guard !holds else { return }
            throw JSONFileError.wrongValue(
                path: file.path, key: key, expected: expected, found: "\(found)")
        }
        let samples = chunkLength * samplingRate
        try require(fftLength.isMultiple(of: 2), "n_fft", "an even number", fftLength)
        try require(
            fftLength <= samples, "n_fft", "at most the \(samples) samples of chunk_length",
            fftLength)
        try require(
            hopLength <= samples, "hop_length", "at most the \(samples) samples of chunk_length",
            hopLength)
        let dither = try file.number("dither") ?? 0
        try require(dither == 0, "dither", "0: features are not random", dither)
    }

    private static func kind(of file: JSONFile) throws -> Kind {
        let key = "feature_extractor_type"
        if let name = try file.string(key) {
            guard let kind = Kind(rawValue: name) else {
                let known = Kind.allCases.map(\.rawValue).joined(separator: " or ")
                throw JSONFileError.wrongValue(
                    path: file.path, key: key, expected: known, found: name)
            }
            return kind
        }
        if file.value("num_mel_bins") != nil { return .seamlessM4T }
        if file.value("chunk_length") != nil && file.value("n_fft") != nil { return .whisper }
        let foreign = ["n_fft", "chunk_length", "image_mean", "crop_size"]
        if let other = foreign.first(where: { file.value($0) != nil }) {
            throw JSONFileError.wrongValue(
                path: file.path, key: key, expected: "the class of a speech feature extractor",
                found: "nothing, and the key '\(other)' of another kind of extractor")
        }
        return .wav2vec2
    }

    /// The text of a `preprocessor_config.json` that `transformers` reads.
    public var jsonText: String {
        var object = JSONObject()
        if kind == .whisper {
            object["chunk_length"] = .integer(chunkLength)
            object["dither"] = .number(0)
        }
        if kind == .wav2vec2 { object["do_normalize"] = .bool(normalizes) }
        object["feature_extractor_type"] = .string(kind.rawValue)
        object["feature_size"] = .integer(featureSize)
        if kind == .whisper {
            object["hop_length"] = .integer(hopLength)
            object["n_fft"] = .integer(fftLength)
            object["n_samples"] = .integer(chunkLength * samplingRate)
            object["nb_max_frames"] = .integer(chunkLength * samplingRate / hopLength)
        }
        if kind == .seamlessM4T { object["num_mel_bins"] = .integer(melBins) }
        object["padding_side"] = .string("right")
        object["padding_value"] = .number(Double(paddingValue))
        object["return_attention_mask"] = .bool(returnsAttentionMask)
        object["sampling_rate"] = .integer(samplingRate)
        if kind == .seamlessM4T { object["stride"] = .integer(stride) }
        return JSONValue.object(object).text(indent: 2) + "\n"
    }

    /// Makes the extractor that the configuration describes.
    public func makeExtractor() -> any FeatureExtractor {
        switch kind {
        case .wav2vec2: return WaveformNormalizer(config: self)
        case .seamlessM4T: return LogMelFilterbank(config: self)
        case .whisper: return LogMelSpectrogram(config: self)
        }
    }
}
