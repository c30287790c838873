import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Import of Common Voice and CoVoST") struct CommonVoiceImportTests {
    private let header = [
        "client_id", "path", "sentence_id", "sentence", "sentence_domain", "up_votes",
        "down_votes", "age", "gender", "accents", "variant", "locale", "segment",
    ]

    private func row(_ name: String, _ sentence: String, _ locale: String) -> [String] {
        ["anna", name, "5f", sentence, "", "2", "0", "", "", "", "", locale, ""]
    }

    @Test("a release with clip_durations.tsv; quotes are text")
    func current() throws {
        try withCorpus { corpus in
            try corpus.sound("de/clips/common_voice_de_1.mp3", as: .mp3)
            try corpus.sound("de/clips/common_voice_de_2.mp3", as: .mp3)
            try corpus.sound("de/clips/common_voice_de_3.mp3", as: .mp3)
            try corpus.table(
                [
                    header, row("common_voice_de_1.mp3", "\"Nein\", sagte er, \"nie.", "de"),
                    row("common_voice_de_2.mp3", " Straße 7 ", "de"),
                    row("common_voice_de_gone.mp3", "Fort", "de"),
                    row("common_voice_de_1.mp3", "Noch einmal", "de"),
                    row("common_voice_de_2.mp3", "  ", "de"),
                ], "de/train.tsv")
            try corpus.table([header, row("common_voice_de_3.mp3", "Ja", "de")], "de/test.tsv")
            try corpus.table([header, row("common_voice_de_3.mp3", "Ja", "de")], "de/other.tsv")
            try corpus.table(
                [
                    ["clip", "duration[ms]"], ["common_voice_de_1.mp3", "3456"],
                    ["common_voice_de_2.mp3", "512"], ["common_voice_de_3.mp3", "500"],
                    ["common_voice_de_gone.mp3", "7000"],
                ], "de/clip_durations.tsv")
            let report = try corpus.importing("de")
            #expect(report.layout == "common-voice")
            #expect(report.splits.map(\.split) == ["train", "test"])
            #expect(report.splits[0].languages.map(\.utterances) == [2])
            #expect(
                report.splits[0].leftOut
                    == ["missing_file": 1, "duplicate_id": 1, "empty_text": 1])
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "de/clips/common_voice_de_1.mp3", "duration": 3.456, "#
                        + #""text": "\"Nein\", sagte er, \"nie.", "lang": "de", "#
                        + #""id": "common_voice_de_1", "speaker": "anna"}"#,
                    #"{"audio_filepath": "de/clips/common_voice_de_2.mp3", "duration": 0.512, "#
                        + #""text": "Straße 7", "lang": "de", "id": "common_voice_de_2", "#
                        + #""speaker": "anna"}"#,
                ])
            #expect(!corpus.exists("other.jsonl"))
            #expect(
                try corpus.leftOut().kinds == [
                    "common_voice_de_gone missing_file", "common_voice_de_1 duplicate_id",
                    "common_voice_de_2 empty_text",
                ])
            // The manifest is one that training reads.
            #expect(try JSONLinesManifest.read(corpus.url("train.jsonl")).count == 2)
            let other = try corpus.importing("de", splits: ["other"])
            #expect(other.splits.map(\.split) == ["other"])
            #expect(other.skippedList == nil)
            #expect(!corpus.exists("skipped.jsonl"))
        }
    }

    @Test(
        "an old release in several languages: fewer columns, CR LF, byte order mark, no durations")
    func old() throws {
        try withCorpus { corpus in
            for language in ["de", "sw"] {
                try corpus.sound("cv/\(language)/clips/\(language)1.mp3", as: .mp3, seconds: 0.72)
                try corpus.write(
                    "\u{FEFF}client_id\tpath\tsentence\tup_votes\taccent\r\n"
                        + "bob\t\(language)1\tMoja \(language)\t1\t\r\n",
                    "cv/\(language)/dev.tsv")
            }
            let report = try corpus.importing("cv", output: "all.jsonl")
            #expect(report.splits.map(\.split) == ["dev"])
            #expect(report.splits[0].languages.map(\.language) == ["de", "sw"])
            let lines = try corpus.lines("all.jsonl")
            #expect(lines.count == 2)
            let samples = try AudioReader.info(corpus.url("cv/sw/clips/sw1.mp3").path).frames
            #expect(
                lines[1]
                    == #"{"audio_filepath": "cv/sw/clips/sw1.mp3", "#
                    + #""duration": \#(Double(samples) / 16_000), "#
                    + #""text": "Moja sw", "lang": "sw", "id": "sw1", "speaker": "bob", "#
                    + #""num_samples": \#(samples)}"#)
        }
    }

    @Test("tables that are not right") func faults() throws {
        try withCorpus { corpus in
            try corpus.sound("de/clips/a.wav")
            try corpus.write(
                Array("client_id\tpath\tsentence\nx\ta.wav\tgut\nx\tb.wav\t".utf8) + [0xFF, 0x0A]
                    + Array("x\tc.wav\nx\t\tohne\n".utf8), "de/train.tsv")
            try corpus.importing("de")
            #expect(try corpus.lines("train.jsonl").count == 1)
            let (kinds, reasons) = try corpus.leftOut()
            #expect(
                kinds == ["train.tsv:3 bad_row", "train.tsv:4 bad_row", "train.tsv:5 bad_row"])
            #expect(reasons[0].hasSuffix("train.tsv:3: expected UTF-8, found other bytes"))
            #expect(reasons[1].hasSuffix("train.tsv:4: expected 3 columns, found 2"))
            #expect(reasons[2].contains("expected a path"))

            try corpus.write("client_id\tfile\ttext\nx\ta.wav\tgut\n", "de/train.tsv")
            expectError(
                ManifestError.self,
                containing: ["de/train.tsv", "'path'", "client_id, file, text"]
            ) { try corpus.importing("de") }
            expectError(ImportError.self, containing: ["'dev'", "train"]) {
                try corpus.importing("de", splits: ["dev"])
            }
            // What could not be replaced is still there.
            #expect(try corpus.lines("train.jsonl").count == 1)
            try corpus.write("client_id\tpath\tsentence\nx\tgone.wav\tgut\n", "de/train.tsv")
            expectError(ImportError.self, containing: ["none in 1", "gone.wav"]) {
                try corpus.importing("de")
            }
            #expect(!corpus.exists("train.jsonl"))
            #expect(try corpus.leftOut().kinds == ["gone missing_file"])
            try FileManager.default.moveItem(
                at: corpus.url("de/train.tsv"), to: corpus.url("de/validated.tsv"))
            expectError(ImportError.self, containing: ["--split", "validated"]) {
                try corpus.importing("de")
            }
        }
    }

    @Test("CoVoST's tables for one split, with backslashes") func covostSplits() throws {
        try withCorpus { corpus in
            try corpus.sound("cv/de/clips/a.mp3", as: .mp3)
            try corpus.table(
                [["clip", "duration[ms]"], ["a.mp3", "1500"]], "cv/de/clip_durations.tsv")
            try corpus.table(
                [
                    ["path", "sentence", "translation", "client_id"],
                    ["a.mp3", "Er sagte \\\"ja\\\"", "He said \"yes\"", "anna"],
                    ["b.mp3", "Nein", "", "anna"],
                ], "tables/covost_v2.de_en.train.tsv")
            let report = try corpus.importing("tables") { $0.root = corpus.url("cv") }
            #expect(report.layout == "covost")
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "cv/de/clips/a.mp3", "duration": 1.5, "#
                        + #""text": "Er sagte \"ja\"", "lang": "de", "id": "a", "#
                        + #""speaker": "anna", "target_text": "He said \"yes\"", "#
                        + #""target_lang": "en"}"#
                ])
            #expect(try corpus.leftOut().kinds == ["b empty_text"])
            expectError(ImportError.self, containing: ["clips", "--root"]) {
                try corpus.importing("tables")
            }
        }
    }

    @Test("CoVoST's table as downloaded takes the sentences from validated.tsv")
    func covostDownload() throws {
        try withCorpus { corpus in
            for name in ["a", "b", "c"] { try corpus.sound("en/clips/\(name).mp3", as: .mp3) }
            try corpus.table(
                [
                    ["client_id", "path", "sentence"], ["1", "c.mp3", "third"],
                    ["2", "a.mp3", "first"], ["3", "x.mp3", "else"], ["4", "b.mp3", "second"],
                ], "en/validated.tsv")
            let durations = ["a", "b", "c"].map { ["\($0).mp3", "1000"] }
            try corpus.table([["clip", "duration[ms]"]] + durations, "en/clip_durations.tsv")
            for target in ["de", "sv-SE"] {
                try corpus.table(
                    [
                        ["path", "translation", "split"], ["a.mp3", "erstens", "train"],
                        ["b.mp3", "zweitens", "dev"], ["c.mp3", "drittens", "train_covost"],
                        ["gone.mp3", "nirgends", "test"],
                    ], "en/covost_v2.en_\(target).tsv")
            }
            expectError(ImportError.self, containing: ["en_de, en_sv-SE"]) {
                try corpus.importing("en")
            }
            let report = try corpus.importing("en") { $0.targetLanguage = "sv-SE" }
            #expect(report.splits.map(\.split) == ["train", "dev", "test"])
            #expect(report.splits.map(\.utterances) == [2, 1, 0])
            #expect(report.splits[2].manifest == nil)
            #expect(!corpus.exists("test.jsonl"))
            #expect(
                try corpus.lines("train.jsonl")[1]
                    == #"{"audio_filepath": "en/clips/a.mp3", "duration": 1.0, "text": "first", "#
                    + #""lang": "en", "id": "a", "speaker": "2", "target_text": "erstens", "#
                    + #""target_lang": "sv-SE"}"#)
            #expect(try corpus.leftOut().kinds == ["gone bad_row"])
        }
    }
}
