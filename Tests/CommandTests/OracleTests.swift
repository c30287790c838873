import Foundation
import SpeechCore
import TestSupport
import Testing

/// The Python environment of the tests.
enum Oracle {
    /// The interpreter: what `COLLD_ORACLE` names, else the one that `make oracle` made.
    static let python: URL? = {
        let environment = ProcessInfo.processInfo.environment
        if environment["ORACLE"] == "none" { return nil }
        let made = Colld.root.appendingPathComponent(".oracle/bin/python")
        let path = environment["COLLD_ORACLE"].flatMap { $0.isEmpty ? nil : $0 } ?? made.path
        return FileManager.default.isExecutableFile(atPath: path)
            ? URL(fileURLWithPath: path) : nil
    }()
}

extension Commands {
    /// Compares with `transformers`, where the Python environment of the tests is there.
    @Suite("beside transformers", .enabled(if: Oracle.python != nil)) struct OracleTests {
        @Test(
            "transformers computes the same hidden states",
            arguments: [
                "hubert_large", "seamless_m4t_v2", "w2vbert_adapter_ctc", "wav2vec2_xlsr",
                "whisper_encoder", "whisper_full",
            ])
        func sameHiddenStates(_ model: String) throws {
            let python = try #require(Oracle.python)
            try withTemporaryDirectory { folder in
                let input = folder.appendingPathComponent("input.safetensors")
                let reference = folder.appendingPathComponent("reference.safetensors")
                let output = folder.appendingPathComponent("output.safetensors")
                let extractor = try ModelFiles.extractor(model)
                let features = try extractor.extract([ModelFiles.speech(0), ModelFiles.speech(1)])
                try ModelFiles.write(
                    features, framesLast: extractor.config.hasFramesLast, to: input)
                let script = Colld.root.appendingPathComponent("Tests/Oracle/encode_hf.py").path
                let paths = [Fixtures.model(model).path, input.path, reference.path]
                let python = try Colld.run(python, [script] + paths)
                try #require(python.status == 0, "\(python.errors)")
                try expectColld(
                    [
                        "encode", "--model", Fixtures.model(model).path, "--input", input.path,
                        "--reference-padding", "--layers", "all", "--output", output.path,
                    ], exits: 0)

                let expected = try SafetensorsFile(path: reference.path)
                let found = try SafetensorsFile(path: output.path)
                let names = expected.names.filter { $0 != "frame_mask" }
                #expect(names.count > 3)
                for name in names {
                    #expect(found.entry(name)?.shape == expected.entry(name)?.shape, "\(name)")
                    expectClose(
                        try found.floats(name), try expected.floats(name), within: 1e-4, name)
                }
            }
        }
    }
}
