/// A short text that tells inputs apart: the 64-bit hash FNV-1a (Fowler, Noll and Vo), the same on
/// every machine and in every run.
package struct Fingerprint: Sendable {
    /// The hash of what was added.
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Of nothing yet.
    package init() {}

    /// Sixteen hexadecimal digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Adds bytes.
    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
}
