import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// A translation model that has learned nothing, with two target languages.
private final class TranslatorFolder {
    let url: URL
    var model: URL { url.appendingPathComponent("model") }
    private let folder: FinetuneFolder

    /// * `languages`: of the vocabulary.
    init(languages: [String] = ["eng", "fra"]) throws {
        folder = try FinetuneFolder()
        url = folder.url
        let train = url.appendingPathComponent("texts.jsonl")
        let changes = (0..<8).map { index -> (Int, [String: Any]) in
            let text = ["yes yes", "oui", "one two", "deux", "no", "oil"][index % 6]
            return (
                index, ["target_text": text, "target_lang": languages[index % languages.count]]
            )
        }
        try folder.write(
            Array(0..<8), to: train, changes: Dictionary(uniqueKeysWithValues: changes))
        let vocabulary = url.appendingPathComponent("tokenizer")
        try expectColld(
            [
                "tokenizer", "train", "--type", "bpe", "--task", "translation", "--vocab-size",
                "36", "--language-tags", "--train", train.path, "--output", vocabulary.path,
            ], exits: 0)
        let tokenizer = try #require(try TranslationTokenizer(folder: vocabulary))
        #expect(languages.allSatisfy(tokenizer.languages.keys.contains))

        let loaded = try ModelLoader.load(Fixtures.model("w2vbert").path)
        let decoder = try TextDecoder(new: Self.sizes(for: tokenizer), seed: 2)
        withoutGradients {
            // So large that what was heard and what was written decide what comes next.
            for (_, tensor) in decoder.parameters.all where tensor.rank == 2 {
                tensor.assign(tensor * 15)
            }
        }
        let encoder = try #require(try loaded.encoder.addingAdapter(width: 32, seed: 3))
        let translator = try SpeechTranslator(encoder: encoder, decoder: decoder, seed: 4)
        translator.search.maximumLength = 16
        translator.search.beams = 3
        try translator.write(
            featureExtractor: loaded.featureExtractor, card: "",
            others: FileManager.default.contentsOfDirectory(atPath: vocabulary.path).map {
                ($0, try Data(contentsOf: vocabulary.appendingPathComponent($0)))
            }, to: model)
    }

    private static func sizes(for tokenizer: TranslationTokenizer) -> TextDecoderConfig {
        var sizes = TextDecoderConfig(.mbart)
        sizes.vocabularySize = tokenizer.count
        sizes.width = 32
        sizes.layerCount = 1
        sizes.headCount = 4
        sizes.feedForwardWidth = 64
        sizes.padding = tokenizer.padding
        sizes.begin = tokenizer.start
        sizes.end = tokenizer.end
        sizes.start = tokenizer.end
        sizes.forcedEnd = tokenizer.end
        return sizes
    }

    func translate(_ arguments: [String]) throws -> CommandResult {
        try expectColld(
            ["translate", "--model", model.path, "--no-progress"] + arguments, exits: 0)
    }

    /// Without the command: all of a file at once.
    func text(
        _ index: Int, into language: String, beams: Int = 3, lengthPenalty: Double = 1
    ) throws -> String {
        let loaded = try SpeechTranslator.load(model.path)
        let tokenizer = try #require(try TranslationTokenizer(folder: model))
        let translator = loaded.translator
        var search = translator.search
        search.beams = beams
        search.lengthPenalty = lengthPenalty
        let features = try loaded.featureExtractor.extract([ModelFiles.speech(index)])
        let prefix = TargetPrefix(
            start: [tokenizer.end], forced: tokenizer.languages[language])
        let found = translator.translate(
            EncoderInput(features, device: .cpu), prefixes: [prefix], search: search)
        return tokenizer.decode(try #require(found[0].first).text)
    }
}

extension Commands {
    @Suite("translate and evaluate") struct TranslateTests {
        private let files = ModelFiles.speechFiles

