public import Foundation
import SpeechCore
public import SpeechModels
public import SpeechObjectives
import Torch

/// Makes an encoder with random weights.
public struct InitializeTask {
    private let family: EncoderFamily
    private let design: StudentDesign
    private let seed: UInt64

    /// * `seed`: the weights are a function of it.
    public init(family: EncoderFamily, design: StudentDesign, seed: UInt64) {
        self.family = family
        self.design = design
        self.seed = seed
    }

    /// Writes the encoder as a Hugging Face model directory.
    ///
    /// - Throws: `ModelError` for a shape that cannot be built, `RunError.occupied` for a folder that
    ///   is not empty, `RunError.cannotBuild` for one that does not fit into memory,
    ///   `FileSystemError` where nothing can be written.
    public func write(to url: URL) throws {
        try RunDirectory.requireFree(url)
        let config = try design.config(like: family.largeConfig())
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
            encoder, featureExtractor: Self.extractor(of: config), card: card, to: url)
    }

    /// The extractor of a family's large public models.
    static func extractor(of config: any EncoderConfig) -> any FeatureExtractor {
        var extractor = config.standardExtractor
        extractor.returnsAttentionMask = true
        if config is W2VBertConfig { extractor.paddingValue = 1 }
        return extractor.makeExtractor()
    }
}
