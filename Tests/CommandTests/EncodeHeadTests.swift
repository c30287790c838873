import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("encode with a head") struct EncodeHeadTests {
        private func arguments(
            _ model: String, _ folder: URL, _ more: [String] = []
        ) throws -> [String] {
            let input = folder.appendingPathComponent("input.safetensors")
            try ModelFiles.writeInput(model, to: input)
            return [
                "encode", "--model", Fixtures.model(model).path, "--input", input.path,
                "--output", folder.appendingPathComponent("output.safetensors").path,
            ] + more
        }

        @Test(
            "logits are those of the reference",
            arguments: [
                ("wav2vec2_ctc", nil), ("w2vbert_adapter_ctc", nil),
                ("store_safetensors_weight_g", nil), ("wav2vec2_mms_ctc", nil),
                ("wav2vec2_mms_ctc", "eng"), ("wav2vec2_mms_ctc", "fra"),
            ] as [(String, String?)])
        func logits(_ model: String, _ language: String?) throws {
            try withTemporaryDirectory { folder in
                let more = language.map { ["--language", $0] } ?? []
                try expectColld(
                    arguments(model, folder, ["--logits", "--reference-padding"] + more), exits: 0)
                let found = try SafetensorsFile(
                    path: folder.appendingPathComponent("output.safetensors").path)
                let expected = try Fixtures.expected(model)
                let name = language == "fra" ? "ctc.fra.logits" : "ctc.logits"
                #expect(found.entry("logits")?.dtype == .float32)
                #expect(found.entry("logits")?.shape == expected.entry(name)?.shape)
                expectClose(
                    try found.floats("logits"), try expected.floats(name), within: 1e-4)
                let lengths =
                    found.entry("output_lengths") == nil ? "lengths" : "output_lengths"
                #expect(
                    try found.integers(lengths) == expected.integers("ctc.input_lengths"))
            }
        }

        @Test("audio files have logits, too")
        func audio() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("output.safetensors")
                try expectColld(
                    [
                        "encode", "--model", Fixtures.model("w2vbert_adapter_ctc").path,
                        "--output", output.path, "--logits", "--audio",
                    ] + ModelFiles.speechFiles, exits: 0)
                let found = try SafetensorsFile(path: output.path)
                let frames = try #require(found.entry("last_hidden_state")).shape[1]
                #expect(found.entry("logits")?.shape == [2, frames, 32])
            }
        }

        @Test("without a head, adapters or the language the error says so")
        func errors() throws {
            try withTemporaryDirectory { folder in
                try expectColld(
                    arguments("w2vbert", folder, ["--logits"]), exits: 2,
                    saying: ["w2vbert", "lm_head.weight"])
                try expectColld(
                    arguments("wav2vec2_ctc", folder, ["--language", "fra"]), exits: 2,
                    saying: ["has no language adapters", "adapter.fra.safetensors"])
                try expectColld(
                    arguments("wav2vec2_mms_ctc", folder, ["--language", "deu"]), exits: 2,
                    saying: ["'deu'", "eng, fra"])
                let model = try ModelFiles.copy("wav2vec2_ctc", into: folder)
                try ModelFiles.rewriteConfig(model) {
                    $0.replacing("\"pad_token_id\": 0", with: "\"pad_token_id\": 1")
                }
                let input = folder.appendingPathComponent("input.safetensors").path
                let output = folder.appendingPathComponent("output.safetensors").path
                let call = [
                    "encode", "--model", model.path, "--input", input, "--output", output,
                ]
                try expectColld(
                    call + ["--logits"], exits: 2, saying: ["vocab.json", "pad_token_id"])
                #expect(!FileManager.default.fileExists(atPath: output))
                try expectColld(call, exits: 0)
            }
        }
    }
}
