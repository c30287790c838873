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

    @Option(help: "Seconds of a chunk; longer clips are cut into overlapping ones.")
    var chunkSeconds = 30.0

    @Option(help: "Seconds that neighbouring chunks share.")
    var overlap = 4.0

    @Option(help: "Seconds of audio computed at once, padding included.")
    var batchSeconds = 60.0

    @Option(help: "The language whose adapter and vocabulary to use, such as fra (MMS).")
    var language: String?

    @Option(help: "The type to compute in: fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    func validate() throws {
        guard beam.map({ (1...10_000).contains($0) }) ?? true else {
            throw ValidationError("--beam must be from 1 to 10000")
        }
        guard (1...3600).contains(chunkSeconds) else {
            throw ValidationError("--chunk-seconds must be from 1 to 3600")
        }
        guard overlap >= 0, overlap <= chunkSeconds / 2 else {
            throw ValidationError("--overlap must be from 0 to half of --chunk-seconds")
        }
        guard batchSeconds > 0, batchSeconds.isFinite else {
            throw ValidationError("--batch-seconds must be above 0")
        }
        guard (alpha ?? 0).isFinite, (beta ?? 0).isFinite else {
            throw ValidationError("--alpha and --beta must be numbers")
        }
        guard lm != nil || alpha == nil && beta == nil else {
            throw ValidationError("--alpha and --beta need --lm")
        }
    }

    /// Reads the model and everything that decodes.
    func makeTask(
        _ model: String, _ deviceOptions: DeviceOptions, reporter: RunReporter
    ) throws -> RecognizeTask {
        let device = try deviceOptions.prepare()
        let recognizer = try Recognizer(
            model, language: language, dtype: precision.dtype, device: device)
        var decoding = RecognitionDecoder.Settings()
        decoding.beam = beam
        decoding.languageModel = lm
        decoding.lexicon = lexicon
        decoding.hotWords = hotWords
        decoding.alpha = alpha
        decoding.beta = beta
        var settings = RecognizeTask.Settings()
        settings.chunkSeconds = chunkSeconds
        settings.overlapSeconds = overlap
        settings.batchSeconds = batchSeconds
        return RecognizeTask(
            recognizer,
            decoder: try RecognitionDecoder(decoding, vocabulary: recognizer.vocabulary),
            settings: settings, reporter: reporter)
    }
}
