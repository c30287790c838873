public import ArgumentParser
import Foundation
public import SpeechCore
public import SpeechTraining

/// `colld tokenizer`: vocabularies of recognisers and text decoders.
struct TokenizerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer", abstract: "Make vocabularies from transcripts.",
        subcommands: [TokenizerTrainCommand.self])
}

extension TokenizerTask.Kind: ExpressibleByArgument {}
extension SubwordVocabulary.Use: ExpressibleByArgument {}
extension TextNormalization: ExpressibleByArgument {}

/// `colld tokenizer train`: a vocabulary from manifests or text files.
struct TokenizerTrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Make a vocabulary of characters or sub-words and show what it covers.",
        discussion: """
            char writes vocab.json and its configuration as Wav2Vec2CTCTokenizer has them: <pad> (id \
            0, the blank of CTC), <unk>, | for space, tags, characters by code point. unigram and bpe \
            train a SentencePiece model and write it as sentencepiece.bpe.model with a tokenizer.json \
            of the same pieces: <pad>, <unk>, <s> and </s> are ids 0 to 3; for CTC transformers loads \
            a ParakeetTokenizer, for translation a PreTrainedTokenizerFast.

            Texts are normalised and put into lower case before they are counted; the files say so, \
            and every command does the same to the texts it makes labels of.
            """)

    @Option(help: "char, unigram or bpe.")
    var type: TokenizerTask.Kind

    @Option(
        help: "Manifest whose texts are taken; several with a --train for each.")
    var train: [String] = []

    @Option(help: "Text file, one text a line; several with a --text for each.")
    var text: [String] = []

    @Option(help: "The directory to write.")
    var output: String

    @Option(help: "What the tokens are for: ctc, or translation (translations are read).")
    var task = SubwordVocabulary.Use.ctc

    @Option(help: "Pieces of unigram and bpe, special ones among them.")
    var vocabSize = 1000

    @Option(
        help: ArgumentHelp(
            "Share of characters that get a token: with char of each language's (above 0 to 1), else "
                + "of all text (0.98 to 1).", valueName: "share"))
    var characterCoverage = 1.0

    @Option(help: "With char, how often a character must occur.")
    var minCount = 1

    @Option(
        help: ArgumentHelp(
            "Languages of manifests to take, with commas between them; all of them must have text.",
            valueName: "codes"))
    var languages: String?

    @Flag(help: "A tag such as [eng] for each language.")
    var languageTags = false

    @Flag(help: "Put texts into lower case.")
    var lowerCase = false

    @Option(help: "nfc, nfkc or none.")
    var normalization = TextNormalization.nfc

    @Flag(help: "With unigram and bpe, write characters without a piece as their bytes.")
    var byteFallback = false

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard !train.isEmpty || !text.isEmpty else {
            throw ValidationError(
                "Missing expected argument '--train <manifest>' or '--text <file>'")
        }
        guard type != .char || task == .ctc else {
            throw ValidationError("--task translation needs --type unigram or bpe")
        }
        guard type != .char || !byteFallback else {
            throw ValidationError("--byte-fallback needs --type unigram or bpe")
        }
        guard minCount >= 1 else {
            throw ValidationError("--min-count: expected 1 or more, found \(minCount)")
        }
        guard type == .char || minCount == 1 else {
            throw ValidationError("--min-count needs --type char")
        }
        guard (5...1_000_000).contains(vocabSize) else {
            throw ValidationError("--vocab-size: expected 5 to 1000000, found \(vocabSize)")
        }
        let lowest = type == .char ? Double.leastNonzeroMagnitude : 0.98
        guard (lowest...1).contains(characterCoverage) else {
            throw ValidationError(
                "--character-coverage: expected \(type == .char ? "above 0" : "0.98") to 1, found "
                    + "\(characterCoverage)")
        }
        guard languages == nil || !codes.isEmpty else {
            throw ValidationError("--languages: expected codes with commas between them")
        }
    }

    private var codes: [String] {
        (languages ?? "").split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
    }

    func run() throws {
        var settings = TokenizerTask.Settings(type)
        settings.use = task
        settings.vocabularySize = vocabSize
        settings.characterCoverage = characterCoverage
        settings.minimumCount = minCount
        settings.preparation = TextPreparation(
            normalization: normalization, lowersCase: lowerCase)
        settings.languages = languages == nil ? nil : codes
        settings.hasLanguageTags = languageTags
        settings.hasByteFallback = byteFallback
        let corpus = TextCorpus(
            manifests: train.map { URL(fileURLWithPath: $0) },
            files: text.map { URL(fileURLWithPath: $0) }, languages: settings.languages,
            takesTranslations: task == .translation)
        let report = try TokenizerTask(settings).run(corpus, output: URL(fileURLWithPath: output))
        print(json ? try Output.json(report) : Self.text(report))
    }

    private static func text(_ report: TokenizerTask.Report) -> String {
        var rows = [
            [
                "language", "texts", "empty", "characters", "kept", "left out", "covered",
                "incomplete",
            ]
        ]
        rows += report.coverage.map { part in
            [
                part.language ?? "-", String(part.texts), String(part.emptyTexts),
                String(part.characters), String(part.kept.count), String(part.leftOut.count),
                percent(part.coveredShare), String(part.textsWithUnknown),
            ]
        }
        let table = TextTable(
            rows, alignment: [.left] + Array(repeating: .right, count: rows[0].count - 1),
            ruledBefore: [1])
        var lines = ["\(report.tokens) tokens (\(report.kind.rawValue)): \(report.output)"]
        if !report.languageTags.isEmpty {
            let tags = report.languageTags.map { CTCVocabulary.tag(ofLanguage: $0) }
            lines.append("tags: \(tags.joined(separator: " "))")
        }
        lines += ["", table.text]
        let remarks = report.coverage.flatMap { notes($0) }
        if !remarks.isEmpty { lines += [""] + remarks }
        return lines.joined(separator: "\n")
    }

    /// What a person should look at before training.
    private static func notes(_ part: LanguageCoverage) -> [String] {
        let name = part.language ?? "-"
        var notes: [String] = []
        if !part.leftOut.isEmpty {
            let shown = part.leftOut.prefix(12).map {
                "\($0.character) (\($0.codePoint)) \($0.count)"
            }
            let rest = part.leftOut.count - shown.count
            notes.append(
                "\(name): left out \(shown.joined(separator: ", "))"
                    + (rest > 0 ? " and \(rest) more" : ""))
        }
        for foreign in part.foreignScripts {
            notes.append(
                "\(name): \(foreign.count) characters (\(percent(foreign.share))) of the script "
                    + "\(foreign.script.rawValue), which the language is not written in")
        }
        if part.language != nil, !part.hasKnownScripts {
            notes.append("\(name): it is not known which scripts this language is written in")
        }
        return notes
    }

    private static func percent(_ share: Double) -> String {
        share == 1 ? "100 %" : String(format: "%.2f %%", min(99.99, 100 * share))
    }
}
