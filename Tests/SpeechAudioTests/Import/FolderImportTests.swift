import FileMutation
import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Import of audio folders and shards") struct FolderImportTests {
    @Test("metadata.csv with quotes, commas and line ends in fields") func csv() throws {
        try withCorpus { corpus in
            try corpus.sound("hf/a.wav")
            try corpus.sound("hf/sub/b.wav")
            try corpus.write(
                "\u{FEFF}file_name,transcription,language,speaker_id\r\n"
                    + "a.wav,\"Well, \"\"you\"\"\r\nknow\",en,7\r\n"
                    + "sub/b.wav,plain,,\r\nsub/b.wav,too,many,columns,here\r\n"
                    + "gone.wav,\"open\r\n", "hf/metadata.csv")
            let report = try corpus.importing("hf")
            #expect(report.layout == "audio-folder")
            #expect(
                try corpus.lines("hf.jsonl") == [
                    #"{"audio_filepath": "hf/a.wav", "duration": 0.1, "#
                        + #""text": "Well, \"you\"\nknow", "lang": "en", "id": "a.wav", "#
                        + #""speaker": "7", "num_samples": 1600}"#,
                    #"{"audio_filepath": "hf/sub/b.wav", "duration": 0.1, "text": "plain", "#
                        + #""id": "sub/b.wav", "num_samples": 1600}"#,
                ])
            let (kinds, reasons) = try corpus.leftOut()
            #expect(kinds == ["metadata.csv:5 bad_row", "metadata.csv:6 bad_row"])
            #expect(reasons[0].contains("expected 4 columns, found 5"))
            #expect(reasons[1].contains("closing quote"))
            try corpus.write("file_name,words\na.wav,x\n", "hf/metadata.csv")
            expectError(
                ManifestError.self,
                containing: ["metadata.csv", "'transcription' or 'sentence' or 'text'", "words"]
            ) { try corpus.importing("hf") }
            try corpus.importing("hf") { $0.textColumn = "words" }
            try corpus.write("name,text\na.wav,x\n", "hf/metadata.csv")
            expectError(ManifestError.self, containing: ["'file_name'", "name, text"]) {
                try corpus.importing("hf")
            }
        }
    }

    @Test("metadata.jsonl: splits by sub-folders, with or without their own metadata")
    func jsonLines() throws {
        try withCorpus { corpus in
            for name in ["train/a", "test/b"] { try corpus.sound("hf/\(name).flac") }
            try corpus.write(
                #"{"file_name": "train/a.flac", "text": "eins", "target_text": "one"}"# + "\n"
                    + #"{"file_name": "./test/b.flac", "text": "zwei"}"# + "\n"
                    + #"{"text": "nichts"}"# + "\n", "hf/metadata.jsonl")
            let report = try corpus.importing("hf") {
                $0.targetLanguage = "en"
                $0.language = "de"
            }
            #expect(report.splits.map(\.split) == ["test", "train"])
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "hf/train/a.flac", "duration": 0.1, "text": "eins", "#
                        + #""lang": "de", "id": "train/a.flac", "target_text": "one", "#
                        + #""target_lang": "en", "num_samples": 1600}"#
                ])
            #expect(
                try corpus.lines("test.jsonl") == [
                    #"{"audio_filepath": "hf/test/b.flac", "duration": 0.1, "text": "zwei", "#
                        + #""lang": "de", "id": "test/b.flac", "num_samples": 1600}"#
                ])
            #expect(try corpus.leftOut().kinds == ["metadata.jsonl:3 bad_row"])
            try FileManager.default.removeItem(at: corpus.url("hf/metadata.jsonl"))
            try corpus.write(
                #"{"file_name": "a.flac", "sentence": "eins"}"#, "hf/train/metadata.jsonl")
            let own = try corpus.importing("hf")
            #expect(own.splits.map(\.split) == ["train"])
            #expect(try corpus.lines("train.jsonl").count == 1)
        }
    }

    @Test("Parquet is not read, and the message says what is") func parquet() throws {
        try withCorpus { corpus in
            try corpus.write([1], "hf/train.parquet")
            expectError(
                ImportError.self,
                containing: ["kaldi: wav.scp", "train.parquet", "metadata.jsonl"]
            ) { try corpus.importing("hf") }
            expectError(ImportError.self, containing: ["layout mls", "transcripts.txt"]) {
                try corpus.importing("hf", layout: "mls")
            }
            expectError(ImportError.self, containing: ["'msl'", "mls"]) {
                try corpus.importing("hf", layout: "msl")
            }
        }
    }

    @Test("audio without texts, only when asked for; links in circles end") func files() throws {
        try withCorpus { corpus in
            try corpus.sound("plain/deep/a.wav")
            try corpus.sound("plain/b.flac")
            try FileManager.default.createSymbolicLink(
                atPath: corpus.url("plain/deep/up").path, withDestinationPath: "..")
            expectError(ImportError.self) { try corpus.importing("plain") }
            try corpus.importing("plain", layout: "audio-files") { $0.language = "fi" }
            #expect(
                try corpus.lines("plain.jsonl") == [
                    #"{"audio_filepath": "plain/b.flac", "duration": 0.1, "lang": "fi", "#
                        + #""id": "b.flac", "num_samples": 1600}"#,
                    #"{"audio_filepath": "plain/deep/a.wav", "duration": 0.1, "lang": "fi", "#
                        + #""id": "deep/a.wav", "num_samples": 1600}"#,
                ])
        }
    }

    @Test("audio of every kind: channels, rates, empty and cut files") func audio() throws {
        try withCorpus { corpus in
            let tone: [Float] = sine(300, rate: 16_000, seconds: 0.1)
            let eight: [Float] = tone.flatMap { Array(repeating: $0, count: 8) }
            try corpus.sound("x/fast.wav", rate: 192_000)
            try Encoding.wav16.write(
                eight, rate: 16_000, channels: 8,
                to: corpus.url("x/eight.wav").path)
            try corpus.write([], "x/empty.wav")
            let whole = try TestCorpus.sound(name: "x.wav")
            try corpus.write(Array(whole.prefix(1000)), "x/cut.wav")
            try corpus.write("no sound", "x/text.flac")
            try FileManager.default.createSymbolicLink(
                atPath: corpus.url("x/lost.wav").path, withDestinationPath: "nowhere.wav")
            try corpus.importing("x", layout: "audio-files")
            #expect(
                try corpus.lines("x.jsonl") == [
                    #"{"audio_filepath": "x/eight.wav", "duration": 0.1, "id": "eight.wav", "#
                        + #""num_samples": 1600}"#,
                    #"{"audio_filepath": "x/fast.wav", "duration": 0.1, "id": "fast.wav", "#
                        + #""num_samples": 19200}"#,
                ])
            #expect(
                try corpus.leftOut().kinds == [
                    "cut.wav unreadable_audio", "empty.wav unreadable_audio",
                    "lost.wav missing_file", "text.flac unreadable_audio",
                ])
        }
    }

    /// A shard with samples of every kind.
    private func shard(_ first: Int) throws -> TarBytes {
        var tar = TarBytes()
        let sound = Array(try TestCorpus.sound(name: "x.flac"))
        tar.add("d/k\(first).flac", sound)
        tar.add(
            "d/k\(first).json",
            Array(#"{"text": "eins", "lang": "de", "speaker": "s", "duration": 0.1}"#.utf8))
        tar.add("d/._k\(first).flac", [0])
        tar.add("d/k\(first + 1).txt", Array("zwei\n".utf8))
        tar.add("d/k\(first + 1).flac", sound)
        return tar
    }

    @Test("shards by braces; the manifest names bytes of the archives") func shards() throws {
        try withCorpus { corpus in
            try corpus.write(try shard(0).finished(), "s/train-000.tar")
            var second = try shard(2)
            second.add("d/k4.cls", [1])
            second.add("d/k5.flac", [])
            second.add("d/k6.flac", [1, 2])
            second.add("d/k7.flac", Array(try TestCorpus.sound(name: "x.flac")))
            second.add("d/k7.json", Array(#"{"text": 1}"#.utf8))
            try corpus.write(second.finished(), "s/train-001.tar")
            let size = try TestCorpus.sound(name: "x.flac").count
            let blocks = (size + 511) / 512 * 512
            // Header and audio, two members of one block each, then the header of the second sample's
            // text and the text, and the header of its audio.
            let offset = 512 + blocks + 2 * 1024 + 1024 + 512
            let report = try corpus.importing("s/train-{000..001}.tar")
            #expect(report.layout == "webdataset")
            #expect(report.splits.map(\.split) == ["train"])
            let lines = try corpus.lines("train.jsonl")
            #expect(lines.count == 4)
            let first: String =
                #"{"audio_filepath": "s/train-000.tar", "byte_offset": 512, "#
                + #""byte_size": \#(size), "duration": 0.1, "text": "eins", "#
                + #""lang": "de", "id": "d/k0", "speaker": "s"}"#
            let other: String =
                #"{"audio_filepath": "s/train-000.tar", "byte_offset": \#(offset), "#
                + #""byte_size": \#(size), "duration": 0.1, "text": "zwei", "#
                + #""id": "d/k1", "num_samples": 1600}"#
            #expect(lines[0] == first)
            #expect(lines[1] == other)
            // What the manifest names can be read.
            let read = try JSONLinesManifest.read(corpus.url("train.jsonl"))
            #expect(try AudioReader.read(read[3].audioPath, bytes: read[3].byteRange).count == 1600)
            #expect(
                try corpus.leftOut().kinds == [
                    "d/k4 unsupported", "d/k5 unreadable_audio", "d/k6 unreadable_audio",
                    "d/k7 bad_row",
                ])
            #expect(try corpus.importing("s").splits.map(\.utterances) == [4])
            expectError(ImportError.self, containing: ["train-002.tar"]) {
                try corpus.importing("s/train-{001..002}.tar")
            }
            for braces in ["{2..1}", "{a..b}", "{1", "{a}"] {
                expectError(ImportError.self, containing: ["braces"]) {
                    try corpus.importing("s/train-\(braces).tar")
                }
            }
        }
    }

    @Test("archives that lead out of themselves or are cut are refused") func badShards() throws {
        try withCorpus { corpus in
            var tar = try shard(0)
            tar.add("../k9.flac", [1])
            try corpus.write(tar.finished(), "s/a-0.tar")
            expectError(TarArchiveError.self, containing: ["a-0.tar", "'../k9.flac'"]) {
                try corpus.importing("s")
            }
            try corpus.write(Array(try shard(0).finished().prefix(3000)), "s/a-0.tar")
            expectError(TarArchiveError.self, containing: ["a-0.tar", "truncated"]) {
                try corpus.importing("s")
            }
            try corpus.write([0x1F, 0x8B, 8], "s/a-0.tar.gz")
            expectError(ImportError.self, containing: ["not compressed"]) {
                try corpus.importing("s/a-0.tar.gz")
            }
            #expect(!corpus.exists("a.jsonl"))
        }
    }

    @Test("the result does not depend on the number of threads") func threads() throws {
        try withCorpus { corpus in
            for index in 0..<40 where index % 7 != 3 { try corpus.sound("k/\(index).wav") }
            try corpus.write((0..<40).map { "u\($0) \($0).wav\n" }.joined(), "k/wav.scp")
            try corpus.importing("k", output: "one", threads: 1)
            try corpus.importing("k", output: "five", threads: 5)
            for name in ["k.jsonl", "skipped.jsonl"] {
                #expect(try corpus.lines("one/\(name)") == corpus.lines("five/\(name)"))
            }
            #expect(try corpus.lines("one/k.jsonl").count == 34)
        }
    }
}
