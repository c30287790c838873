import ArgumentParser
import SpeechTraining

/// How tokens become text, for every command that recognises.
struct DecodingOptions: ParsableArguments {
    @Option(help: "Candidates of a beam search; without one of these options decoding is greedy.")
    var beam: Int?

    @Option(
        help: ArgumentHelp("An n-gram model in ARPA format (colld lm train).", valueName: "file"))
    var lm: String?

    @Option(help: ArgumentHelp("The only words there are, one a line.", valueName: "file"))
    var lexicon: String?

    @Option(help: "The weight of the language model.")
    var alpha: Double?

    @Option(help: "What each word adds to the score.")
    var beta: Double?

    @Option(
        help: ArgumentHelp(
            "Words to favour, one a line, each with a boost behind a tab or 10.", valueName: "file")
    )
    var hotWords: String?

    @Option(help: "Seconds that neighbouring chunks share.")
    var overlap = 4.0

    @Option(help: "The language whose adapter and vocabulary to use, such as fra (MMS).")
    var language: String?

    @OptionGroup var computing: ComputingOptions

    func validate() throws {
        guard beam.map({ (1...10_000).contains($0) }) ?? true else {
            throw ValidationError("--beam must be from 1 to 10000")
        }
        guard overlap >= 0, overlap <= computing.chunkSeconds / 2 else {
            throw ValidationError("--overlap must be from 0 to half of --chunk-seconds")
        }
        guard (alpha ?? 0).isFinite, (beta ?? 0).isFinite else {
            throw ValidationError("--alpha and --beta must be numbers")
        }
        guard lm != nil || alpha == nil && beta == nil else {
            throw ValidationError("--alpha and --beta need --lm")
        }
    }

    /// The options given that only recognisers take.
    var ofRecognizers: [String] {
        [
            ("--lm", lm), ("--lexicon", lexicon), ("--hot-words", hotWords),
            ("--alpha", alpha?.description), ("--beta", beta?.description),
        ].filter { $0.1 != nil }.map(\.0)
    }

    /// Reads the model and everything that decodes.
    func makeTask(
        _ model: String, _ deviceOptions: DeviceOptions, reporter: RunReporter
    ) throws -> RecognizeTask {
        let device = try deviceOptions.prepare()
        let recognizer = try Recognizer(
            model, language: language, dtype: computing.precision.dtype, device: device)
        var decoding = RecognitionDecoder.Settings()
        decoding.beam = beam
        decoding.languageModel = lm
        decoding.lexicon = lexicon
        decoding.hotWords = hotWords
        decoding.alpha = alpha
        decoding.beta = beta
        var settings = RecognizeTask.Settings()
        settings.chunkSeconds = computing.chunkSeconds
        settings.overlapSeconds = overlap
        settings.batchSeconds = computing.batchSeconds
        return RecognizeTask(
            recognizer,
            decoder: try RecognitionDecoder(decoding, vocabulary: recognizer.vocabulary),
            settings: settings, reporter: reporter)
    }
}
