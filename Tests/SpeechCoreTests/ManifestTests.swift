import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct JSONLinesManifestTests {
    private func read(_ text: String) throws -> [Utterance] {
        try read(Data(text.utf8))
    }

    private func read(_ data: Data) throws -> [Utterance] {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            try data.write(to: url)
            return try JSONLinesManifest.read(url)
        }
    }

    @Test func everyField() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            let text = """
                \u{FEFF}{"audio_filepath": "clips/a.wav", "duration": 1.5, "text": "héllo", \
                "lang": "en", "id": "one", "speaker": 7, "target_text": "ciao", \
                "target_lang": "it", "offset": 2, "num_samples": 24000, "shard_id": 3}\r
                \t\r

                {"audio_filepath": "/data/b.wav", "duration": 2, "text": null}
                {"audio_filepath": "../b.wav", "duration": 2, "offset": 0.5}
                """
            try AtomicFile.write(text, to: url)
            let first = Utterance(
                id: "one", audioPath: folder.appendingPathComponent("clips/a.wav").path, offset: 2,
                duration: 1.5, text: "héllo", lang: "en", speaker: "7", targetText: "ciao",
                targetLang: "it", samples: 24_000)
            let parent = folder.deletingLastPathComponent()
            #expect(
                try JSONLinesManifest.read(url) == [
                    first,
                    Utterance(id: "/data/b.wav", audioPath: "/data/b.wav", duration: 2),
                    Utterance(
                        id: "../b.wav@0.5", audioPath: parent.appendingPathComponent("b.wav").path,
                        offset: 0.5, duration: 2),
                ])
        }
    }

    @Test func roundTrip() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            let utterances = [
                Utterance(
                    id: "a", audioPath: folder.appendingPathComponent("x/a \"1\".wav").path,
                    offset: 0.1, duration: 0.3, text: "line\nbreak", lang: "eng_Latn",
                    speaker: "s", targetText: "t", targetLang: "de", samples: 4800),
                Utterance(id: "b", audioPath: "/elsewhere/b.wav", duration: 1e-3),
                Utterance(
                    id: "c", audioPath: "/elsewhere/b.tar", byteRange: 1536..<9000, duration: 2),
            ]
            try JSONLinesManifest.write(utterances, to: url)
            #expect(try JSONLinesManifest.read(url) == utterances)
            let text = try String(contentsOf: url, encoding: .utf8)
            #expect(text.hasPrefix(#"{"audio_filepath": "x/a \"1\".wav", "offset": 0.1"#))
            #expect(text.split(separator: "\n").count == 3)
            #expect(throws: ManifestError.self) { try JSONLinesManifest.write([], to: url) }
            #expect(try JSONLinesManifest.read(url).count == 3)
        }
    }

    @Test(arguments: [
        (#"{"duration": 1}"#, "missing 'audio_filepath'"),
        (#"{"audio_filepath": "a"}"#, "missing 'duration'"),
        (#"{"audio_filepath": "a", "duration": null}"#, "missing 'duration'"),
        (#"{"audio_filepath": "", "duration": 1}"#, "zero length"),
        (#"{"audio_filepath": 5, "duration": 1}"#, "found the number 5"),
        (#"{"audio_filepath": "a", "duration": -1}"#, "seconds above 0, found -1"),
        (#"{"audio_filepath": "a", "duration": 0}"#, "seconds above 0"),
        (#"{"audio_filepath": "a", "duration": NaN}"#, "NaN is not a JSON number"),
        (#"{"audio_filepath": "a", "duration": 1e999}"#, "out of range"),
        (#"{"audio_filepath": "a", "duration": "1"}"#, "found the text \"1\""),
        (#"{"audio_filepath": "a", "duration": 1, "offset": -0.5}"#, "'offset'"),
        (#"{"audio_filepath": "a", "duration": 1, "text": ""}"#, "wrong 'text'"),
        (#"{"audio_filepath": "a", "duration": 1, "text": " \t"}"#, "zero length"),
        (#"{"audio_filepath": "a", "duration": 1, "target_text": ""}"#, "wrong 'target_text'"),
        (#"{"audio_filepath": "a", "duration": 1, "text": 3}"#, "wrong 'text'"),
        (#"{"audio_filepath": "a", "duration": 1, "id": []}"#, "wrong 'id'"),
        (#"{"audio_filepath": "a", "duration": 1, "num_samples": 0}"#, "num_samples"),
        (#"{"audio_filepath": "a", "duration": 1,}"#, "malformed JSON at column 39"),
        (#"{"audio_filepath": "a", "duration": 1"#, "malformed JSON"),
        ("a.wav", "malformed JSON at column 1"),
        ("[1]", "expected an object, found an array"),
    ]) func badLines(line: String, fragment: String) {
        let good = #"{"audio_filepath": "good", "duration": 1}"#
        let error = expectError(ManifestError.self, containing: ["m.jsonl:3: ", fragment]) {
            try read("\(good)\n\n\(line)\n")
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func invalidUTF8() {
        let good = Data(#"{"audio_filepath": "good", "duration": 1}"#.utf8)
        let bad =
            Data(#"{"audio_filepath": ""#.utf8) + Data([0xE9]) + Data(#"", "duration": 1}"#.utf8)
        expectError(ManifestError.self, containing: ["m.jsonl:2: ", "UTF-8"]) {
            try read(good + Data("\n".utf8) + bad)
        }
    }

    @Test func manyFaultsAreOneError() throws {
        let error = expectError(ManifestError.self, containing: [":1:", ":5:", "15 more"]) {
            try read(String(repeating: "x\n", count: 20))
        }
        guard case .badLines(_, let faults)? = error else { return }
        #expect(faults.map(\.line) == Array(1...20))
    }

    /// The lines that can be read are there although others cannot.
    @Test func scanGoesOn() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            let line = #"{"audio_filepath": "a", "duration": 1}"#
            try AtomicFile.write("\(line)\nbad\n\(line)", to: url)
            let contents = try JSONLinesManifest.scan(url)
            #expect(contents.utterances.count == 2 && contents.lines == [1, 3])
            #expect(contents.faults.map(\.line) == [2])
            #expect(contents.duplicateIDs.map(\.id) == ["a"])
        }
    }

    @Test func duplicateIDs() {
        let line = #"{"audio_filepath": "a", "duration": 1, "id": "#
        expectError(
            ManifestError.self,
            containing: ["2 duplicate", "'x' on lines 1, 3, 4", "'path' on lines 5, 6"]
        ) {
            let path = #"{"audio_filepath": "path", "duration": 1}"#
            return try read(
                "\(line)\"x\"}\n\(line)\"y\"}\n\(line)\"x\"}\n\(line)\"x\"}\n\(path)\n\(path)")
        }
    }

    @Test(arguments: ["", "\n", "\u{FEFF}\r\n \n"]) func empty(text: String) {
        expectError(ManifestError.self, containing: ["m.jsonl", "is empty"]) { try read(text) }
    }

    @Test func missing() {
        expectError(FileSystemError.self, containing: ["/absent/m.jsonl"]) {
            try JSONLinesManifest.read(URL(fileURLWithPath: "/absent/m.jsonl"))
        }
    }
}

@Suite struct TSVManifestTests {
    private func read(_ files: [String: String]) throws -> [Utterance] {
        try withTemporaryDirectory { folder in
            for (name, text) in files {
                try AtomicFile.write(text, to: folder.appendingPathComponent(name))
            }
            return try TSVManifest.read(folder.appendingPathComponent("train.tsv"))
        }
    }

    private let manifest = "/data\r\na/1.flac\t16000\r\n2.flac\t8000\r\n"

    @Test func audioOnly() throws {
        #expect(
            try read(["train.tsv": manifest]) == [
                Utterance(
                    id: "a/1.flac", audioPath: "/data/a/1.flac", duration: 1, samples: 16_000),
                Utterance(id: "2.flac", audioPath: "/data/2.flac", duration: 0.5, samples: 8000),
            ])
        #expect(try TSVManifestTests.rate(manifest).map(\.duration) == [2, 1])
    }

    private static func rate(_ manifest: String) throws -> [Utterance] {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("train.tsv")
            try AtomicFile.write(manifest, to: url)
            return try TSVManifest.read(url, samplingRate: 8000)
        }
    }

    @Test func labels() throws {
        let letters = try read([
            "train.tsv": manifest, "train.ltr": "T H I S | I S |\nÉ A |\n",
            "train.lang": "en\nfr\n", "train.uid": "u1\nu2",
        ])
        #expect(letters.map(\.text) == ["THIS IS", "ÉA"])
        #expect(letters.map(\.lang) == ["en", "fr"] && letters.map(\.id) == ["u1", "u2"])
        let words = try read([
            "train.tsv": manifest, "train.ltr": "A |\nB |\n", "train.wrd": "HELLO YOU\nB\n",
        ])
        #expect(words.map(\.text) == ["HELLO YOU", "B"])
    }

    @Test func relativeRoot() throws {
        let utterance = try #require(try read(["train.tsv": "clips\n1.wav\t5"]).first)
        #expect(utterance.audioPath.hasSuffix("/clips/1.wav") && utterance.audioPath.hasPrefix("/"))
    }

    @Test(arguments: [
        (["train.tsv": "/data\na.wav 5"], "train.tsv:2: expected path<TAB>samples, found 1"),
        (["train.tsv": "/data\na.wav\t5\tx"], "found 3 column"),
        (["train.tsv": "/data\na.wav\t-5"], "above 0, found \"-5\""),
        (["train.tsv": "/data\na.wav\t1.5"], "found \"1.5\""),
        (["train.tsv": "path\tsamples\na.wav\t5"], "train.tsv:1: expected the root folder"),
        (["train.tsv": "/data\na\t5\na\t6"], "'a' on lines 2, 3"),
        (["train.tsv": "/data\n"], "is empty"),
        (["train.tsv": ""], "is empty"),
        (["train.tsv": "/data\na\t5", "train.wrd": "x\ny"], "train.wrd': expected 1 labels"),
        (["train.tsv": "/data\na\t5", "train.lang": ""], "train.lang': expected 1 labels"),
        (
            ["train.tsv": "/data\na\t5\nb\t5", "train.ltr": "A |\n |\n"],
            "train.ltr:2: expected a label"
        ),
    ]) func faults(files: [String: String], fragment: String) {
        expectError(ManifestError.self, containing: [fragment]) { try read(files) }
    }
}

@Suite struct ManifestFormatTests {
    private func detect(_ name: String, _ text: String) throws -> String {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent(name)
            try AtomicFile.write(text, to: url)
            return try ManifestFormat.detect(url).name
        }
    }

    @Test func detection() throws {
        let line = #"{"audio_filepath": "a", "duration": 1}"#
        for name in ["m.jsonl", "m.JSON", "m.manifest", "m", "m.txt"] {
            #expect(try detect(name, "\u{FEFF}\n \(line)\n") == "JSON Lines")
        }
        #expect(try detect("m.jsonl", "broken") == "JSON Lines")
        #expect(try detect("m.tsv", "/data\na\t1") == "fairseq TSV")
        for (name, text) in [
            ("m.tsv", "client_id\tpath\tsentence\n"), ("m.txt", "hello"), ("m.json", "[1]"),
            ("m.tsv", line),
        ] {
            expectError(ManifestError.self, containing: ["JSON Lines", "fairseq TSV", name]) {
                try detect(name, text)
            }
        }
        expectError(ManifestError.self, containing: ["is empty"]) { try detect("m.jsonl", "\n\n") }
    }

    @Test func reads() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.tsv")
            try AtomicFile.write("/data\na\t16000", to: url)
            #expect(try ManifestFormat.read(url).map(\.audioPath) == ["/data/a"])
        }
        #expect(ManifestFormat.all.map(\.name) == ["JSON Lines", "fairseq TSV"])
    }
}
