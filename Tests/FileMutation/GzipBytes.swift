/// Makes files as gzip would, without compressing anything.
package enum GzipBytes {
    /// One member with the content in stored blocks.
    package static func stored(_ content: [UInt8], name: String? = nil) -> [UInt8] {
        var bytes: [UInt8] = [0x1F, 0x8B, 8, name == nil ? 0 : 8, 0, 0, 0, 0, 0, 255]
        if let name { bytes += Array(name.utf8) + [0] }
        var start = 0
        repeat {
            let end = min(content.count, start + 65_535)
            let count = end - start
            bytes.append(end == content.count ? 1 : 0)
            bytes += [UInt8(count & 0xFF), UInt8(count >> 8)]
            bytes += [UInt8(~count & 0xFF), UInt8(~count >> 8 & 0xFF)]
            bytes += content[start..<end]
            start = end
        } while start < content.count
        for value in [checksum(content), UInt32(truncatingIfNeeded: content.count)] {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return bytes
    }

    private static func checksum(_ content: [UInt8]) -> UInt32 {
        var value = ~UInt32(0)
        for byte in content {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
        }
        return ~value
    }
}
