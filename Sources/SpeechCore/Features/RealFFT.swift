import Foundation

/// The power spectrum of two real signals of the same even length at once, in float64.
///
/// Two frames lie in the two lanes of every vector, so the butterflies need no shuffles. A real
/// transform of `size` is a complex one of half that length over the even and odd samples. It takes one
/// pass for each factor of its length (256 = 4⁴, 200 = 4 · 2 · 5²); the passes sort themselves
/// (Stockham), and a last one separates the even and odd halves. Any length is exact; those with large
/// prime factors are slow.
struct RealFFT: Sendable {
    typealias Lanes = SIMD2<Double>

    /// Memory for one transform; one per thread.
    struct Workspace: ~Copyable {
        /// The even samples, then as many odd ones; holds the input and is overwritten.
        let signal: UnsafeMutablePointer<Lanes>
        /// `binCount` powers.
        let power: UnsafeMutablePointer<Lanes>
        fileprivate let spare: UnsafeMutablePointer<Lanes>

        fileprivate init(size: Int) {
            signal = .allocate(capacity: size)
            spare = .allocate(capacity: size)
            power = .allocate(capacity: size / 2 + 1)
            signal.initialize(repeating: .zero, count: size)
            spare.initialize(repeating: .zero, count: size)
            power.initialize(repeating: .zero, count: size / 2 + 1)
        }

        deinit {
            signal.deallocate()
            spare.deallocate()
            power.deallocate()
        }
    }

    /// The number of samples.
    let size: Int
    /// The length of the complex transform, and the offset of the odd samples in the workspace.
    let half: Int
    /// The number of powers: bin k is k / `size` of the sampling rate.
    let binCount: Int

    private let passes: [Pass]
    // cos and sin of 2πk / size, k = 0 ... half / 2.
    private let separation: [Double]

    private struct Pass: Sendable {
        let radix: Int
        /// The distance of values that belong to one of the sequences still to be transformed.
        let stride: Int
        // w, w², … as (re, im) for each butterfly; empty in the last pass, where all are 1.
        let twiddles: [Double]
        // cos and sin of −2πk / radix; empty where the radix has butterflies of its own.
        let roots: [Double]
    }

    /// - Parameter size: An even number of samples.
    init(size: Int) {
        precondition(size > 0 && size.isMultiple(of: 2), "a real transform of \(size) samples")
        self.size = size
        let half = size / 2
        self.half = half
        binCount = half + 1
        var passes: [Pass] = []
        var length = half
        for radix in Self.factors(half) {
            var twiddles: [Double] = []
            let butterflies = length > radix ? length / radix : 0
            for index in 0..<butterflies {
                for power in 1..<radix {
                    let angle = -2 * Double.pi * Double(index * power) / Double(length)
                    twiddles += [cos(angle), sin(angle)]
                }
            }
            let roots = (0..<radix).flatMap { index -> [Double] in
                let angle = -2 * Double.pi * Double(index) / Double(radix)
                return [cos(angle), sin(angle)]
            }
            passes.append(
                Pass(
                    radix: radix, stride: half / length, twiddles: twiddles,
                    roots: radix == 4 ? [] : roots))
            length /= radix
        }
        self.passes = passes
        separation = (0...half / 2).flatMap { index -> [Double] in
            let angle = 2 * Double.pi * Double(index) / Double(size)
            return [cos(angle), sin(angle)]
        }
    }

    /// Fours as often as possible, then primes in ascending order.
    private static func factors(_ length: Int) -> [Int] {
        var factors: [Int] = []
        var rest = length
        while rest.isMultiple(of: 4) {
            factors.append(4)
            rest /= 4
        }
        var prime = 2
        while rest > 1 {
            while rest.isMultiple(of: prime) {
                factors.append(prime)
                rest /= prime
            }
            prime = prime * prime > rest ? rest : prime + 1
        }
        return factors
    }

    /// Memory for transforms of this size.
    func makeWorkspace() -> Workspace { Workspace(size: size) }

    /// Replaces `workspace.power` by the squared magnitudes of the spectrum of `workspace.signal`.
    func transform(_ workspace: borrowing Workspace) {
        separate(transformPairs(workspace), into: workspace.power)
    }

    /// Transforms the `half` complex numbers of `workspace.signal`: their real parts, then their
    /// imaginary ones.
    ///
    /// - Returns: the spectrum in the same layout, in memory of the workspace.
    func transformPairs(_ workspace: borrowing Workspace) -> UnsafeMutablePointer<Lanes> {
        var source = workspace.signal
        var target = workspace.spare
        for pass in passes {
            if pass.radix != 4 {
                run(pass, from: source, to: target)
            } else if pass.twiddles.isEmpty {
                runLastOfFour(from: source, to: target)
            } else {
                // A stride that the compiler knows makes the first pass a plain loop.
                if pass.stride == 1 {
                    runFour(pass, stride: 1, from: source, to: target)
                } else {
                    runFour(pass, stride: pass.stride, from: source, to: target)
                }
            }
            swap(&source, &target)
        }
        return source
    }

