internal import Foundation
internal import SpeechCore

/// One utterance to be spoken.
struct ScriptLine: Sendable {
    let id: String
    let sentence: Sentence
    let speaker: String
    let manner: EspeakProgram.Manner
    /// The audio file, relative to the corpus.
    let file: String
}

/// The endless script of one language: for each split, which line comes next.
///
/// Line n of a split depends on the design alone, not on how many lines are asked for at once, and no
/// sentence occurs twice, in one split or in two.
final class CorpusScript {
    let profile: LanguageProfile
    private let design: CorpusDesign
    private let sentences: SentenceGenerator
    private let speakers: [Speaker]
    private var generator: SeededGenerator
    private var seen: Set<String> = []
    private var waiting: [CorpusDesign.Split: [Sentence]] = [:]
    private var count: [CorpusDesign.Split: Int] = [:]

    private struct Speaker {
        let name: String
        let variant: String
        let speed: Int
        let pitch: Int
    }

    init(_ profile: LanguageProfile, _ design: CorpusDesign) throws {
        self.profile = profile
        self.design = design
        sentences = SentenceGenerator(profile)
        guard !sentences.kinds.isEmpty else {
            let available = LanguageProfile.all.filter { !SentenceGenerator($0).kinds.isEmpty }
            throw CorpusError.unknownLanguages(
                [profile.code], available: available.map(\.code))
        }
        // Streams named by the language, so that adding one to a corpus changes no other.
        let language = Self.hash(profile.code)
        generator = SeededGenerator(seed: design.seed, stream: language, 0)
        var voices = SeededGenerator(seed: design.seed, stream: language, 1)
        var order = EspeakProgram.variants
        voices.shuffle(&order)
        speakers = (0..<design.voices).map { index in
            let variant = order[index % order.count]
            let round = index / order.count
            return Speaker(
                name: "\(profile.code)-\(variant)" + (round == 0 ? "" : "-\(round + 1)"),
                variant: variant,
                speed: 140 + voices.uniform(below: 41), pitch: 35 + voices.uniform(below: 31))
        }
    }

    /// The next line of a split.
    ///
    /// - Throws: `CorpusError.outOfSentences`.
    func next(_ split: CorpusDesign.Split) throws -> ScriptLine {
        while waiting[split, default: []].isEmpty {
            let sentence = try newSentence()
            waiting[self.split(of: sentence), default: []].append(sentence)
        }
        let sentence = waiting[split, default: []].removeFirst()
        let number = count[split, default: 0]
        count[split] = number + 1

        var generator = SeededGenerator(
            seed: design.seed, stream: Self.hash(profile.code), 2, Self.hash(split.rawValue),
            UInt64(number))
        let speaker = speakers[generator.uniform(below: speakers.count)]
        let manner = EspeakProgram.Manner(
            voice: "\(profile.voice)+\(speaker.variant)",
            speed: speaker.speed - 8 + generator.uniform(below: 17),
            pitch: speaker.pitch - 4 + generator.uniform(below: 9))
        let digits = String(number + 1)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        let id = "\(profile.code)-\(split.rawValue)-\(padded)"
        return ScriptLine(
            id: id, sentence: sentence, speaker: speaker.name, manner: manner,
            file: "audio/\(profile.code)/\(id).\(design.format.rawValue)")
    }

    private func newSentence() throws -> Sentence {
        for _ in 0..<10_000 {
            let sentence = sentences.sentence(&generator)
            if seen.insert(sentence.text).inserted { return sentence }
        }
        throw CorpusError.outOfSentences(language: profile.code, found: seen.count)
    }

    /// Decided by the sentence alone, so that the splits share none.
    private func split(of sentence: Sentence) -> CorpusDesign.Split {
        var generator = SeededGenerator(seed: design.seed, stream: Self.hash(sentence.text), 3)
        let place = generator.uniform()
        if place < design.validFraction { return .valid }
        return place < design.validFraction + design.testFraction ? .test : .train
    }

    /// FNV-1a: the standard library's hashes differ from run to run.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }
}
