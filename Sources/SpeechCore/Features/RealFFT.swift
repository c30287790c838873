import Foundation

/// The power spectrum of two real signals of 512 samples at once, in float64.
///
/// Two frames lie in the two lanes of every vector, so the butterflies need no shuffles. A real
/// transform of 512 is a complex one of 256 over the even and odd samples; 256 = 4⁴ takes four radix-4
/// passes that sort themselves (Stockham), and a last pass separates the even and odd halves.
struct RealFFT: Sendable {
    typealias Lanes = SIMD2<Double>

    /// Memory for one transform; one per thread.
    struct Workspace: ~Copyable {
        /// 256 even samples, then 256 odd ones; holds the input and is overwritten.
        let signal: UnsafeMutablePointer<Lanes>
        /// 257 powers.
        let power: UnsafeMutablePointer<Lanes>
        fileprivate let spare: UnsafeMutablePointer<Lanes>

        init() {
            signal = .allocate(capacity: 2 * half)
            spare = .allocate(capacity: 2 * half)
            power = .allocate(capacity: half + 1)
            signal.initialize(repeating: .zero, count: 2 * half)
            spare.initialize(repeating: .zero, count: 2 * half)
            power.initialize(repeating: .zero, count: half + 1)
        }

        deinit {
            signal.deallocate()
            spare.deallocate()
            power.deallocate()
        }
    }

    /// The number of samples.
    static let size = 512
    /// The length of the complex transform, and the offset of the odd samples in the workspace.
    static let half = 256
    /// The number of powers: bin k is k / 512 of the sampling rate.
    static let binCount = 257

    // w, w², w³ as (re, im) for each butterfly of the first three passes; those of the last are 1.
    private let twiddles: [Double]
    // cos and sin of 2πk/512, k = 0 ... 128.
    private let separation: [Double]

    init() {
        var twiddles: [Double] = []
        for length in [256, 64, 16] {
            for index in 0..<length / 4 {
                for power in 1...3 {
                    let angle = -2 * Double.pi * Double(index * power) / Double(length)
                    twiddles += [cos(angle), sin(angle)]
                }
            }
        }
        self.twiddles = twiddles
        separation = (0...Self.half / 2).flatMap { index -> [Double] in
            let angle = 2 * Double.pi * Double(index) / Double(Self.size)
            return [cos(angle), sin(angle)]
        }
    }

    /// Replaces `workspace.power` by the squared magnitudes of the spectrum of `workspace.signal`.
    func transform(_ workspace: borrowing Workspace) {
        twiddles.withUnsafeBufferPointer { factors in
            guard var factor = factors.baseAddress else { return }
            Self.pass(from: workspace.signal, to: workspace.spare, stride: 1, &factor)
            Self.pass(from: workspace.spare, to: workspace.signal, stride: 4, &factor)
            Self.pass(from: workspace.signal, to: workspace.spare, stride: 16, &factor)
        }
        Self.lastPass(from: workspace.spare, to: workspace.signal)
        separate(workspace.signal, into: workspace.power)
    }

    /// One radix-4 pass over sequences interleaved by `stride`, of length 256 / stride.
    @inline(__always)
    private static func pass(
        from source: UnsafeMutablePointer<Lanes>, to target: UnsafeMutablePointer<Lanes>,
        stride: Int, _ factor: inout UnsafePointer<Double>
    ) {
        let quarter = half / 4
        for group in 0..<quarter / stride {
            let (r1, i1) = (Lanes(repeating: factor[0]), Lanes(repeating: factor[1]))
            let (r2, i2) = (Lanes(repeating: factor[2]), Lanes(repeating: factor[3]))
            let (r3, i3) = (Lanes(repeating: factor[4]), Lanes(repeating: factor[5]))
            factor += 6
            for offset in 0..<stride {
                let input = source + (group &* stride &+ offset)
                let output = target + (group &* stride &* 4 &+ offset)
                let sumReal = input[0] + input[2 &* quarter]
                let sumImaginary = input[half] + input[half &+ 2 &* quarter]
                let differenceReal = input[0] - input[2 &* quarter]
                let differenceImaginary = input[half] - input[half &+ 2 &* quarter]
                let oddSumReal = input[quarter] + input[3 &* quarter]
                let oddSumImaginary = input[half &+ quarter] + input[half &+ 3 &* quarter]
                let oddReal = input[quarter] - input[3 &* quarter]
                let oddImaginary = input[half &+ quarter] - input[half &+ 3 &* quarter]

                output[0] = sumReal + oddSumReal
                output[half] = sumImaginary + oddSumImaginary
                // (difference − i·odd)·w, (sum − oddSum)·w², (difference + i·odd)·w³
                let (aReal, aImaginary) = (
                    differenceReal + oddImaginary, differenceImaginary - oddReal
                )
                output[stride] = aReal * r1 - aImaginary * i1
                output[half &+ stride] = aReal * i1 + aImaginary * r1
                let (bReal, bImaginary) = (sumReal - oddSumReal, sumImaginary - oddSumImaginary)
                output[2 &* stride] = bReal * r2 - bImaginary * i2
                output[half &+ 2 &* stride] = bReal * i2 + bImaginary * r2
                let (cReal, cImaginary) = (
                    differenceReal - oddImaginary, differenceImaginary + oddReal
                )
                output[3 &* stride] = cReal * r3 - cImaginary * i3
                output[half &+ 3 &* stride] = cReal * i3 + cImaginary * r3
            }
        }
    }

