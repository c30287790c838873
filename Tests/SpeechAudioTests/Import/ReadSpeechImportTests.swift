import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Import of FLEURS, MLS, VoxPopuli and LibriSpeech") struct ReadSpeechImportTests {
    @Test("FLEURS: no header, no quotes, the length from the table") func fleurs() throws {
        try withCorpus { corpus in
            try corpus.sound("f/data/de_de/audio/train/11.wav")
            try corpus.sound("f/data/de_de/audio/train/12.wav")
            try corpus.sound("f/data/sw_ke/audio/train/21.wav")
            try corpus.write([], "f/data/sw_ke/audio/train/22.wav")
            try corpus.table(
                [
                    ["4", "11.wav", "Er sagte: \"Ja", "er sagte \"ja", "e r |", "1600", "MALE"],
                    ["4", "12.wav", "Nein.", "nein", "n e i n |", "24000", "FEMALE"],
                ], "f/data/de_de/train.tsv")
            try corpus.table(
                [
                    ["9", "21.wav", "Ndio.", "ndio", "n d i o |", "1600"],
                    ["9", "22.wav", "La.", "la", "l a |", "1600"],
                ], "f/data/sw_ke/train.tsv")
            let report = try corpus.importing("f")
            #expect(report.layout == "fleurs")
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "f/data/de_de/audio/train/11.wav", "duration": 0.1, "#
                        + #""text": "er sagte \"ja", "lang": "de_de", "id": "de_de/11.wav", "#
                        + #""num_samples": 1600}"#,
                    #"{"audio_filepath": "f/data/de_de/audio/train/12.wav", "duration": 1.5, "#
                        + #""text": "nein", "lang": "de_de", "id": "de_de/12.wav", "#
                        + #""num_samples": 24000}"#,
                    #"{"audio_filepath": "f/data/sw_ke/audio/train/21.wav", "duration": 0.1, "#
                        + #""text": "ndio", "lang": "sw_ke", "id": "sw_ke/21.wav", "#
                        + #""num_samples": 1600}"#,
                ])
            #expect(try corpus.leftOut().kinds == ["sw_ke/22.wav unreadable_audio"])
            try corpus.importing("f/data/de_de", output: "raw.jsonl") {
                $0.textColumn = "raw_transcription"
                $0.language = "deu"
            }
            #expect(
                try corpus.lines("raw.jsonl")[1].contains(#""text": "Nein.", "lang": "deu""#))
        }
    }

    @Test("FLEURS whose archives were not unpacked") func packed() throws {
        try withCorpus { corpus in
            try corpus.write([1], "de_de/audio/dev.tar.gz")
            try corpus.table([["1", "a.wav", "A", "a", "a |", "9", "MALE"]], "de_de/dev.tsv")
            expectError(ImportError.self, containing: ["dev.tar.gz", "unpacking"]) {
                try corpus.importing("de_de")
            }
        }
    }

    @Test("MLS: transcripts, segments, audio by speaker and book") func mls() throws {
        try withCorpus { corpus in
            let root = "mls_polish"
            try corpus.sound("\(root)/dev/audio/10/20/10_20_000001.flac", seconds: 0.2)
            try corpus.sound("\(root)/dev/audio/10/20/10_20_000002.flac", seconds: 0.25)
            try corpus.sound("\(root)/dev/audio/11/21/11_21_000001.flac")
            try corpus.table(
                [
                    ["10_20_000001", "raz dwa"], ["10_20_000002", "trzy"],
                    ["11_21_000001", "cztery"], ["12_1_2", "nie ma"], ["odd", "nic"],
                ], "\(root)/dev/transcripts.txt")
            // In another order, and not for all.
            try corpus.table(
                [
                    ["11_21_000001", "http://x/y.mp3", "401.14", "401.24"],
                    ["10_20_000001", "http://x/z.mp3", "20.3", "20.5"],
                ], "\(root)/dev/segments.txt")
            let report = try corpus.importing(root)
            #expect(report.layout == "mls")
            #expect(
                try corpus.lines("dev.jsonl") == [
                    #"{"audio_filepath": "mls_polish/dev/audio/10/20/10_20_000001.flac", "#
                        + #""duration": 0.2, "text": "raz dwa", "lang": "pl", "#
                        + #""id": "10_20_000001", "speaker": "10"}"#,
                    #"{"audio_filepath": "mls_polish/dev/audio/10/20/10_20_000002.flac", "#
                        + #""duration": 0.25, "text": "trzy", "lang": "pl", "#
                        + #""id": "10_20_000002", "speaker": "10", "num_samples": 4000}"#,
                    #"{"audio_filepath": "mls_polish/dev/audio/11/21/11_21_000001.flac", "#
                        + #""duration": 0.1, "text": "cztery", "lang": "pl", "#
                        + #""id": "11_21_000001", "speaker": "11"}"#,
                ])
            #expect(
                try corpus.leftOut().kinds == [
                    "12_1_2 missing_file", "transcripts.txt:5 bad_row",
                ])
        }
    }

    @Test("MLS in Opus, several languages") func mlsOpus() throws {
        try withCorpus { corpus in
            for (language, id) in [("german", "1_2_3"), ("dutch", "4_5_6")] {
                let folder = "mls/mls_\(language)_opus/test"
                let path = id.split(separator: "_").prefix(2).joined(separator: "/")
                try corpus.sound("\(folder)/audio/\(path)/\(id).opus", as: .opus)
                try corpus.table([[id, "eins"]], folder + "/transcripts.txt")
            }
            let report = try corpus.importing("mls")
            #expect(report.splits[0].languages.map(\.language) == ["nl", "de"])
            #expect(try corpus.lines("test.jsonl")[1].contains("1_2_3.opus"))
        }
    }

    @Test("VoxPopuli: files by year, normalised text") func voxpopuli() throws {
        try withCorpus { corpus in
            let id = "20180613-0900-PLENARY-15-cs_20180613-19:10:41_2"
            let root = "vox/transcribed_data/cs"
            try corpus.sound("\(root)/2018/\(id).ogg", as: .vorbis)
            try corpus.write([1, 2, 3], "\(root)/2019/2019-broken.ogg")
            try corpus.table(
                [
                    ["id", "raw_text", "normalized_text", "speaker_id", "split", "gender"],
                    [id, "Děkuji \"vám.", "děkuji vám", "96784", "train", "male"],
                    ["2019-broken", "", "nic", "1", "train", "male"],
                    ["2019-broken", "", "", "1", "train", "male"],
                    ["broken", "", "nic", "1", "train", "male"],
                ], "\(root)/asr_train.tsv")
            let report = try corpus.importing("vox")
            #expect(report.layout == "voxpopuli")
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "vox/transcribed_data/cs/2018/\#(id).ogg", "#
                        + #""duration": 0.5, "text": "děkuji vám", "lang": "cs", "#
                        + #""id": "\#(id)", "speaker": "96784", "num_samples": 8000}"#
                ])
            #expect(
                try corpus.leftOut().kinds == [
                    "2019-broken unreadable_audio", "2019-broken empty_text",
                    "asr_train.tsv:5 bad_row",
                ])
        }
    }

    @Test("LibriSpeech: a list in each chapter") func librispeech() throws {
        try withCorpus { corpus in
            for split in ["dev-clean", "train-clean-100"] {
                try corpus.sound("LibriSpeech/\(split)/84/121/84-121-0000.flac")
                try corpus.sound("LibriSpeech/\(split)/84/121/84-121-0001.flac", rate: 8000)
                try corpus.write(
                    "84-121-0000 GO ON\n84-121-0001 DO\n84-121-0002\n84-121-0003 GONE\n",
                    "LibriSpeech/\(split)/84/121/84-121.trans.txt")
            }
            try corpus.sound("LibriSpeech/dev-clean/85/1/85-1-0000.flac")
            try corpus.write("speakers", "LibriSpeech/SPEAKERS.TXT")
            let report = try corpus.importing("LibriSpeech")
            #expect(report.layout == "librispeech")
            #expect(report.splits.map(\.split) == ["dev-clean", "train-clean-100"])
            #expect(
                try corpus.lines("dev-clean.jsonl") == [
                    #"{"audio_filepath": "LibriSpeech/dev-clean/84/121/84-121-0000.flac", "#
                        + #""duration": 0.1, "text": "GO ON", "lang": "en", "#
                        + #""id": "84-121-0000", "speaker": "84", "num_samples": 1600}"#,
                    #"{"audio_filepath": "LibriSpeech/dev-clean/84/121/84-121-0001.flac", "#
                        + #""duration": 0.1, "text": "DO", "lang": "en", "#
                        + #""id": "84-121-0001", "speaker": "84", "num_samples": 800}"#,
                ])
            #expect(
                try corpus.leftOut().kinds.prefix(3) == [
                    "84-121-0002 empty_text", "84-121-0003 missing_file",
                    "85-1-0000.flac empty_text",
                ])
            // One split alone, by its own folder.
            let one = try corpus.importing("LibriSpeech/train-clean-100", output: "one")
            #expect(one.splits.map(\.split) == ["train-clean-100"])
            #expect(try corpus.lines("one/train-clean-100.jsonl").count == 2)
        }
    }
}
