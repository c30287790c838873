internal import SpeechCore

/// 128 bits that tell one piece of audio from another.
///
/// Not meant against intent: whoever wants two clips of equal hash can make them.
public struct ContentHash: Sendable, Hashable {
    private var first: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    /// The hash of samples [samples] with full scale ±1, taken with 16 bits each.
    public init(_ samples: [Float], samplingRate: Int) {
        samples.withUnsafeBufferPointer { samples in
            let whole = samples.count / 4 * 4
            for index in stride(from: 0, to: whole, by: 4) {
                var word: UInt64 = 0
                for place in 0..<4 {
                    word |= UInt64(Self.sixteenBits(samples[index + place])) << (16 * UInt64(place))
                }
                mix(word)
            }
            for sample in samples[whole...] { mix(UInt64(Self.sixteenBits(sample))) }
        }
        mix(UInt64(samples.count))
        mix(UInt64(samplingRate))
    }

    /// The hash of a text.
    public init(_ text: String) {
        let hash = KeyHash.value(text)
        mix(UInt64(truncatingIfNeeded: hash >> 64))
        mix(UInt64(truncatingIfNeeded: hash))
    }

    /// The hash of this and a text together.
    public func combined(with text: String) -> ContentHash {
        var joined = self
        let other = ContentHash(text)
        joined.mix(other.first)
        joined.mix(other.second)
        return joined
    }

    /// A multiplication to 128 bits with its halves joined mixes all bits; the lanes differ in factors.
    private mutating func mix(_ word: UInt64) {
        let one = (first ^ word).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        first = one.high ^ one.low &+ 0x8EBC_6AF0_9C88_C6E3
        let two = (second &+ word).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
        second = two.high &+ two.low ^ 0x589C_F4BC_A1F2_5B91
    }

    private static func sixteenBits(_ sample: Float) -> UInt16 {
        let scaled = max(-32768, min(32767, sample * 32768))
        // Beside this number a float has no digits behind the point: it rounds.
        return UInt16(truncatingIfNeeded: (scaled + 12_582_912).bitPattern)
    }
}
