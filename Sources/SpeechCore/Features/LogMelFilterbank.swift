/// The extractor of w2v-BERT 2.0: Kaldi log-mel features, normalised per bin, stacked frame by frame.
///
/// Follows `SeamlessM4TFeatureExtractor` (transformers 5.23). Each mel bin of a clip becomes
/// `(x − mean) / √(variance + 1e-7)` over the clip's frames, with the sample variance (n − 1). Batches
/// are padded to an even number of frames; `stride` consecutive frames become one of
/// `stride × melBins` values, and what fills no stack is dropped. A stacked frame is valid when the
/// second of its frames is, so an odd last frame stays in the values and is masked out. (With a stride
/// of 1, where `transformers` yields an empty mask, a frame is valid when it is not padding. With one
/// above 2 `transformers` lets a stack that padding completes be valid; here a clip has the frames that
/// it has alone.)
public struct LogMelFilterbank: FeatureExtractor {
    /// The configuration given to `init`.
    public let config: FeatureExtractorConfig
    private let normalizesPerBin: Bool
    private let spectrum: KaldiSpectrum

    /// Makes the extractor; `config.kind` must be `.seamlessM4T`.
    ///
    /// * `normalizesPerBin`: False leaves the log-mel values as they are, as `transformers`
    ///   does when called with `do_normalize_per_mel_bins=False`.
    public init(
        config: FeatureExtractorConfig = FeatureExtractorConfig(kind: .seamlessM4T),
        normalizesPerBin: Bool = true
    ) {
        precondition(config.kind == .seamlessM4T, "a filterbank from \(config.kind)")
        precondition(config.melBins > 0 && config.stride > 0, "an empty filterbank")
        self.config = config
        self.normalizesPerBin = normalizesPerBin
        spectrum = KaldiSpectrum(melBins: config.melBins, samplingRate: config.samplingRate)
    }

    /// The name of the encoder input.
    public var inputName: SpeechFeatures.InputName { .inputFeatures }

    /// The samples of two frames (one frame has no variance), or of one stack if that is more.
    public var minimumSamples: Int {
        let stack = config.stride - (config.stride.isMultiple(of: 2) ? 1 : 0)
        return KaldiSpectrum.frameLength + (max(2, stack) - 1) * KaldiSpectrum.hop
    }

    /// The number of positions of a clip alone, masked ones included.
    public func inputLength(samples: Int) -> Int {
        stackedLength(frames: KaldiSpectrum.frameCount(samples: samples))
    }

    /// The number of positions of a clip that the mask marks as valid.
    public func validLength(samples: Int) -> Int {
        validLength(frames: KaldiSpectrum.frameCount(samples: samples))
    }

    private func stackedLength(frames: Int) -> Int { (frames + frames % 2) / config.stride }

    private func validLength(frames: Int) -> Int {
        if config.stride == 1 { return frames }
        return frames < 2
            ? 0 : min((frames - 2) / config.stride + 1, stackedLength(frames: frames))
    }

    /// The natural logarithms of the mel energies before normalisation, row-major `[frames, melBins]`.
    ///
    /// - Throws: `FeatureError`.
    public func logMel(_ waveform: [Float]) throws -> [Float] {
        try check(waveform)
        return spectrum.logMel(waveform)
    }

    /// The features of one clip before stacking, `[frames, melBins]`.
    public func clipFeatures(_ waveform: [Float]) throws -> ClipFeatures {
        var values = try logMel(waveform)
        let frames = values.count / config.melBins
        if normalizesPerBin { normalize(&values, frames: frames) }
        return ClipFeatures(values: values, rows: frames, width: config.melBins)
    }

    private func normalize(_ values: inout [Float], frames: Int) {
        let bins = config.melBins
        var means = [Double](repeating: 0, count: bins)
        var scales = [Double](repeating: 0, count: bins)
        values.withUnsafeMutableBufferPointer { values in
            means.withUnsafeMutableBufferPointer { means in
                scales.withUnsafeMutableBufferPointer { scales in
                    for frame in 0..<frames {
                        for bin in 0..<bins { means[bin] += Double(values[frame &* bins &+ bin]) }
                    }
                    for bin in 0..<bins { means[bin] /= Double(frames) }
                    for frame in 0..<frames {
                        for bin in 0..<bins {
                            let offset = Double(values[frame &* bins &+ bin]) - means[bin]
                            scales[bin] += offset * offset
                        }
                    }
                    for bin in 0..<bins {
                        scales[bin] = 1 / (scales[bin] / Double(frames - 1) + 1e-7).squareRoot()
                    }
                    for frame in 0..<frames {
                        for bin in 0..<bins {
                            let offset = Double(values[frame &* bins &+ bin]) - means[bin]
                            values[frame &* bins &+ bin] = Float(offset * scales[bin])
                        }
                    }
                }
            }
        }
    }

    /// Pads clips to the longest and joins them; throws `FeatureError.emptyBatch`.
    public func collate(_ clips: [ClipFeatures]) throws -> SpeechFeatures {
        guard let longest = clips.map(\.rows).max() else { throw FeatureError.emptyBatch }
        let length = stackedLength(frames: longest)
        let size = length * config.stride * config.melBins
        var values: [Float] = []
        values.reserveCapacity(clips.count * size)
        for clip in clips {
            precondition(clip.width == config.melBins, "features of width \(clip.width)")
            // Stacking rows is no work: consecutive rows are consecutive in memory.
            let kept = clip.values.prefix(size)
            values += kept
            values += repeatElement(config.paddingValue, count: size - kept.count)
        }
        return SpeechFeatures(
            values: values, shape: [clips.count, length, config.stride * config.melBins],
            lengths: clips.map { validLength(frames: $0.rows) },
            inputLengths: clips.map { stackedLength(frames: $0.rows) },
            inputName: inputName, usesAttentionMask: config.returnsAttentionMask)
    }
}
