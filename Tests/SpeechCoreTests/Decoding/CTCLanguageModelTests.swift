import Foundation
import SpeechCore
import TestSupport
import Testing

/// What a language model is good for: fewer errors than without, on speech that is hard to hear.
@Suite struct CTCLanguageModelTests {
    /// Sentences of a small language.
    private struct Grammar {
        private static let parts: [[String]] = [
            "the a this that our every".split(separator: " ").map(String.init),
            "old young brave quiet happy clever tired little".split(separator: " ")
                .map(String.init),
            "captain farmer teacher painter doctor sister brother neighbour driver widow"
                .split(separator: " ").map(String.init),
            "carried found bought sold painted counted hid brought wanted lost"
                .split(separator: " ").map(String.init),
            "seven twenty some many three a hundred no forty".split(separator: " ")
                .map(String.init),
            "letters apples horses baskets stories windows candles blankets oranges bottles"
                .split(separator: " ").map(String.init),
            "on monday|on sunday|at noon|in the harbour|behind the house|before winter|near here"
                .split(separator: "|").map(String.init),
        ]
        /// Words of the language that a model learned from `sentence` does not know.
        private static let names = ["anneliese", "bartholomew", "xavier", "ingrid", "okonkwo"]

        static func sentence(_ random: inout SeededGenerator) -> String {
            parts.map { $0[random.uniform(below: $0.count)] }.joined(separator: " ")
        }

        /// A sentence with a name in place of who does it.
        static func sentenceWithName(_ random: inout SeededGenerator) -> String {
            let words = sentence(&random).split(separator: " ").map(String.init)
            return ([names[random.uniform(below: names.count)]] + words.dropFirst(3))
                .joined(separator: " ")
        }
    }

    /// Hears letters as points in a noisy space.
    private struct Recogniser {
        static let vocabulary = DecoderVocabulary(
            tokens: ["<pad>", "|"] + "abcdefghijklmnopqrstuvwxyz".map { String($0) }, blank: 0,
            delimiter: 1)

        let noise: Double
        /// Above 1 for one that is surer than it should be.
        var sureness = 1.0
        private let points: [[Double]]
        private var random = SeededGenerator(seed: 3)

        init(noise: Double) {
            self.noise = noise
            var random = SeededGenerator(seed: 4)
            points = (0..<28).map { _ in (0..<8).map { _ in Self.normal(&random) } }
        }

        private static func normal(_ random: inout SeededGenerator) -> Double {
            (0..<12).reduce(-6) { sum, _ in sum + random.uniform() }
        }

        /// A frame a letter and one to three between them.
        mutating func hear(_ text: String) -> [Float] {
            text.unicodeScalars.flatMap { letter -> [Float] in
                let token = letter == " " ? 1 : Int(letter.value) - 95
                let silence = 1 + random.uniform(below: 3)
                return ([token] + [Int](repeating: 0, count: silence)).flatMap { frame($0) }
            }
        }

        private mutating func frame(_ token: Int) -> [Float] {
            let heard = points[token].map { $0 + noise * Self.normal(&random) }
            let logits = points.map { point -> Double in
                let distance = zip(point, heard).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
                return -distance / (2 * noise * noise) * sureness
            }
            let top = logits.max() ?? 0
            let total = top + log(logits.reduce(0) { $0 + exp($1 - top) })
            return logits.map { Float($0 - total) }
        }
    }

    private static let model: NGramModel = {
        var random = SeededGenerator(seed: 1)
        do {
            var trainer = try NGramTrainer(.init())
            for _ in 0..<400 { try trainer.add(Grammar.sentence(&random)) }
            let url = FileManager.default.temporaryDirectory
                .appendingPathComponent("colld-test-\(UUID().uuidString).arpa")
            defer { try? FileManager.default.removeItem(at: url) }
            try trainer.estimate().write(to: url)
            return try NGramModel(path: url.path, unit: .word)
        } catch {
            preconditionFailure("\(error)")
        }
    }()

    /// The error rates of words and of characters.
    private struct Errors {
        let words: Double
        let characters: Double

        init(_ spoken: [String], _ found: [String]) {
            let texts = zip(spoken, found).map {
                ScoredText(id: "", reference: $0, hypothesis: $1)
            }
            words = ErrorRate(unit: .word).corpusScore(texts).rate
            characters = ErrorRate(unit: .character(.codePoint)).corpusScore(texts).rate
        }
    }

    @Test(arguments: [(0.4, 1.0), (0.47, 1.0), (0.4, 2.0)])
    func aModelRemovesErrors(_ noise: Double, _ sureness: Double) throws {
        var recogniser = Recogniser(noise: noise)
        recogniser.sureness = sureness
        var random = SeededGenerator(seed: 2)
        let known = (0..<25).map { _ in Grammar.sentence(&random) }
        let named = (0..<25).map { _ in Grammar.sentenceWithName(&random) }
        let greedy = CTCGreedyDecoder(Recogniser.vocabulary)
        let beam = try CTCBeamDecoder(
            vocabulary: Recogniser.vocabulary, languageModel: Self.model)
        for (spoken, share) in [(known, 0.25), (named, 0.65)] {
            let clips = spoken.map { recogniser.hear($0) }
            let before = Errors(spoken, clips.map { greedy($0).text })
            let after = Errors(spoken, clips.map { beam($0).text })
            #expect((0.05...0.35).contains(before.characters), "\(before)")
            #expect(after.words < share * before.words, "\(after) of \(before)")
            #expect(after.characters < share * before.characters, "\(after) of \(before)")
        }
    }

