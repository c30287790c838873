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

    @Test(arguments: [(0.55, 1.0), (0.65, 1.0), (0.5, 2.0)])
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
            #expect((0.08...0.35).contains(before.characters), "\(before)")
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

    /// ln P of a row of labels, by the forward recursion over labels with blanks between them.
    private func logLikelihood(_ labels: [Int], _ rows: [Float], size: Int) -> Double {
        let states = [0] + labels.flatMap { [$0, 0] }
        var sums = [Double](repeating: 0, count: states.count)
        sums[0] = 1
        var scale = 0.0
        for (frame, start) in stride(from: 0, to: rows.count, by: size).enumerated() {
            var next = [Double](repeating: 0, count: states.count)
            for (place, label) in states.enumerated() {
                var sum = sums[place]
                // Before the first frame only the start is there, and the first label may follow it.
                if place > 0 { sum += sums[place - 1] }
                let skips = place > 1 && label != 0 && label != states[place - 2]
                if skips, frame > 0 { sum += sums[place - 2] }
                next[place] = sum * exp(Double(rows[start + label]))
            }
            let total = next.reduce(0, +)
            scale += log(total)
            sums = next.map { $0 / total }
        }
        return scale + log(sums.suffix(2).reduce(0, +))
    }

    @Test func withoutModelsItIsNotLessLikelyThanTheGreedyText() throws {
        var recogniser = Recogniser(noise: 0.6)
        var random = SeededGenerator(seed: 6)
        let greedy = CTCGreedyDecoder(Recogniser.vocabulary)
        let beam = try CTCBeamDecoder(vocabulary: Recogniser.vocabulary)
        for _ in 0..<10 {
            let rows = recogniser.hear(Grammar.sentence(&random))
            func likelihood(_ found: Recognition) -> Double {
                logLikelihood(
                    found.tokens.map(\.id), rows, size: Recogniser.vocabulary.size)
            }
            // The search lacks the paths that the beam dropped, the recursion those with more than
            // one delimiter in a row.
            let found = beam(rows)
            #expect(
                max(found.acousticScore, likelihood(found)) > likelihood(greedy(rows)) - 1e-6)
            #expect(found.acousticScore > greedy(rows).score)
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
