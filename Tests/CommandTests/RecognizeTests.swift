import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("transcribe and evaluate") struct RecognizeTests {
        private let model = Fixtures.model("wav2vec2_ctc").path

        private func transcribe(_ arguments: [String]) throws -> CommandResult {
            try expectColld(
                ["transcribe", "--model", model, "--no-progress"] + arguments, exits: 0)
        }

        /// What the best tokens of the head's output for a whole file spell.
        private func spelled(_ file: String, in folder: URL) throws -> String {
            let output = folder.appendingPathComponent("logits.safetensors")
            try expectColld(
                ["encode", "--model", model, "--logits", "--output", output.path, "--audio", file],
                exits: 0)
            let found = try SafetensorsFile(path: output.path)
            let width = try #require(found.entry("logits")).shape[2]
            let logits = try found.floats("logits")
            let ids = (0..<logits.count / width).map { frame in
                (0..<width).max { logits[frame * width + $0] < logits[frame * width + $1] } ?? 0
            }
            let tokenizer = try #require(try CTCTokenizer(folder: Fixtures.model("wav2vec2_ctc")))
            return tokenizer.decode(ids).text
        }

        @Test("one file gives its text, several lines of file and text")
        func texts() throws {
            try withTemporaryDirectory { folder in
                let texts = try ModelFiles.speechFiles.map { try spelled($0, in: folder) }
                #expect(texts.allSatisfy { !$0.isEmpty })
                #expect(try transcribe([ModelFiles.speechFiles[0]]).output == texts[0] + "\n")
                let expected = zip(ModelFiles.speechFiles, texts).map { "\($0)\t\($1)\n" }
                #expect(try transcribe(ModelFiles.speechFiles).output == expected.joined())
            }
        }

        @Test("words have times within the file, in whole and in chunks")
        func timestamps() throws {
            let file = ModelFiles.speechFiles[0]
            for more in [[], ["--chunk-seconds", "1.5", "--overlap", "0.5"]] {
                let result = try transcribe([file, "--json"] + more)
                let objects = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                let clip = try #require((objects as? [[String: Any]])?.first)
                let seconds = try #require(clip["seconds"] as? Double)
                let words = try #require(clip["words"] as? [[String: Any]])
                #expect(!words.isEmpty && clip["path"] as? String == file)
                var last = 0.0
                for word in words {
                    let start = try #require(word["start"] as? Double)
                    let end = try #require(word["end"] as? Double)
                    let confidence = try #require(word["confidence"] as? Double)
                    #expect(start >= last && end > start && end <= seconds)
                    #expect(confidence > 0 && confidence <= 1)
                    last = start
                }
                let lines = try transcribe([file, "--timestamps"] + more).output
                    .split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
                #expect(lines.map { $0[3] } == words.map { $0["text"] as? String })
            }
        }

        @Test("a stream ends with the whole text")
        func stream() throws {
            let file = ModelFiles.speechFiles[0]
            let chunks = ["--chunk-seconds", "1.5", "--overlap", "0.5"]
            let whole = try transcribe([file] + chunks).output
            let lines = try transcribe([file, "--stream"] + chunks).output
                .split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count > 3 && String(lines[lines.count - 2]) + "\n" == whole)
            let json = try transcribe([file, "--stream", "--json"] + chunks).output
                .split(separator: "\n").map {
                    try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
                }
            #expect(json.count == lines.count - 1)
            #expect(try #require(json.last??["text"] as? String) + "\n" == whole)
        }

        @Test("nothing heard gives an empty text, and what cannot be read is passed over")
        func empty() throws {
            try withTemporaryDirectory { folder in
                let silent = folder.appendingPathComponent("empty.wav")
                let short = folder.appendingPathComponent("short.wav")
                let broken = folder.appendingPathComponent("broken.wav")
                try ModelFiles.writeWave([], to: silent)
                try ModelFiles.writeWave([1, 2, 3], to: short)
                try Data("no audio".utf8).write(to: broken)
                #expect(try transcribe([silent.path]).output == "\n")
                let files = [silent, broken, short].map(\.path)
                let result = try expectColld(
                    ["transcribe", "--model", model] + files, exits: 0,
                    saying: ["skipped", "broken.wav"])
                #expect(result.output == "\(silent.path)\t\n\(short.path)\t\n")
                try expectColld(
                    ["transcribe", "--model", model, broken.path], exits: 2,
                    saying: ["broken.wav"])
            }
        }

        @Test("a beam search takes hot words, a lexicon and a language model")
        func search() throws {
            try withTemporaryDirectory { folder in
                let file = ModelFiles.speechFiles[0]
                #expect(try !transcribe([file, "--beam", "4"]).output.isEmpty)
                let lexicon = folder.appendingPathComponent("words.txt")
                try Data("A\nB\n".utf8).write(to: lexicon)
                let words = Set(
                    try transcribe([file, "--lexicon", lexicon.path, "--beam", "8"]).output
                        .split(whereSeparator: \.isWhitespace))
                #expect(words.isSubset(of: ["A", "B"]))
                let hot = folder.appendingPathComponent("hot.txt")
                try Data("HELLO\t3\n".utf8).write(to: hot)
                _ = try transcribe([file, "--hot-words", hot.path])
                try Data("HELLO\tx\n".utf8).write(to: hot)
                let call = ["transcribe", "--model", model, file]
                try expectColld(
                    call + ["--hot-words", hot.path], exits: 2, saying: ["hot.txt:1", "'x'"])
                try expectColld(call + ["--lm", "none.arpa"], exits: 2, saying: ["none.arpa"])
                try expectColld(call + ["--alpha", "1"], exits: 64, saying: ["--lm"])
                try expectColld(call + ["--beam", "0"], exits: 64, saying: ["--beam"])
                try expectColld(call + ["--overlap", "20"], exits: 64, saying: ["--overlap"])
                try expectColld(call + [file, "--stream"], exits: 64, saying: ["--stream"])
            }
        }

        @Test("a manifest is scored")
        func evaluated() throws {
            try withTemporaryDirectory { folder in
                let manifest = folder.appendingPathComponent("test.jsonl")
                let output = folder.appendingPathComponent("report.json")
                func write(_ language: String) throws {
                    let lines = try ModelFiles.speechFiles.enumerated().map { index, file in
                        var object: [String: Any] = [
                            "audio_filepath": file, "id": "u\(index)", "lang": language,
                            "duration": Double(try ModelFiles.speech(index).count) / 16_000 - 0.01,
                        ]
                        if index == 0 { object["text"] = "HELLO WORLD" }
                        return try JSONSerialization.data(withJSONObject: object)
                    }
                    try Data(lines.joined(separator: Data("\n".utf8))).write(to: manifest)
                }
                let call = [
                    "evaluate", "--model", model, "--data", manifest.path, "--output", output.path,
                ]
                try write("en")
                let result = try expectColld(
                    call, exits: 0, saying: ["1 of 2 utterances have no transcript"])
                #expect(result.output.contains("WER") && result.output.contains("real time"))
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(contentsOf: output))
                        as? [String: Any])
                let utterances = try #require(report["utterances"] as? [[String: Any]])
                #expect(utterances.count == 1 && report["left_out"] as? Int == 1)
                let heard = try #require(utterances[0]["hypothesis"] as? String)
                #expect(utterances[0]["reference"] as? String == "HELLO WORLD")
                let total = (report["scores"] as? [String: Any])?["total"] as? [String: Any]
                let scores = try #require(total?["scores"] as? [[String: Any]])
                let errors = ErrorRate(unit: .character(.codePoint)).sentenceScore(
                    reference: "HELLO WORLD", hypothesis: heard)
                let cer = scores.first {
                    $0["metric"] as? String == "cer" && $0["form"] as? String == "raw"
                }
                expectClose(try #require(cer?["value"] as? Double), errors.rate, within: 1e-9)
                let json = try expectColld(call + ["--json", "--no-progress"], exits: 0).json()
                #expect(json["model"] as? String == model)
                try write("klingon")
                try expectColld(call, exits: 2, saying: ["klingon"])
            }
        }

        @Test("models that cannot recognise are refused")
        func refused() throws {
            let file = ModelFiles.speechFiles[0]
            try expectColld(
                ["transcribe", "--model", Fixtures.model("w2vbert").path, file], exits: 2,
                saying: ["lm_head.weight"])
            try expectColld(
                ["evaluate", "--model", Fixtures.model("w2vbert").path, "--data", "none"],
                exits: 2, saying: ["lm_head.weight"])
            try expectColld(["transcribe", "--model", model], exits: 64, saying: ["<audio>"])
        }
    }
}
