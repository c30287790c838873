public import Foundation
public import SpeechCore
public import Torch

/// A translation model as it stands in a directory.
public struct LoadedTranslator {
    /// The model, its parameters without gradients.
    public let translator: SpeechTranslator
    /// Turns waveforms into the encoder's input.
    public let featureExtractor: any FeatureExtractor
    /// Where it was read.
    public let directory: ModelDirectory
}

extension SpeechTranslator {
    /// The `model_type` of Hugging Face's class.
    public static let huggingFaceType = "speech-encoder-decoder"
    /// The `model_type` of models that Hugging Face has no class for; see <doc:TranslationModels>.
    public static let ownType = "colld-speech-encoder-decoder"

    // MARK: Reading

    /// Reads a `SpeechEncoderDecoderModel`, or a model in CoLLD's own form, strictly.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// * `dtype`: what weights are converted to; normalisation parameters stay `float32`.
    /// - Throws: `ModelError`, or the errors of `ModelDirectory`, of JSON and of the weights' format.
    public static func load(
        _ reference: String, dtype: DType = .float32, device: Device = .cpu
    ) throws -> LoadedTranslator {
        let directory = try ModelDirectory(reference)
        let parts = try TranslatorConfigFile(directory)
        let extractor = try ModelLoader.featureExtractor(of: directory, parts.encoder)
        let weights = try directory.openWeights()
        let path = directory.url.path

        let reader = CheckpointReader(weights, naming: parts.family.naming(scope: "encoder."))
        let store = ParameterStore(source: reader, dtype: dtype, device: device)
        let encoder = parts.encoder.makeEncoder(in: store)
        try reader.finish(store, path: path)
        let decoder = try TextDecoder.read(
            parts.decoder, from: weights, scope: "decoder.", path: path, dtype: dtype,
            device: device)
        // Everything else stands between them.
        let rest = CheckpointReader(
            weights,
            naming: TensorNaming(
                name: { $0.hasPrefix("encoder.") || $0.hasPrefix("decoder.") ? nil : $0 },
                isIgnored: { _ in false }))
        let between = ParameterStore(source: rest, dtype: dtype, device: device)
        let translator = SpeechTranslator(
            encoder: encoder, adaptor: parts.adaptor, decoder: decoder, between: between)
        try rest.finish(between, path: path)
        let generation = try directory.generationConfig()
        translator.search = try BeamSearch(generation, decoder: parts.decoder)
        translator.forcedBegin = try generation?.integer(
            "forced_bos_token_id", in: 0...parts.decoder.vocabularySize - 1)
        return LoadedTranslator(
            translator: translator, featureExtractor: extractor, directory: directory)
    }

    // MARK: Writing

    /// Writes the model as Hugging Face's `SpeechEncoderDecoderModel` where its parts allow that, else
    /// in CoLLD's own form.
    ///
    /// The directory is filled beside its final place and renamed, so that it is whole or absent.
    ///
    /// * `others`: further files by name, such as a tokenizer's.
    /// - Throws: `FileSystemError` where something cannot be written.
    public func write(
        featureExtractor: any FeatureExtractor, card: String,
        others: [(name: String, data: Data)] = [],
        to url: URL
    ) throws {
        try AtomicDirectory.write(to: url) { folder in
            try fill(folder, featureExtractor: featureExtractor)
            try AtomicFile.write(card, to: folder.appendingPathComponent("README.md"))
            for (name, data) in others {
                try AtomicFile.write(data, to: folder.appendingPathComponent(name))
            }
        }
    }

    /// Writes configuration, weights, extractor and the search's settings into an existing folder.
    ///
    /// - Throws: `FileSystemError` where something cannot be written.
    public func fill(_ folder: URL, featureExtractor: any FeatureExtractor) throws {
        func text(_ object: JSONObject) -> String {
            JSONValue.object(object).text(indent: 2) + "\n"
        }
        try AtomicFile.write(
            text(configuration()), to: folder.appendingPathComponent("config.json"))
        try AtomicFile.write(
            text(generationConfiguration),
            to: folder.appendingPathComponent("generation_config.json"))
        try AtomicFile.write(
            featureExtractor.config.jsonText,
            to: folder.appendingPathComponent("preprocessor_config.json"))
        try SafetensorsWriter.write(
            parameters.all.map { SafetensorsEntry(name: $0.name, tensor: $0.tensor) },
            to: folder.appendingPathComponent("model.safetensors"))
    }

    private func configuration() throws -> JSONObject {
        func object(_ value: some Encodable) throws -> JSONValue {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try JSONValue(parsing: encoder.encode(value))
        }
        var config = JSONObject()
        if ownFormReason == nil {
            config["architectures"] = .array([.string("SpeechEncoderDecoderModel")])
            config["model_type"] = .string(Self.huggingFaceType)
        } else {
            config["model_type"] = .string(Self.ownType)
        }
        if let adaptor { config["adaptor"] = try object(adaptor.config) }
        var decoderConfig = decoder.config
        decoderConfig.start = startToken
        config["decoder"] = try object(decoderConfig)
        config["encoder"] = try JSONValue(parsing: ModelWriter.configData(encoder.config))
        config["decoder_start_token_id"] = .integer(startToken)
        config["eos_token_id"] = .integer(decoder.config.end)
        config["is_encoder_decoder"] = .bool(true)
        config["pad_token_id"] = .integer(decoder.config.padding)
        // Of the two models' embeddings; the decoder's own are tied or not as its section says.
        config["tie_word_embeddings"] = .bool(false)
        return config
    }

