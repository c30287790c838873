public import Foundation
import SpeechCore
public import SpeechModels
public import SpeechObjectives
import Torch

/// Makes an encoder with random weights.
public struct InitializeTask {
    private let family: EncoderFamily
    private let design: StudentDesign
    private let overrides: [String]
    private let seed: UInt64

    /// * `overrides`: `key=value` pairs laid over `config.json`.
    /// * `seed`: the weights are a function of it.
    public init(
        family: EncoderFamily, design: StudentDesign, overrides: [String] = [], seed: UInt64
    ) {
        self.family = family
        self.design = design
        self.overrides = overrides
        self.seed = seed
    }

    /// Writes the encoder as a Hugging Face model directory.
    ///
    /// - Throws: `ModelError` for a shape or a value that cannot be built, `ConfigError` for an
    ///   override whose key the family has not, `RunError.occupied` for a folder that
    ///   is not empty, `RunError.cannotBuild` for one that does not fit into memory,
    ///   `FileSystemError` where nothing can be written.
    public func write(to url: URL) throws {
        try RunDirectory.requireFree(url)
        let config = try overridden(design.config(like: family.largeConfig()))
        let extractor = try Self.extractor(of: config)
        let encoder = try RunEnvironment.building("encoder") {
            config.makeEncoder(in: ParameterStore(seed: seed))
        }
        let card = """
            ---
            library_name: transformers
            tags:
            - speech
            ---

            # \(config.modelType), \(design.description), random weights

            Initialised from seed \(seed); it has learned nothing.

            """
        try ModelWriter.write(
            encoder, featureExtractor: extractor, card: card, to: url)
    }

    /// The configuration with the overrides in it.
    private func overridden(_ config: any EncoderConfig) throws -> any EncoderConfig {
        let known = try config.keys()
        let values = try overrides.map { pair in
            guard let equals = pair.firstIndex(of: "="), equals != pair.startIndex else {
                throw ConfigError.malformedOverride(pair)
            }
            let key = String(pair[..<equals])
            let text = String(pair[pair.index(after: equals)...])
            guard known.contains(key) else {
                throw ConfigError.unknownKey(
                    file: nil, key: key, nearest: SpellingDistance.nearest(to: key, among: known))
            }
            // What is no JSON is a word, such as the name of an activation.
            return (key, (try? JSONValue(parsing: Data(text.utf8))) ?? .string(text))
        }
        return values.isEmpty ? config : try config.with(values, path: "config.json")
    }

    /// The extractor of a family's large public models, which for the filterbank stacks as many
    /// frames as the encoder takes.
    ///
    /// - Throws: `ModelError.invalidConfig` where the encoder takes no whole number of frames.
    static func extractor(of config: any EncoderConfig) throws -> any FeatureExtractor {
        var extractor = config.standardExtractor
        extractor.returnsAttentionMask = true
        if config is W2VBertConfig { extractor.paddingValue = 1 }
        if extractor.kind == .seamlessM4T {
            let (stride, rest) = config.inputWidth.quotientAndRemainder(
                dividingBy: extractor.melBins)
            guard rest == 0, (1...64).contains(stride) else {
                throw ModelError.invalidConfig(
                    path: "config.json", key: "feature_projection_input_dim",
                    expected: "1 to 64 times the \(extractor.melBins) bins of a frame",
                    found: "\(config.inputWidth)")
            }
            extractor.stride = stride
        }
        return extractor.makeExtractor()
    }
}
