import Foundation
import SpeechCore
import TestSupport
import Testing

/// The extractors against `transformers`' own output.
@Suite struct FeatureGoldenTests {
    private static let file = Result { try Fixtures.safetensors("features/fbank.safetensors") }
    private let file: SafetensorsFile
    private let waveforms: [[Float]]

    init() throws {
        file = try Self.file.get()
        waveforms = [try file.floats("waveform.0"), try file.floats("waveform.1")]
    }

    private func config(
        _ kind: FeatureExtractorConfig.Kind,
        _ change: (inout FeatureExtractorConfig) -> Void = { _ in }
    ) -> FeatureExtractorConfig {
        var config = FeatureExtractorConfig(kind: kind)
        change(&config)
        return config
    }

    /// Before normalisation: a few units in the last place of values around 20.
    private let logMelTolerance = 1e-5
    /// After it: the reference normalises in float32, and bins that hardly vary magnify the rounding.
    private let filterbankTolerance = 1e-4
    /// The reference runs in float32.
    private let spectrogramTolerance = 5e-5

    private func expectFeatures(_ features: SpeechFeatures, _ name: String, mask: String) throws {
        #expect(features.shape == file.entry(name)?.shape, "\(name)")
        expectClose(features.values, try file.floats(name), within: filterbankTolerance, name)
        #expect(features.attentionMask.map(Int.init) == (try file.integers(mask)), "\(mask)")
    }

    @Test(arguments: [0, 1]) func logMel(clip: Int) throws {
        let name = "seamless.log_mel.\(clip)"
        let values = try LogMelFilterbank().logMel(waveforms[clip])
        expectClose(values, try file.floats(name), within: logMelTolerance, name)
    }

    @Test(arguments: [Float(0), 1]) func paddedFilterbank(padding: Float) throws {
        let extractor = LogMelFilterbank(config: config(.seamlessM4T) { $0.paddingValue = padding })
        let features = try extractor.extract(waveforms)
        let name = "seamless.pad\(Int(padding)).input_features"
        try expectFeatures(features, name, mask: "seamless.attention_mask")
        for (clip, waveform) in waveforms.enumerated() {
            #expect(features.lengths[clip] == extractor.validLength(samples: waveform.count))
        }
        #expect(features.shape[1] == extractor.inputLength(samples: waveforms[0].count))
    }

    @Test func unnormalizedFilterbank() throws {
        let padded = config(.seamlessM4T) { $0.paddingValue = 1 }
        let extractor = LogMelFilterbank(config: padded, normalizesPerBin: false)
        let features = try extractor.extract(waveforms)
        let name = "seamless.unnormalised.input_features"
        try expectFeatures(features, name, mask: "seamless.attention_mask")
    }

    @Test func silentFilterbank() throws {
        let extractor = LogMelFilterbank()
        let silence = [Float](repeating: 0, count: 1600)
        let logMel = try extractor.logMel(silence)
        expectClose(logMel, try file.floats("seamless.silence.log_mel"), within: 1e-6)
        let values = try extractor.extract([silence]).values
        expectClose(values, try file.floats("seamless.silence.input_features"), within: 1e-6)
    }

    /// Odd frame counts are padded, and the stacked frame they end in is masked.
    @Test(arguments: [560, 720, 1040]) func shortClips(samples: Int) throws {
        let clip = Array(waveforms[0][4000..<4000 + samples])
        let extractor = LogMelFilterbank(config: config(.seamlessM4T) { $0.paddingValue = 1 })
        let features = try extractor.extract([clip])
        let name = "seamless.short\(samples)"
        try expectFeatures(features, "\(name).input_features", mask: "\(name).attention_mask")
        #expect(features.shape[1] == extractor.inputLength(samples: samples))
        #expect(features.lengths == [extractor.validLength(samples: samples)])
    }