    /// The pass of stride 64, whose factors are all 1.
    @inline(__always)
    private static func lastPass(
        from source: UnsafeMutablePointer<Lanes>, to target: UnsafeMutablePointer<Lanes>
    ) {
        let quarter = half / 4
        for offset in 0..<quarter {
            let input = source + offset
            let output = target + offset
            let sumReal = input[0] + input[2 &* quarter]
            let sumImaginary = input[half] + input[half &+ 2 &* quarter]
            let differenceReal = input[0] - input[2 &* quarter]
            let differenceImaginary = input[half] - input[half &+ 2 &* quarter]
            let oddSumReal = input[quarter] + input[3 &* quarter]
            let oddSumImaginary = input[half &+ quarter] + input[half &+ 3 &* quarter]
            let oddReal = input[quarter] - input[3 &* quarter]
            let oddImaginary = input[half &+ quarter] - input[half &+ 3 &* quarter]
            output[0] = sumReal + oddSumReal
            output[half] = sumImaginary + oddSumImaginary
            output[quarter] = differenceReal + oddImaginary
            output[half &+ quarter] = differenceImaginary - oddReal
            output[2 &* quarter] = sumReal - oddSumReal
            output[half &+ 2 &* quarter] = sumImaginary - oddSumImaginary
            output[3 &* quarter] = differenceReal - oddImaginary
            output[half &+ 3 &* quarter] = differenceImaginary + oddReal
        }
    }

    /// Powers of the real signal's spectrum X from the spectrum Z of `even + i·odd`.
    ///
    /// X[k] = E + W·O and X[256 − k] = conj(E − W·O), where E and O are the spectra of the even and
    /// odd samples, and W = e^(−2πik/512).
    @inline(__always)
    private func separate(
        _ spectrum: UnsafeMutablePointer<Lanes>, into power: UnsafeMutablePointer<Lanes>
    ) {
        let half = Self.half
        let first = spectrum[0] + spectrum[half]
        let last = spectrum[0] - spectrum[half]
        power[0] = first * first
        power[half] = last * last
        separation.withUnsafeBufferPointer { factors in
            for bin in 1...half / 2 {
                let mirror = half &- bin
                let cosine = Lanes(repeating: factors[2 &* bin])
                let sine = Lanes(repeating: factors[2 &* bin &+ 1])
                let evenReal = 0.5 * (spectrum[bin] + spectrum[mirror])
                let evenImaginary = 0.5 * (spectrum[half &+ bin] - spectrum[half &+ mirror])
                let oddReal = 0.5 * (spectrum[half &+ bin] + spectrum[half &+ mirror])
                let oddImaginary = 0.5 * (spectrum[mirror] - spectrum[bin])
                let turnedReal = cosine * oddReal + sine * oddImaginary
                let turnedImaginary = cosine * oddImaginary - sine * oddReal
                let (sumReal, sumImaginary) = (
                    evenReal + turnedReal, evenImaginary + turnedImaginary
                )
                let (restReal, restImaginary) = (
                    evenReal - turnedReal, evenImaginary - turnedImaginary
                )
                power[bin] = sumReal * sumReal + sumImaginary * sumImaginary
                power[mirror] = restReal * restReal + restImaginary * restImaginary
            }
        }
    }
}
