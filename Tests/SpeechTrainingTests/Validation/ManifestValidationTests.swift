import Foundation
import SpeechAudio
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite("Validation of manifests") struct ManifestValidationTests {
    /// A change of the second of three clean lines, and of its file, that has one reason.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let reason: ValidationReason?
        var changes: @Sendable () -> ValidationFolder.Line = { [:] }
        var prepare: @Sendable (ValidationFolder) throws -> Void = { _ in }
        var settings: @Sendable (inout ValidationSettings) -> Void = { _ in }

        var testDescription: String { name }
    }

    static let audio: [Case] = [
        Case(name: "a missing file", reason: .unreadable) { ["audio_filepath": "\"no.wav\""] },
        Case(name: "a folder", reason: .unreadable) { ["audio_filepath": "\".\""] },
        Case(
            name: "no bytes", reason: .unreadable,
            prepare: { try Data().write(to: $0.file("2.wav")) }),
        Case(
            name: "no audio", reason: .unreadable,
            prepare: { try Data("words".utf8).write(to: $0.file("2.wav")) }),
        Case(
            name: "half a WAV", reason: .unreadable,
            prepare: {
                let data = try Data(contentsOf: $0.file("2.wav"))
                try data.prefix(data.count / 2).write(to: $0.file("2.wav"))
            }),
        Case(name: "half a FLAC", reason: .unreadable) {
            ["audio_filepath": "\"2.flac\""]
        } prepare: {
            try $0.write(ValidationFolder.noise(1, seed: 2), as: "2.flac")
            let data = try Data(contentsOf: $0.file("2.flac"))
            try data.prefix(data.count / 2).write(to: $0.file("2.flac"))
        },
        Case(name: "a longer manifest", reason: .wrongDuration) { ["duration": "1.02"] },
        Case(name: "an impossible manifest", reason: .wrongDuration) { ["duration": "1e300"] },
        Case(name: "a rounded manifest", reason: nil) { ["duration": "1.009"] },
        Case(name: "a shorter manifest", reason: .wrongDuration) { ["duration": "0.8"] },
        Case(name: "a little shorter", reason: nil) { ["duration": "0.95"] },
        Case(name: "a segment", reason: nil) { ["duration": "0.6", "offset": "0.2"] },
        Case(name: "a segment beyond the end", reason: .wrongDuration) {
            ["duration": "0.6", "offset": "0.5"]
        },
        Case(name: "a segment behind the end", reason: .wrongDuration) {
            ["duration": "0.6", "offset": "7"]
        },
        Case(name: "short", reason: .tooShort, changes: { ["duration": "0.4"] }) {
            try $0.write(ValidationFolder.noise(0.4, seed: 9), as: "2.wav")
        },
        Case(name: "long", reason: .tooLong, changes: { ["duration": "2.5"] }) {
            try $0.write(ValidationFolder.noise(2.5, seed: 9), as: "2.wav")
        } settings: {
            $0.maxDuration = 2
        },
        Case(
            name: "silence", reason: .silence,
            prepare: { try $0.write([Float](repeating: 0, count: 16_000), as: "2.wav") }),
        Case(
            name: "almost only silence", reason: .silence,
            prepare: {
                let speech = ValidationFolder.noise(0.05, seed: 9)
                try $0.write(speech + [Float](repeating: 0, count: 15_200), as: "2.wav")
            }),
        Case(
            name: "pauses", reason: nil,
            prepare: {
                let speech = ValidationFolder.noise(0.3, seed: 9)
                try $0.write(speech + [Float](repeating: 0, count: 11_200), as: "2.wav")
            }),
        Case(
            name: "clipping", reason: .clipping,
            prepare: {
                let square = (0..<16_000).map { Float($0 / 40 % 2 == 0 ? 1.0 : -1.0) }
                try $0.write(square, as: "2.wav")
            }),
        Case(name: "eight channels at 192 kHz", reason: nil) {
            ["audio_filepath": "\"wide.wav\""]
        } prepare: {
            try WideWave.write(seconds: 1, to: $0.file("wide.wav"))
        },
        Case(
            name: "a copy", reason: .duplicateAudio,
            prepare: { try $0.write(ValidationFolder.noise(1, seed: 1), as: "2.wav") }),
        Case(name: "a copy in another format", reason: .duplicateAudio) {
            ["audio_filepath": "\"2.flac\""]
        } prepare: {
            try $0.write(ValidationFolder.noise(1, seed: 1), as: "2.flac")
        },
    ]

    static let texts: [Case] = [
        Case(name: "an id twice", reason: .duplicateID) { ["id": "\"u1\""] },
        Case(name: "no path", reason: .badLine) { ["audio_filepath": "null"] },
        Case(name: "a negative offset", reason: .badLine) { ["offset": "-0.5"] },
        Case(name: "no duration", reason: .badLine) { ["duration": "0"] },
        Case(name: "no letter", reason: .emptyText) { ["text": "\" … \""] },
        Case(name: "white space", reason: .emptyText) { ["text": "\"  \""] },
        Case(name: "zero length", reason: .emptyText) { ["text": "\"\""] },
        Case(name: "a number", reason: nil) { ["text": "\"7\""] },
        Case(name: "no text", reason: nil) { ["text": "null"] },
        Case(name: "no text where one must be", reason: .emptyText) {
            ["text": "null"]
        } settings: {
            $0.requiresText = true
        },
        Case(name: "an empty translation", reason: .emptyText) {
            ["target_text": "\"-\"", "target_lang": "\"en\""]
        },
        Case(name: "another script", reason: .foreignScript) { ["text": "\"добрый день\""] },
        Case(name: "a foreign word", reason: nil) { ["text": "\"guten Tag, день\""] },
        Case(name: "a foreign translation", reason: .foreignScript) {
            ["target_text": "\"добрый день\"", "target_lang": "\"en\""]
        },
        Case(name: "no known language", reason: nil) {
            ["text": "\"добрый день\"", "lang": "\"qqq\""]
        },
        Case(name: "no language", reason: nil) {
            ["text": "\"добрый день\"", "lang": "null"]
        },
        Case(name: "a code that names the script", reason: nil) {
            ["text": "\"добрый день\"", "lang": "\"srp_Cyrl\""]
        },
        Case(name: "look-alikes", reason: .mixedScript) { ["text": "\"guten T\u{430}g\""] },
    ]

    private func reasons(_ item: Case) throws -> [Int: [ValidationReason]] {
        let folder = try ValidationFolder()
        var lines = try folder.cleanLines()
        try item.prepare(folder)
        lines[1] = ValidationFolder.json(folder.line(2), item.changes())
        var settings = ValidationSettings()
        item.settings(&settings)
        return try ManifestValidation(
            manifest: folder.manifest(lines), settings: settings, threads: 2
        ).reasons()
    }

    @Test("what is wrong with audio has one reason, what is not has none", arguments: audio)
    func audioReasons(_ item: Case) throws {
        #expect(try reasons(item) == (item.reason.map { [2: [$0]] } ?? [:]))
    }

    @Test("what is wrong with texts has one reason, what is not has none", arguments: texts)
    func textReasons(_ item: Case) throws {
        #expect(try reasons(item) == (item.reason.map { [2: [$0]] } ?? [:]))
        // The same without audio.
        let silent = Case(
            name: item.name, reason: item.reason, changes: item.changes,
            settings: {
                item.settings(&$0)
                $0.checksAudio = false
            })
        #expect(try reasons(silent) == (item.reason.map { [2: [$0]] } ?? [:]))
    }

    @Test("without audio no file is looked for")
    func noAudio() throws {
        let folder = try ValidationFolder()
        let lines = (1...3).map { ValidationFolder.json(folder.line($0)) }
        var settings = ValidationSettings()
        settings.checksAudio = false
        let found = try ManifestValidation(manifest: folder.manifest(lines), settings: settings)
            .reasons()
        #expect(found.isEmpty)
    }

    @Test("all reasons of an utterance are told, and hours are lost to the first")
    func order() throws {
        let folder = try ValidationFolder()
        var lines = try folder.cleanLines()
        try folder.write([Float](repeating: 0, count: 4000), as: "2.wav")
        lines[1] = ValidationFolder.json(
            folder.line(2), ["duration": "0.25", "text": "\"день T\u{430}g\"", "lang": "\"ru\""])
        lines.append(
            ValidationFolder.json(folder.line(4), ["text": "\"?\"", "duration": "1800"]))
        let result = try ManifestValidation(manifest: folder.manifest(lines)).run()
        #expect(
            result.findings.mapValues { $0.map(\.reason) } == [
                2: [.tooShort, .silence, .mixedScript], 4: [.unreadable, .emptyText],
            ])
        let summary = result.summary
        #expect(summary.languages.map(\.language) == ["de", "ru"])
        #expect(summary.languages.map(\.scripts) == [["Latn"], ["Cyrl"]])
        #expect(summary.reasons == [.unreadable, .tooShort])
        #expect(summary.total.all.utterances == 4)
        #expect(summary.total.kept.utterances == 2)
        let lost = try #require(summary.languages[0].lost[.unreadable])
        #expect(lost.utterances == 1)
        expectClose(lost.hours, 0.5, within: 1e-9)
        expectClose(summary.total.kept.hours, 2.0 / 3600, within: 1e-9)
        #expect(result.findings[2]?[0].expected == "at least 0.5 s")
        #expect(result.findings[2]?[0].found == "0.25 s")
    }

    @Test("ignored reasons cost nothing")
    func ignored() throws {
        let folder = try ValidationFolder()
        var lines = try folder.cleanLines()
        lines[1] = ValidationFolder.json(
            folder.line(1), ["text": "\"день T\u{430}g день день\"", "duration": "0.6"])
        var settings = ValidationSettings()
        settings.ignored = Set(ValidationReason.allCases)
        let manifest = try folder.manifest(lines)
        #expect(try ManifestValidation(manifest: manifest, settings: settings).reasons().isEmpty)
        settings.ignored = [.foreignScript, .duplicateID, .wrongDuration]
        let found = try ManifestValidation(manifest: manifest, settings: settings).reasons()
        #expect(found == [2: [.mixedScript]])
    }

    @Test("the first segment of a recording may be shorter than its file")
    func segments() throws {
        let folder = try ValidationFolder()
        try folder.write(ValidationFolder.noise(3, seed: 1), as: "1.wav")
        let lines = [(0.0, 1.2), (1.2, 1.8)].enumerated().map { index, part in
            ValidationFolder.json(
                folder.line(1),
                [
                    "id": "\"s\(index)\"", "duration": "\(part.1)",
                    "offset": part.0 > 0 ? "\(part.0)" : "null",
                ])
        }
        #expect(try ManifestValidation(manifest: folder.manifest(lines)).reasons().isEmpty)
        let alone = try folder.manifest([lines[0]])
        #expect(try ManifestValidation(manifest: alone).reasons() == [1: [.wrongDuration]])
    }

    @Test("of duplicates the first fit one stays; translations into other languages are none")
    func duplicates() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        func line(_ id: String, _ changes: ValidationFolder.Line = [:]) -> String {
            ValidationFolder.json(
                ["audio_filepath": "\"1.wav\"", "duration": "1", "id": "\"\(id)\""], changes)
        }
        let lines = [
            line("a", ["text": "\"?\""]), line("b"), line("c"), line("b"), line("a"),
            line("e", ["target_text": "\"hello\"", "target_lang": "\"en\""]),
            line("f", ["target_text": "\"salut\"", "target_lang": "\"fr\""]),
            line("g", ["target_text": "\"hi\"", "target_lang": "\"en\""]),
        ]
        let result = try ManifestValidation(manifest: folder.manifest(lines)).run()
        #expect(
            result.findings.mapValues { $0.map(\.reason) } == [
                1: [.emptyText], 3: [.duplicateAudio], 4: [.duplicateID, .duplicateAudio],
                5: [.duplicateAudio], 8: [.duplicateAudio],
            ])
        #expect(result.findings[8]?[0].found == "that of line 6")
    }

    @Test("of a language that is not known the script is the one of most letters")
    func majority() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        let texts = ["אבגד הוז", "abc", "שלום עולם"]
        let lines = texts.enumerated().map { index, text in
            ValidationFolder.json(
                folder.line(index + 1), ["lang": "\"xx-jud\"", "text": "\"\(text)\""])
        }
        let result = try ManifestValidation(manifest: folder.manifest(lines)).run()
        #expect(result.findings.mapValues { $0.map(\.reason) } == [2: [.foreignScript]])
        #expect(result.findings[2]?[0].expected == "'text' in Hebr")
        #expect(result.summary.languages[0].scripts == ["Hebr"])
    }

    @Test("clips inside a tar are found by their bytes")
    func members() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        var shard = Data(repeating: 0, count: 512)
        var lines: [String] = []
        for number in [1, 2, 1] {
            let clip = try Data(contentsOf: folder.file("\(number).wav"))
            lines.append(
                ValidationFolder.json(
                    folder.line(lines.count + 1),
                    [
                        "audio_filepath": "\"s.tar\"", "byte_offset": "\(shard.count)",
                        "byte_size": "\(clip.count)",
                    ]))
            shard += clip + Data(repeating: 0, count: 512)
        }
        lines.append(
            ValidationFolder.json(
                folder.line(4),
                ["audio_filepath": "\"s.tar\"", "byte_offset": "90000000", "byte_size": "9"]))
        try shard.write(to: folder.file("s.tar"))
        let found = try ManifestValidation(manifest: folder.manifest(lines)).reasons()
        #expect(found == [3: [.duplicateAudio], 4: [.unreadable]])
    }

    @Test("the number of threads changes neither report nor manifest", arguments: [2, 4])
    func threads(_ count: Int) throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        try folder.write([Float](repeating: 0, count: 16_000), as: "4.wav")
        let lines = (0..<200).map { index in
            ValidationFolder.json(
                folder.line(index % 5 + 1),
                ["id": "\"u\(index % 150)\"", "lang": "\"\(["de", "ru", "qqq"][index % 3])\""])
        }
        let manifest = try folder.manifest(lines)
        func outputs(_ threads: Int) throws -> [Data] {
            let result = try ManifestValidation(manifest: manifest, threads: threads).run()
            try result.writeReport(to: folder.file("r.json"))
            try result.writeManifest(to: folder.file("c.jsonl"))
            return try ["r.json", "c.jsonl"].map { try Data(contentsOf: folder.file($0)) }
        }
        #expect(try outputs(count) == outputs(1))
    }
}

/// An 8-channel file at 192 kHz of 16 bits.
enum WideWave {
    static func write(seconds: Double, to url: URL) throws {
        let (rate, channels) = (192_000, 8)
        let noise = ValidationFolder.noise(seconds, seed: 77, rate: rate)
        var data = Data(capacity: 2 * channels * noise.count + 44)
        func add(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
        }
        let size = UInt32(2 * channels * noise.count)
        data += Data("RIFF".utf8)
        add(36 + size)
        data += Data("WAVEfmt ".utf8)
        add(UInt32(16))
        add(UInt16(1))
        add(UInt16(channels))
        add(UInt32(rate))
        add(UInt32(2 * channels * rate))
        add(UInt16(2 * channels))
        add(UInt16(16))
        data += Data("data".utf8)
        add(size)
        for sample in noise {
            let value = Int16(sample * 32767)
            for _ in 0..<channels { add(value) }
        }
        try data.write(to: url)
    }
}
