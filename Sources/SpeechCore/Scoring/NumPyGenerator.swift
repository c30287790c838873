/// The random numbers of NumPy's `default_rng`, with which sacreBLEU resamples.
///
/// PCG64 (O'Neill, "PCG: a family of simple fast space-efficient statistically good algorithms for random
/// number generation", 2014; XSL-RR of 128 bits) behind a `SeedSequence`. With them confidence intervals
/// and p-values are those that sacreBLEU prints for the seed. All else is drawn by ``SeededGenerator``.
struct NumPyGenerator {
    private var state: UInt128
    private let increment: UInt128
    /// The upper half of the last number, which is drawn next when only halves are asked for.
    private var half: UInt32?
    /// Bits that are left of a half, and how many.
    private var bits: UInt32 = 0
    private var bitCount = 0

    private static let multiplier =
        UInt128(2_549_297_995_355_413_924) << 64 | UInt128(4_865_540_595_714_422_341)

    init(seed: UInt64) {
        let words = Self.seedSequence(seed)
        let start = UInt128(words[0]) << 64 | UInt128(words[1])
        increment = (UInt128(words[2]) << 64 | UInt128(words[3])) << 1 | 1
        state = increment &+ start
        state = state &* Self.multiplier &+ increment
    }

    /// Four words of 64 bits from a seed: `SeedSequence(seed).generate_state(4, uint64)`.
    private static func seedSequence(_ seed: UInt64) -> [UInt64] {
        var entropy = [UInt32(truncatingIfNeeded: seed)]
        if seed >> 32 != 0 { entropy.append(UInt32(seed >> 32)) }
        var constant: UInt32 = 0x43B0_D7E5
        func hashed(_ value: UInt32) -> UInt32 {
            var value = value ^ constant
            constant = constant &* 0x931E_8875
            value = value &* constant
            return value ^ value >> 16
        }
        var pool = (0..<4).map { hashed($0 < entropy.count ? entropy[$0] : 0) }
        for source in 0..<4 {
            for target in 0..<4 where source != target {
                let hash = hashed(pool[source])
                let mixed = pool[target] &* 0xCA01_F9DD &- hash &* 0x4973_F715
                pool[target] = mixed ^ mixed >> 16
            }
        }
        var output: UInt32 = 0x8B51_F9DD
        let halves = (0..<8).map { index in
            var value = pool[index % 4] ^ output
            output = output &* 0x58F3_8DED
            value = value &* output
            return value ^ value >> 16
        }
        return (0..<4).map { UInt64(halves[2 * $0 + 1]) << 32 | UInt64(halves[2 * $0]) }
    }

    private mutating func next() -> UInt64 {
        state = state &* Self.multiplier &+ increment
        let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
        let turn = UInt64(truncatingIfNeeded: state >> 122)
        return folded >> turn | folded << ((64 - turn) & 63)
    }

    private mutating func nextHalf() -> UInt32 {
        if let half {
            self.half = nil
            return half
        }
        let number = next()
        half = UInt32(number >> 32)
        return UInt32(truncatingIfNeeded: number)
    }

    /// A number from 0 up to, but not including, `bound`, which is at most 2^32: `integers(0, bound)`.
    mutating func integer(below bound: Int) -> Int {
        guard bound > 1 else { return 0 }
        let range = UInt64(bound)
        var product = UInt64(nextHalf()) &* range
        if product & 0xFFFF_FFFF < range {
            let threshold = (0x1_0000_0000 - range) % range
            while product & 0xFFFF_FFFF < threshold { product = UInt64(nextHalf()) &* range }
        }
        return Int(product >> 32)
    }

    /// One of an array of truth values: `integers(2, dtype=bool)`.
    mutating func bit() -> Bool {
        if bitCount == 0 {
            bits = nextHalf()
            bitCount = 32
        } else {
            bits >>= 1
        }
        bitCount -= 1
        return bits & 1 == 1
    }
}
