import FileMutation
import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Import of fairseq, Kaldi and Lhotse") struct ListImportTests {
    @Test("fairseq: paths, samples and labels by line") func fairseq() throws {
        try withCorpus { corpus in
            try corpus.sound("audio/a.wav")
            try corpus.sound("audio/b.wav", seconds: 0.2)
            let root = corpus.url("audio").path
            try corpus.write("\(root)\na.wav\t1600\nb.wav\t3200\n", "lists/valid.tsv")
            try corpus.write("h i | y o u |\no h |\n", "lists/valid.ltr")
            try corpus.write("u1\nu2\n", "lists/valid.uid")
            let report = try corpus.importing("lists") { $0.language = "en" }
            #expect(report.layout == "fairseq")
            #expect(
                try corpus.lines("valid.jsonl") == [
                    #"{"audio_filepath": "audio/a.wav", "duration": 0.1, "text": "hi you", "#
                        + #""lang": "en", "id": "u1", "num_samples": 1600}"#,
                    #"{"audio_filepath": "audio/b.wav", "duration": 0.2, "text": "oh", "#
                        + #""lang": "en", "id": "u2", "num_samples": 3200}"#,
                ])
            try corpus.write("h i |\n", "lists/valid.ltr")
            expectError(ManifestError.self, containing: ["valid.ltr", "expected 2"]) {
                try corpus.importing("lists/valid.tsv")
            }
        }
    }

    @Test("Kaldi without segments, several folders; absolute paths stay") func kaldi() throws {
        try withCorpus { corpus in
            try corpus.sound("audio/one.wav")
            try corpus.sound("elsewhere/two.flac", seconds: 0.3)
            try corpus.write(
                "u1 \(corpus.url("audio/one.wav").path)\r\nu2\t../../elsewhere/two.flac\n"
                    + "u3 raw.1.ark:77\nu4 gone.wav\nu5\n", "data/train/wav.scp")
            try corpus.write("u2 zwei  Wörter\nu1 eins\nu4 vier\n", "data/train/text")
            try corpus.write("u1 s1\nu2 s2\n", "data/train/utt2spk")
            try corpus.write("u1 de\nu2 nds\n", "data/train/utt2lang")
            try corpus.write("u2 0.3\n", "data/train/utt2dur")
            try corpus.write("x \(corpus.url("audio/one.wav").path)\n", "data/dev/wav.scp")
            let report = try corpus.importing("data", output: "out")
            #expect(report.layout == "kaldi")
            #expect(report.splits.map(\.split) == ["dev", "train"])
            let path = corpus.folder.path
            #expect(
                try corpus.lines("out/train.jsonl") == [
                    #"{"audio_filepath": "\#(path)/audio/one.wav", "duration": 0.1, "#
                        + #""text": "eins", "lang": "de", "id": "u1", "speaker": "s1", "#
                        + #""num_samples": 1600}"#,
                    #"{"audio_filepath": "\#(path)/elsewhere/two.flac", "duration": 0.3, "#
                        + #""text": "zwei  Wörter", "lang": "nds", "id": "u2", "speaker": "s2"}"#,
                ])
            // Without a file `text` there are no transcripts, which is no fault.
            #expect(
                try corpus.lines("out/dev.jsonl") == [
                    #"{"audio_filepath": "\#(path)/audio/one.wav", "duration": 0.1, "id": "x", "#
                        + #""num_samples": 1600}"#
                ])
            #expect(
                report.splits[1].leftOut
                    == ["unsupported": 1, "missing_file": 1, "bad_row": 1])
        }
    }

    @Test("Kaldi with segments: only those inside their recordings") func segments() throws {
        try withCorpus { corpus in
            try corpus.sound("rec.wav", seconds: 2)
            try corpus.write("r1 ../rec.wav\n", "train/wav.scp")
            let segments = [
                "a r1 0.5 1.25", "b r1 1.5 -1", "c r1 1.9 2.4", "d r1 1.9 2.6", "e r1 -0.5 1",
                "f r1 1 1", "g r1 2.5 2.6", "h r9 0 1", "i r1 x 1", "k r1 nan 1", "a r1 0 1",
            ]
            try corpus.write(segments.map { $0 + "\n" }.joined(), "train/segments")
            try corpus.write(
                "abcdefghika".map { "\($0) text \($0)\n" }.joined(), "train/text")
            try corpus.importing("train")
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "rec.wav", "offset": 0.5, "duration": 0.75, "#
                        + #""text": "text a", "id": "a"}"#,
                    #"{"audio_filepath": "rec.wav", "offset": 1.5, "duration": 0.5, "#
                        + #""text": "text b", "id": "b"}"#,
                    // A little beyond the end is cut, as Kaldi does.
                    #"{"audio_filepath": "rec.wav", "offset": 1.9, "duration": 0.1, "#
                        + #""text": "text c", "id": "c"}"#,
                ])
            #expect(
                try corpus.leftOut().kinds == [
                    "d bad_segment", "e bad_segment", "f bad_segment", "g bad_segment",
                    "segments:8 bad_row", "segments:9 bad_row", "k bad_segment",
                    "a duplicate_id",
                ])
        }
    }

    @Test("Kaldi's commands are refused, or run once and kept") func commands() throws {
        try withCorpus { corpus in
            try corpus.sound("rec.wav", seconds: 1, rate: 8000)
            try corpus.write(
                "r1 cat rec.wav && echo x >>count |\nr/2 echo no sound |\nr3 echo why >&2; exit 3 |\n",
                "train/wav.scp")
            try corpus.write(
                "a r1 0 0.25\nb r1 0.5 1\nc r/2 0 1\nd r3 0 1\n", "train/segments")
            try corpus.write("a x\nb y\nc z\nd w\n", "train/text")
            expectError(
                ImportError.self, containing: ["wav.scp", "'r1'", "cat rec.wav", "--allow-pipes"]
            ) { try corpus.importing("train") }
            #expect(!corpus.exists("count"))
            try corpus.importing("train") {
                $0.allowsPipes = true
                $0.root = corpus.folder
            }
            #expect(
                try corpus.lines("train.jsonl") == [
                    #"{"audio_filepath": "audio/r1.flac", "duration": 0.25, "text": "x", "#
                        + #""id": "a"}"#,
                    #"{"audio_filepath": "audio/r1.flac", "offset": 0.5, "duration": 0.5, "#
                        + #""text": "y", "id": "b"}"#,
                ])
            #expect(try corpus.lines("count") == ["x"])
            let info = try AudioReader.info(corpus.url("audio/r1.flac").path)
            #expect(info.samplingRate == 8000 && info.frames == 8000)
            let files = try FileManager.default.contentsOfDirectory(
                atPath: corpus.url("audio").path)
            #expect(files == ["r1.flac"])
            let (kinds, reasons) = try corpus.leftOut()
            #expect(kinds == ["c unreadable_audio", "d command_failed"])
            #expect(reasons[1].contains("found 3: why"))
        }
    }

    private func recording(_ id: String, _ source: String, type: String = "file") -> String {
        #"{"id": "\#(id)", "sources": [{"type": "\#(type)", "channels": [0], "#
            + #""source": "\#(source)"}], "sampling_rate": 16000, "num_samples": 32000, "#
            + #""duration": 2.0, "channel_ids": [0]}"#
    }

    private func supervision(_ id: String, start: Double, _ text: String) -> String {
        #"{"id": "\#(id)", "recording_id": "r1", "start": \#(start), "duration": 0.5, "#
            + #""channel": 0, "text": "\#(text)", "language": "en", "speaker": "s1"}"#
    }

    @Test("Lhotse's cuts, compressed") func cuts() throws {
        try withCorpus { corpus in
            try corpus.sound("m/audio/r1.wav", seconds: 2)
            let file = recording("r1", "audio/r1.wav")
            func cut(_ id: String, _ start: Double, _ recording: String, _ more: String = "")
                -> String
            {
                #"{"id": "\#(id)", "start": \#(start), "duration": 1.5, "channel": 0, "#
                    + #""supervisions": [\#(supervision("s2", start: 0.7, "two")), "#
                    + #"\#(supervision("s1", start: 0.1, "one"))], "#
                    + #""recording": \#(recording), "type": "MonoCut"\#(more)}"#
            }
            let faster = file.dropLast() + #", "transforms": [{"name": "Speed"}]}"#
            let twoChannels = file.replacingOccurrences(
                of: #""channels": [0]"#, with: #""channels": [0, 1]"#)
            try corpus.compressed(
                [
                    cut("c1", 0.25, file), cut("c2", 1, file), cut("c3", 0, String(faster)),
                    cut("c4", 0, twoChannels),
                    #"{"id": "c5", "type": "MixedCut", "tracks": []}"#, #"{"id": "c6""#,
                    cut("c7", 0, recording("r7", "audio/gone.wav")),
                    cut("c8", 0, recording("r8", "...", type: "memory")), "[]",
                    #"{"start": 0}"#,
                ], "m/corpus_cuts_train-clean.jsonl.gz")
            let report = try corpus.importing("m")
            #expect(report.layout == "lhotse")
            #expect(report.splits.map(\.split) == ["train-clean"])
            #expect(
                try corpus.lines("train-clean.jsonl") == [
                    #"{"audio_filepath": "m/audio/r1.wav", "offset": 0.25, "duration": 1.5, "#
                        + #""text": "one two", "lang": "en", "id": "c1", "speaker": "s1"}"#,
                    #"{"audio_filepath": "m/audio/r1.wav", "offset": 1.0, "duration": 1.0, "#
                        + #""text": "one two", "lang": "en", "id": "c2", "speaker": "s1"}"#,
                ])
            let (kinds, reasons) = try corpus.leftOut()
            let name = "corpus_cuts_train-clean.jsonl.gz"
            #expect(
                kinds == [
                    "c3 unsupported", "c4 unsupported", "c5 unsupported", "\(name):6 bad_row",
                    "c7 missing_file", "c8 unsupported", "\(name):9 bad_row",
                    "\(name):10 bad_row",
                ])
            #expect(reasons[1].contains("2 channels"))
            #expect(reasons[7].contains("'id'"))
            try corpus.compressed(
                [cut("c", 0, recording("r", "sox x.wav |", type: "command"))],
                "p/cuts.jsonl.gz")
            expectError(ImportError.self, containing: ["--allow-pipes", "sox x.wav"]) {
                try corpus.importing("p")
            }
        }
    }

    @Test("Lhotse's recordings and supervisions") func supervisions() throws {
        try withCorpus { corpus in
            try corpus.sound("m/audio/r1.wav", seconds: 2)
            try corpus.write(
                recording("r1", "audio/r1.wav") + "\n", "m/ted_recordings_dev.jsonl")
            try corpus.write(
                supervision("a", start: 0.5, "one") + "\n"
                    + supervision("b", start: 3, "late") + "\n"
                    + supervision("c", start: 0, "x").replacingOccurrences(of: "r1", with: "r2"),
                "m/ted_supervisions_dev.jsonl")
            try corpus.importing("m")
            #expect(
                try corpus.lines("dev.jsonl") == [
                    #"{"audio_filepath": "m/audio/r1.wav", "offset": 0.5, "duration": 0.5, "#
                        + #""text": "one", "lang": "en", "id": "a", "speaker": "s1"}"#
                ])
            #expect(
                try corpus.leftOut().kinds == [
                    "b bad_segment", "ted_supervisions_dev.jsonl:3 bad_row",
                ])
        }
    }

    @Test("Lhotse Shar: cuts beside the archive of their audio") func shar() throws {
        try withCorpus { corpus in
            for shard in ["000000", "000001"] {
                var tar = TarBytes()
                let sound = try TestCorpus.sound(name: "x.flac")
                tar.add("\(shard)-a.flac", Array(sound))
                tar.add("\(shard)-a.json", Array("{}".utf8))
                try corpus.write(tar.finished(), "shar/train/recording.\(shard).tar")
                let lines = ["a", "b"].map { name in
                    #"{"id": "\#(shard)-\#(name)", "start": 3.0, "duration": 0.1, "#
                        + #""supervisions": [\#(supervision("s", start: 0, name))], "#
                        + #""recording": \#(recording("r", "", type: "shar"))}"#
                }
                try corpus.compressed(lines, "shar/train/cuts.\(shard).jsonl.gz")
            }
            let report = try corpus.importing("shar")
            #expect(report.splits.map(\.split) == ["train"])
            let size = try TestCorpus.sound(name: "x.flac").count
            #expect(
                try corpus.lines("train.jsonl")
                    == ["000000", "000001"].map { shard in
                        #"{"audio_filepath": "shar/train/recording.\#(shard).tar", "#
                            + #""byte_offset": 512, "byte_size": \#(size), "duration": 0.1, "#
                            + #""text": "a", "lang": "en", "id": "\#(shard)-a", "speaker": "s1", "#
                            + #""num_samples": 1600}"#
                    })
            #expect(
                try corpus.leftOut().kinds == ["000000-b missing_file", "000001-b missing_file"])
        }
    }
}
