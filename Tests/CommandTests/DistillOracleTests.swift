import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Students as others read them.
    @Suite("distilled students beside transformers", .enabled(if: Oracle.python != nil))
    struct DistillOracleTests {
        @Test(
            "a student computes the same in transformers",
            arguments: [
                "w2vbert", "wav2vec2_xlsr", "hubert_large", "wav2vec2_base", "whisper_full",
                "seamless_m4t_v2",
            ])
        func roundTrip(_ teacher: String) throws {
            let python = try #require(Oracle.python)
            let folder = try DistillFolder(training: 4, validation: 1)
            let settings = ["regime.steps=3", "optimizer.lr=1e-2"]
            try expectColld(
                folder.arguments(settings, teacher: Fixtures.model(teacher)), exits: 0)
            let model = RunFiles(folder.output)("model")
            // What a student is for: features of speech, in batches with padding.
            let input = folder.url.appendingPathComponent("input.safetensors")
            let reference = folder.url.appendingPathComponent("reference.safetensors")
            let output = folder.url.appendingPathComponent("output.safetensors")
            let data = try Data(
                contentsOf: model.appendingPathComponent("preprocessor_config.json"))
            let extractor = try FeatureExtractorConfig(data: data, path: model.path).makeExtractor()
            try ModelFiles.write(
                extractor.extract([ModelFiles.speech(0), ModelFiles.speech(1)]),
                framesLast: extractor.config.hasFramesLast, to: input)
            let script = Colld.root.appendingPathComponent("Tests/Oracle/encode_hf.py").path
            let theirs = try Colld.run(python, [script, model.path, input.path, reference.path])
            try #require(theirs.status == 0, "\(theirs.errors)")
            try expectColld(
                [
                    "encode", "--model", model.path, "--input", input.path, "--layers", "all",
                    "--reference-padding", "--output", output.path,
                ], exits: 0)

            let expected = try SafetensorsFile(path: reference.path)
            let found = try SafetensorsFile(path: output.path)
            let names = expected.names.filter { $0 != "frame_mask" }
            // Two layers, their input, and the output.
            #expect(names.count == 4)
            for name in names {
                #expect(found.entry(name)?.shape == expected.entry(name)?.shape, "\(name)")
                expectClose(try found.floats(name), try expected.floats(name), within: 1e-4, name)
            }
        }
    }
}
