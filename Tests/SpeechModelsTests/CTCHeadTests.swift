import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Heads of recognisers, language adapters, and what they share with tokenizers.
@Suite(.serialized) struct CTCHeadTests {
    static let recognizers: [(model: String, language: String?)] = [
        ("wav2vec2_ctc", nil), ("w2vbert_adapter_ctc", nil), ("store_safetensors_weight_g", nil),
        ("wav2vec2_mms_ctc", nil), ("wav2vec2_mms_ctc", "eng"), ("wav2vec2_mms_ctc", "fra"),
    ]

    /// A fixture that has been run.
    private struct Run {
        let output: EncoderOutput
        let logits: Tensor

        init(_ model: LoadedModel, _ expected: SafetensorsFile) throws {
            let input = model.featureExtractor.inputName.rawValue
            let shape = try #require(expected.entry(input)).shape
            let mask = try expected.integers("attention_mask")
            let lengths = (0..<shape[0]).map { clip in
                mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
            }
            let values = Tensor(try expected.floats(input), shape)
            let head = try model.loadHead()
            output = withoutGradients {
                model.encoder.encode(
                    EncoderInput(values: values, lengths: lengths, padding: .reference))
            }
            let last = try #require(output.lastHiddenState)
            logits = withoutGradients { head(last) }
        }
    }

