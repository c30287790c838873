import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("convert") struct ConvertTests {
        static let names = [
            "ctc_args_legacy", "ctc_hubert_cfg", "data2vec_cfg", "hubert_cfg", "hubert_omega",
            "wav2vec2_args", "xlsr_fp16",
        ]

        static func checkpoint(_ name: String) -> String { file("\(name).pt") }

        private static func activations(_ name: String) -> String { file("\(name).safetensors") }

        static func file(_ name: String) -> String { Fixtures.url("fairseq/\(name)").path }

        @Test("fairseq's checkpoints compute what is stored beside them", arguments: names)
        func verified(_ name: String) throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let json = try expectColld(
                    [
                        "convert", "--checkpoint", Self.checkpoint(name), "--output", output.path,
                        "--verify", Self.activations(name), "--json",
                    ], exits: 0
                ).json()
                #expect(json["origin"] as? String == "fairseq")
                let verification = try #require(json["verification"] as? [String: Any])
                let differences = try #require(verification["differences"] as? [[String: Any]])
                let tensors = differences.compactMap { $0["tensor"] as? String }
                #expect(
                    tensors == [
                        "ffn.0", "ffn.1", "hidden_states.0", "hidden_states.1", "hidden_states.2",
                        "last_hidden_state",
                    ])
                #expect(differences.allSatisfy { ($0["largest"] as? Double ?? 1) < 1e-4 })
                // Other commands read the result.
                let inspection = try expectColld(["inspect", output.path, "--json"], exits: 0)
                    .json()
                #expect(inspection["problems"] as? [String] == [])
                #expect(inspection["family"] as? String == json["family"] as? String)
            }
        }

        @Test("the report names what is left out")
        func report() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let result = try expectColld(
                    [
                        "convert", "--checkpoint", Self.checkpoint("wav2vec2_args"), "--output",
                        output.path, "--verify", Self.activations("wav2vec2_args"),
                    ], exits: 0,
                    saying: [
                        "left out: quantizer (2 tensors, 192 values)",
                        "left out: final_proj (2 tensors, 136 values)", "project_q",
                    ])
                for word in ["Wav2Vec2Model", "hidden_states.2", "largest difference"] {
                    #expect(result.output.contains(word), "\(word)")
                }
                let files = try FileManager.default.contentsOfDirectory(atPath: output.path)
                #expect(
                    files.sorted() == [
                        "README.md", "config.json", "model.safetensors",
                        "preprocessor_config.json",
                    ])
            }
        }

        /// A copy of stored activations with one value moved, under names as fairseq has them if asked.
        private func altered(
            _ name: String, _ tensor: String, by difference: Float, renamed: [String: String] = [:],
            to url: URL
        ) throws {
            let file = try Fixtures.safetensors("fairseq/\(name).safetensors")
            let entries = try file.names.map { name in
                var values = try file.floats(name)
                if name == tensor { values[5] += difference }
                let shape = try #require(file.entry(name)).shape
                return name == "attention_mask"
                    ? SafetensorsEntry(name: name, shape: shape, int32s: values.map { Int32($0) })
                    : SafetensorsEntry(name: renamed[name] ?? name, shape: shape, floats: values)
            }
            try SafetensorsWriter.write(entries, to: url)
        }

        @Test("activations that differ end with 3 and leave nothing")
        func gate() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let stored = folder.appendingPathComponent("stored.safetensors")
                func convert(_ more: [String], exits status: Int32, saying: [String]) throws {
                    try expectColld(
                        [
                            "convert", "--checkpoint", Self.checkpoint("hubert_cfg"), "--output",
                            output.path, "--verify", stored.path,
                        ] + more, exits: status, saying: saying)
                }
                try altered(
                    "hubert_cfg", "layer_results.1", by: 0,
                    renamed: ["hidden_states.2": "layer_results.1", "last_hidden_state": "x"],
                    to: stored)
                try convert([], exits: 0, saying: [])
                try FileManager.default.removeItem(at: output)
                try altered("hubert_cfg", "hidden_states.1", by: 0.01, to: stored)
                try convert([], exits: 3, saying: ["'hidden_states.1'", "0.0001", "0.0099"])
                try altered("hubert_cfg", "ffn.0", by: .nan, to: stored)
                try convert([], exits: 3, saying: ["'ffn.0'", "inf"])
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
                #expect(left == ["stored.safetensors"])
                try altered("hubert_cfg", "hidden_states.1", by: 0.01, to: stored)
                try convert(["--tolerance", "0.1"], exits: 0, saying: [])
            }
        }

        @Test("activations that do not fit")
        func misfits() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let stored = folder.appendingPathComponent("stored.safetensors")
                func fails(_ renamed: [String: String], _ fragments: [String]) throws {
                    try altered("hubert_cfg", "", by: 0, renamed: renamed, to: stored)
                    try expectColld(
                        [
                            "convert", "--checkpoint", Self.checkpoint("hubert_cfg"), "--output",
                            output.path, "--verify", stored.path,
                        ], exits: 2, saying: ["stored.safetensors"] + fragments)
                    #expect(!FileManager.default.fileExists(atPath: output.path))
                }
                try fails(["ffn.1": "ffn.2"], ["'ffn.2'", "up to 1"])
                try fails(["hidden_states.2": "hidden_states.3"], ["'hidden_states.3'", "up to 2"])
                try fails(["input_values": "samples"], ["'input_values'", "hubert"])
                let samples = try Fixtures.safetensors("fairseq/hubert_cfg.safetensors")
                    .floats("input_values")
                try SafetensorsWriter.write(
                    [
                        SafetensorsEntry(name: "input_values", shape: [2, 2400], floats: samples),
                        SafetensorsEntry(name: "x", shape: [2, 1, 2], floats: [0, 0, 0, 0]),
                    ], to: stored)
                try expectColld(
                    [
                        "convert", "--checkpoint", Self.checkpoint("hubert_cfg"), "--output",
                        output.path, "--verify", stored.path,
                    ], exits: 2, saying: ["'x'", "the shape [2, 7, 16]", "[2, 1, 2]"])
            }
        }

        @Test("half precision stays unless another is asked for")
        func precision() throws {
            try withTemporaryDirectory { folder in
                let precisions: [(String?, String)] = [
                    (nil, "F16"), ("fp32", "F32"), ("bf16", "BF16"),
                ]
                for (precision, dtype) in precisions {
                    let output = folder.appendingPathComponent(dtype)
                    try expectColld(
                        [
                            "convert", "--checkpoint", Self.checkpoint("xlsr_fp16"), "--output",
                            output.path,
                        ] + (precision.map { ["--precision", $0] } ?? []), exits: 0)
                    let json = try expectColld(["inspect", output.path, "--json"], exits: 0).json()
                    #expect((json["dtypes"] as? [String: Int])?.keys.sorted() == [dtype])
                }
            }
        }

        @Test("a dictionary becomes a tokenizer")
        func dictionary() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let arguments = [
                    "convert", "--checkpoint", Self.checkpoint("ctc_args_legacy"), "--output",
                    output.path, "--dictionary",
                ]
                try expectColld(
                    arguments + [folder.appendingPathComponent("none.txt").path], exits: 2,
                    saying: ["none.txt"])
                try expectColld(arguments + [Self.file("dict.ltr.txt")], exits: 0)
                for name in ["vocab.json", "tokenizer_config.json", "special_tokens_map.json"] {
                    let path = output.appendingPathComponent(name).path
                    #expect(FileManager.default.fileExists(atPath: path), "\(name)")
                }
            }
        }

        @Test("pickled weights with a config.json beside them", arguments: ["bare", "nested"])
        func pickled(_ form: String) throws {
            try withTemporaryDirectory { folder in
                let source = try ModelFiles.copy("store_bin_weight_g", into: folder)
                var checkpoint = source.appendingPathComponent("pytorch_model.bin")
                if form == "nested" {
                    // As training programs save them, behind the prefix of parallel training.
                    let weights = try PickleCheckpoint(path: checkpoint.path)
                    var storages: [(String, [UInt8])] = []
                    var members: [(String, [UInt8])] = []
                    for name in weights.names {
                        let info = try #require(weights.entry(name))
                        let bytes = try weights.withBytes(of: name) { [UInt8]($0) }
                        let key = "\(storages.count)"
                        storages.append((key, bytes))
                        var strides = [1]
                        for size in info.shape.dropFirst().reversed() {
                            strides.insert(strides[0] * size, at: 0)
                        }
                        let storage = PickleBytes.storage(key, "FloatStorage", bytes.count / 4)
                        try #require(info.dtype == .float32)
                        members.append(
                            (
                                "module." + name,
                                PickleBytes.tensor(
                                    storage, info.shape,
                                    strides: info.shape.isEmpty ? [] : strides)
                            ))
                    }
                    let body = PickleBytes.dictionary([
                        ("state_dict", PickleBytes.dictionary(members)),
                        ("epoch", PickleBytes.integer(3)),
                        (
                            "hyper_parameters",
                            PickleBytes.object(
                                "argparse", "Namespace", PickleBytes.dictionary([]))
                        ),
                    ])
                    try FileManager.default.removeItem(at: checkpoint)
                    checkpoint = source.appendingPathComponent("last.ckpt")
                    try Data(PickleBytes.archive(body, storages)).write(to: checkpoint)
                }
                let output = folder.appendingPathComponent("model")
                let json = try expectColld(
                    [
                        "convert", "--checkpoint", checkpoint.path, "--output", output.path,
                        "--json",
                    ], exits: 0
                ).json()
                #expect(json["origin"] as? String == "transformers")
                let names = try SafetensorsFile(
                    path: output.appendingPathComponent("model.safetensors").path
                ).names
                #expect(names.contains { $0.hasSuffix("conv.parametrizations.weight.original0") })
                #expect(!names.contains { $0.hasSuffix("weight_g") })
                let encoded = folder.appendingPathComponent("encoded.safetensors")
                let input = folder.appendingPathComponent("input.safetensors")
                try ModelFiles.writeInput("store_bin_weight_g", to: input)
                try expectColld(
                    [
                        "encode", "--model", output.path, "--input", input.path, "--output",
                        encoded.path, "--reference-padding",
                    ], exits: 0)
                expectClose(
                    try SafetensorsFile(path: encoded.path).floats("last_hidden_state"),
                    try Fixtures.expected("store_bin_weight_g").floats("mask.last_hidden_state"),
                    within: 1e-4)
            }
        }

        @Test("checkpoints that are not read, and outputs that are not written")
        func refusals() throws {
            try withTemporaryDirectory { folder in
                let output = folder.appendingPathComponent("model")
                let marker = folder.appendingPathComponent("marker")
                func fails(_ name: String, _ bytes: [UInt8], _ fragments: [String]) throws {
                    let url = folder.appendingPathComponent(name)
                    try Data(bytes).write(to: url)
                    try expectColld(
                        ["convert", "--checkpoint", url.path, "--output", output.path], exits: 2,
                        saying: [name] + fragments)
                    #expect(!FileManager.default.fileExists(atPath: output.path))
                    #expect(!FileManager.default.fileExists(atPath: marker.path))
                }
                for (module, name) in [("posix", "system"), ("builtins", "exec")] {
                    let call = PickleBytes.call(
                        PickleBytes.callable(module, name),
                        PickleBytes.text("touch \(marker.path)"))
                    let body = PickleBytes.dictionary([("args", call)])
                    try fails(
                        "code.pt", PickleBytes.archive(body, []),
                        ["'\(module).\(name)'", "never run"])
                    try fails(
                        "old.pt", PickleBytes.chain(body, []),
                        ["'\(module).\(name)'", "never run"])
                }
                try fails(
                    "empty.pt", PickleBytes.archive(PickleBytes.dictionary([]), []),
                    ["'cfg'", "config.json"])
                try fails("text.pt", Array("no checkpoint".utf8), ["not a PyTorch checkpoint"])
                try FileManager.default.createDirectory(
                    at: output, withIntermediateDirectories: true)
                try Data().write(to: output.appendingPathComponent("kept"))
                try expectColld(
                    [
                        "convert", "--checkpoint", Self.checkpoint("hubert_cfg"), "--output",
                        output.path,
                    ], exits: 2, saying: [output.path, "a new or empty folder"])
                try expectColld(
                    ["convert", "--checkpoint", "x", "--output", "y", "--tolerance", "-1"],
                    exits: 64, saying: ["--tolerance"])
            }
        }
    }
}
