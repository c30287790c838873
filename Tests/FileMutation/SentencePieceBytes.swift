/// Makes `.model` files of SentencePiece byte by byte, valid ones and others.
package enum SentencePieceBytes {
    /// A field that is text, bytes or a message; of fewer than 2^14 bytes.
    package static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length =
            count < 0x80 ? [UInt8(count)] : [UInt8(count & 0x7F) | 0x80, UInt8(count >> 7)]
        return [number << 3 | 2] + length + content
    }

    /// A piece with its score and its type, which is below 128.
    package static func piece(_ text: String, _ kind: UInt8, score: Float = 0) -> [UInt8] {
        field(
            1, field(1, Array(text.utf8)) + [0x15] + littleEndian(score.bitPattern) + [0x18, kind])
    }

    /// The settings of training: 1 is unigram, 2 BPE.
    package static func trainer(_ kind: UInt8, hasByteFallback: Bool = false) -> [UInt8] {
        field(2, [0x18, kind] + (hasByteFallback ? [0x98, 0x02, 1] : []))
    }

    /// A normalizer with one rule, which makes "AA" of "B".
    package static let normalizer: [UInt8] = {
        var units = [UInt32](repeating: 0, count: 68)
        // The children of the root stand at their label xor 1, the leaf beside its parent.
        units[0] = 1 << 10
        let node = 1 ^ 0x42
        units[node] = 0x42 | 1 << 8 | 1 << 10
        units[node ^ 1] = 1 << 31
        let table = units.flatMap { littleEndian($0) }
        let map = littleEndian(UInt32(table.count)) + table + Array("AA\0".utf8)
        return field(3, field(2, map) + [0x18, 1, 0x20, 1, 0x28, 1])
    }()

    /// A unigram model of a few pieces, with a symbol of its user.
    static let unigramPieces: [UInt8] = {
        let texts = ["\u{2581}", "A", "AA", "\u{2581}A", "b", "ü", "c\u{2581}d"]
        let pieces = texts.enumerated().flatMap { index, text in
            piece(text, 1, score: -1 - Float(index) / 4)
        }
        return piece("<unk>", 2) + piece("<s>", 3) + piece("<x>", 4) + piece("Ab", 5, score: -0.5)
            + pieces
    }()

    /// A BPE model with the pieces of all bytes.
    static let mergedPieces: [UInt8] = {
        let bytes = (0..<256).flatMap { (byte: Int) -> [UInt8] in
            let digits = String(byte, radix: 16, uppercase: true)
            return piece("<0x" + (digits.count < 2 ? "0" : "") + digits + ">", 6)
        }
        let texts = ["\u{2581}A", "AA", "\u{2581}", "A", "b"]
        let pieces = texts.enumerated().flatMap { index, text in
            piece(text, 1, score: -Float(index))
        }
        return piece("<unk>", 2) + bytes + pieces
    }()
}