        @Test("files give their texts in the language that is asked for")
        func texts() throws {
            let folder = try TranslatorFolder()
            let (english, french) = (
                try (0...1).map { try folder.text($0, into: "eng") },
                try folder.text(0, into: "fra")
            )
            #expect(english[0] != french && !english[0].isEmpty, "\(english) \(french)")
            let lines = zip(files, english).map { "\($0)\t\($1)\n" }.joined()
            #expect(try folder.translate(files + ["--language", "en"]).output == lines)
            let one = try folder.translate([files[0], "--language", "fra", "--json"])
            let object = try JSONSerialization.jsonObject(with: Data(one.output.utf8))
            let clip = try #require((object as? [[String: Any]])?.first)
            #expect(clip["language"] as? String == "fra" && clip["text"] as? String == french)
            #expect((clip["segments"] as? [Any])?.count == 1)
            for (flags, beams, penalty) in [
                (["--beam", "1"], 1, 1.0),
                (["--beam", "6", "--length-penalty", "-4"], 6, -4.0),
            ] {
                let text = try folder.text(1, into: "eng", beams: beams, lengthPenalty: penalty)
                #expect(
                    try folder.translate([files[1], "--language", "eng"] + flags).output
                        == text + "\n", "\(flags)")
            }
        }

        @Test("long files are cut, nothing heard gives an empty text")
        func lengths() throws {
            let folder = try TranslatorFolder()
            let silent = folder.url.appendingPathComponent("empty.wav")
            let short = folder.url.appendingPathComponent("short.wav")
            let broken = folder.url.appendingPathComponent("broken.wav")
            try ModelFiles.writeWave([], to: silent)
            try ModelFiles.writeWave([1, 2, 3], to: short)
            try Data("no audio".utf8).write(to: broken)
            let call = ["--language", "eng"]
            let result = try expectColld(
                ["translate", "--model", folder.model.path] + call
                    + [silent, broken, short].map(\.path), exits: 0,
                saying: ["skipped", "broken.wav"])
            #expect(result.output == "\(silent.path)\t\n\(short.path)\t\n")

            let output = try folder.translate(
                [files[0], "--json", "--chunk-seconds", "1"] + call
            ).output
            let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
            let clip = try #require((object as? [[String: Any]])?.first)
            let segments = try #require(clip["segments"] as? [[String: Any]])
            let seconds = try #require(clip["seconds"] as? Double)
            let starts = segments.compactMap { $0["start"] as? Double }
            let ends = segments.compactMap { $0["end"] as? Double }
            #expect(segments.count >= Int(seconds) && starts == [0] + ends.dropLast())
            #expect(ends.last == seconds && zip(starts, ends).allSatisfy { $1 - $0 <= 1 })
            let texts = segments.compactMap { $0["text"] as? String }.filter { !$0.isEmpty }
            #expect(clip["text"] as? String == texts.joined(separator: " "))
        }

        @Test("what cannot be translated is refused")
        func refused() throws {
            let folder = try TranslatorFolder()
            let call = ["translate", "--model", folder.model.path, files[0]]
            try expectColld(call, exits: 2, saying: ["--language", "eng, fra", "none"])
            try expectColld(
                call + ["--language", "deu"], exits: 2, saying: ["--language", "'deu'"])
            try expectColld(call + ["--beam", "0"], exits: 64, saying: ["--beam"])
            try expectColld(
                call + ["--chunk-seconds", "0.5"], exits: 64, saying: ["--chunk-seconds"])
            try expectColld(
                ["translate", "--model", Fixtures.model("wav2vec2_ctc").path, files[0]], exits: 2,
                saying: ["model_type", "speech-encoder-decoder"])
            try expectColld(
                ["transcribe", "--model", folder.model.path, files[0]], exits: 2,
                saying: ["colld translate"])
            try FileManager.default.removeItem(
                at: folder.model.appendingPathComponent(SubwordVocabulary.fileName))
            try expectColld(call, exits: 2, saying: ["tokenizer", folder.model.path])
        }

