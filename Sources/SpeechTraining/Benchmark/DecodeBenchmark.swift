import Foundation
internal import SpeechCore

/// Times CTC beam search with a 3-gram model on one core, on made-up speech.
///
/// Sentences of made-up words are spelled in a vocabulary: a token holds for one or two frames, then
/// comes a blank or two. Each frame has a second token near the right one and a third of all tokens
/// above the threshold of the search, so that it has more to do than on sure recognisers. The model is
/// trained on other sentences of the same words.
public struct DecodeBenchmark {
    /// What is decoded.
    public struct Settings: Sendable {
        /// Candidates that are kept from frame to frame.
        public var beamSize = 50
        /// About how many n-grams the model has, of all orders together.
        public var ngramCount = 100_000
        /// Tokens of the vocabulary: letters with a delimiter, or, if more than 200, pieces.
        public var vocabularySize = 60
        /// Seconds of audio.
        public var seconds = 60.0

        /// A beam of 50 on letters.
        public init() {}
    }

    /// What was measured.
    public struct Result: Codable, Sendable {
        /// n-grams of the model by order.
        public var ngrams: [Int]
        /// Seconds to read the model.
        public var readSeconds: Double
        /// Seconds of audio.
        public var seconds: Double
        /// Tokens above the threshold in a frame, on average.
        public var tokensPerFrame: Double
        /// Seconds of audio that one core searches in a second.
        public var beamSpeed: Double
        /// The same for greedy decoding.
        public var greedySpeed: Double
        /// The share of the spoken words that each finds.
        public var beamFound: Double
        /// The same for greedy decoding.
        public var greedyFound: Double

        private enum CodingKeys: String, CodingKey {
            case ngrams, seconds
            case readSeconds = "read_seconds"
            case tokensPerFrame = "tokens_per_frame"
            case beamSpeed = "beam_audio_seconds_per_second"
            case greedySpeed = "greedy_audio_seconds_per_second"
            case beamFound = "beam_words_found"
            case greedyFound = "greedy_words_found"
        }
    }

    private static let frameRate = 50.0
    private let settings: Settings
    private let vocabulary: DecoderVocabulary
    private var random = SeededGenerator(seed: 1)
    private var words: [[Int]] = []

    /// Makes up a vocabulary and words.
    public init(_ settings: Settings) {
        self.settings = settings
        let count = settings.vocabularySize
        let isPieces = count > 200
        let half = count / 2
        var tokens = ["<pad>", "|"]
        if isPieces { tokens = ["<pad>"] + (1..<half).map { "▁" + Self.syllable($0) } }
        tokens += (tokens.count..<count).map { Self.syllable($0) }
        vocabulary = DecoderVocabulary(tokens: tokens, blank: 0, delimiter: isPieces ? nil : 1)
        for _ in 0..<20_000 {
            let length = 1 + random.uniform(below: isPieces ? 3 : 9)
            words.append(
                (0..<length).map { place in
                    if isPieces && place == 0 { return 1 + random.uniform(below: half - 1) }
                    let first = isPieces ? half : 2
                    return first + random.uniform(below: count - first)
                })
        }
    }

    /// A text that no other number has and that is no beginning of a longer one.
    private static func syllable(_ number: Int) -> String {
        String(Unicode.Scalar(0x4E00 + UInt32(number)) ?? " ")
    }

    /// Frequent words are much more frequent than rare ones.
    private mutating func sentence() -> [Int] {
        (0..<8).map { _ in Int(pow(Double(words.count), random.uniform())) - 1 }
    }

    private func text(_ sentence: [Int]) -> String {
        sentence.map { vocabulary.text(of: words[$0]) }.joined(separator: " ")
    }

    /// Measures.
    ///
    /// - Throws: `FileSystemError` where a temporary file cannot be written.
    public mutating func run() throws -> Result {
        let (model, readSeconds) = try makeModel()
        var spoken: [String] = []
        var rows: [Float] = []
        let size = vocabulary.size
        while Double(rows.count / size) < settings.seconds * Self.frameRate {
            let sentence = sentence()
            spoken += sentence.map { vocabulary.text(of: words[$0]) }
            for word in sentence { speak(words[word], &rows) }
        }
        var search = CTCBeamDecoder.Settings()
        search.beamSize = settings.beamSize
        let decoder = try CTCBeamDecoder(
            settings: search, vocabulary: vocabulary, languageModel: model)
        let frames = rows.count / size
        let seconds = Double(frames) / Self.frameRate
        func measure(_ decode: ([Float]) -> Recognition) -> (speed: Double, found: Double) {
            let start = ContinuousClock.now
            let result = decode(rows)
            let speed = seconds / (start.duration(to: .now) / .seconds(1))
            let missed = result.words.map(\.text).difference(from: spoken).removals.count
            return (speed, 1 - Double(missed) / Double(spoken.count))
        }
        let beam = measure { decoder($0) }
        let greedy = measure { CTCGreedyDecoder(vocabulary)($0) }
        let candidates = rows.count { Double($0) >= search.tokenThreshold }
        return Result(
            ngrams: model.counts, readSeconds: readSeconds, seconds: seconds,
            tokensPerFrame: Double(candidates) / Double(frames), beamSpeed: beam.speed,
            greedySpeed: greedy.speed, beamFound: beam.found, greedyFound: greedy.found)
    }

    private mutating func makeModel() throws -> (NGramModel, seconds: Double) {
        var trainer = try NGramTrainer(.init())
        // A sentence of eight words brings about 18 n-grams.
        for _ in 0..<max(1, settings.ngramCount / 18) { try trainer.add(text(sentence())) }
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-benchmark-\(UUID().uuidString).arpa")
        defer { try? FileManager.default.removeItem(at: url) }
        try trainer.estimate().write(to: url)
        let start = ContinuousClock.now
        let model = try NGramModel(path: url.path, unit: .word)
        return (model, start.duration(to: .now) / .seconds(1))
    }

    /// The frames of a word, with a delimiter behind it where the vocabulary has one.
    private mutating func speak(_ word: [Int], _ rows: inout [Float]) {
        for token in word + (vocabulary.words == .delimited ? [1] : []) {
            let held = 1 + random.uniform(below: 2)
            let silent = 1 + random.uniform(below: 2)
            for frame in 0..<held + silent { hear(frame < held ? token : 0, &rows) }
        }
    }

    private mutating func hear(_ token: Int, _ rows: inout [Float]) {
        var logits = (0..<vocabulary.size).map { _ in random.uniform() * 3 - 10 }
        logits[random.uniform(below: vocabulary.size)] = -1 - random.uniform() * 4
        logits[token] = -random.uniform() * 1.5
        let total = log(logits.reduce(0) { $0 + exp($1) })
        rows += logits.map { Float($0 - total) }
    }
}
