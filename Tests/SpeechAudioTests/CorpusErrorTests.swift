import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Corpora that cannot be made")
struct CorpusErrorTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func design() -> CorpusDesign {
        CorpusDesign(languages: ["es"], minutesPerLanguage: 0.05)
    }

    private func failure(
        _ design: CorpusDesign, _ name: String = "corpus", searchPath: String? = nil
    ) async throws -> CorpusError {
        let url = folder.url.appendingPathComponent(name)
        let path = searchPath ?? ProcessInfo.processInfo.environment["PATH"] ?? ""
        return try await #require(throws: CorpusError.self) {
            try await CorpusSynthesizer(design: design, folder: url, searchPath: path).run()
        }
    }

    @Test("without espeak-ng the error names the package")
    func missingSpeaker() async throws {
        let error = try await failure(design(), searchPath: "\(folder.url.path):/nowhere")
        #expect(error == .speakerMissing(searched: [folder.url.path, "/nowhere"]))
        #expect(error.description.contains("apt-get install espeak-ng"))
        #expect(error.exitStatus == .runtimeFailure)
    }

    @Test("unknown languages are named, with those that exist")
    func unknownLanguages() async throws {
        var design = design()
        design.languages = ["es", "xx", "tlh"]
        let error = try await failure(design)
        let available = CorpusDesign.availableLanguages
        #expect(error == .unknownLanguages(["xx", "tlh"], available: available))
        #expect(error.description.contains("xx, tlh"))
        #expect(error.description.contains("fi, fr"))
        #expect(error.exitStatus == .badInput)
    }

    @Test("values that make no sense")
    func designs() async throws {
        func key(_ change: (inout CorpusDesign) -> Void) async throws -> String {
            var design = design()
            change(&design)
            guard case .invalidDesign(let key, _, _) = try await failure(design) else { return "" }
            return key
        }
        #expect(try await key { $0.languages = [] } == "languages")
        #expect(try await key { $0.languages = ["es", "es"] } == "languages")
        #expect(try await key { $0.minutesPerLanguage = 0 } == "minutes")
        #expect(try await key { $0.minutesPerLanguage = -1 } == "minutes")
        #expect(try await key { $0.minutesPerLanguage = .nan } == "minutes")
        #expect(try await key { $0.voices = 0 } == "voices")
        #expect(try await key { $0.voices = CorpusDesign.voiceLimit + 1 } == "voices")
        // Three splits have no speaker in common.
        #expect(try await key { $0.voices = 2 } == "voices")
        #expect(try await key { $0.noise = 1.1 } == "noise")
        #expect(try await key { $0.noise = .nan } == "noise")
        #expect(try await key { $0.rooms = -0.1 } == "rooms")
        #expect(try await key { $0.signalToNoise = -31...5 } == "snr")
        #expect(try await key { $0.validFraction = -0.1 } == "valid")
        #expect(try await key { $0.testFraction = 1 } == "test")
        #expect(
            try await key {
                $0.validFraction = 0.5
                $0.testFraction = 0.5
            } == "valid + test")
        #expect(throws: CorpusError.self) {
            try CorpusSynthesizer(design: design(), folder: folder.url, threads: 0)
        }
    }

    @Test("a folder with other files, or with a corpus of another design, is left alone")
    func folderInUse() async throws {
        let path = folder.path("notes.txt")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        let error = try await failure(design(), ".")
        guard case .folderInUse(_, _, "'notes.txt'") = error else {
            Issue.record("a folder in use was taken: \(error)")
            return
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")

        let url = folder.url.appendingPathComponent("corpus")
        _ = try await CorpusSynthesizer(design: design(), folder: url).run()
        var other = design()
        other.seed = 9
        let different = try await failure(other)
        #expect(different.description.contains("'seed' \"9\""))
        #expect(different.description.contains("\"0\""))
        for change: (inout CorpusDesign) -> Void in [
            { $0.noise = 0.5 }, { $0.signalToNoise = 0...1 }, { $0.rooms = 0.5 },
            { $0.voices = 5 }, { $0.testFraction = 0 }, { $0.format = .wav },
        ] {
            var other = design()
            change(&other)
            guard case .folderInUse = try await failure(other) else {
                Issue.record("a corpus of another design was taken")
                return
            }
        }
    }

    @Test(
        "a folder whose sentences were made by other words is left alone, another language is not")
    func otherWords() async throws {
        let url = folder.url.appendingPathComponent("corpus")
        _ = try await CorpusSynthesizer(design: design(), folder: url).run()
        let record = url.appendingPathComponent("synthesis.json")
        let text = try String(contentsOf: record, encoding: .utf8)
        var german = design()
        german.languages = ["de"]
        _ = try await CorpusSynthesizer(design: german, folder: url).run()
        let both = try String(contentsOf: record, encoding: .utf8)
        #expect(both.contains("\"es\"") && both.contains("\"de\"") && !text.contains("\"de\""))
        let changed = try #require(text.range(of: "\"es\": \""))
        try Data(text.replacingCharacters(in: changed, with: "\"es\": \"f").utf8).write(to: record)
        let error = try await failure(design())
        #expect(error.description.contains("the script of 'es'"))
    }

    @Test("too few of the variants are installed")
    func fewVariants() async throws {
        let script = """
            #!/bin/sh
            case "$1" in
            --version) echo "fake 1" ;;
            --voices) echo header; echo " 5 es --/M Spanish roa/es" ;;
            *) echo header; echo " 5 variant --/M f2 !v/other"; echo " 5 variant --/M x !v/f1" ;;
            esac
            """
        let path = try folder.write(script.utf8, as: "espeak-ng")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        let error = try await failure(design(), searchPath: folder.url.path)
        #expect(error.description.contains("3 splits need as many voices, found [\"f1\"]"))
    }

    @Test("no room on the disk, before anything is spoken")
    func noSpace() async throws {
        var design = design()
        design.minutesPerLanguage = 1e12
        let error = try await failure(design)
        guard case .notEnoughSpace(_, let needed, let available) = error else {
            Issue.record("a corpus larger than the disk was begun: \(error)")
            return
        }
        #expect(needed > available)
        #expect(!FileManager.default.fileExists(atPath: folder.path("corpus/audio")))
    }

    @Test("an output folder that cannot be made")
    func unwritable() async throws {
        let file = try folder.write([1], as: "file")
        let url = URL(fileURLWithPath: file + "/corpus")
        let error = try await #require(throws: FileSystemError.self) {
            try await CorpusSynthesizer(design: design(), folder: url).run()
        }
        #expect(error.description.contains(file))
    }

    @Test("a failing espeak-ng is an error with its own words")
    func failingSpeaker() async throws {
        let variants = ["f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7"]
        func install(_ ending: String) throws {
            let script = """
                #!/bin/sh
                case "$1" in
                --version) echo "fake 1" ;;
                --voices) echo header; echo " 5 es --/M Spanish roa/es" ;;
                --voices=variant) echo header; for v in \(variants.joined(separator: " ")); do echo " 5 variant --/M x !v/$v"; done ;;
                *) \(ending) ;;
                esac
                """
            let path = try folder.write(script.utf8, as: "espeak-ng")
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: path)
        }
        try install("echo 'no such data' >&2; exit 3")
        let failed = try await failure(design(), searchPath: folder.url.path)
        guard case .speakerFailed(_, let request, "no such data") = failed else {
            Issue.record("a failing program gave \(failed)")
            return
        }
        #expect(request.contains("voice es+"))
        try install("echo hello")
        let silent = try await failure(design(), searchPath: folder.url.path)
        #expect(silent.description.contains("expected a WAV file"))

        var other = design()
        other.languages = ["fr"]
        #expect(
            try await failure(other, searchPath: folder.url.path)
                == .unknownLanguages(["fr"], available: ["es"]))
    }
}
