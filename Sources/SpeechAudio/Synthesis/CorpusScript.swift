internal import Foundation
internal import SpeechCore

/// One utterance to be spoken.
struct ScriptLine: Sendable {
    let id: String
    let sentence: Sentence
    let speaker: String
    let manner: EspeakProgram.Manner
    let conditions: RecordingConditions
    /// The audio file, relative to the corpus.
    let file: String
}

/// The endless script of one language: for each split, which line comes next.
///
/// Line n of a split depends on the design alone, not on how many lines are asked for at once, and no
/// sentence occurs twice, in one split or in two; nor does a speaker occur in two splits.
final class CorpusScript {
    let profile: LanguageProfile
    private let design: CorpusDesign
    private let sentences: SentenceGenerator
    private let variants: [EspeakProgram.Variant]
    private let speakers: CorpusSpeakers
    private var generator: SeededGenerator
    private var seen: Set<String> = []
    private var waiting: [CorpusDesign.Split: [Sentence]] = [:]
    private var count: [CorpusDesign.Split: Int] = [:]

    /// Begins the script of a language.
    ///
    /// - Throws: `CorpusError.unknownLanguages` where the system has no words of it.
    convenience init(
        _ profile: LanguageProfile, _ design: CorpusDesign, variants: [EspeakProgram.Variant]
    ) throws {
        let sentences = SentenceGenerator(profile)
        guard !sentences.kinds.isEmpty else {
            let available = LanguageProfile.all.filter { !SentenceGenerator($0).kinds.isEmpty }
            throw CorpusError.unknownLanguages(
                [profile.code], available: available.map(\.code))
        }
        self.init(profile, design, sentences, variants)
    }

    private init(
        _ profile: LanguageProfile, _ design: CorpusDesign, _ sentences: SentenceGenerator,
        _ variants: [EspeakProgram.Variant]
    ) {
        self.profile = profile
        self.design = design
        self.sentences = sentences
        self.variants = variants
        // Streams named by the language, so that adding one to a corpus changes no other.
        let language = Self.hash(profile.code)
        generator = SeededGenerator(seed: design.seed, stream: language, 0)
        var voices = SeededGenerator(seed: design.seed, stream: language, 1)
        speakers = CorpusSpeakers(
            profile.code, design, variants: variants,
            dealer: SeededGenerator(seed: design.seed, stream: 5), &voices)
    }

    /// A number that tells this script from others: of the words, voices and sounds of its first lines.
    ///
    /// It changes with the templates, with the system's locale data, and with the design.
    func fingerprint() throws -> String {
        let copy = CorpusScript(profile, design, sentences, variants)
        // Of the other splits the speakers alone: where their share is small, lines are rare.
        var text = design.splits.flatMap { speakers[$0] }
            .map { "\($0.name) \($0.speed) \($0.pitch)\n" }.joined()
        for _ in 0..<60 {
            let line = try copy.next(.train)
            text += """
                \(line.id) \(line.sentence.text)=\(line.sentence.translation) \
                \(line.manner.voice) \(line.manner.speed) \(line.manner.pitch) \
                \(line.conditions.room?.reverberationTime ?? 0) \
                \(line.conditions.noise?.signalToNoise ?? 0)

                """
        }
        return String(Self.hash(text), radix: 16)
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
        let voices = speakers[split]
        let speaker = voices[generator.uniform(below: voices.count)]
        let manner = EspeakProgram.Manner(
            voice: "\(profile.voice)+\(speaker.variant)",
            speed: speaker.speed - 8 + generator.uniform(below: 17),
            pitch: speaker.pitch - 4 + generator.uniform(below: 9))
        let digits = String(number + 1)
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        let id = "\(profile.code)-\(split.rawValue)-\(padded)"
        return ScriptLine(
            id: id, sentence: sentence, speaker: speaker.name, manner: manner,
            conditions: RecordingConditions(
                design,
                SeededGenerator(
                    seed: design.seed, stream: Self.hash(profile.code), 4,
                    Self.hash(split.rawValue), UInt64(number))),
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

    private static func hash(_ text: String) -> UInt64 {
        var fingerprint = Fingerprint()
        fingerprint.add(text.utf8)
        return fingerprint.value
    }
}
