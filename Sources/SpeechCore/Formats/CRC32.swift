/// The checksum of ZIP archives (ISO 3309, polynomial 0xEDB88320).
enum CRC32 {
    /// Table k holds the checksums of one byte followed by k zeros, so that eight bytes take eight
    /// look-ups without waiting for one another.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let shorter = tables[index - 256]
            tables[index] = shorter >> 8 ^ tables[Int(shorter & 0xFF)]
        }
        return tables
    }()

    /// The checksum of all bytes.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            func step(_ table: Int, _ byte: UInt64) -> UInt32 {
                tables[table << 8 + Int(byte & 0xFF)]
            }
            var value = ~UInt32(0)
            let whole = bytes.count & ~7
            for offset in stride(from: 0, to: whole, by: 8) {
                let stored = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let word = UInt64(littleEndian: stored) ^ UInt64(value)
                value =
                    step(7, word) ^ step(6, word >> 8) ^ step(5, word >> 16) ^ step(4, word >> 24)
                value ^=
                    step(3, word >> 32) ^ step(2, word >> 40) ^ step(1, word >> 48)
                    ^ step(0, word >> 56)
            }
            for offset in whole..<bytes.count {
                value = value >> 8 ^ step(0, UInt64(value) ^ UInt64(bytes[offset]))
            }
            return ~value
        }
    }
}
