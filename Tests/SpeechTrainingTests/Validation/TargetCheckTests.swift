import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite("Texts against vocabularies and frames") struct TargetCheckTests {
    private func folder(_ vocabulary: String) throws -> ValidationFolder {
        let folder = try ValidationFolder()
        try vocabulary.write(to: folder.file("vocab.json"), atomically: true, encoding: .utf8)
        return folder
    }

    /// The reasons of a manifest of one text, and what was found.
    private func findings(
        _ text: String, _ targets: TargetCheck, lang: String = "de", duration: Double = 1,
        in folder: ValidationFolder
    ) throws -> [ValidationFinding] {
        let line = ValidationFolder.json([
            "audio_filepath": "\"1.wav\"", "duration": "\(duration)", "text": "\"\(text)\"",
            "lang": "\"\(lang)\"",
        ])
        var settings = ValidationSettings()
        settings.checksAudio = false
        return try ManifestValidation(
            manifest: folder.manifest([line]), settings: settings, targets: targets
        ).run().findings[1] ?? []
    }

    /// Ten frames a second of 100 samples.
    private let tenFrames = TargetCheck.Frames(samplingRate: 100) { $0 / 10 }

    @Test("characters without a token are named and counted")
    func symbols() throws {
        let folder = try folder(
            #"{"<pad>": 0, "<unk>": 1, "|": 2, "a": 3, "b": 4, "\u00e9": 5}"#)
        let check = try TargetCheck(vocabulary: folder.url)
        #expect(try findings("ab ba é", check, in: folder).isEmpty)
        let found = try findings("ab! Ba!", check, in: folder)
        #expect(found.map(\.reason) == [.unknownSymbol])
        #expect(found[0].found == "'!' (U+0021), 'B' (U+0042)")
        let decomposed = try findings("e\u{301}", check, in: folder)
        #expect(decomposed[0].found.contains("'e' (U+0065)"))
        #expect(decomposed[0].found.contains("NFC"))
        let lines = ["ab!", "a?!", "ab"].map {
            ValidationFolder.json([
                "audio_filepath": "\"\($0.count)\($0).wav\"", "duration": "1", "text": "\"\($0)\"",
            ])
        }
        var settings = ValidationSettings()
        settings.checksAudio = false
        let summary = try ManifestValidation(
            manifest: folder.manifest(lines), settings: settings, targets: check
        ).run().summary
        #expect(summary.symbols.map(\.symbol) == ["!", "?"])
        #expect(summary.symbols.map(\.count) == [2, 1])
    }

    @Test("CTC needs a frame for every target and one more between equal ones")
    func room() throws {
        let folder = try folder(#"{"<pad>": 0, "<unk>": 1, "|": 2, "a": 3, "b": 4}"#)
        for check in [
            try TargetCheck(vocabulary: folder.url, frames: tenFrames),
            TargetCheck(frames: tenFrames),
        ] {
            #expect(try findings("ababababab", check, in: folder).isEmpty)
            #expect(try findings("abab aabab", check, duration: 1.1, in: folder).isEmpty)
            let found = try findings("abab aabab", check, in: folder)
            #expect(found.map(\.reason) == [.tooManyTargets])
            #expect(found[0].expected == "at least 11 frames (10 targets, 1 repeated)")
            #expect(found[0].found == "10 in 1 s")
            #expect(try findings("abababababa", check, in: folder).count == 1)
            #expect(try findings("aaaaa", check, in: folder).isEmpty)
            #expect(try findings("aaaaa", check, duration: 1e300, in: folder).isEmpty)
            #expect(try findings("aaaaaa", check, in: folder).count == 1)
        }
    }

    @Test("a vocabulary for each language is taken by any code of the language")
    func nested() throws {
        let folder = try folder(
            #"{"deu": {"<pad>": 0, "a": 1}, "rus": {"<pad>": 0, "а": 1}}"#)
        let check = try TargetCheck(vocabulary: folder.url)
        #expect(try findings("aa", check, lang: "de", in: folder).isEmpty)
        #expect(try findings("аа", check, lang: "ru_ru", in: folder).isEmpty)
        #expect(try findings("b", check, lang: "deu_Latn", in: folder)[0].found.contains("'b'"))
        let other = try findings("a", check, lang: "fr", in: folder)
        #expect(other.map(\.reason) == [.unknownSymbol])
        #expect(other[0].found == "'fr'")
    }

    @Test("a missing vocabulary is an error")
    func missing() throws {
        let folder = try ValidationFolder()
        expectError(FileSystemError.self, containing: ["vocab.json"]) {
            try TargetCheck(vocabulary: folder.url)
        }
    }
}
