import ArgumentParser
import SpeechCore
import SpeechTraining

/// `colld benchmark decode`: beam search.
struct BenchmarkDecodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Time CTC beam search with a 3-gram model on one core.",
        discussion: """
            Language and speech are made up: unclear frames, many tokens above the threshold of \
            the search, a model trained on other sentences. Vocabularies of more than 200 tokens \
            are pieces of words, smaller ones letters.
            """)

    @Option(help: "Tokens of the vocabulary.")
    var vocabulary = 60

    @Option(help: "Candidates that are kept from frame to frame.")
    var beam = 50

    @Option(help: "How many n-grams the model has at least.")
    var ngrams = 100_000

    @Option(help: "Seconds of audio, at 50 frames a second.")
    var seconds = 60.0

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (10...10_000).contains(vocabulary), beam > 0, ngrams > 0, seconds > 0 else {
            throw ValidationError(
                "--vocabulary must be 10 to 10000, --beam, --ngrams and --seconds positive")
        }
    }

    func run() throws {
        var settings = DecodeBenchmark.Settings()
        settings.vocabularySize = vocabulary
        settings.search.beamSize = beam
        settings.ngramCount = ngrams
        settings.seconds = seconds
        var benchmark = DecodeBenchmark(settings)
        let result = try benchmark.run()
        if json { return print(try Output.json(result)) }
        let number = Output.number
        print(
            """
            beam of \(beam), \(vocabulary) tokens (\(number(result.tokensPerFrame)) above the \
            threshold in a frame), \(result.ngrams.reduce(0, +)) n-grams read in \
            \(number(result.readSeconds)) s, \(number(100 * result.unknownWords)) % of the words unknown
            \(number(result.beamSpeed)) seconds of audio per second of one core, \
            word error rate \(number(100 * result.beamErrorRate)) %
            \(number(result.greedySpeed)) greedily, \
            word error rate \(number(100 * result.greedyErrorRate)) %
            """)
    }
}
