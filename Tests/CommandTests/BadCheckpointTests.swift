import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Weight files made to do harm: each is an error that names the file, and quickly.
    @Suite("hostile checkpoints") struct BadCheckpointTests {
        /// One file in the place of a model's weights.
        private struct Hostile: CustomTestStringConvertible {
            var testDescription: String
            var name: String
            var bytes: [UInt8]
            var fragments: [String]
            /// Beside it, if anything.
            var other: (name: String, bytes: [UInt8])?

            init(
                _ what: String, _ name: String, _ bytes: [UInt8], _ fragments: [String],
                other: (name: String, bytes: [UInt8])? = nil
            ) {
                testDescription = what
                self.name = name
                self.bytes = bytes
                self.fragments = fragments
                self.other = other
            }
        }

        private static func pickled(
            _ what: String, _ body: [UInt8], _ fragments: [String],
            storages: [(String, [UInt8])] = []
        ) -> Hostile {
            Hostile(what, "pytorch_model.bin", PickleBytes.archive(body, storages), fragments)
        }

        private static func zipped(
            _ what: String, _ fragments: [String], _ fill: (inout ZipBytes) -> Void
        ) -> Hostile {
            var zip = ZipBytes()
            fill(&zip)
            return Hostile(what, "pytorch_model.bin", zip.finished(), fragments)
        }

        private static func header(
            _ what: String, _ header: String, _ fragments: [String], data: Int = 8
        ) -> Hostile {
            Hostile(
                what, "model.safetensors",
                Array(safetensorsBytes(header, [UInt8](repeating: 0, count: data))), fragments)
        }

        private static func index(_ what: String, _ map: String, _ fragments: [String]) -> Hostile {
            Hostile(
                what, "model.safetensors.index.json", Array(#"{"weight_map": {\#(map)}}"#.utf8),
                fragments)
        }

        private static let pickles: [Hostile] = [
            pickled(
                "a callable that runs programs",
                PickleBytes.dictionary([
                    (
                        "a",
                        PickleBytes.call(
                            PickleBytes.callable("os", "system"), PickleBytes.text("true"))
                    )
                ]), ["'os.system'", "never run"]),
            pickled(
                "an object that training checkpoints may hold",
                PickleBytes.dictionary([
                    (
                        "a",
                        PickleBytes.object("argparse", "Namespace", PickleBytes.dictionary([]))
                    )
                ]), ["'argparse.Namespace'", "never run"]),
            pickled(
                "a tensor of a terabyte in four bytes",
                PickleBytes.dictionary([
                    (
                        "a",
                        PickleBytes.tensor(
                            PickleBytes.storage("0", "FloatStorage", 1), [1 << 38], strides: [0])
                    )
                ]), ["'a'", "at most", "1099511627776"], storages: [("0", [0, 0, 0, 0])]),
            pickled(
                "a tensor outside its storage",
                PickleBytes.dictionary([
                    (
                        "a",
                        PickleBytes.tensor(
                            PickleBytes.storage("0", "FloatStorage", 1), [2], strides: [1])
                    )
                ]), ["'a'", "its storage of 1 elements"], storages: [("0", [0, 0, 0, 0])]),
            pickled(
                "a text of two gigabytes in ten bytes",
                [UInt8(ascii: "X"), 0xFF, 0xFF, 0xFF, 0x7F], ["bytes in a text"]),
            zipped("a compressed entry", ["compression method 8", "archive/data.pkl"]) {
                $0.method = 8
                // 64 KiB of zeros as DEFLATE writes them, said to be ten gigabytes.
                $0.isWide = true
                $0.add("archive/data.pkl", [UInt8](repeating: 0xED, count: 70), size: 10 << 30)
            },
            zipped("an entry larger than the file", ["entry 'archive/data/0'"]) {
                $0.isWide = true
                $0.add("archive/data.pkl", PickleBytes.pickle(PickleBytes.dictionary([])))
                $0.add("archive/data/0", [0, 0, 0, 0], size: 10 << 30)
            },
            zipped("two entries in one place", ["apart from others"]) {
                $0.add("archive/data.pkl", PickleBytes.pickle(PickleBytes.dictionary([])))
                // The second lies inside the first.
                var inner = ZipBytes()
                inner.add("archive/data/1", [0, 0, 0, 0])
                $0.add("archive/data/0", inner.bytes)
                $0.add(
                    "archive/data/1", [0, 0, 0, 0], offset: $0.bytes.count - inner.bytes.count)
            },
        ]

        private static let headers: [Hostile] = [
            header(
                "overlapping tensors",
                #"""
                {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                 "b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}
                """#, ["'b'", "without hole or overlap"]),
            header(
                "a hole",
                #"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}"#,
                ["'a'", "without hole or overlap"]),
            header(
                "offsets behind the end",
                #"{"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}"#,
                ["truncated"]),
            header(
                "offsets beyond 63 bits",
                #"{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 9223372036854775807]}}"#,
                ["'a'", "data_offsets"]),
            header(
                "sizes whose product overflows",
                #"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}}"#,
                ["'a'", "fits in memory"]),
            header(
                "an element type that is not read",
                #"{"a": {"dtype": "F8_E4M3", "shape": [8], "data_offsets": [0, 8]}}"#,
                ["'a'", "F8_E4M3", "BF16"]),
            Hostile(
                "a header longer than the file", "model.safetensors",
                littleEndian(UInt64(1000)) + Array("{}".utf8), ["truncated", "1008"]),
            Hostile(
                "a header longer than any", "model.safetensors",
                littleEndian(UInt64.max) + Array("{}".utf8), ["18446744073709551615"]),
        ]

        private static let indices: [Hostile] = [
            index(
                "an index that names missing shards",
                #""a": "model-1.safetensors", "b": "model-2.safetensors""#,
                ["2 missing", "'model-1.safetensors'", "'model-2.safetensors'"]),
            index(
                "an index that leaves the directory", #""a": "../../etc/passwd""#,
                ["weight_map.a", "'../../etc/passwd'"]),
            index("an index with an absolute path", #""a": "/etc/passwd""#, ["'/etc/passwd'"]),
            index("an index of the folder above", #""a": """#, ["weight_map.a"]),
            index("an index without tensors", "", ["weight_map", "at least one tensor"]),
            Hostile(
                "an index that puts tensors where they are not", "model.safetensors.index.json",
                Array(#"{"weight_map": {"a": "s.safetensors", "b": "s.safetensors"}}"#.utf8),
                ["maps 1 tensor", "'b'"],
                other: (
                    "s.safetensors",
                    Array(
                        safetensorsBytes(
                            #"{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}"#, [0]))
                )),
        ]

        @Test("are errors of inspect and encode", arguments: pickles + headers + indices)
        private func files(_ file: Hostile) throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("hubert_base", into: folder)
                try FileManager.default.removeItem(
                    at: model.appendingPathComponent("model.safetensors"))
                try Data(file.bytes).write(to: model.appendingPathComponent(file.name))
                if let other = file.other {
                    try Data(other.bytes).write(to: model.appendingPathComponent(other.name))
                }
                let input = folder.appendingPathComponent("input.safetensors")
                try ModelFiles.writeInput("hubert_base", to: input)
                let output = folder.appendingPathComponent("output.safetensors")
                for command in [
                    ["inspect", model.path],
                    [
                        "encode", "--model", model.path, "--input", input.path, "--output",
                        output.path,
                    ],
                ] {
                    let result = try runColld(command, timeLimit: 60)
                    #expect(result.status == 2, "\(command[0]): \(result.errors)")
                    for fragment in [file.name] + file.fragments {
                        #expect(result.errors.contains(fragment), "\(fragment): \(result.errors)")
                    }
                    #expect(result.output.isEmpty)
                    #expect(!FileManager.default.fileExists(atPath: output.path))
                }
            }
        }

        @Test("tensors of the wrong shape are listed, whatever the format")
        func shapes() throws {
            try withTemporaryDirectory { folder in
                let model = try ModelFiles.copy("hubert_base", into: folder)
                let name = "encoder.layers.0.attention.k_proj.weight"
                try ModelFiles.rewriteWeights(model) { values in
                    for index in values.indices where values[index].name == name {
                        let shape = values[index].shape
                        values[index].shape = [shape[0] * 2, shape[1] / 2]
                    }
                }
                let output = folder.appendingPathComponent("output.safetensors")
                for command in [
                    ["inspect", model.path],
                    [
                        "encode", "--model", model.path, "--audio", ModelFiles.speechFiles[0],
                        "--output", output.path,
                    ],
                ] {
                    try expectColld(command, exits: 2, saying: ["shape of \(name)", "expected ["])
                }
            }
        }
    }
}