    /// One pass of any radix, by its definition.
    private func run(
        _ pass: Pass, from source: UnsafeMutablePointer<Lanes>,
        to target: UnsafeMutablePointer<Lanes>
    ) {
        let half = half
        let (radix, stride) = (pass.radix, pass.stride)
        let part = half / radix
        for group in 0..<part / stride {
            for offset in 0..<stride {
                let input = source + (group &* stride &+ offset)
                let output = target + (group &* stride &* radix &+ offset)
                for index in 0..<radix {
                    var (real, imaginary) = (input[0], input[half])
                    var root = 0
                    for term in 1..<radix {
                        root &+= index
                        if root >= radix { root &-= radix }
                        let cosine = Lanes(repeating: pass.roots[2 &* root])
                        let sine = Lanes(repeating: pass.roots[2 &* root &+ 1])
                        let (x, y) = (input[term &* part], input[half &+ term &* part])
                        real += x * cosine - y * sine
                        imaginary += x * sine + y * cosine
                    }
                    let place = index &* stride
                    if index == 0 || pass.twiddles.isEmpty {
                        output[place] = real
                        output[half &+ place] = imaginary
                    } else {
                        let factor = 2 &* (group &* (radix &- 1) &+ index &- 1)
                        let cosine = Lanes(repeating: pass.twiddles[factor])
                        let sine = Lanes(repeating: pass.twiddles[factor &+ 1])
                        output[place] = real * cosine - imaginary * sine
                        output[half &+ place] = real * sine + imaginary * cosine
                    }
                }
            }
        }
    }

    /// The transform of four values that lie a quarter of the whole one's length apart.
    private struct Butterfly {
        typealias Complex = (real: Lanes, imaginary: Lanes)

        let first, second, third, fourth: Complex

        @inline(__always)
        init(_ input: UnsafeMutablePointer<Lanes>, half: Int) {
            let quarter = half / 4
            let sumReal = input[0] + input[2 &* quarter]
            let sumImaginary = input[half] + input[half &+ 2 &* quarter]
            let differenceReal = input[0] - input[2 &* quarter]
            let differenceImaginary = input[half] - input[half &+ 2 &* quarter]
            let oddSumReal = input[quarter] + input[3 &* quarter]
            let oddSumImaginary = input[half &+ quarter] + input[half &+ 3 &* quarter]
            let oddReal = input[quarter] - input[3 &* quarter]
            let oddImaginary = input[half &+ quarter] - input[half &+ 3 &* quarter]
            // sum + oddSum, difference − i·odd, sum − oddSum, difference + i·odd
            first = (sumReal + oddSumReal, sumImaginary + oddSumImaginary)
            second = (differenceReal + oddImaginary, differenceImaginary - oddReal)
            third = (sumReal - oddSumReal, sumImaginary - oddSumImaginary)
            fourth = (differenceReal - oddImaginary, differenceImaginary + oddReal)
        }
    }

    /// One pass of radix 4.
    @inline(__always)
    private func runFour(
        _ pass: Pass, stride: Int, from source: UnsafeMutablePointer<Lanes>,
        to target: UnsafeMutablePointer<Lanes>
    ) {
        let half = half
        let quarter = half / 4
        pass.twiddles.withUnsafeBufferPointer { factors in
            guard var factor = factors.baseAddress else { return }
            for group in 0..<quarter / stride {
                let (r1, i1) = (Lanes(repeating: factor[0]), Lanes(repeating: factor[1]))
                let (r2, i2) = (Lanes(repeating: factor[2]), Lanes(repeating: factor[3]))
                let (r3, i3) = (Lanes(repeating: factor[4]), Lanes(repeating: factor[5]))
                factor += 6
                for offset in 0..<stride {
                    let input = source + (group &* stride &+ offset)
                    let output = target + (group &* stride &* 4 &+ offset)
                    let four = Butterfly(input, half: half)
                    (output[0], output[half]) = four.first
                    // Times w, w² and w³.
                    let (aReal, aImaginary) = four.second
                    output[stride] = aReal * r1 - aImaginary * i1
                    output[half &+ stride] = aReal * i1 + aImaginary * r1
                    let (bReal, bImaginary) = four.third
                    output[2 &* stride] = bReal * r2 - bImaginary * i2
                    output[half &+ 2 &* stride] = bReal * i2 + bImaginary * r2
                    let (cReal, cImaginary) = four.fourth
                    output[3 &* stride] = cReal * r3 - cImaginary * i3
                    output[half &+ 3 &* stride] = cReal * i3 + cImaginary * r3
                }
            }
        }
    }

    /// The last pass where it has radix 4: all its factors are 1.
    @inline(__always)
    private func runLastOfFour(
        from source: UnsafeMutablePointer<Lanes>, to target: UnsafeMutablePointer<Lanes>
    ) {
        let half = half
        let quarter = half / 4
        for offset in 0..<quarter {
            let input = source + offset
            let output = target + offset
            let four = Butterfly(input, half: half)
            (output[0], output[half]) = four.first
            (output[quarter], output[half &+ quarter]) = four.second
            (output[2 &* quarter], output[half &+ 2 &* quarter]) = four.third
            (output[3 &* quarter], output[half &+ 3 &* quarter]) = four.fourth
        }
    }

    /// Powers of the real signal's spectrum X from the spectrum Z of `even + i·odd`.
    ///
    /// X[k] = E + W·O and X[half − k] = conj(E − W·O), where E and O are the spectra of the even and odd
    /// samples, and W = e^(−2πik / size).
    @inline(__always)
    private func separate(
        _ spectrum: UnsafeMutablePointer<Lanes>, into power: UnsafeMutablePointer<Lanes>
    ) {
        let half = half
        let first = spectrum[0] + spectrum[half]
        let last = spectrum[0] - spectrum[half]
        power[0] = first * first
        power[half] = last * last
        separation.withUnsafeBufferPointer { factors in
            for bin in stride(from: 1, through: half / 2, by: 1) {
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
