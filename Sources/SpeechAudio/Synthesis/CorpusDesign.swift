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
    /// The number of speakers of each language, at most `voiceLimit`.
    public var voices: Int
    /// The share of the minutes that becomes `valid.jsonl`; 0 for none.
    public var validFraction: Double
    /// The share of the minutes that becomes `test.jsonl`; 0 for none.
    public var testFraction: Double
    /// Decides sentences, speakers and splits.
    public var seed: UInt64
    /// The format of the audio files, 16 kHz mono with 16 bits.
    public var format: AudioWriter.Format

    /// The most speakers a language can have.
    public static let voiceLimit = 60

    /// The languages for which there are sentences.
    public static var availableLanguages: [String] { LanguageProfile.all.map(\.code) }

    /// Designs a corpus.
    public init(
        languages: [String], minutesPerLanguage: Double, voices: Int = 6,
        validFraction: Double = 0.1, testFraction: Double = 0.1, seed: UInt64 = 0,
        format: AudioWriter.Format = .flac
    ) {
        self.languages = languages
        self.minutesPerLanguage = minutesPerLanguage
        self.voices = voices
        self.validFraction = validFraction
        self.testFraction = testFraction
        self.seed = seed
        self.format = format
    }

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
        try require(
            (1...Self.voiceLimit).contains(voices), "voices",
            "a number from 1 to \(Self.voiceLimit)", voices)
        for (key, share) in [("valid", validFraction), ("test", testFraction)] {
            try require((0..<1).contains(share), key, "a share from 0 up to 1", share)
        }
        try require(
            validFraction + testFraction < 1, "valid + test", "a share below 1",
            validFraction + testFraction)
    }

    /// What is kept beside the corpus, so that a later run goes on only with the same design.
    ///
    /// The length is not part of it, as a longer corpus begins with the same utterances.
    func record(speaker version: String) -> JSONObject {
        var record = JSONObject()
        record["speaker"] = .string(version)
        record["seed"] = .string(String(seed))
        record["format"] = .string(format.rawValue)
        record["voices"] = .integer(voices)
        record["valid"] = .number(validFraction)
        record["test"] = .number(testFraction)
        return record
    }
}
