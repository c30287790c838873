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
        for value in [ZipBytes.checksum(content), UInt32(truncatingIfNeeded: content.count)] {
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        return bytes
    }
}
