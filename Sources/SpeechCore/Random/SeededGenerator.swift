/// A random number generator whose sequence depends on nothing but its seed and stream.
///
/// The generator is xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number
/// generators", 2021); its 256 bits of state come from a chain of SplitMix64 steps over the seed and
/// the stream numbers. Integers, shuffles and fractions are drawn by methods of this type and not by
/// the standard library, whose algorithms may change; the sequence is the same on every platform. A
/// loader that seeds with (seed, epoch, position) draws the same values wherever it starts.
public struct SeededGenerator: RandomNumberGenerator, Sendable, Hashable {
    /// The whole state of a generator, to be saved and restored.
    public struct State: Sendable, Hashable, Codable {
        /// Four words, not all zero.
        public let words: [UInt64]

        /// Takes four words, or nothing when they are not a state.
        public init?(words: [UInt64]) {
            guard words.count == 4, words.contains(where: { $0 != 0 }) else { return nil }
            self.words = words
        }

        /// Reads the four words as an array.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            guard let state = State(words: try container.decode([UInt64].self)) else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "expected four words, not all zero")
            }
            self = state
        }

        /// Writes the four words as an array.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(words)
        }
    }

    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64

    /// Starts the sequence of a seed, or one of the independent sequences under it.
    ///
    /// - Parameters:
    ///   - seed: Any number.
    ///   - stream: What tells this sequence from others of the seed, such as epoch and position; the
    ///     order matters, and `stream: 0` differs from no stream.
    public init(seed: UInt64, stream: UInt64...) {
        self.init(seed: seed, streams: stream)
    }

    /// Starts one of the independent sequences under a seed; see `init(seed:stream:)`.
    public init(seed: UInt64, streams: [UInt64]) {
        var mixer = SplitMix(state: seed)
        // Each number enters a state that is already mixed, so order and count matter.
        for number in streams { mixer.state = mixer.next() ^ number }
        s0 = mixer.next()
        s1 = mixer.next()
        s2 = mixer.next()
        s3 = mixer.next()
    }

    /// Goes on from a saved state.
    public init(state: State) {
        (s0, s1, s2, s3) = (state.words[0], state.words[1], state.words[2], state.words[3])
    }

    /// The state, from which the same sequence goes on.
    public var state: State {
        // The update is invertible and the seeding never gives four zeros, so this is a state.
        guard let state = State(words: [s0, s1, s2, s3]) else {
            preconditionFailure("a generator without state")
        }
        return state
    }

    /// Draws 64 random bits.
    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = s3 << 45 | s3 >> 19
        return result
    }

    /// Draws a number from 0 up to, but not including, 1: a multiple of 2^-53.
    public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Draws a whole number from 0 up to, but not including, `bound`, each equally likely.
    ///
    /// - Parameter bound: At least 1.
    public mutating func uniform(below bound: Int) -> Int {
        precondition(bound > 0, "nothing to draw below \(bound)")
        // Lemire, "Fast random integer generation in an interval", 2019.
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// Puts the elements into a random order, each order equally likely.
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        // Fisher and Yates, from the end.
        for index in stride(from: elements.count - 1, to: 0, by: -1) {
            elements.swapAt(index, uniform(below: index + 1))
        }
    }

    /// The numbers from 0 up to, but not including, `count` in a random order.
    public mutating func permutation(_ count: Int) -> [Int] {
        var order = Array(0..<count)
        shuffle(&order)
        return order
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}
