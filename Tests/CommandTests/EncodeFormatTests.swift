import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    @Suite("encode for NumPy") struct EncodeFormatTests {
        private let speech = ModelFiles.speechFiles

        private func arguments(_ more: [String], to output: URL) -> [String] {
            [
                "encode", "--model", Fixtures.model("w2vbert_adapter_ctc").path, "--output",
                output.path,
            ] + more
        }

        /// Names, types and shapes of arrays as NumPy reads them, and the sum of each.
        private func load(_ files: [URL]) throws -> [String] {
            let python = try #require(Oracle.python)
            let script = """
                import sys, numpy
                for path in sys.argv[1:]:
                    a = numpy.load(path, allow_pickle=False)
                    print(a.dtype, a.shape, repr(float(a.astype('f8').sum())))
                """
            let result = try Colld.run(python, ["-c", script] + files.map(\.path))
            try #require(result.status == 0, "\(result.errors)")
            return result.output.split(separator: "\n").map(String.init)
        }

        private func expectArray(
            _ text: String, _ dtype: String, _ file: SafetensorsFile, _ name: String,
            within tolerance: Double
        ) throws {
            let shape = try #require(file.entry(name)).shape
            let prefix = "\(dtype) (\(shape[1]), \(shape[2])) "
            #expect(text.hasPrefix(prefix), "\(text), expected \(prefix)")
            let sum = try file.floats(name).reduce(0.0) { $0 + Double($1) }
            let found = try #require(Double(text.dropFirst(prefix.count)))
            #expect(abs(found - sum) <= tolerance, "\(name): \(found), expected \(sum)")
        }

        @Test("NumPy reads what is written", .enabled(if: Oracle.python != nil))
        func arrays() throws {
            try withTemporaryDirectory { folder in
                let source = ["--audio"] + speech + ["--layers", "0,2", "--ffn"]
                let plain = folder.appendingPathComponent("plain")
                try expectColld(arguments(source, to: plain), exits: 0)
                let arrays = folder.appendingPathComponent("arrays")
                try expectColld(arguments(source + ["--format", "npy"], to: arrays), exits: 0)
                let index = try EncodedFolder(arrays).lines("index.jsonl")
                let ids = ["speech_en.wav", "speech_es.wav"]
                #expect(index.map { $0["id"] as? String } == ids)
                for (id, line) in zip(ids, index) {
                    let reference = try EncodedFolder(plain).file(id)
                    let files = try #require(line["files"] as? [String: String])
                    let names = reference.names.filter { !$0.hasSuffix("lengths") }
                    #expect(files.keys.sorted() == names)
                    #expect(line["output_frames"] as? Int != line["frames"] as? Int)
                    let found = try load(
                        names.map { arrays.appendingPathComponent(try #require(files[$0])) })
                    for (name, text) in zip(names, found) {
                        #expect(files[name]?.hasSuffix(".\(name).npy") == true)
                        try expectArray(text, "float32", reference, name, within: 1e-4)
                    }
                }
                // One tensor needs no name of its own.
                let half = folder.appendingPathComponent("half")
                try expectColld(
                    arguments(
                        ["--audio"] + speech + ["--format", "npy", "--dtype", "float16"],
                        to: half), exits: 0)
                let first = try #require(try EncodedFolder(half).lines("index.jsonl").first)
                let file = try #require(first["file"] as? String)
                #expect(file == "speech_en.npy")
                try expectArray(
                    load([half.appendingPathComponent(file)])[0], "float16",
                    EncodedFolder(plain).file(ids[0]), "last_hidden_state", within: 0.2)
                // One clip and one tensor fit into one file.
                let single = folder.appendingPathComponent("one.npy")
                try expectColld(arguments(["--audio", speech[0]], to: single), exits: 0)
                try expectArray(
                    load([single])[0], "float32", EncodedFolder(plain).file(ids[0]),
                    "last_hidden_state", within: 1e-4)
            }
        }

        @Test("what does not fit into a file")
        func refused() throws {
            try withTemporaryDirectory { folder in
                let single = folder.appendingPathComponent("one.npy")
                let output = folder.appendingPathComponent("out")
                for (more, place, status, said) in [
                    (["--audio"] + speech, single, 2, "2 clip(s)"),
                    (["--audio", speech[0], "--ffn"], single, 2, "ffn."),
                    (["--audio", speech[0], "--dtype", "bfloat16"], single, 64, "bfloat16"),
                    (["--audio", speech[0], "--format", "safetensors"], single, 64, "--format"),
                    (
                        ["--audio", speech[0], "--format", "npy", "--dtype", "bfloat16"], output,
                        64, "bfloat16"
                    ),
                    (["--audio", speech[0], "--format", "hdf5"], output, 64, "hdf5"),
                    (
                        ["--audio", speech[0], "--batch-seconds", "0"], output, 64,
                        "--batch-seconds"
                    ),
                    (["--input", "x.safetensors"], output, 64, "--input"),
                    (
                        ["--audio", speech[0], "--reference-padding"], output, 64,
                        "--reference-padding"
                    ),
                    (["--audio", "a", "--manifest", "m"], output, 64, "--manifest"),
                    ([], output, 64, "--manifest"),
                ] as [([String], URL, Int32, String)] {
                    try expectColld(arguments(more, to: place), exits: status, saying: [said])
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            }
        }

        @Test("a file and its summary")
        func summary() throws {
            try withTemporaryDirectory { folder in
                let single = folder.appendingPathComponent("two.safetensors")
                let result = try expectColld(
                    arguments(["--audio"] + speech + ["--json"], to: single), exits: 0)
                let values = try result.json()
                #expect(values["output"] as? String == single.path)
                #expect(values["encoded"] as? Int == 2 && values["clips"] as? Int == 2)
                let seconds = try #require(values["audio_seconds"] as? Double)
                let samples = try ModelFiles.speech(0).count + ModelFiles.speech(1).count
                #expect(seconds == Double(samples) / 16_000)
                #expect(result.errors.isEmpty)
                let quiet = try expectColld(
                    arguments(
                        ["--audio"] + speech + ["--no-progress"],
                        to: folder.appendingPathComponent("out")), exits: 0)
                #expect(quiet.errors.isEmpty && quiet.output.isEmpty)
            }
        }
    }
}
