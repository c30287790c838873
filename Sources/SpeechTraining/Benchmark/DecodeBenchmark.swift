import Foundation
public import SpeechCore

/// Times CTC beam search with a 3-gram model on one core, on made-up speech, and says what it is good
/// for.
///
/// The language has some thousands of words, few of them frequent; half of the time a word is one of the
/// twenty that often stand behind the one before it. Its sentences are spelled in a vocabulary: a frame
/// for each token, then one to three blanks. Beside each token is another one, now and then the likelier
/// one, and about half of all tokens are above the threshold of the search, so that it has more to do than
/// on sure recognisers. The model is trained on other sentences of the language.
public struct DecodeBenchmark {
    /// What is decoded.
    public struct Settings: Sendable {
        /// How it is searched.
        public var search = CTCBeamDecoder.Settings()
        /// How many n-grams the model has at least, of all orders together.
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
        /// The share of the spoken words that the model does not know.
        public var unknownWords: Double
        /// Seconds of audio that one core searches in a second.
        public var beamSpeed: Double
        /// The same for greedy decoding.
        public var greedySpeed: Double
        /// The word error rate of the search.
        public var beamErrorRate: Double
        /// That of greedy decoding.
        public var greedyErrorRate: Double

        private enum CodingKeys: String, CodingKey {
            case ngrams, seconds
            case readSeconds = "read_seconds"
            case tokensPerFrame = "tokens_per_frame"
            case unknownWords = "unknown_words"
            case beamSpeed = "beam_audio_seconds_per_second"
            case greedySpeed = "greedy_audio_seconds_per_second"
            case beamErrorRate = "beam_wer"
            case greedyErrorRate = "greedy_wer"
        }
    }

    private struct Clip {
        let text: String
        var rows: [Float] = []
    }

    private static let frameRate = 50.0
    private static let wordCount = 5000
    private let settings: Settings
    private let vocabulary: DecoderVocabulary
    private var random = SeededGenerator(seed: 1)
    private var words: [[Int]] = []
    /// The words that often stand behind each.
    private var followers: [[Int]] = []

    /// Makes up a language.
    public init(_ settings: Settings) {
        self.settings = settings
        let count = settings.vocabularySize
        let isPieces = count > 200
        let half = count / 2
        var tokens = ["<pad>", "|"]
        if isPieces { tokens = ["<pad>"] + (1..<half).map { "▁" + Self.syllable($0) } }
        tokens += (tokens.count..<count).map { Self.syllable($0) }
        vocabulary = DecoderVocabulary(tokens: tokens, blank: 0, delimiter: isPieces ? nil : 1)
        var spelled: Set<[Int]> = []
        while words.count < Self.wordCount {
            let length = isPieces ? 1 + random.uniform(below: 3) : 2 + random.uniform(below: 8)
            let word = (0..<length).map { place in
                if isPieces && place == 0 { return 1 + random.uniform(below: half - 1) }
                let first = isPieces ? half : 2
                return first + random.uniform(below: count - first)
            }
            if spelled.insert(word).inserted { words.append(word) }
        }
        for _ in words { followers.append((0..<20).map { _ in frequentWord() }) }
    }

    /// A text that no other number has and that is no beginning of a longer one.
    private static func syllable(_ number: Int) -> String {
        String(Unicode.Scalar(0x4E00 + UInt32(number)) ?? " ")
    }

    /// The number of a word: the more frequent, the lower.
    private mutating func frequentWord() -> Int {
        Int(pow(Double(Self.wordCount), random.uniform())) - 1
    }

    private mutating func sentence() -> [Int] {
        var sentence = [frequentWord()]
        for _ in 0..<3 + random.uniform(below: 9) {
            let usual = followers[sentence[sentence.count - 1]]
            let isUsual = random.uniform() < 0.5
            sentence.append(isUsual ? usual[random.uniform(below: usual.count)] : frequentWord())
        }
        return sentence
    }

    private func text(_ sentence: [Int]) -> String {
        sentence.map { vocabulary.text(of: words[$0]) }.joined(separator: " ")
    }