    @Test(arguments: recognizers)
    func equalsTheReference(_ name: String, _ language: String?) throws {
        let model = try ModelLoader.load(Fixtures.model(name).path, language: language)
        let expected = try Fixtures.expected(name)
        let run = try Run(model, expected)
        let prefix = language == "fra" ? "ctc.fra" : "ctc"
        #expect(run.logits.shape == expected.entry("\(prefix).logits")?.shape)
        expectClose(
            run.logits.floats(), try expected.floats("\(prefix).logits"), within: 1e-4, prefix)
        #expect(run.logits.argmax(2).integers() == (try expected.integers("\(prefix).argmax")))
        #expect(
            run.output.outputLengths == (try expected.integers("\(prefix).input_lengths")))
    }

    /// From the audio's features to the text that the reference reads out of them.
    @Test(arguments: recognizers)
    func decodesTheSameText(_ name: String, _ language: String?) throws {
        let model = try ModelLoader.load(Fixtures.model(name).path, language: language)
        let run = try Run(model, Fixtures.expected(name))
        let tokenizer = try #require(try model.loadHead().tokenizer)
        let best = run.logits.argmax(2)
        let texts = run.output.outputLengths.enumerated().map { clip, length in
            tokenizer.decode(Array(best.select(0, clip).integers().prefix(length))).text
        }
        let url = Fixtures.model(name).appendingPathComponent("ctc.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
        let report = try #require(json as? [String: [String: Any]])
        let greedy = try #require(report[language ?? "eng"]?["greedy"] as? [[String: Any]])
        #expect(texts == greedy.compactMap { $0["text"] as? String })
    }

    /// An adapter that is a pickle is read as well.
    @Test func readsPickledAdapters() throws {
        guard let python = ProcessInfo.processInfo.environment["COLLD_ORACLE"] else { return }
        try withModel("wav2vec2_mms_ctc") { folder in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: python)
            process.arguments = [
                "-c",
                """
                import os, sys, torch
                from safetensors.torch import load_file
                os.chdir(sys.argv[1])
                torch.save(load_file("adapter.fra.safetensors"), "adapter.fra.bin")
                os.remove("adapter.fra.safetensors")
                """, folder.path,
            ]
            try process.run()
            process.waitUntilExit()
            let directory = try ModelDirectory(folder.path)
            #expect(try directory.adapterFiles["fra"]?.lastPathComponent == "adapter.fra.bin")
            let expected = try Fixtures.expected("wav2vec2_mms_ctc")
            let run = try Run(ModelLoader.load(directory, language: "fra"), expected)
            expectClose(run.logits.floats(), try expected.floats("ctc.fra.logits"), within: 1e-4)

            // An export has it as safetensors.
            let url = folder.url.deletingLastPathComponent().appendingPathComponent("export")
            _ = try HuggingFaceExport(directory).write(to: url)
            let adapter = "adapter.fra.safetensors"
            let written = try SafetensorsFile(path: url.appendingPathComponent(adapter).path)
            let original = try Fixtures.safetensors("models/wav2vec2_mms_ctc/\(adapter)")
            #expect(written.names == original.names)
            for name in original.names {
                #expect(try written.floats(name) == original.floats(name), "\(name)")
            }
        }
    }

    @Test func listsLanguages() throws {
        let directory = try ModelDirectory(Fixtures.model("wav2vec2_mms_ctc").path)
        #expect(try directory.adapterLanguages == ["eng", "fra"])
        expectError(
            ModelDirectoryError.self, containing: ["wav2vec2_mms_ctc", "'deu'", "eng, fra"]
        ) { try ModelLoader.load(directory, language: "deu") }
        for language in ["", "../wav2vec2_ctc/x", "fra.safetensors"] {
            expectError(ModelDirectoryError.self) {
                try ModelLoader.load(directory, language: language)
            }
        }
        expectError(
            ModelDirectoryError.self, containing: ["wav2vec2_ctc", "adapter.fra.safetensors"]
        ) { try ModelLoader.load(Fixtures.model("wav2vec2_ctc").path, language: "fra") }
    }

    @Test func encodersHaveNoHead() throws {
        let model = try ModelLoader.load(Fixtures.model("hubert_base").path)
        #expect(!model.hasHead)
        expectError(ModelError.self, containing: ["hubert_base", "lm_head", "hubert"]) {
            try model.loadHead()
        }
    }

    /// What an adapter lacks, has too much or in another shape is listed with its file.
    @Test func adaptersAreStrict() throws {
        try withModel("wav2vec2_mms_ctc") { folder in
            let url = folder.file("adapter.fra.safetensors")
            let file = try SafetensorsFile(path: url.path)
            let gone = "wav2vec2.encoder.layers.1.adapter_layer.norm.weight"
            let bent = "wav2vec2.encoder.layers.0.adapter_layer.linear_1.bias"
            var entries = try file.names.filter { $0 != gone && $0 != bent }.map { name in
                SafetensorsEntry(
                    name: name, shape: try #require(file.entry(name)).shape,
                    floats: try file.floats(name))
            }
            entries.append(SafetensorsEntry(name: bent, shape: [3], floats: [1, .nan, 3]))
            entries.append(
                SafetensorsEntry(
                    name: "wav2vec2.encoder.layer_norm.weight", shape: [1], floats: [1]))
            try SafetensorsWriter.write(entries, to: url)
            expectError(
                ModelError.self,
                containing: [
                    "missing: encoder.layers.1.adapter_layer.norm.weight of adapter.fra",
                    "unused: wav2vec2.encoder.layer_norm.weight of adapter.fra",
                    "encoder.layers.0.adapter_layer.linear_1.bias of adapter.fra.safetensors: "
                        + "expected [8], found [3]",
                ]
            ) { try ModelLoader.load(folder.path, language: "fra") }
            #expect(throws: Never.self) { try ModelLoader.load(folder.path, language: "eng") }
        }
    }

    /// A head or tokenizer that does not fit is an error of those who use it and of nobody else.
    @Test(
        arguments: [
            (
                "vocab.json", "\"Z\": 31", "\"Z\": 32",
                ["vocab.json", "'Z'", "an id below 32", "32"]
            ),
            ("vocab.json", "\"Z\": 31,", "", ["vocab.json", "32 tokens", "none with the id 31"]),
            (
                "config.json", "\"pad_token_id\": 0", "\"pad_token_id\": 5",
                ["'<pad>'", "pad_token_id", "the id 5", "found 0"]
            ),
            (
                "config.json", "\"pad_token_id\": 0", "\"pad_token_id\": 32",
                ["config.json", "pad_token_id", "32 tokens", "found 32"]
            ),
            (
                "config.json", "\"vocab_size\": 32", "\"vocab_size\": 31",
                ["shape of lm_head.weight", "[31, 32]", "[32, 32]"]
            ),
            (
                "config.json", "\"ctc_loss_reduction\": \"sum\"", "\"ctc_loss_reduction\": \"x\"",
                ["ctc_loss_reduction", "sum or mean", "x"]
            ),
            ("vocab.json", "{", "[", ["vocab.json"]),
        ])
    func disagreements(
        _ file: String, _ text: String, _ other: String, _ fragments: [String]
    ) throws {
        try withModel("wav2vec2_ctc") { folder in
            let url = folder.file(file)
            let before = try String(contentsOf: url, encoding: .utf8)
            let after = before.replacing(text, with: other)
            #expect(before != after)
            try after.write(to: url, atomically: true, encoding: .utf8)
            let model = try ModelLoader.load(folder.path)
            let error = #expect(throws: (any Error).self) { try model.loadHead() }
            let reported = try #require(error as? any ReportedError)
            #expect(reported.exitStatus == .badInput)
            for fragment in fragments {
                #expect("\(reported)".contains(fragment), "\(reported)")
            }
        }
    }

    /// Special tokens that were added behind the head's vocabulary never come out of it.
    @Test func addedTokensNeedNoScores() throws {
        try withModel("wav2vec2_ctc") { folder in
            let url = folder.file("tokenizer_config.json")
            let text = try String(contentsOf: url, encoding: .utf8)
                .replacing("\"bos_token\": \"<s>\"", with: "\"bos_token\": \"<begin>\"")
            try text.write(to: url, atomically: true, encoding: .utf8)
            let tokenizer = try #require(try ModelLoader.load(folder.path).loadHead().tokenizer)
            #expect(tokenizer.text(of: 32) == "<begin>")
        }
    }

    /// A new head starts from random weights under Hugging Face's names.
    @Test func newHeads() {
        let head = CTCHead(
            CTCConfig(vocabularySize: 7), width: 12, vocabularySize: 7,
            in: ParameterStore(seed: 3))
        #expect(head.parameters.names == ["lm_head.weight", "lm_head.bias"])
        #expect(head(Tensor.zeros([2, 3, 12])).shape == [2, 3, 7])
        #expect(head.vocabularySize == 7)
    }
}
