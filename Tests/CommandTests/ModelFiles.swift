import Foundation
import SpeechCore
import TestSupport
import Testing

/// Models and inputs made from the fixtures.
enum ModelFiles {
    /// Every fixture that a family reads.
    static let all = [
        "hubert_base", "hubert_large", "hubert_posbn", "store_bf16", "store_fp16",
        "store_safetensors_weight_g", "store_sharded", "w2vbert", "w2vbert_adapter_ctc",
        "w2vbert_intermediate_ffn", "wav2vec2_adapter", "wav2vec2_base", "wav2vec2_ctc",
        "wav2vec2_mms_ctc", "wav2vec2_xlsr", "seamless_m4t_v2", "seamless_m4t_v2_encoder",
        "whisper_encoder", "whisper_full",
    ]

    /// A copy of a model that may be damaged.
    static func copy(_ name: String, into folder: URL) throws -> URL {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.copyItem(at: Fixtures.model(name), to: url)
        return url
    }

    /// A tensor to be written.
    struct Value {
        var name: String
        var shape: [Int]
        var floats: [Float]
    }

    /// Writes a model's only weight file again as `change` has it, in F32.
    static func rewriteWeights(_ model: URL, _ change: (inout [Value]) -> Void) throws {
        let url = model.appendingPathComponent("model.safetensors")
        let file = try SafetensorsFile(path: url.path)
        var values = try file.names.map { name in
            Value(
                name: name, shape: try #require(file.entry(name)).shape,
                floats: try file.floats(name))
        }
        change(&values)
        try SafetensorsWriter.write(
            values.map { SafetensorsEntry(name: $0.name, shape: $0.shape, floats: $0.floats) },
            to: url)
    }

    /// Changes the text of `config.json`.
    static func rewriteConfig(_ model: URL, _ change: (String) -> String) throws {
        let url = model.appendingPathComponent("config.json")
        let text = try String(contentsOf: url, encoding: .utf8)
        let changed = change(text)
        #expect(changed != text, "the change of config.json changed nothing")
        try changed.write(to: url, atomically: true, encoding: .utf8)
    }

    /// Writes a fixture's own input and mask as `--input` takes them.
    static func writeInput(_ name: String, to url: URL) throws {
        let expected = try Fixtures.expected(name)
        let input = expected.entry("input_values") == nil ? "input_features" : "input_values"
        try SafetensorsWriter.write(
            [
                SafetensorsEntry(
                    name: input, shape: try #require(expected.entry(input)).shape,
                    floats: try expected.floats(input)),
                SafetensorsEntry(
                    name: "attention_mask",
                    shape: try #require(expected.entry("attention_mask")).shape,
                    int32s: try expected.integers("attention_mask").map { Int32($0) }),
            ], to: url)
    }

    /// The extractor that a model names.
    static func extractor(_ name: String) throws -> any FeatureExtractor {
        let url = Fixtures.model(name).appendingPathComponent("preprocessor_config.json")
        let data = try Data(contentsOf: url)
        return try FeatureExtractorConfig(data: data, path: url.path).makeExtractor()
    }

    /// Writes extracted features, with their mask where the model takes one, as [B, F, T] where
    /// frames are to be last.
    static func write(
        _ features: SpeechFeatures, framesLast: Bool = false, to url: URL
    ) throws {
        var (shape, values) = (features.shape, features.values)
        if framesLast {
            let (frames, width) = (shape[1], shape[2])
            shape.swapAt(1, 2)
            values = values.indices.map { index in
                let (clip, place) = (index / (frames * width), index % (frames * width))
                return features.values[(clip * frames + place % frames) * width + place / frames]
            }
        }
        var entries = [
            SafetensorsEntry(name: features.inputName.rawValue, shape: shape, floats: values)
        ]
        if features.usesAttentionMask {
            entries.append(
                SafetensorsEntry(
                    name: "attention_mask", shape: Array(features.shape.prefix(2)),
                    int32s: features.attentionMask))
        }
        try SafetensorsWriter.write(entries, to: url)
    }

    /// The samples of `speech_en.wav` (0) or `speech_es.wav` (1).
    static func speech(_ index: Int) throws -> [Float] {
        try Fixtures.safetensors("features/fbank.safetensors").floats("waveform.\(index)")
    }

    /// The files of those samples.
    static let speechFiles = ["features/speech_en.wav", "features/speech_es.wav"]
        .map { Fixtures.url($0).path }

    /// A WAV file of 16-bit samples at 16 kHz.
    static func writeWave(_ samples: [Int16], to url: URL) throws {
        func bytes(_ value: some FixedWidthInteger) -> Data {
            withUnsafeBytes(of: value.littleEndian) { Data($0) }
        }
        let size = UInt32(2 * samples.count)
        var data = Data("RIFF".utf8) + bytes(36 + size) + Data("WAVEfmt ".utf8) + bytes(UInt32(16))
        data += bytes(UInt16(1)) + bytes(UInt16(1)) + bytes(UInt32(16_000))
        data += bytes(UInt32(32_000)) + bytes(UInt16(2)) + bytes(UInt16(16))
        data += Data("data".utf8) + bytes(size)
        for sample in samples { data += bytes(sample) }
        try data.write(to: url)
    }
}