    /// Measures.
    ///
    /// - Throws: `FileSystemError` where a temporary file cannot be written.
    public mutating func run() throws -> Result {
        let (model, readSeconds) = try makeModel()
        let size = vocabulary.size
        var clips: [Clip] = []
        var frames = 0
        while Double(frames) < settings.seconds * Self.frameRate {
            let sentence = sentence()
            var clip = Clip(text: text(sentence))
            for word in sentence { speak(words[word], &clip.rows) }
            frames += clip.rows.count / size
            clips.append(clip)
        }
        let decoder = try CTCBeamDecoder(
            settings: settings.search, vocabulary: vocabulary, languageModel: model)
        let seconds = Double(frames) / Self.frameRate
        func measure(_ decode: ([Float]) -> Recognition) -> (speed: Double, errorRate: Double) {
            let start = ContinuousClock.now
            let found = clips.map { decode($0.rows).text }
            let speed = seconds / (start.duration(to: .now) / .seconds(1))
            let texts = zip(clips, found).map {
                ScoredText(id: "", reference: $0.text, hypothesis: $1)
            }
            return (speed, ErrorRate(unit: .word).corpusScore(texts).rate)
        }
        let beam = measure { decoder($0) }
        let greedy = measure { CTCGreedyDecoder(vocabulary)($0) }
        let threshold = settings.search.tokenThreshold
        let candidates = clips.reduce(0) { $0 + $1.rows.count { Double($0) >= threshold } }
        var spoken = NGramModel.Perplexity()
        for clip in clips { model.score(clip.text, into: &spoken) }
        return Result(
            ngrams: model.counts, readSeconds: readSeconds, seconds: seconds,
            tokensPerFrame: Double(candidates) / Double(frames),
            unknownWords: Double(spoken.unknownUnits) / Double(spoken.units),
            beamSpeed: beam.speed, greedySpeed: greedy.speed, beamErrorRate: beam.errorRate,
            greedyErrorRate: greedy.errorRate)
    }

    private mutating func makeModel() throws -> (NGramModel, seconds: Double) {
        var trainer = try NGramTrainer(.init())
        var estimate: NGramEstimate?
        var missing = settings.ngramCount
        while missing > 0 {
            // A sentence of eight words brings less than 16 n-grams.
            for _ in 0...missing / 16 { try trainer.add(text(sentence())) }
            let next = try trainer.estimate()
            missing = settings.ngramCount - next.counts.reduce(0, +)
            estimate = next
        }
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-benchmark-\(UUID().uuidString).arpa")
        defer { try? FileManager.default.removeItem(at: url) }
        try estimate?.write(to: url)
        let start = ContinuousClock.now
        let model = try NGramModel(path: url.path, unit: .word)
        return (model, start.duration(to: .now) / .seconds(1))
    }

    /// The frames of a word, with a delimiter behind it where the vocabulary has one.
    private mutating func speak(_ word: [Int], _ rows: inout [Float]) {
        for token in word + (vocabulary.words == .delimited ? [1] : []) {
            // What a token is mistaken for is the blank at times.
            let isLost = random.uniform() < 0.15
            hear(
                token, -1.5 * random.uniform(),
                isLost ? vocabulary.blank : random.uniform(below: vocabulary.size),
                -0.6 - 6 * random.uniform(), &rows)
            for _ in 0...random.uniform(below: 3) {
                hear(
                    vocabulary.blank, -0.5 * random.uniform(),
                    random.uniform(below: vocabulary.size), -2 - 6 * random.uniform(), &rows)
            }
        }
    }

    /// A frame with two tokens that stand out, each with its logit.
    private mutating func hear(
        _ token: Int, _ value: Double, _ rival: Int, _ rivalValue: Double, _ rows: inout [Float]
    ) {
        var logits = (0..<vocabulary.size).map { _ in random.uniform() * 3 - 10 }
        logits[rival] = rivalValue
        logits[token] = value
        let total = log(logits.reduce(0) { $0 + exp($1) })
        rows += logits.map { Float($0 - total) }
    }
}