    /// What a word costs is lent while it is spelled, or the beam would fill up with words without end.
    @Test func aNarrowBeamFindsWhatAWideOneFinds() throws {
        var recogniser = Recogniser(noise: 0.65)
        var random = SeededGenerator(seed: 5)
        var narrow = CTCBeamDecoder.Settings()
        narrow.beamSize = 25
        var wide = narrow
        wide.beamSize = 500
        let decoders = try [narrow, wide].map {
            try CTCBeamDecoder(
                settings: $0, vocabulary: Recogniser.vocabulary, languageModel: Self.model)
        }
        var equal = 0
        for _ in 0..<10 {
            let rows = recogniser.hear(Grammar.sentence(&random))
            let found = decoders.map { $0(rows) }
            #expect(found[0].score > found[1].score - 8)
            equal += found[0].text == found[1].text ? 1 : 0
        }
        #expect(equal >= 8)
    }

    /// ln P of a text, by the forward recursion over its letters, the blanks behind them and the gaps
    /// between words, which hold any blanks and delimiters.
    private func logLikelihood(_ text: String, _ rows: [Float]) -> Double {
        enum State { case gap, blank, letter(Int) }
        var states: [State] = [.gap]
        for letter in text.unicodeScalars {
            states += letter == " " ? [.gap] : [.letter(Int(letter.value) - 95), .blank]
        }
        states.append(.gap)
        var sums = [Double](repeating: 0, count: states.count)
        sums[0] = 1
        var scale = 0.0
        for start in stride(from: 0, to: rows.count, by: Recogniser.vocabulary.size) {
            let blank = exp(Double(rows[start]))
            let delimiter = exp(Double(rows[start + 1]))
            let next = states.indices.map { place -> Double in
                let last = place > 0 ? sums[place - 1] : 0
                guard place > 1, case .blank = states[place - 1],
                    case .letter(let before) = states[place - 2]
                else {
                    switch states[place] {
                    case .gap: return sums[place] * (blank + delimiter) + last * delimiter
                    case .blank: return (sums[place] + last) * blank
                    case .letter(let id):
                        return (sums[place] + last) * exp(Double(rows[start + id]))
                    }
                }
                // Without a blank between.
                let skipped = sums[place - 2]
                guard case .letter(let id) = states[place] else {
                    return sums[place] * (blank + delimiter) + (last + skipped) * delimiter
                }
                return (sums[place] + last + (id == before ? 0 : skipped))
                    * exp(Double(rows[start + id]))
            }
            let total = next.reduce(0, +)
            scale += log(total)
            sums = next.map { $0 / total }
        }
        return scale + log(sums.suffix(3).reduce(0, +))
    }

    @Test func withoutModelsItIsNotLessLikelyThanTheGreedyText() throws {
        var recogniser = Recogniser(noise: 0.45)
        var random = SeededGenerator(seed: 6)
        let greedy = CTCGreedyDecoder(Recogniser.vocabulary)
        let beam = try CTCBeamDecoder(vocabulary: Recogniser.vocabulary)
        for _ in 0..<10 {
            let rows = recogniser.hear(Grammar.sentence(&random))
            let found = beam(rows)
            #expect(found.acousticScore > greedy(rows).score)
            let likelihood = logLikelihood(found.text, rows)
            let other = logLikelihood(greedy(rows).text, rows)
            #expect(likelihood > other - 1e-9)
            // The search lacks the paths that the beam dropped.
            #expect((likelihood - 0.5...likelihood + 1e-9).contains(found.acousticScore))
        }
    }

    /// Tokens are left out unseen where they cannot come into the beam; with a hot word of a great boost
    /// that no audio spells none is.
    @Test func whatIsLeftOutUnseenIsNotMissed() throws {
        let tokens = ["<pad>", "|", "a", "b", "c", "d", "z"]
        let pieces = ["<pad>", "▁a", "▁b", "a", "b", "ab", "▁z"]
        var random = SeededGenerator(seed: 7)
        var words = 0
        for round in 0..<12 {
            let vocabulary = DecoderVocabulary(
                tokens: round < 6 ? tokens : pieces, blank: 0, delimiter: round < 6 ? 1 : nil)
            var settings = CTCBeamDecoder.Settings()
            settings.beamSize = 3 + 4 * round
            settings.bestCount = 3
            settings.beamThreshold = 4 + 2 * Double(round % 6)
            settings.languageModelWeight = random.uniform()
            settings.wordBonus = 4 * random.uniform() - 2
            settings.unknownWordPenalty = -4 * random.uniform()
            let isCharacters = round.isMultiple(of: 3)
            let units =
                isCharacters ? ["a", "b", "c", "<space>"] : ["a", "ab", "ba", "abba", "cd"]
            let model = try DecoderInput.model(
                DecoderInput.arpa(units, order: 3, share: 0.4, &random),
                unit: isCharacters ? .character : .word)
            let rows = DecoderInput.random(frames: 60, tokens: 7, sharpness: 5, &random)
                .flatMap { $0.dropLast() + [-Float.infinity] }
            let found = try [[], [HotWord("zzz", boost: 1e4)]].map {
                try CTCBeamDecoder(
                    settings: settings, vocabulary: vocabulary, languageModel: model, hotWords: $0
                ).best(rows)
            }
            #expect(found[0] == found[1])
            words += found[0][0].words.count
        }
        #expect(words > 12)
    }
}