    @Test func normalizedWaveforms() throws {
        let masked = WaveformNormalizer(
            config: config(.wav2vec2) { $0.returnsAttentionMask = true })
        let features = try masked.extract(waveforms)
        #expect(features.shape == [2, 25_600])
        let expected = try file.floats("wav2vec2.input_values")
        expectClose(features.values, expected, within: 1e-5)
        let mask = try file.integers("wav2vec2.attention_mask")
        #expect(features.attentionMask.map(Int.init) == mask)
        #expect(features.usesAttentionMask)

        let unmasked = try WaveformNormalizer().extract(waveforms)
        expectClose(
            unmasked.values, try file.floats("wav2vec2.no_mask.input_values"), within: 1e-5)
        #expect(!unmasked.usesAttentionMask)

        let plain = WaveformNormalizer(config: config(.wav2vec2) { $0.normalizes = false })
        let raw = try file.floats("wav2vec2.no_normalise.input_values")
        #expect(try plain.extract(waveforms).values == raw)

        let silence = try masked.extract([[Float](repeating: 0, count: 1600)])
        #expect(silence.values == (try file.floats("wav2vec2.silence.input_values")))
    }

    /// Every model's own `preprocessor_config.json` on its own clips.
    @Test(arguments: try Self.modelNames()) func modelInputs(model: String) throws {
        let directory = try ModelDirectory(Fixtures.model(model).path)
        let path = try #require(directory.preprocessorPath)
        var config = try FeatureExtractorConfig(
            data: try #require(directory.preprocessorData), path: path)
        let expected = try Fixtures.expected(model)
        let clips = try [expected.floats("raw.0"), expected.floats("raw.1")]

        let unmaskedName = "input_values.no_attention_mask"
        if let info = expected.entry(unmaskedName) {
            #expect(!config.returnsAttentionMask)
            let features = try config.makeExtractor().extract(clips)
            #expect(features.shape == info.shape)
            expectClose(features.values, try expected.floats(unmaskedName), within: 1e-5)
        }
        config.returnsAttentionMask = true
        let features = try config.makeExtractor().extract(clips)
        let name = features.inputName.rawValue
        var shape = features.shape
        var values = features.values
        if config.hasFramesLast {
            shape.swapAt(1, 2)
            values = framesLast(values, clips: 2, width: config.featureSize)
        }
        #expect(shape == expected.entry(name)?.shape)
        let tolerance = name == "input_values" ? 1e-5 : filterbankTolerance
        expectClose(values, try expected.floats(name), within: tolerance, name)
        let mask = try expected.integers("attention_mask")
        #expect(features.attentionMask.map(Int.init) == mask)
    }

    private static func modelNames() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Fixtures.url("models").path).sorted()
    }

    /// [B, T, F] to [B, F, T], as `transformers` has spectrograms.
    private func framesLast(_ values: [Float], clips: Int, width: Int) -> [Float] {
        let frames = values.count / clips / width
        return (0..<clips * width).flatMap { row in
            (0..<frames).map { values[(row / width * frames + $0) * width + row % width] }
        }
    }

    /// 30 s of features of 1.6 s of speech.
    @Test(arguments: [80, 128]) func spectrogram(bands: Int) throws {
        let extractor = LogMelSpectrogram(config: config(.whisper) { $0.featureSize = bands })
        let features = try extractor.extract([waveforms[0]])
        #expect(features.shape == [1, 3000, bands] && features.lengths == [160])
        let mask = try file.integers("whisper.attention_mask")
        #expect(features.attentionMask.map(Int.init) == mask)
        let name = "whisper\(bands).input_features"
        let kept = try #require(file.entry(name)).shape[2]
        let rows = Array(features.values.prefix(kept * bands))
        expectClose(
            framesLast(rows, clips: 1, width: bands), try file.floats(name),
            within: spectrogramTolerance, name)
        // Of the silence behind them, every frame is the same.
        let last = Array(features.values.suffix(bands))
        for frame in kept..<3000 {
            #expect(Array(features.values[(frame * bands)..<((frame + 1) * bands)]) == last)
        }
    }

    /// Without padding, mirrored at the end of the speech itself.
    @Test(arguments: [80, 128]) func unpaddedSpectrogram(bands: Int) throws {
        let extractor = LogMelSpectrogram(config: config(.whisper) { $0.featureSize = bands })
        let values = try extractor.logMel(waveforms[1])
        let name = "whisper\(bands).longest.input_features"
        #expect(file.entry(name)?.shape == [1, bands, 91])
        expectClose(
            framesLast(values, clips: 1, width: bands), try file.floats(name),
            within: spectrogramTolerance, name)
    }
}
