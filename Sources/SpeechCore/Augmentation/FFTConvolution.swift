/// Convolution with one response, such as that of a room, by way of the spectrum.
///
/// The signal is cut into blocks whose convolutions overlap and are added up. One transform takes four
/// blocks at once: the two lanes of `RealFFT`, each with one block as the real and one as the
/// imaginary part, which a real response leaves apart. Everything is computed in float64.
public struct FFTConvolution: Sendable {
    /// The number of samples of the response.
    public let responseCount: Int
    private let fft: RealFFT
    // The spectrum of the response, divided by its length: real parts, then imaginary ones.
    private let spectrum: [Double]

    /// The memory that the prepared response takes, in bytes.
    public var byteCount: Int { (spectrum.count + 3 * fft.size) * MemoryLayout<Double>.size }

    /// Prepares a response of at least one sample.
    public init(_ response: [Float]) {
        precondition(!response.isEmpty, "a convolution with nothing")
        responseCount = response.count
        // At least half of every block is new samples; powers of 4 have the fastest passes.
        var length = 256
        while length < 2 * response.count { length *= 4 }
        fft = RealFFT(size: 2 * length)
        let workspace = fft.makeWorkspace()
        for (index, sample) in response.enumerated() {
            workspace.signal[index] = RealFFT.Lanes(repeating: Double(sample))
        }
        let transformed = fft.transformPairs(workspace)
        spectrum = (0..<2 * length).map { transformed[$0].x / Double(length) }
    }

    /// Convolves a signal.
    ///
    /// * `kept`: the samples of the result that are wanted, within 0 ..< N + M − 1 for a signal of N and
    ///   a response of M samples; nil wants all.
    /// - Returns: result[n] = Σ response[m] · signal[n − m].
    public func callAsFunction(_ signal: [Float], kept: Range<Int>? = nil) -> [Float] {
        guard !signal.isEmpty else { return [] }
        let whole = 0..<signal.count + responseCount - 1
        let kept = kept ?? whole
        precondition(
            kept.lowerBound >= 0 && kept.upperBound <= whole.upperBound,
            "samples \(kept) of a convolution of \(whole.count)")
        let length = fft.half
        let step = length - responseCount + 1
        var sums = [Double](repeating: 0, count: kept.count)
        let workspace = fft.makeWorkspace()
        // Blocks that end before the first sample that is wanted, and those behind the last.
        let first = max(0, (kept.lowerBound - responseCount + 1) / step)
        let end = (min(signal.count, kept.upperBound) + step - 1) / step
        for block in stride(from: first, to: end, by: 4) {
            load(signal, from: block * step, step: step, workspace)
            let product = multiply(fft.transformPairs(workspace), in: workspace)
            for place in 0..<4 where block + place < end {
                let start = (block + place) * step
                let size = min(step, signal.count - start) + responseCount - 1
                let (isImaginary, lane) = (place >= 2, place % 2)
                let from = max(start, kept.lowerBound)
                let to = min(start + size, kept.upperBound)
                guard from < to else { continue }
                for index in from..<to {
                    // Imaginary parts lie first: the inverse transform has them exchanged.
                    let value = product[index - start + (isImaginary ? 0 : length)]
                    sums[index - kept.lowerBound] += lane == 0 ? value.x : value.y
                }
            }
        }
        return sums.map { Float($0) }
    }

    /// Puts four blocks of `step` samples into the workspace: two lanes of real parts, two of imaginary.
    private func load(
        _ signal: [Float], from start: Int, step: Int, _ workspace: borrowing RealFFT.Workspace
    ) {
        signal.withUnsafeBufferPointer { signal in
            func sample(_ index: Int) -> Double { index < signal.count ? Double(signal[index]) : 0 }
            for index in 0..<step {
                let first = start + index
                workspace.signal[index] = RealFFT.Lanes(sample(first), sample(first + step))
                workspace.signal[fft.half + index] = RealFFT.Lanes(
                    sample(first + 2 * step), sample(first + 3 * step))
            }
        }
        for index in step..<fft.half {
            workspace.signal[index] = .zero
            workspace.signal[fft.half + index] = .zero
        }
    }

    /// Multiplies a spectrum with the response's and transforms back.
    ///
    /// The inverse transform is the transform itself with real and imaginary parts exchanged before
    /// and after; the result is left exchanged.
    private func multiply(
        _ values: UnsafeMutablePointer<RealFFT.Lanes>, in workspace: borrowing RealFFT.Workspace
    ) -> UnsafeMutablePointer<RealFFT.Lanes> {
        let length = fft.half
        spectrum.withUnsafeBufferPointer { response in
            for bin in 0..<length {
                let (real, imaginary) = (values[bin], values[length + bin])
                let (c, s) = (response[bin], response[length + bin])
                workspace.signal[bin] = real * s + imaginary * c
                workspace.signal[length + bin] = real * c - imaginary * s
            }
        }
        return fft.transformPairs(workspace)
    }
}
