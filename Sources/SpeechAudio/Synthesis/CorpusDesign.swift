internal import Foundation
internal import SpeechCore

/// Everything that decides what a synthetic corpus contains.
///
/// The same design with the same version of espeak-ng gives the same bytes.
public struct CorpusDesign: Sendable, Equatable {
    /// A part of the corpus with a manifest of its own.
    public enum Split: String, Sendable, CaseIterable {
        case train
        case valid
        case test
    }

    /// ISO 639-1 codes out of `availableLanguages`, each once.
    public var languages: [String]
    /// The length of the speech of each language over all splits.
    public var minutesPerLanguage: Double
    /// The number of speakers of each language, at most `voiceLimit`; at least one for each split.
    public var voices: Int
    /// The share of the minutes that becomes `valid.jsonl`; 0 for none.
    public var validFraction: Double
    /// The share of the minutes that becomes `test.jsonl`; 0 for none.
    public var testFraction: Double
    /// Decides sentences, speakers and splits.
    public var seed: UInt64
    /// The format of the audio files, 16 kHz mono with 16 bits.
    public var format: AudioWriter.Format
    /// The share of the utterances that noise is added to.
    public var noise: Double
    /// How far the speech is above the noise, drawn for each utterance; dB.
    public var signalToNoise: ClosedRange<Double>
    /// The share of the utterances that are spoken in a room with echoes.
    public var rooms: Double

    /// The most speakers a language can have.
    public static let voiceLimit = 80

    /// The languages for which there are sentences.
    public static var availableLanguages: [String] { LanguageProfile.all.map(\.code) }

    /// Designs a corpus.
    public init(
        languages: [String], minutesPerLanguage: Double, voices: Int = 12,
        validFraction: Double = 0.1, testFraction: Double = 0.1, seed: UInt64 = 0,
        format: AudioWriter.Format = .flac, noise: Double = 0,
        signalToNoise: ClosedRange<Double> = 5...25, rooms: Double = 0
    ) {
        self.languages = languages
        self.minutesPerLanguage = minutesPerLanguage
        self.voices = voices
        self.validFraction = validFraction
        self.testFraction = testFraction
        self.seed = seed
        self.format = format
        self.noise = noise
        self.signalToNoise = signalToNoise
        self.rooms = rooms
    }

    /// The splits that have a share.
    public var splits: [Split] { Split.allCases.filter { seconds(of: $0) > 0 } }

    /// The seconds of speech of one language in a split.
    public func seconds(of split: Split) -> Double {
        let share: Double
        switch split {
        case .train: share = 1 - validFraction - testFraction
        case .valid: share = validFraction
        case .test: share = testFraction
        }
        return minutesPerLanguage * 60 * share
    }

    /// Checks every value.
    ///
    /// - Throws: `CorpusError.invalidDesign` or `.unknownLanguages`.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            guard holds else {
                throw CorpusError.invalidDesign(key: key, expected: expected, found: "\(found)")
            }
        }
        try require(!languages.isEmpty, "languages", "at least one language", "none")
        let unknown = languages.filter { LanguageProfile.named($0) == nil }
        guard unknown.isEmpty else {
            throw CorpusError.unknownLanguages(unknown, available: Self.availableLanguages)
        }
        try require(
            Set(languages).count == languages.count, "languages", "each language once",
            languages.joined(separator: ", "))
        try require(
            minutesPerLanguage > 0 && minutesPerLanguage.isFinite, "minutes",
            "a number above 0", minutesPerLanguage)
        for (key, share) in [("valid", validFraction), ("test", testFraction)] {
            try require((0..<1).contains(share), key, "a share from 0 up to 1", share)
        }
        try require(
            validFraction + testFraction < 1, "valid + test", "a share below 1",
            validFraction + testFraction)
        let fewest = splits.count
        try require(
            (fewest...Self.voiceLimit).contains(voices), "voices",
            "a number from \(fewest) to \(Self.voiceLimit), as each split has speakers of its own",
            voices)
        for (key, share) in [("noise", noise), ("rooms", rooms)] {
            try require((0...1).contains(share), key, "a share from 0 to 1", share)
        }
        let range = signalToNoise
        try require(
            range.lowerBound >= -30 && range.upperBound <= 100, "snr",
            "between -30 and 100 dB", "\(range.lowerBound) to \(range.upperBound)")
    }

    /// What is kept beside the corpus, so that a later run goes on only with the same design.
    ///
    /// The length is not part of it, as a longer corpus begins with the same utterances.
    ///
    /// * `version`: of espeak-ng.
    /// * `variants`: those of its voices that speakers are made of.
    func record(speaker version: String, variants: [String]) -> JSONObject {
        var record = JSONObject()
        record["speaker"] = .string(version)
        record["seed"] = .string(String(seed))
        record["format"] = .string(format.rawValue)
        record["voices"] = .integer(voices)
        record["valid"] = .number(validFraction)
        record["test"] = .number(testFraction)
        record["noise"] = .number(noise)
        record["snr"] = .array([
            .number(signalToNoise.lowerBound), .number(signalToNoise.upperBound),
        ])
        record["rooms"] = .number(rooms)
        record["variants"] = .string(variants.joined(separator: " "))
        return record
    }
}