    private var generationConfiguration: JSONObject {
        var config = JSONObject()
        config["bos_token_id"] = .integer(decoder.config.begin)
        config["decoder_start_token_id"] = .integer(startToken)
        config["early_stopping"] = .bool(search.stopsEarly)
        config["eos_token_id"] = .integer(decoder.config.end)
        if let token = forcedBegin { config["forced_bos_token_id"] = .integer(token) }
        if let end = search.forcedEnd { config["forced_eos_token_id"] = .integer(end) }
        config["length_penalty"] = .number(search.lengthPenalty)
        config["max_length"] = .integer(
            min(search.maximumLength, decoder.config.maximumLength ?? .max))
        config["num_beams"] = .integer(search.beams)
        config["pad_token_id"] = .integer(decoder.config.padding)
        return config
    }

    /// The error of a command that takes encoders and recognisers only; nil for those.
    static func exportError(_ directory: ModelDirectory) throws -> ModelError? {
        let type = try directory.modelType
        let found: String
        switch type {
        case huggingFaceType:
            found = "'\(type)': a translation model, in Hugging Face's form already"
        case ownType:
            let parts = try TranslatorConfigFile(directory)
            let reason =
                ownFormReason(
                    encoder: parts.encoder, hasAdaptor: parts.adaptor != nil,
                    decoder: parts.decoder) ?? "it was written so"
            found = "'\(type)': a translation model in CoLLD's form, because \(reason)"
        default: return nil
        }
        return .invalidConfig(
            path: directory.configPath, key: "model_type",
            expected: "a family of Hugging Face's", found: found)
    }
}

/// The parts of a translation model's `config.json`.
struct TranslatorConfigFile {
    let family: EncoderFamily
    let encoder: any EncoderConfig
    let adaptor: LengthAdaptorConfig?
    let decoder: TextDecoderConfig

    /// - Throws: `ModelError`, or `JSONFileError` naming the key.
    init(_ directory: ModelDirectory) throws {
        let path = directory.configPath
        let file = try JSONFile(path: path, data: directory.configData)
        let type = try directory.modelType
        let known = [SpeechTranslator.huggingFaceType, SpeechTranslator.ownType]
        guard known.contains(type) else {
            throw ModelError.unknownModelType(path: path, found: type, known: known)
        }
        func section(_ key: String) throws -> (data: Data, path: String) {
            guard let part = try file.file(key) else {
                throw JSONFileError.missingKey(
                    path: path, key: key, expected: "the configuration of the \(key)")
            }
            return (Data(JSONValue.object(part.object).text().utf8), "\(path): \(key)")
        }
        let encoderPart = try section("encoder")
        family = try EncoderFamily.of(configuration: encoderPart.data, path: encoderPart.path)
        encoder = try family.config(from: encoderPart.data, path: encoderPart.path)
        let decoderPart = try section("decoder")
        var decoder = try TextDecoderConfig(data: decoderPart.data, path: decoderPart.path)
        if let start = try file.integer(
            "decoder_start_token_id", in: 0...decoder.vocabularySize - 1)
        {
            decoder.start = start
        }
        self.decoder = decoder
        guard type == SpeechTranslator.ownType, file.value("adaptor") != nil else {
            adaptor = nil
            return
        }
        let part = try section("adaptor")
        do {
            let adaptor = try JSONDecoder().decode(LengthAdaptorConfig.self, from: part.data)
            try adaptor.validate(width: decoder.width, path: path)
            self.adaptor = adaptor
        } catch let error as DecodingError {
            throw EncoderFamily.invalidConfig(error, path: part.path)
        }
    }
}

extension BeamSearch {
    /// What `generation_config.json` says, with the defaults of `GenerationConfig`; without the file
    /// the defaults of this type.
    ///
    /// - Throws: `JSONFileError` naming the key.
    init(_ file: JSONFile?, decoder: TextDecoderConfig) throws {
        self.init()
        forcedEnd = decoder.forcedEnd
        guard let file else { return }
        beams = try file.integer("num_beams", in: 1...1 << 10) ?? 1
        lengthPenalty = try file.number("length_penalty") ?? 1
        maximumLength = try file.integer("max_length", in: 2...1 << 24) ?? 20
        if case .bool(let isEarly)? = file.value("early_stopping") { stopsEarly = isEarly }
        forcedEnd = try file.integer("forced_eos_token_id", in: 0...decoder.vocabularySize - 1)
    }
}

extension ModelDirectory {
    /// `generation_config.json`, if there is one.
    fileprivate func generationConfig() throws -> JSONFile? {
        let name = "generation_config.json"
        guard try fileNames.contains(name) else { return nil }
        return try JSONFile(path: url.appendingPathComponent(name).path)
    }
}
