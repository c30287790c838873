import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct FeatureExtractorTests {
    private func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(generator.uniform() - 0.5) }
    }

    private let extractors: [any FeatureExtractor] = [
        LogMelFilterbank(), WaveformNormalizer(), LogMelSpectrogram(),
    ]

    /// One frame of a pure tone against a Fourier sum written out.
    @Test func filterbankMatchesDirectSum() throws {
        let samples = noise(560)
        let values = try LogMelFilterbank().logMel(samples)
        for frame in 0..<2 {
            let part = samples[frame * 160..<frame * 160 + 400].map { Double($0) * 32_768 }
            let mean = part.reduce(0, +) / 400
            let centred = part.map { $0 - mean }
            let windowed = (0..<400).map { index in
                let before = centred[max(0, index - 1)]
                let hann = 0.5 - 0.5 * cos(2 * Double.pi * Double(index) / 399)
                return (centred[index] - 0.97 * before) * pow(hann, 0.85)
            }
            let power = (0...256).map { bin in
                var (real, imaginary) = (0.0, 0.0)
                for (index, sample) in windowed.enumerated() {
                    let angle = 2 * Double.pi * Double(bin * index % 512) / 512
                    real += sample * cos(angle)
                    imaginary -= sample * sin(angle)
                }
                return real * real + imaginary * imaginary
            }
            func mel(_ frequency: Double) -> Double { 1127 * log(1 + frequency / 700) }
            let expected = (0..<80).map { filter in
                let step = (mel(8000) - mel(20)) / 81
                let centre = mel(20) + Double(filter + 1) * step
                let energy = (0...256).reduce(0.0) { sum, bin in
                    let distance = abs(mel(Double(bin) * 31.25) - centre) / step
                    return sum + max(0, 1 - distance) * power[bin]
                }
                return Float(log(max(energy, 1.192092955078125e-07)))
            }
            // One unit in the last place of values below 32.
            expectClose(Array(values[frame * 80..<(frame + 1) * 80]), expected, within: 4e-6)
        }
    }

    @Test func normalizedByHand() throws {
        var config = FeatureExtractorConfig(kind: .wav2vec2)
        let clips: [[Float]] = [[1, 2, 3], [3, 5]]
        config.returnsAttentionMask = true
        let masked = try WaveformNormalizer(config: config).extract(clips)
        // Means 2 and 4, variances 2/3 and 1.
        let step = Float(1 / (2.0 / 3 + 1e-7).squareRoot())
        expectClose(masked.values, [-step, 0, step, -1, 1, 0], within: 1e-6)
        #expect(masked.attentionMask == [1, 1, 1, 1, 1, 0])
        #expect(masked.lengths == [3, 2])
        config.returnsAttentionMask = false
        let unmasked = try WaveformNormalizer(config: config).extract(clips)
        // [3, 5, 0] has mean 8/3 and variance 38/9.
        let scale = 1 / (38.0 / 9 + 1e-7).squareRoot()
        let last = [3.0, 5, 0].map { Float(($0 - 8.0 / 3) * scale) }
        expectClose(unmasked.values, [-step, 0, step] + last, within: 1e-6)
    }

    @Test func loudAndQuietClipsDoNotMix() throws {
        // Two frames share the lanes of a vector: what is in one must not show in the other.
        let extractor = LogMelFilterbank(normalizesPerBin: false)
        let loud = noise(560)
        var both = loud
        for index in 400..<560 { both[index] = 0 }
        let first = Array(try extractor.logMel(loud)[..<80])
        #expect(Array(try extractor.logMel(both)[..<80]) == first)
    }

    /// A clip has the same values alone and in a batch (with the mask policy for waveforms).
    @Test func batchInvariance() throws {
        var config = FeatureExtractorConfig(kind: .wav2vec2)
        config.returnsAttentionMask = true
        let extractors: [any FeatureExtractor] = [
            LogMelFilterbank(), WaveformNormalizer(config: config), LogMelSpectrogram(),
        ]
        let clips = [noise(3000), noise(7123, seed: 2), noise(560, seed: 3)]
        for extractor in extractors {
            let batch = try extractor.extract(clips)
            let size = batch.values.count / clips.count
            let width = size / batch.shape[1]
            for (index, clip) in clips.enumerated() {
                let alone = try extractor.extract([clip])
                let count = alone.lengths[0] * width
                #expect(alone.lengths[0] == batch.lengths[index])
                #expect(alone.lengths[0] == extractor.validLength(samples: clip.count))
                #expect(alone.shape[1] == extractor.inputLength(samples: clip.count))
                let start = index * size
                #expect(
                    Array(batch.values[start..<start + count]) == Array(alone.values[..<count]))
            }
        }
    }

    @Test func lengthsOfStacks() throws {
        var config = FeatureExtractorConfig(kind: .seamlessM4T)
        for stride in 1...5 {
            config.stride = stride
            let extractor = LogMelFilterbank(config: config)
            #expect(throws: FeatureError.self) {
                try extractor.extract([noise(extractor.minimumSamples - 1)])
            }
            for frames in 2...11 {
                let samples = 400 + (frames - 1) * 160
                guard samples >= extractor.minimumSamples else { continue }
                let features = try extractor.extract([noise(samples)])
                let padded = frames + frames % 2
                #expect(features.shape == [1, padded / stride, stride * 80])
                // The mask of the second frame of each stack (of the only one for stride 1).
                let second = min(1, stride - 1)
                let mask = (0..<padded / stride).map {
                    $0 * stride + second < frames ? Int32(1) : 0
                }
                #expect(features.attentionMask == mask)
                #expect(mask.first == 1)
                // As many valid frames beside a longer clip, where padding completes a stack.
                #expect(features.lengths == [extractor.validLength(samples: samples)])
                let batch = try extractor.extract([noise(samples), noise(samples + 1600)])
                #expect(batch.lengths[0] == features.lengths[0])
            }
        }
    }

    @Test func tooShort() {
        #expect(LogMelFilterbank().minimumSamples == 560)
        for samples in [0, 1, 399, 400, 559] {
            let clips = [noise(1000), noise(samples)]
            let error = expectError(FeatureError.self, containing: ["clip 1", "560", "\(samples)"])
            {
                try LogMelFilterbank().extract(clips)
            }
            #expect(error == .clipTooShort(clip: 1, samples: samples, minimum: 560))
            #expect(error?.exitStatus == .badInput)
        }
        expectError(FeatureError.self, containing: ["at least 1 samples"]) {
            try WaveformNormalizer().extract([[]])
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity]) func brokenSamples(value: Float) {
        var clip = noise(2000)
        clip[1234] = value
        for extractor in extractors {
            expectError(FeatureError.self, containing: ["clip 0", "1234", "\(value)"]) {
                try extractor.extract([clip])
            }
        }
    }

    /// Frames of any even length against Fourier sums written out: 90 = 2 · 3² · 5, 22 = 2 · 11.
    @Test(arguments: [400, 90, 22, 64, 2]) func spectrogramMatchesDirectSum(size: Int) throws {
        var config = FeatureExtractorConfig(kind: .whisper)
        (config.fftLength, config.hopLength, config.samplingRate) = (size, 13, 1000)
        (config.chunkLength, config.featureSize) = (1, 6)
        config.paddingValue = 0.25
        let clip = noise(300)
        let found = try LogMelSpectrogram(config: config).extract([clip])
        let frames = 1000 / 13
        #expect(found.shape == [1, frames, 6] && found.lengths == [(300 + 12) / 13])
        let padded = clip.map(Double.init) + Array(repeating: 0.25, count: 700)
        // Slaney's scale, hertz of corners; the bins end at 500 Hz.
        let logStep = log(6.4) / 27
        let corners = (0..<8).map { index -> Double in
            let mel = (15 + log(8) / logStep) * Double(index) / 7
            return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * logStep)
        }
        var logarithms: [Double] = []
        for frame in 0..<frames {
            let windowed = (0..<size).map { index -> Double in
                let place = abs(frame * 13 + index - size / 2)
                let hann = 0.5 - 0.5 * cos(2 * Double.pi * Double(index) / Double(size))
                return padded[min(place, 1998 - place)] * hann
            }
            let power = (0...size / 2).map { bin -> Double in
                var (real, imaginary) = (0.0, 0.0)
                for (index, sample) in windowed.enumerated() {
                    let angle = 2 * Double.pi * Double(bin * index % size) / Double(size)
                    real += sample * cos(angle)
                    imaginary -= sample * sin(angle)
                }
                return real * real + imaginary * imaginary
            }
            for band in 0..<6 {
                let (left, centre, right) = (corners[band], corners[band + 1], corners[band + 2])
                let energy = power.indices.reduce(0.0) { sum, bin in
                    let frequency = 500 * Double(bin) / Double(size / 2)
                    let rise = (frequency - left) / (centre - left)
                    let fall = (right - frequency) / (right - centre)
                    return sum + max(0, min(rise, fall)) * 2 / (right - left) * power[bin]
                }
                logarithms.append(log10(max(energy, 1e-10)))
            }
        }
        let lowest = (logarithms.max() ?? 0) - 8
        expectClose(
            found.values, logarithms.map { Float((max($0, lowest) + 4) / 4) }, within: 1e-6)
    }

    @Test func tooLong() throws {
        var config = FeatureExtractorConfig(kind: .whisper)
        config.chunkLength = 2
        let extractor = LogMelSpectrogram(config: config)
        #expect(extractor.maximumSamples == 32_000 && LogMelFilterbank().maximumSamples == nil)
        let error = expectError(
            FeatureError.self, containing: ["clip 1", "32000", "2.0 s", "32001"]
        ) { try extractor.extract([noise(32_000), noise(32_001)]) }
        #expect(
            error
                == .clipTooLong(clip: 1, samples: 32_001, maximum: 32_000, samplingRate: 16_000))
        #expect(error?.exitStatus == .badInput)
        // What is not padded has to be longer than what is mirrored at its ends.
        expectError(FeatureError.self, containing: ["at least 201", "200"]) {
            try extractor.logMel(noise(200))
        }
        #expect(try extractor.logMel(noise(201)).count == 80)
    }

    @Test func emptyBatch() {
        for extractor in extractors {
            #expect(throws: FeatureError.emptyBatch) { try extractor.extract([]) }
        }
    }

    @Test func hugeSamplesStayFinite() throws {
        var clip = noise(2000)
        clip[1000] = .greatestFiniteMagnitude
        let values = try LogMelFilterbank().extract([clip]).values
        #expect(values.allSatisfy { $0.isFinite })
    }
}

