import Foundation

/// The extractor of Whisper: log-mel energies of a window of fixed length, scaled to about −1 … 1.
///
/// Follows `WhisperFeatureExtractor` (transformers 5.23) in float64. A clip is padded with
/// `paddingValue` to `chunkLength` seconds. Frames of `fftLength` samples are centred at every
/// `hopLength` samples, the signal mirrored at both ends, and the last frame is dropped. They pass a
/// periodic Hann window, the power spectrum, Slaney's mel filters from 0 to 8000 Hz, each of unit area,
/// and log10 with a floor of 1e-10; what lies more than 8 below the largest value of the clip is raised
/// to there, and x becomes (x + 4) / 4.
///
/// Features are [B, T, F] as those of the other extractors; `transformers` has [B, F, T]. Where it cuts a
/// clip that is too long, this extractor refuses it.
public struct LogMelSpectrogram: FeatureExtractor {
    /// The configuration given to `init`.
    public let config: FeatureExtractorConfig
    private let window: [Double]
    private let filters: MelFilterbank
    private let fft: RealFFT

    /// Energies below this count as this before the logarithm.
    private static let floor = 1e-10
    /// Whatever the sampling rate.
    private static let highestFrequency = 8000.0

    /// Makes the extractor; `config.kind` must be `.whisper`.
    public init(config: FeatureExtractorConfig = FeatureExtractorConfig(kind: .whisper)) {
        precondition(config.kind == .whisper, "a log-mel spectrogram from \(config.kind)")
        precondition(
            config.featureSize > 0 && config.hopLength > 0 && config.chunkLength > 0,
            "an empty spectrogram")
        self.config = config
        let size = config.fftLength
        fft = RealFFT(size: size)
        window = (0..<size).map {
            0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(size))
        }
        filters = MelFilterbank(Self.triangles(config, binCount: fft.binCount))
    }

    /// Slaney's filters: linear in hertz below 1 kHz, logarithmic above, each of unit area.
    private static func triangles(
        _ config: FeatureExtractorConfig, binCount: Int
    ) -> [MelFilterbank.Triangle] {
        // 1 kHz is 15 mel; above it, a mel is this much of the natural logarithm.
        let step = log(6.4) / 27
        let highest = 15 + log(highestFrequency / 1000) / step
        let corners = (0..<config.featureSize + 2).map { index -> Double in
            let mel = highest * Double(index) / Double(config.featureSize + 1)
            return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * step)
        }
        let width = Double(config.samplingRate / 2) / Double(binCount - 1)
        let triangles = MelFilterbank.triangles(
            bins: (0..<binCount).map { Double($0) * width }, corners: corners)
        return triangles.enumerated().map { index, triangle in
            let height = 2 / (corners[index + 2] - corners[index])
            return (triangle.firstBin, triangle.weights.map { $0 * height })
        }
    }

    /// The name of the encoder input.
    public var inputName: SpeechFeatures.InputName { .inputFeatures }
    /// One sample; the rest is padding.
    public var minimumSamples: Int { 1 }
    /// All that Whisper hears at a time.
    public var maximumSamples: Int? { config.chunkLength * config.samplingRate }

    private var windowSamples: Int { config.chunkLength * config.samplingRate }
    private var frameCount: Int { windowSamples / config.hopLength }

    /// The number of frames of the whole window, whatever the clip.
    public func inputLength(samples: Int) -> Int { frameCount }

    /// The number of frames whose centre lies in the clip.
    public func validLength(samples: Int) -> Int {
        min((samples + config.hopLength - 1) / config.hopLength, frameCount)
    }

    /// The features of a clip without padding, as `transformers` gives them with
    /// `padding="longest"`: row-major `[samples / hopLength, featureSize]`.
    ///
    /// - Throws: `FeatureError`; a clip has to be longer than half a frame, which is mirrored.
    public func logMel(_ waveform: [Float]) throws -> [Float] {
        try check(waveform)
        let needed = config.fftLength / 2 + 1
        guard waveform.count >= needed else {
            throw FeatureError.clipTooShort(clip: nil, samples: waveform.count, minimum: needed)
        }
        return spectrogram(waveform, paddedTo: waveform.count)
    }

    /// The features of the padded clip, `[frames, featureSize]`.
    public func clipFeatures(_ waveform: [Float]) throws -> ClipFeatures {
        try check(waveform)
        return ClipFeatures(
            values: spectrogram(waveform, paddedTo: windowSamples), rows: frameCount,
            width: config.featureSize, validRows: validLength(samples: waveform.count))
    }

    private func spectrogram(_ waveform: [Float], paddedTo length: Int) -> [Float] {
        let (hop, size, bands) = (config.hopLength, config.fftLength, config.featureSize)
        let frames = length / hop
        // Frames that begin behind the clip hold padding alone, all the same.
        let heard = min(frames, (waveform.count + size / 2 + hop - 1) / hop + 1)
        let padded =
            waveform
            + Array(repeating: config.paddingValue, count: max(0, length - waveform.count))
        var values = [Double](repeating: 0, count: frames * bands)
        let workspace = fft.makeWorkspace()
        for frame in stride(from: 0, to: heard, by: 2) {
            // An odd last frame is computed in both lanes.
            let next = min(frame + 1, heard - 1)
            load(padded, centre: frame * hop, centre: next * hop, workspace)
            fft.transform(workspace)
            filters.forEachEnergy(workspace.power, floor: Self.floor) { index, energy in
                let logarithm = MelFilterbank.logarithm(energy) / Self.naturalLogarithmOf10
                values[frame * bands + index] = logarithm.x
                values[next * bands + index] = logarithm.y
            }
        }
        for index in stride(from: heard * bands, to: frames * bands, by: 1) {
            values[index] = values[index - bands]
        }
        let lowest = (values.max() ?? 0) - 8
        return values.map { Float((max($0, lowest) + 4) / 4) }
    }

    private static let naturalLogarithmOf10 = 2.302_585_092_994_045_684

    /// Splits the even and the odd samples of two frames, mirrored at the ends of the signal and under
    /// the window.
    private func load(
        _ signal: [Float], centre first: Int, centre second: Int,
        _ workspace: borrowing RealFFT.Workspace
    ) {
        let size = config.fftLength
        let last = signal.count - 1
        func sample(_ index: Int) -> Double {
            Double(signal[index < 0 ? -index : index > last ? 2 * last - index : index])
        }
        for index in 0..<size {
            let place = index / 2 + (index % 2) * fft.half
            let offset = index - size / 2
            workspace.signal[place] =
                RealFFT.Lanes(sample(first + offset), sample(second + offset)) * window[index]
        }
    }

    /// Joins clips; throws `FeatureError.emptyBatch`.
    ///
    /// The mask counts as used whatever the configuration says: the encoder does not look at it, but
    /// it tells which frames are real.
    public func collate(_ clips: [ClipFeatures]) throws -> SpeechFeatures {
        guard !clips.isEmpty else { throw FeatureError.emptyBatch }
        for clip in clips {
            precondition(
                clip.rows == frameCount && clip.width == config.featureSize,
                "features [\(clip.rows), \(clip.width)] in a batch of spectrograms")
        }
        return SpeechFeatures(
            values: clips.flatMap(\.values), shape: [clips.count, frameCount, config.featureSize],
            lengths: clips.map(\.validRows), inputName: inputName, usesAttentionMask: true)
    }
}
