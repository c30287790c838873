import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The recogniser before the first update, and where it comes from.
struct RecognizerStart {
    let model: LoadedModel
    let encoder: any SpeechEncoder
    let head: CTCHead
    let tokenizer: TokenizerFiles
    /// For people.
    let notes: [String]

    /// Takes the encoder of a model and gives it a head for a vocabulary.
    ///
    /// * `tokenizer`: the folder of an existing vocabulary; nil for what the run file says.
    /// - Throws: `RecognitionError`, `ModelError`, `VocabularyError`, `CTCTokenizerError`, or the
    ///   errors of the weights' format.
    init(
        model name: String, tokenizer folder: URL?, train: [URL], _ config: FinetuneConfig,
        device: Device
    ) throws {
        let model = try ModelLoader.load(name, device: device)
        let path = model.directory.configPath
        guard model.encoder.config.hasRecognizers else {
            throw RecognitionError.noRecognizer(
                path: path, found: model.encoder.config.baseModelType)
        }
        let (tokenizer, origin, coverage) = try Self.tokenizer(
            of: model, folder, train, config.tokenizer, prefersOwn: true)
        let settings = config.objective
        let loss = CTCConfig(
            vocabularySize: tokenizer.size, blank: tokenizer.files.tokenizer.blank,
            reduction: settings.reduction, zeroesInfinity: true)
        try Self.requireFit(tokenizer, loss)

        let encoder = try model.fineTunedEncoder(
            config.model, masking: settings.masking, seed: config.common.seed, device: device)
        let head = CTCHead(
            loss, width: encoder.config.outputWidth, vocabularySize: tokenizer.size,
            in: ParameterStore(seed: config.common.seed &+ 1, device: device),
            tokenizer: tokenizer.files.tokenizer)
        withoutGradients {
            for (name, tensor) in tokenizer.head?.parameters.all ?? [] {
                head.parameters[name]!.assign(tensor)
            }
        }
        self.model = model
        self.encoder = encoder
        self.head = head
        self.tokenizer = tokenizer.files
        notes = [Self.note(tokenizer, origin)] + coverage
    }

    /// A vocabulary, the number of its tokens, and the head that scores them, if there is one.
    typealias Vocabulary = (files: TokenizerFiles, size: Int, head: CTCHead?)

    /// - Throws: `RecognitionError.noBlank`, or `ModelError.tokenizerDoesNotFit`.
    static func requireFit(_ vocabulary: Vocabulary, _ loss: CTCConfig) throws {
        let tokenizer = vocabulary.files.tokenizer
        guard loss.blank < vocabulary.size else {
            throw RecognitionError.noBlank(
                path: tokenizer.path, found: tokenizer.text(of: loss.blank) ?? "")
        }
        try tokenizer.requireFit(loss, vocabularySize: vocabulary.size)
    }

    /// What is said about a vocabulary.
    static func note(_ vocabulary: Vocabulary, _ origin: String) -> String {
        let tags = vocabulary.files.tokenizer.languageTags.keys.sorted()
        return "vocabulary of \(vocabulary.size) tokens \(origin)"
            + (tags.isEmpty ? "" : "; tags of \(tags.joined(separator: ", "))")
            + (vocabulary.head == nil ? "" : "; the head is trained on")
    }

    /// The vocabulary that a run file and `--tokenizer` ask for.
    ///
    /// * `prefersOwn`: whether that of the model comes before that of the corpus.
    static func tokenizer(
        of model: LoadedModel, _ folder: URL?, _ train: [URL], _ config: TokenizerConfig,
        prefersOwn: Bool
    ) throws -> (Vocabulary, origin: String, coverage: [String]) {
        if let folder {
            guard config.source == .automatic else {
                throw ConfigError.invalidValue(
                    file: nil, key: "tokenizer.source", expected: "auto beside --tokenizer",
                    found: config.source.rawValue)
            }
            let files = try TokenizerFiles(
                folder: folder, hint: "--tokenizer takes the folder of a vocabulary")
            return ((files, files.tokenizer.tokenCount, nil), "of \(folder.path)", [])
        }
        let isRecognizer =
            model.hasHead
            && FileManager.default.fileExists(
                atPath: model.directory.url.appendingPathComponent("vocab.json").path)
        if config.source == .model || config.source == .automatic && prefersOwn && isRecognizer {
            let files = try TokenizerFiles(
                folder: model.directory.url, language: model.language,
                hint: "--tokenizer names a vocabulary, tokenizer.source=corpus makes one")
            let head = try model.loadHead()
            return ((files, head.vocabularySize, head), "of the model", [])
        }
        let vocabulary = try CTCVocabulary.build(
            config.vocabularySettings, from: TextCorpus(manifests: train))
        let files = try TokenizerFiles(vocabulary)
        return (
            (files, vocabulary.tokens.count, nil), "of the transcripts",
            vocabulary.coverage.filter { !$0.leftOut.isEmpty }.map { Self.note($0) }
        )
    }

    private static func note(_ coverage: LanguageCoverage) -> String {
        let leftOut = coverage.leftOut.prefix(8).map { "'\($0.character)' \($0.count)" }
        return String(
            format: "%@: %.2f %% of %d characters have a token; none has ",
            coverage.language ?? "without a language", 100 * coverage.coveredShare,
            coverage.characters) + leftOut.joined(separator: ", ")
            + (coverage.leftOut.count > leftOut.count ? ", …" : "")
    }
}

extension CTCTokenizer {
    /// The number of rows that a head for this vocabulary has.
    var tokenCount: Int { (vocabulary.last?.id ?? -1) + 1 }
}
