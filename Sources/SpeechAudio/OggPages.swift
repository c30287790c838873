internal import SpeechCore

/// The page structure of an OGG file (RFC 3533).
///
/// Decoders skip a page whose checksum is wrong, and libsndfile ends a stream at the first damage that
/// it meets; either way audio would go missing without a word.
enum OggPages {
    /// The position of the first byte that belongs to no whole and undamaged page, or nil.
    ///
    /// - Throws: `FileSystemError` when the file cannot be read.
    static func firstDamage(in source: EncodedAudio) throws -> Int? {
        let file = try MappedFile(path: source.path)
        // The file may have been cut short since it was opened.
        let end = min(source.start + source.count, file.count)
        return file.withBytes(min(source.start, end)..<end) { bytes in
            var position = 0
            while position < bytes.count {
                guard let length = pageLength(of: bytes, at: position),
                    checksum(of: bytes, at: position, length: length)
                        == bytes.loadUnaligned(fromByteOffset: position + 22, as: UInt32.self)
                        .littleEndian
                else { return position }
                position += length
            }
            return nil
        }
    }

    private static let headerLength = 27

    /// The length of the whole page at a position, or nil when there is none.
    private static func pageLength(of bytes: UnsafeRawBufferPointer, at start: Int) -> Int? {
        let table = start + headerLength
        guard table <= bytes.count, bytes[start..<start + 4].elementsEqual("OggS".utf8) else {
            return nil
        }
        let segments = Int(bytes[table - 1])
        guard table + segments <= bytes.count else { return nil }
        let content = bytes[table..<table + segments].reduce(0) { $0 + Int($1) }
        let length = headerLength + segments + content
        return start + length <= bytes.count ? length : nil
    }

    /// CRC-32 with polynomial 0x04C11DB7, no reflection, over the page with its checksum field as 0.
    private static func checksum(
        of bytes: UnsafeRawBufferPointer, at start: Int, length: Int
    ) -> UInt32 {
        tables.withUnsafeBufferPointer { tables in
            var sum: UInt32 = 0
            func add(_ byte: UInt8) { sum = sum << 8 ^ tables[Int(sum >> 24) ^ Int(byte)] }
            for index in 0..<22 { add(bytes[start + index]) }
            for _ in 0..<4 { add(0) }
            var index = start + 26
            let end = start + length
            // Eight bytes at once, each with the table of how far it is from the end of the eight.
            while index + 8 <= end {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self).bigEndian
                let mixed = word ^ UInt64(sum) << 32
                sum = 0
                for place in 0..<8 {
                    let byte = Int(truncatingIfNeeded: mixed >> UInt64(8 * place)) & 255
                    sum ^= tables[256 &* place &+ byte]
                }
                index += 8
            }
            while index < end {
                add(bytes[index])
                index += 1
            }
            return sum
        }
    }

    /// For each byte its checksum, and then those of the byte with 1, 2, … 7 zeros behind it.
    private static let tables: [UInt32] = {
        var tables: [UInt32] = (0..<256).map { value in
            (0..<8).reduce(UInt32(value) << 24) { sum, _ in
                sum & 0x8000_0000 != 0 ? sum << 1 ^ 0x04c1_1db7 : sum << 1
            }
        }
        for index in 0..<7 * 256 {
            let sum = tables[index]
            tables.append(sum << 8 ^ tables[Int(sum >> 24)])
        }
        return tables
    }()
}
