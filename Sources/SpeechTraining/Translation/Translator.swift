import Foundation
public import SpeechCore
public import SpeechModels
public import Torch

/// A translation model on its PyTorch weights: speech in, texts out.
public final class Translator {
    /// The model.
    public let model: LoadedTranslator
    /// Turns texts and tokens into each other.
    public let tokenizer: TranslationTokenizer
    let geometry: FrameGeometry
    let extractor: any FeatureExtractor
    private let device: Device

    /// Whether a model is one that translates.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// - Throws: `ModelError`, or the errors of JSON.
    public static func canRead(_ reference: String) throws -> Bool {
        [SpeechTranslator.huggingFaceType, SpeechTranslator.ownType]
            .contains(try ModelDirectory(reference).modelType)
    }

    /// Reads a model with its tokenizer.
    ///
    /// * `reference`: a directory, or a repository name in the local Hugging Face cache.
    /// * `dtype`: what it computes in.
    /// - Throws: `TranslationError`, or what `SpeechTranslator.load` and tokenizers throw.
    public init(_ reference: String, dtype: DType = .float32, device: Device = .cpu) throws {
        model = try RunEnvironment.building("model") {
            try SpeechTranslator.load(reference, dtype: dtype, device: device)
        }
        let path = model.directory.url.path
        guard let tokenizer = try TranslationTokenizer(folder: model.directory.url) else {
            throw TranslationError.noTokenizer(
                path: path, hint: "Without them tokens have no text")
        }
        try tokenizer.requireFit(model.translator.decoder.config, path: path)
        self.tokenizer = tokenizer
        self.device = device
        extractor = model.featureExtractor.independentOfBatch()
        geometry = FrameGeometry(model.translator.encoder.config, extractor)
    }

    /// What texts in a language start with.
    ///
    /// A model whose start token is a language's is given another one there; others are made to write
    /// the language first, as they have learned it.
    ///
    /// * `language`: a code of the tokenizer or one that means the same; nil for the model's own target
    ///   language. Of no importance to a tokenizer without languages.
    /// - Returns: nil for a language that the tokenizer has not.
    func prefix(into language: String?) -> TargetPrefix? {
        let translator = model.translator
        let standard = TargetPrefix(start: [translator.startToken], forced: translator.forcedBegin)
        guard !tokenizer.languages.isEmpty else { return standard }
        let startsWithLanguage = tokenizer.languages.values.contains(translator.startToken)
        guard let language else {
            if standard.forced != nil || startsWithLanguage { return standard }
            guard tokenizer.languages.count == 1 else { return nil }
            return TargetPrefix(start: standard.start, forced: tokenizer.languages.values.first)
        }
        guard let code = tokenizer.code(of: language), let token = tokenizer.languages[code] else {
            return nil
        }
        return startsWithLanguage
            ? TargetPrefix(start: [token]) : TargetPrefix(start: standard.start, forced: token)
    }

    /// The code of the language that a text with a prefix is in; nil where none is said.
    func language(of prefix: TargetPrefix) -> String? {
        let tokens = [prefix.forced, prefix.start.last]
        return tokenizer.languages.first { tokens.contains($0.value) }?.key
    }

    /// The best text of each clip.
    ///
    /// - Throws: `RunError.cannotBuild` where they do not fit into memory, `EncodeError.notFinite`.
    func translate(
        _ clips: [ClipFeatures], prefixes: [TargetPrefix], search: BeamSearch
    ) throws -> [TranslationHypothesis?] {
        let translator = model.translator
        return try RunEnvironment.building("output") {
            try withoutGradients {
                let input = EncoderInput(try extractor.collate(clips), device: device)
                let speech = translator.encode(input)
                guard speech.states.to(.float32).floats().allSatisfy(\.isFinite) else {
                    throw EncodeError.notFinite(
                        tensor: "last_hidden_state", precision: "\(translator.encoder.precision)")
                }
                return search(translator.decoder, speech, prefixes: prefixes).map(\.first)
            }
        }
    }
}

extension TranslationTokenizer {
    /// Checks that a decoder has these tokens.
    ///
    /// - Throws: `TranslationError.tokenizerDoesNotFit`.
    func requireFit(_ decoder: TextDecoderConfig, path: String) throws {
        func require(_ holds: Bool, _ what: String, _ expected: Int, _ found: Int) throws {
            if !holds {
                throw TranslationError.tokenizerDoesNotFit(
                    path: path, what: what, expected: expected, found: found)
            }
        }
        let size = decoder.vocabularySize
        try require(count <= size, "at most as many tokens as it,", size, count)
        try require(end == decoder.end, "the end token", decoder.end, end)
        try require(padding == decoder.padding, "the padding", decoder.padding, padding)
    }
}
