public import Foundation
public import SpeechCore

/// A configuration whose layers may have sizes of their own.
///
/// With a structure it is written with the `model_type` `colld`, which `transformers` does not read.
public protocol StructuredConfig: EncoderConfig {
    /// The sizes; nil where every layer has those of the configuration's own keys.
    var structure: EncoderStructure? { get set }
    /// Whether layers are those of conformers, with a second feed-forward network and a convolution.
    var hasConformerLayers: Bool { get }
    /// Whether all layers share a position bias with a value for every head (WavLM).
    var sharesPositionBias: Bool { get }
}

extension StructuredConfig {
    /// Layers are Transformers'.
    public var hasConformerLayers: Bool { false }
    /// No bias is shared.
    public var sharesPositionBias: Bool { false }
}

extension EncoderConfig {
    /// The same encoder with layers of other sizes; nil for those that its own keys say.
    ///
    /// - Throws: `ModelError.invalidConfig` where the family cannot have them.
    public func with(
        structure: EncoderStructure?, path: String = "structure"
    ) throws -> any EncoderConfig {
        guard var config = self as? any StructuredConfig else {
            guard structure != nil else { return self }
            throw ModelError.invalidConfig(
                path: path, key: "base_model_type",
                expected: EncoderFamily.structuredTypes.joined(separator: ", "), found: modelType)
        }
        config.structure = structure
        try config.validate(path: path)
        return config
    }
}

extension EncoderFamily {
    /// The `model_type` of encoders with sizes of their own.
    public static let structuredType = "colld"

    /// The families that can have them.
    private static let structured: [EncoderFamily] = [
        .w2vBert, .wav2Vec2, .hubert, .wavLM, .uniSpeechSAT, .data2Vec, .wav2Vec2Conformer,
    ]

    static var structuredTypes: [String] { structured.map(\.modelType) }

    /// The family of a model directory; of one with sizes of its own the family that
    /// `base_model_type` names, called `colld`.
    ///
    /// - Throws: `ModelError.unknownModelType`, `ModelError.invalidConfig`, or `JSONFileError`.
    public static func of(_ directory: ModelDirectory) throws -> EncoderFamily {
        try of(configuration: directory.configData, path: directory.configPath)
    }

    /// The same of the bytes of a `config.json`.
    ///
    /// - Throws: `ModelError.unknownModelType`, `ModelError.invalidConfig`, or `JSONFileError`.
    public static func of(configuration data: Data, path: String) throws -> EncoderFamily {
        let file = try JSONFile(path: path, data: data)
        guard let type = try file.string("model_type") else {
            throw JSONFileError.missingKey(
                path: path, key: "model_type", expected: "the name of the model family")
        }
        guard type == structuredType else { return try named(type, path: path) }
        let base = try file.string("base_model_type")
        guard let family = structured.first(where: { $0.modelType == base }) else {
            throw ModelError.invalidConfig(
                path: path, key: "base_model_type",
                expected: "one of \(structuredTypes.joined(separator: ", "))",
                found: base.map { "'\($0)'" } ?? "nothing")
        }
        var own = EncoderFamily(
            modelType: structuredType, prefixes: family.prefixes, ignored: family.ignored,
            renamedSuffixes: family.renamedSuffixes, decode: family.decode)
        own.baseModelType = family.modelType
        return own
    }
}

extension KeyedDecodingContainer<ConfigKey> {
    /// The section `structure` of a configuration of the type `colld`; nil in Hugging Face's.
    func structure() throws -> EncoderStructure? {
        try decodeIfPresent(String.self, forKey: "model_type") == EncoderFamily.structuredType
            ? decode(EncoderStructure.self, forKey: "structure") : nil
    }
}

extension KeyedEncodingContainer<ConfigKey> {
    /// Writes what says who can read the configuration: a class of `transformers`, or with a
    /// structure only CoLLD.
    mutating func encodeType(of config: some EncoderConfig) throws {
        try encode(config.modelType, forKey: "model_type")
        if let structure = config.structure {
            try encode(config.baseModelType, forKey: "base_model_type")
            try encode(structure, forKey: "structure")
        } else {
            try encode([config.architecture], forKey: "architectures")
        }
    }
}
