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
    /// Per filter, the first bin of its triangle and where its weights lie in `weights`.
    private let filters: [Filter]
    private let weights: [Double]
    private let fft = RealFFT()

    private struct Filter: Sendable {
        let firstBin: Int
        let firstWeight: Int
        let count: Int
    }

    init(melBins: Int, samplingRate: Int) {
        self.melBins = melBins
        window = (0..<Self.frameLength).map { index in
            let angle = 2 * Double.pi * Double(index) / Double(Self.frameLength - 1)
            return pow(0.5 - 0.5 * cos(angle), 0.85) * 32_768
        }
        var filters: [Filter] = []
        var weights: [Double] = []
        for filter in Self.melFilters(melBins: melBins, samplingRate: samplingRate) {
            filters.append(
                Filter(
                    firstBin: filter.firstBin, firstWeight: weights.count,
                    count: filter.weights.count))
            weights += filter.weights
        }
        self.filters = filters
        self.weights = weights
    }

    /// Triangles of unit height, linear in mel, from 20 Hz to half the sampling rate.
    ///
    /// A filter narrower than the distance of two bins may have no weights.
    static func melFilters(
        melBins: Int, samplingRate: Int
    ) -> [(firstBin: Int, weights: [Double])] {
        func mel(_ frequency: Double) -> Double { 1127 * log(1 + frequency / 700) }
        let lowest = mel(20)
        let highest = mel(Double(samplingRate / 2))
        let step = (highest - lowest) / Double(melBins + 1)
        let binMels = (0..<RealFFT.binCount).map {
            mel(Double($0) * Double(samplingRate) / Double(RealFFT.size))
        }
        return (0..<melBins).map { index in
            let left = lowest + Double(index) * step
            let centre = left + step
            let right = centre + step
            let heights = binMels.map {
                max(0, min(($0 - left) / (centre - left), (right - $0) / (right - centre)))
            }
            let first = heights.firstIndex { $0 > 0 } ?? 0
            let end = heights.lastIndex { $0 > 0 }.map { $0 + 1 } ?? first
            return (first, Array(heights[first..<end]))
        }
    }

    /// The number of whole frames in a number of samples.
    static func frameCount(samples: Int) -> Int {
        samples < frameLength ? 0 : 1 + (samples - frameLength) / hop
    }

    /// The natural logarithms of the mel energies, row-major `[frames, melBins]`.
    func logMel(_ waveform: [Float]) -> [Float] {
        let frames = Self.frameCount(samples: waveform.count)
        let workspace = RealFFT.Workspace()
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
                    filter(workspace.power, output + frame * melBins, output + next * melBins)
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
                signal[RealFFT.half &+ index] =
                    (odd - Self.preEmphasis * even) * window[2 &* index &+ 1]
                previous = odd
            }
        }
        for index in Self.frameLength / 2..<RealFFT.half {
            signal[index] = .zero
            signal[RealFFT.half &+ index] = .zero
        }
    }

    @inline(__always)
    private func filter(
        _ power: UnsafeMutablePointer<Lanes>, _ first: UnsafeMutablePointer<Float>,
        _ second: UnsafeMutablePointer<Float>
    ) {
        let floor = Lanes(repeating: Self.floor)
        weights.withUnsafeBufferPointer { weights in
            filters.withUnsafeBufferPointer { filters in
                for (index, filter) in filters.enumerated() {
                    var energy = Lanes.zero
                    for bin in 0..<filter.count {
                        energy +=
                            power[filter.firstBin &+ bin] * weights[filter.firstWeight &+ bin]
                    }
                    let logarithm = Self.logarithm(
                        energy.replacing(with: floor, where: energy .< floor))
                    (first + index).initialize(to: Float(logarithm.x))
                    (second + index).initialize(to: Float(logarithm.y))
                }
            }
        }
    }

    /// The natural logarithm of positive normal numbers, within 1e-13.
    ///
    /// Our own, so that both lanes go at once and every platform gives the same bits. With
    /// x = 2^k·m, m in [√½, √2) and s = (m − 1)/(m + 1): ln x = k·ln 2 + 2(s + s³/3 + s⁵/5 + …).
    @inline(__always)
    static func logarithm(_ value: Lanes) -> Lanes {
        let rootHalf: Int64 = 0x3FE6_A09E_667F_3BCD
        let bits = unsafeBitCast(value, to: SIMD2<Int64>.self)
        let exponent = (bits &- SIMD2(repeating: rootHalf)) &>> SIMD2(repeating: 52)
        let mantissa = unsafeBitCast(
            bits &- (exponent &<< SIMD2(repeating: 52)), to: Lanes.self)
        let s = (mantissa - 1) / (mantissa + 1)
        let z = s * s
        var series = Lanes(repeating: 1.0 / 17)
        series = series * z + 1.0 / 15
        series = series * z + 1.0 / 13
        series = series * z + 1.0 / 11
        series = series * z + 1.0 / 9
        series = series * z + 1.0 / 7
        series = series * z + 1.0 / 5
        series = series * z + 1.0 / 3
        series = series * z + 1
        let scale = Lanes(Double(exponent.x), Double(exponent.y))
        return scale * 0.693_147_180_559_945_309 + 2 * s * series
    }
}