        @Test("a manifest is scored by pairs of languages")
        func evaluated() throws {
            let folder = try TranslatorFolder()
            let manifest = folder.url.appendingPathComponent("test.jsonl")
            let output = folder.url.appendingPathComponent("report.json")
            // One is right, one is wrong in its last word, one names no language, one has no text.
            let texts = [
                try folder.text(0, into: "eng"), try folder.text(1, into: "fra"),
                try folder.text(1, into: "eng"),
            ]
            let words: [Substring] = texts[1].split(separator: " ").dropLast() + ["autre"]
            let right = words.joined(separator: " ")
            func write(_ language: String = "fra") throws {
                let lines: [[String: Any]] = [
                    ["lang": "en", "target_lang": "eng", "target_text": texts[0]],
                    [
                        "lang": "es", "target_lang": language,
                        "target_text": right,
                    ],
                    ["lang": "es", "target_text": "something else"], ["lang": "es"],
                ]
                let data = try lines.enumerated().map { index, line in
                    let clip = index == 0 ? 0 : 1
                    return try JSONSerialization.data(
                        withJSONObject: line.merging([
                            "audio_filepath": files[clip], "id": "u\(index)",
                            "duration": Double(try ModelFiles.speech(clip).count) / 16_000,
                        ]) { $1 })
                }
                try Data(data.joined(separator: Data("\n".utf8))).write(to: manifest)
            }
            let call = [
                "evaluate", "--model", folder.model.path, "--data", manifest.path,
            ]
            let into = call + ["--language", "eng", "--output", output.path]
            try write()
            let result = try expectColld(
                into, exits: 0, saying: ["1 of 4 utterances have no translation"])
            for fragment in ["BLEU|nrefs:1|case:mixed|eff:no|tok:13a", "chrF2++|", "en-eng"] {
                #expect(result.output.contains(fragment), "\(result.output)")
            }
            let report = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: output))
                    as? [String: Any])
            let utterances = try #require(report["utterances"] as? [[String: Any]])
            #expect(utterances.compactMap { $0["hypothesis"] as? String } == texts)
            #expect(
                utterances.compactMap { $0["target_language"] as? String } == ["eng", "fra", "eng"])
            let scores = try #require(report["scores"] as? [String: Any])
            let parts = try #require(scores["languages"] as? [[String: Any]])
            #expect(
                parts.map { [$0["source_language"] as? String, $0["language"] as? String] } == [
                    ["en", "eng"], ["es", "eng"], ["es", "fra"],
                ])
            func value(_ part: Any?, _ metric: String) throws -> Double {
                let all = try #require((part as? [String: Any])?["scores"] as? [[String: Any]])
                let found = all.first {
                    $0["metric"] as? String == metric && $0["form"] as? String == "raw"
                }
                return try #require(found?["value"] as? Double)
            }
            let references = [texts[0], right, "something else"]
            let scored = zip(references, texts).map {
                ScoredText(id: "", reference: $0, hypothesis: $1)
            }
            let chrf = CHRF(wordOrder: 2)
            for (part, clip) in zip(parts, [0, 2, 1]) {
                let bleu = try BLEU().corpusScore([scored[clip]]).score
                expectClose(try value(part, "bleu"), bleu, within: 1e-9)
                expectClose(
                    try value(part, "chrf++"), chrf.corpusScore([scored[clip]]), within: 1e-9)
            }
            #expect(try value(parts[0], "chrf++") > 99)
            let all = try BLEU().corpusScore(scored).score
            expectClose(try value(scores["total"], "bleu"), all, within: 1e-9)

            try expectColld(call, exits: 2, saying: ["'u2'", "target_lang", "eng, fra", "none"])
            try expectColld(
                into + ["--lm", "x.arpa"], exits: 2, saying: ["--lm", "a recogniser"])
            try expectColld(
                [
                    "evaluate", "--model", Fixtures.model("wav2vec2_ctc").path, "--data",
                    manifest.path, "--length-penalty", "1",
                ], exits: 2, saying: ["--length-penalty", "a translation model"])
            try write("deu")
            try expectColld(into, exits: 2, saying: ["'u1'", "'deu'"])
        }
    }
}
