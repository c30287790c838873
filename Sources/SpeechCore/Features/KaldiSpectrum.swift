import Foundation

/// Kaldi's log-mel energies: frames of 400 samples every 160, FFT of 512, triangular mel filters.
///
/// Steps and constants are those of `SeamlessM4TFeatureExtractor` (transformers 5.23), computed in
/// float64 and rounded to `Float` at the end. Frames are not centred; a tail that fills no frame is
/// dropped.
struct KaldiSpectrum: Sendable {
    typealias Lanes = RealFFT.Lanes

    /// Samples of a frame (25 ms at 16 kHz).
    static let frameLength = 400
    /// Samples from one frame to the next (10 ms at 16 kHz).
    static let hop = 160
    /// Energies below this count as this before the logarithm: the spacing of `Float` at 1.
    static let floor = 1.192092955078125e-07
    static let preEmphasis = 0.97

    /// The number of filters.
    let melBins: Int
    /// Povey window, times the 2^15 that takes samples to 16-bit units (a power of two: exact).
    let window: [Double]
    private let filters: MelFilterbank
    private let fft = RealFFT(size: 512)

    init(melBins: Int, samplingRate: Int) {
        self.melBins = melBins
        window = (0..<Self.frameLength).map { index in
            let angle = 2 * Double.pi * Double(index) / Double(Self.frameLength - 1)
            return pow(0.5 - 0.5 * cos(angle), 0.85) * 32_768
        }
        // Triangles linear in mel, from 20 Hz to half the sampling rate.
        func mel(_ frequency: Double) -> Double { 1127 * log(1 + frequency / 700) }
        let lowest = mel(20)
        let step = (mel(Double(samplingRate / 2)) - lowest) / Double(melBins + 1)
        let size = Double(fft.size)
        filters = MelFilterbank(
            MelFilterbank.triangles(
                bins: (0..<fft.binCount).map { mel(Double($0) * Double(samplingRate) / size) },
                corners: (0..<melBins + 2).map { lowest + Double($0) * step }))
    }

    /// The number of whole frames in a number of samples.
    static func frameCount(samples: Int) -> Int {
        samples < frameLength ? 0 : 1 + (samples - frameLength) / hop
    }

    /// The natural logarithms of the mel energies, row-major `[frames, melBins]`.
    func logMel(_ waveform: [Float]) -> [Float] {
        let frames = Self.frameCount(samples: waveform.count)
        let workspace = fft.makeWorkspace()
        return [Float](unsafeUninitializedCapacity: frames * melBins) { output, filled in
            waveform.withUnsafeBufferPointer { samples in
                guard let samples = samples.baseAddress, let output = output.baseAddress else {
                    return
                }
                for frame in stride(from: 0, to: frames, by: 2) {
                    // An odd last frame is computed in both lanes.
                    let next = min(frame + 1, frames - 1)
                    load(samples + frame * Self.hop, samples + next * Self.hop, workspace)
                    fft.transform(workspace)
                    let (first, second) = (output + frame * melBins, output + next * melBins)
                    filters.forEachEnergy(workspace.power, floor: Self.floor) { index, energy in
                        let logarithm = MelFilterbank.logarithm(energy)
                        (first + index).initialize(to: Float(logarithm.x))
                        (second + index).initialize(to: Float(logarithm.y))
                    }
                }
            }
            filled = frames * melBins
        }
    }

    /// Takes each frame's mean out, pre-emphasises, applies the window, and splits even and odd.
    @inline(__always)
    private func load(
        _ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>,
        _ workspace: borrowing RealFFT.Workspace
    ) {
        var sum = Lanes.zero
        for index in 0..<Self.frameLength {
            sum += Lanes(Double(first[index]), Double(second[index]))
        }
        let mean = sum / Double(Self.frameLength)
        let signal = workspace.signal
        window.withUnsafeBufferPointer { window in
            // The first sample stands in for the one before it.
            var previous = Lanes(Double(first[0]), Double(second[0])) - mean
            for index in 0..<Self.frameLength / 2 {
                let even = Lanes(Double(first[2 &* index]), Double(second[2 &* index])) - mean
                let odd =
                    Lanes(Double(first[2 &* index &+ 1]), Double(second[2 &* index &+ 1])) - mean
                signal[index] = (even - Self.preEmphasis * previous) * window[2 &* index]
                signal[fft.half &+ index] =
                    (odd - Self.preEmphasis * even) * window[2 &* index &+ 1]
                previous = odd
            }
        }
        for index in Self.frameLength / 2..<fft.half {
            signal[index] = .zero
            signal[fft.half &+ index] = .zero
        }
    }
}
