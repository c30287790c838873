public import Foundation
public import SpeechCore

/// Makes the vocabulary of a recogniser or of a text decoder from transcripts.
public struct TokenizerTask {
    /// What the tokens are.
    public enum Kind: String, Sendable, CaseIterable, Encodable {
        /// Characters, as `Wav2Vec2CTCTokenizer` has them.
        case char
        /// The most likely sub-words.
        case unigram
        /// Sub-words merged from characters.
        case bpe
    }

    /// What is to be made.
    public struct Settings: Sendable {
        /// What the tokens are.
        public var kind: Kind
        /// What the tokens are for; characters are for CTC alone.
        public var use = SubwordVocabulary.Use.ctc
        /// Pieces of sub-words, special ones and tags among them.
        public var vocabularySize = 1000
        /// The share of characters, of each language or with sub-words of all text, that get a token.
        public var characterCoverage = 1.0
        /// The count from which on a character gets a token; of `char` alone.
        public var minimumCount = 1
        /// What is done to texts.
        public var preparation = TextPreparation(normalization: .nfc)
        /// Languages that must have text; nil for those there are.
        public var languages: [String]?
        /// Whether each language has a tag.
        public var hasLanguageTags = false
        /// Whether characters without a piece are written as their bytes.
        public var hasByteFallback = false

        /// Makes tokens of a kind.
        public init(_ kind: Kind) { self.kind = kind }
    }

    /// What was made.
    public struct Report: Sendable, Encodable {
        /// The folder.
        public let output: String
        /// What the tokens are.
        public let kind: Kind
        /// The number of tokens.
        public let tokens: Int
        /// The languages that have a tag.
        public let languageTags: [String]
        /// How much of each language's text the tokens cover.
        public let coverage: [LanguageCoverage]

        private enum CodingKeys: String, CodingKey {
            case output, tokens, coverage
            case kind = "type"
            case languageTags = "language_tags"
        }
    }

    private let settings: Settings

    /// Prepares the making of a vocabulary.
    public init(_ settings: Settings) {
        precondition(
            settings.kind != .char || settings.use == .ctc, "characters are labels of CTC alone")
        self.settings = settings
    }

    /// Reads a corpus and writes the tokenizer's folder.
    ///
    /// - Throws: `RunError.occupied` for a folder that is not empty, `VocabularyError`,
    ///   `FileSystemError`, or what reading the corpus throws.
    public func run(_ corpus: TextCorpus, output: URL) throws -> Report {
        try RunDirectory.requireFree(output)
        guard settings.kind != .char else {
            let vocabulary = try CTCVocabulary.build(
                .init(
                    preparation: settings.preparation, minimumCount: settings.minimumCount,
                    characterCoverage: settings.characterCoverage,
                    hasLanguageTags: settings.hasLanguageTags),
                from: corpus, languages: settings.languages)
            try AtomicDirectory.write(to: output) { try vocabulary.write(to: $0) }
            return report(
                output, vocabulary.tokens.count, vocabulary.languages, vocabulary.coverage)
        }
        let census = try CorpusCensus(
            of: corpus, settings.preparation, languages: settings.languages,
            needsTags: settings.hasLanguageTags)
        let tagged = settings.hasLanguageTags ? census.languages : []
        let model = try SentencePieceTrainer.train(
            .init(
                kind: settings.kind == .bpe ? .bpe : .unigram,
                vocabularySize: settings.vocabularySize,
                characterCoverage: settings.characterCoverage,
                // NFC is none of the library's rules; the files say that it is to be done before.
                rules: settings.preparation.normalization == .nfkc ? "nfkc" : "identity",
                hasByteFallback: settings.hasByteFallback,
                controlSymbols: tagged.map { CTCVocabulary.tag(ofLanguage: $0) }),
            preparation: settings.preparation, on: corpus)
        let vocabulary = try SubwordVocabulary(
            modelFile: model, preparation: settings.preparation, languages: tagged,
            use: settings.use)
        let coverage = try vocabulary.coverage(of: census)
        try AtomicDirectory.write(to: output) { try vocabulary.write(to: $0) }
        return report(output, vocabulary.model.count, tagged, coverage)
    }

    private func report(
        _ output: URL, _ tokens: Int, _ tagged: [String], _ coverage: [LanguageCoverage]
    ) -> Report {
        Report(
            output: output.path, kind: settings.kind, tokens: tokens, languageTags: tagged,
            coverage: coverage)
    }
}
