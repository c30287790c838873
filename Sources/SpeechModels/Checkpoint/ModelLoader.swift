import Foundation
public import SpeechCore
public import Torch

/// A model as it stands in a directory: the encoder, its feature extractor, where it came from.
public struct LoadedModel {
    /// The encoder, its parameters without gradients.
    public let encoder: any SpeechEncoder
    /// Turns waveforms into the encoder's input.
    public let featureExtractor: any FeatureExtractor
    /// Where it was read.
    public let directory: ModelDirectory
    /// The family that reads it.
    public let family: EncoderFamily
    /// The weight files.
    public let weights: TensorShards
    /// The language whose adapter takes the place of the checkpoint's own, if one was asked for.
    public let language: String?
    /// The tensors of that adapter.
    let adapter: TensorShards?
}

/// Reads model directories.
public enum ModelLoader {
    /// Reads a model strictly: every parameter is found, has its shape and finite values, and no
    /// tensor of the file is left over that the family does not list as ignorable.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// * `language`: whose adapter to put in place of the checkpoint's own (MMS); nil for the latter.
    /// * `dtype`: what weights are converted to; normalisation parameters stay `float32`.
    /// - Throws: `ModelError`, or the errors of `ModelDirectory` and of the weights' format.
    public static func load(
        _ reference: String, language: String? = nil, dtype: DType = .float32,
        device: Device = .cpu
    ) throws -> LoadedModel {
        try load(ModelDirectory(reference), language: language, dtype: dtype, device: device)
    }

    /// Reads a model from an opened directory; see above.
    public static func load(
        _ directory: ModelDirectory, language: String? = nil, dtype: DType = .float32,
        device: Device = .cpu
    ) throws -> LoadedModel {
        let family = try EncoderFamily.of(directory)
        let config = try family.config(from: directory.configData, path: directory.configPath)
        let extractor = try featureExtractor(of: directory, config)
        let weights = try directory.openWeights()
        let adapter = try language.map { try directory.openAdapter(language: $0) }
        let reader = CheckpointReader(weights, adapter: adapter, family: family)
        let store = ParameterStore(source: reader, dtype: dtype, device: device)
        let encoder = config.makeEncoder(in: store)
        try reader.finish(store, path: directory.url.path)
        return LoadedModel(
            encoder: encoder, featureExtractor: extractor, directory: directory, family: family,
            weights: weights, language: language, adapter: adapter)
    }

    /// Reads only the configuration of a model.
    ///
    /// - Throws: as `load`.
    public static func config(of directory: ModelDirectory) throws -> any EncoderConfig {
        try EncoderFamily.of(directory)
            .config(from: directory.configData, path: directory.configPath)
    }

    /// The extractor that the directory names, or the family's usual one where it names none.
    ///
    /// - Throws: the errors of `FeatureExtractorConfig`, and `ModelError.invalidConfig` where its
    ///   output does not fit the encoder.
    public static func featureExtractor(
        of directory: ModelDirectory, _ config: any EncoderConfig
    ) throws -> any FeatureExtractor {
        guard let data = directory.preprocessorData, let path = directory.preprocessorPath else {
            let standard = config.standardExtractor
            try (config as? WhisperConfig)?.requireWindow(standard, path: directory.configPath)
            return standard.makeExtractor()
        }
        let extractor = try FeatureExtractorConfig(data: data, path: path)
        guard extractor.kind == config.featureExtractor else {
            throw ModelError.invalidConfig(
                path: path, key: "feature_extractor_type",
                expected: config.featureExtractor.rawValue, found: extractor.kind.rawValue)
        }
        guard extractor.inputWidth == config.inputWidth else {
            let key = extractor.kind == .whisper ? "feature_size" : "num_mel_bins × stride"
            throw ModelError.invalidConfig(
                path: path, key: key,
                expected: "the \(config.inputWidth) values that the encoder takes of a frame",
                found: "\(extractor.inputWidth)")
        }
        try (config as? WhisperConfig)?.requireWindow(extractor, path: path)
        return extractor.makeExtractor()
    }
}

extension LoadedModel {
    /// The shape of a tensor of the checkpoint, by the encoder's name; nil if there is none.
    public func storedShape(_ name: String) -> [Int]? { reader().shape(of: name) }

    func reader() -> CheckpointReader {
        CheckpointReader(weights, adapter: adapter, family: family)
    }

    /// A tensor as it is stored, by the encoder's name, in full precision on the CPU.
    ///
    /// - Throws: the errors of the reader.
    public func storedTensor(_ name: String) throws -> Tensor {
        let reader = reader()
        let tensor = reader.tensor(name)
        if let failure = reader.failure { throw failure }
        return tensor.to(.float32)
    }
}