@Suite struct FeatureExtractorConfigTests {
    private func read(_ text: String) throws -> FeatureExtractorConfig {
        try FeatureExtractorConfig(data: Data(text.utf8), path: "x.json")
    }

    @Test func classDefaults() throws {
        let waveform = try read(#"{"feature_extractor_type": "Wav2Vec2FeatureExtractor"}"#)
        #expect(waveform == FeatureExtractorConfig(kind: .wav2vec2))
        #expect(waveform.featureSize == 1 && waveform.samplingRate == 16_000)
        #expect(waveform.normalizes && !waveform.returnsAttentionMask)
        let filterbank = try read(#"{"feature_extractor_type": "SeamlessM4TFeatureExtractor"}"#)
        #expect(filterbank == FeatureExtractorConfig(kind: .seamlessM4T))
        #expect(filterbank.melBins == 80 && filterbank.stride == 2)
        #expect(filterbank.returnsAttentionMask && filterbank.paddingValue == 0)
        let spectrogram = try read(#"{"feature_extractor_type": "WhisperFeatureExtractor"}"#)
        #expect(spectrogram == FeatureExtractorConfig(kind: .whisper))
        #expect(spectrogram.featureSize == 80 && spectrogram.chunkLength == 30)
        #expect(spectrogram.fftLength == 400 && spectrogram.hopLength == 160)
        #expect(!spectrogram.returnsAttentionMask)
    }

    @Test func oldFilesNameNoClass() throws {
        let text = """
            {"do_normalize": false, "feature_size": 1, "padding_side": "right",
             "padding_value": 0.0, "sampling_rate": 16000.0, "processor_class": "x"}
            """
        let config = try read(text)
        #expect(config.kind == .wav2vec2 && !config.normalizes && config.samplingRate == 16_000)
        #expect(try read(#"{"num_mel_bins": 40, "stride": 1}"#).melBins == 40)
        let whisper = try read(#"{"n_fft": 400, "chunk_length": 20, "feature_size": 80}"#)
        #expect(whisper.kind == .whisper && whisper.chunkLength == 20)
        expectError(JSONFileError.self, containing: ["feature_extractor_type", "n_fft"]) {
            try read(#"{"n_fft": 400}"#)
        }
    }

    @Test func roundTrip() throws {
        for kind in FeatureExtractorConfig.Kind.allCases {
            var config = FeatureExtractorConfig(kind: kind)
            config.paddingValue = 1
            config.returnsAttentionMask.toggle()
            switch kind {
            case .seamlessM4T: config.stride = 4
            case .wav2vec2: config.normalizes = false
            case .whisper:
                (config.featureSize, config.chunkLength) = (128, 5)
                (config.fftLength, config.hopLength) = (512, 128)
            }
            #expect(try read(config.jsonText) == config)
            #expect(config.makeExtractor().config == config)
        }
    }

    /// What we write has the keys and values of the files that `transformers` wrote.
    @Test(arguments: ["w2vbert", "wav2vec2_base", "wav2vec2_xlsr", "whisper_encoder"])
    func sameText(
        model: String
    ) throws {
        let file = Fixtures.model(model).appendingPathComponent("preprocessor_config.json")
        let data = try Data(contentsOf: file)
        let text = try FeatureExtractorConfig(data: data, path: file.path).jsonText
        #expect(text == String(decoding: data, as: UTF8.self))
    }

    @Test(arguments: [
        (#"{"feature_extractor_type": "CLIPImageProcessor"}"#, "CLIPImageProcessor"),
        (#"{"chunk_length": 0, "n_fft": 400}"#, "chunk_length"),
        (#"{"chunk_length": 30, "n_fft": 401}"#, "n_fft"),
        (#"{"chunk_length": 1, "n_fft": 1002, "sampling_rate": 1000}"#, "n_fft"),
        (#"{"chunk_length": 30, "n_fft": 400, "hop_length": 0}"#, "hop_length"),
        (#"{"chunk_length": 1, "n_fft": 4, "hop_length": 1002, "sampling_rate": 1000}"#, "hop_le"),
        (#"{"chunk_length": 30, "n_fft": 400, "feature_size": 0}"#, "feature_size"),
        (#"{"chunk_length": 30, "n_fft": 400, "dither": 0.1}"#, "dither"),
        (#"{"sampling_rate": 0}"#, "sampling_rate"),
        (#"{"sampling_rate": "16k"}"#, "the text \"16k\""),
        (#"{"feature_size": 2}"#, "feature_size"),
        (#"{"num_mel_bins": 80, "stride": 0}"#, "stride"),
        (#"{"num_mel_bins": 100000000}"#, "num_mel_bins"),
        (#"{"do_normalize": 1}"#, "do_normalize"),
        (#"{"padding_side": "left"}"#, "padding_side"),
        (#"{"padding_value": null, "padding_value": 1}"#, "occurs twice"),
        ("[]", "an array"),
        ("{", "line 1, column 2"),
        ("", "the text ends"),
    ]) func wrongValues(text: String, fragment: String) {
        expectError(JSONFileError.self, containing: ["x.json", fragment]) { try read(text) }
    }
}
