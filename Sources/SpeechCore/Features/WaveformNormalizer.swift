/// The extractor of wav2vec 2.0 and its relatives: samples shifted and scaled to mean 0 and variance 1.
///
/// Each clip becomes `(x − mean) / √(variance + 1e-7)` with the population variance
/// (`Wav2Vec2FeatureExtractor`, transformers 5.23). Where the mask comes in:
/// with `returnsAttentionMask` the statistics are over the valid samples and the padding holds
/// `paddingValue`; without it the clip is padded first, the statistics include the padding, and the
/// padding is shifted and scaled as well. The second policy makes a clip's values depend on its batch.
public struct WaveformNormalizer: FeatureExtractor {
    /// The configuration given to `init`.
    public let config: FeatureExtractorConfig

    /// Makes the extractor; `config.kind` must be `.wav2vec2`.
    public init(config: FeatureExtractorConfig = FeatureExtractorConfig(kind: .wav2vec2)) {
        precondition(config.kind == .wav2vec2, "a waveform normaliser from \(config.kind)")
        self.config = config
    }

    /// The name of the encoder input.
    public var inputName: SpeechFeatures.InputName { .inputValues }
    /// One sample; the front end of the encoder needs more.
    public var minimumSamples: Int { 1 }
    /// The number of positions of a clip alone, masked ones included.
    public func inputLength(samples: Int) -> Int { samples }
    /// The number of positions of a clip that the mask marks as valid.
    public func validLength(samples: Int) -> Int { samples }

    /// Normalises the clip, or only checks it where the statistics need the length of the batch.
    public func clipFeatures(_ waveform: [Float]) throws -> ClipFeatures {
        try check(waveform)
        let values =
            config.normalizes && config.returnsAttentionMask
            ? Self.normalized(waveform, paddedTo: waveform.count, with: 0) : waveform
        return ClipFeatures(values: values, rows: waveform.count, width: 1)
    }

    /// Pads clips to the longest and joins them; throws `FeatureError.emptyBatch`.
    public func collate(_ clips: [ClipFeatures]) throws -> SpeechFeatures {
        guard let length = clips.map(\.rows).max() else { throw FeatureError.emptyBatch }
        var values: [Float] = []
        values.reserveCapacity(clips.count * length)
        for clip in clips {
            precondition(clip.width == 1, "features of width \(clip.width) in a batch of samples")
            if config.normalizes && !config.returnsAttentionMask {
                values += Self.normalized(clip.values, paddedTo: length, with: config.paddingValue)
            } else {
                values += clip.values
                values += repeatElement(config.paddingValue, count: length - clip.rows)
            }
        }
        return SpeechFeatures(
            values: values, shape: [clips.count, length], lengths: clips.map(\.rows),
            inputName: inputName, usesAttentionMask: config.returnsAttentionMask)
    }

    /// Pads with `padding`, then normalises with the statistics of the whole.
    private static func normalized(
        _ samples: [Float], paddedTo length: Int, with padding: Float
    ) -> [Float] {
        let padded = Double(length - samples.count)
        var sum = padded * Double(padding)
        for sample in samples { sum += Double(sample) }
        let mean = sum / Double(length)
        let paddingOffset = Double(padding) - mean
        var squares = padded * paddingOffset * paddingOffset
        for sample in samples {
            let offset = Double(sample) - mean
            squares += offset * offset
        }
        let scale = 1 / (squares / Double(length) + 1e-7).squareRoot()
        return [Float](unsafeUninitializedCapacity: length) { buffer, filled in
            for index in 0..<samples.count {
                buffer.initializeElement(
                    at: index, to: Float((Double(samples[index]) - mean) * scale))
            }
            for index in samples.count..<length {
                buffer.initializeElement(at: index, to: Float(paddingOffset * scale))
            }
            filled = length
        }
    }
}
