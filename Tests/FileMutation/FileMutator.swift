import SpeechCore

/// Damages valid files: bytes anywhere, and numbers, words and instructions where the format has them.
///
/// A mutant is a function of format, seed and index, so any one can be made again.
package struct FileMutator: Sendable {
    private let format: MutatedFormat
    private let seed: UInt64
    private let files: [ValidFile]

    package init(_ format: MutatedFormat, seed: UInt64) {
        self.format = format
        self.seed = seed
        files = format.validFiles
    }

    /// One damaged file; a few are still valid.
    package func mutant(_ index: Int) -> [UInt8] {
        let streams = Array(format.rawValue.utf8.map { UInt64($0) }) + [UInt64(index)]
        var edit = Edit(random: SeededGenerator(seed: seed, streams: streams))
        let file = files[edit.random.uniform(below: files.count)]
        // Half of them are whole but for what is in the middle, so that edits reach the parser.
        let isInside = edit.random.uniform(below: 2) == 0
        edit.bytes = isInside ? file.core : file.bytes
        edit.parts = isInside ? [0..<file.core.count] : file.parts
        for _ in 0...edit.random.uniform(below: 3) {
            if edit.bytes.isEmpty { break }
            // Few damaged bytes leave a text that can be read as JSON.
            switch edit.random.uniform(below: format == .safetensors ? 16 : 6) {
            case 0: edit.damageBytes()
            case 1: edit.damageNumber()
            default:
                switch format {
                case .safetensors: edit.damageText()
                case .tar, .gzip, .sentencePiece: edit.damageBytes()
                default: edit.damagePickle()
                }
            }
        }
        return isInside ? file.wrap(edit.bytes) : edit.bytes
    }
}

/// A file under way.
private struct Edit {
    var random: SeededGenerator
    var bytes: [UInt8] = []
    var parts: [Range<Int>] = []

    init(random: SeededGenerator) { self.random = random }

    private mutating func chance(_ one: Int) -> Bool { random.uniform(below: one) == 0 }

    private mutating func pick<T>(_ values: [T]) -> T {
        values[random.uniform(below: values.count)]
    }

    /// Most edits fall where the format is decided.
    private mutating func place() -> Int {
        if chance(8) { return random.uniform(below: bytes.count) }
        let part = pick(parts)
        return min(part.lowerBound + random.uniform(below: max(1, part.count)), bytes.count - 1)
    }

    private mutating func replace(_ place: Int, _ count: Int, with new: [UInt8]) {
        bytes.replaceSubrange(place..<min(bytes.count, place + count), with: new)
    }

    // MARK: Bytes

    mutating func damageBytes() {
        let place = place()
        let length = 1 + random.uniform(below: 8)
        switch random.uniform(below: 9) {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[place] ^= 1 << UInt8(random.uniform(below: 8))
        case 2: bytes[place] = pick([0, 1, 0x7F, 0x80, 0xFF])
        case 3: replace(place, length, with: [])
        case 4:
            replace(
                place, 0, with: (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        case 5:
            // What is there, once more or many times.
            let piece = Array(bytes[place..<min(bytes.count, place + length)])
            let times = chance(16) ? 200 : 1
            replace(place, 0, with: Array(repeating: piece, count: times).flatMap { $0 })
        case 6: bytes.removeLast(min(bytes.count, random.uniform(below: 60)))
        case 7 where chance(8): bytes = Array(bytes.prefix(place))
        default:
            // What stands elsewhere.
            let source = random.uniform(below: bytes.count)
            let piece = Array(bytes[source..<min(bytes.count, source + length)])
            replace(place, piece.count, with: piece)
        }
    }

    private static let numbers: [UInt64] = [
        0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 1 << 20, 1 << 24,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 40, 1 << 62, .max >> 1, 1 << 63,
        .max - 1, .max,
    ]

    /// A number of one to eight bytes at the edge of some range.
    mutating func damageNumber() {
        let width = pick([1, 2, 2, 4, 4, 8, 8])
        var value = pick(Self.numbers)
        if chance(4) {
            value = UInt64(bytes.count) &+ UInt64(bitPattern: Int64(random.uniform(below: 9) - 4))
        }
        replace(place(), width, with: Array(littleEndian(value).prefix(width)))
    }

    // MARK: safetensors

    private static let pieces = [
        "[", "]", "{", "}", "\"", ",", ":", "9", "-", "-1", "e9", "\\u", "\\ud800", "F32",
        "F8_E4M3",
        "BF16", "I64", "U64", "0", "null", "true", "1e308", "9223372036854775807",
        "18446744073709551616",
        "4294967296", "[[[[[[[[", "\"a\":", "\"dtype\":", "\"shape\":", "\"data_offsets\":",
        "__metadata__", "\u{FFFF}", " ", "\n",
    ]

    private static let texts = [
        "F64", "F32", "F16", "BF16", "I64", "I8", "BOOL", "U16", "dtype", "shape", "data_offsets",
        "format", "a", "b", "z", "__metadata__",
    ]

    mutating func damageText() {
        let place = place()
        let piece = Array(pick(Self.pieces).utf8)
        switch random.uniform(below: 32) {
        case 0, 1: replace(place, 0, with: piece)
        case 2, 3: replace(place, piece.count, with: piece)
        case 4:
            // Nested deeply.
            let count = chance(4) ? 5000 : 20
            replace(place, 0, with: [UInt8](repeating: pick(Array("[{\"".utf8)), count: count))
        case 5...12:
            // One text in the place of another.
            let old = Array("\"\(pick(Self.texts))\"".utf8)
            guard let range = bytes.firstRange(of: old) else { return }
            replace(
                range.lowerBound, range.count, with: Array("\"\(pick(Self.texts))\"".utf8))
        case 13...18:
            // One number in the place of another.
            guard let old = number(from: place), let new = number(from: self.place()) else {
                return
            }
            replace(old.lowerBound, old.count, with: Array(bytes[new]))
        case 19...24: moveTensor()
        default:
            guard let old = number(from: place) else { return }
            var number = String(chance(2) ? pick(Self.numbers) : UInt64(random.uniform(below: 40)))
            if chance(16) { number = "-" + number }
            replace(old.lowerBound, old.count, with: Array(number.utf8))
        }
    }

    /// Moves the data of a tensor, which keeps its size, over another or away.
    private mutating func moveTensor() {
        let keys = bytes.ranges(of: Array("data_offsets".utf8))
        guard !keys.isEmpty, let start = number(from: pick(keys).upperBound),
            let end = number(from: start.upperBound)
        else { return }
        let distance = random.uniform(below: 40) - 20
        for range in [end, start] {
            let value = Int(String(decoding: bytes[range], as: UTF8.self)) ?? 0
            let moved = max(0, value.addingReportingOverflow(distance).partialValue)
            replace(range.lowerBound, range.count, with: Array(String(moved).utf8))
        }
    }

    /// The digits at or behind a place.
    private func number(from place: Int) -> Range<Int>? {
        bytes[place...].firstIndex(where: isDigit).map { start in
            start..<start + bytes[start...].prefix(while: isDigit).count
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    // MARK: Pickles

    private static let instructions =
        Array("(.012NKMJXcQRbqrhj)]tleade}suCBIVio".utf8) + [
            0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x91,
            0x92,
            0x93, 0x94, 0x95, 0xFF, 0,
        ]

    private static let fragments: [[UInt8]] = [
        PickleBytes.callable("os", "system"), PickleBytes.callable("builtins", "eval"),
        PickleBytes.callable("torch", "LongStorage"), PickleBytes.ordered,
        PickleBytes.callable("argparse", "Namespace") + Array(")".utf8) + [0x81],
        PickleBytes.callable("collections", "defaultdict"), PickleBytes.integer(.min),
        PickleBytes.integer(.max), PickleBytes.integers([1 << 40, 0, -1]), Array("}(".utf8),
        Array("](K\u{1}eh\u{0}a".utf8), Array("q\u{0}h\u{0}".utf8), Array("NNs".utf8),
        [UInt8(ascii: "X"), 0xFF, 0xFF, 0xFF, 0x7F], [0x8D] + [UInt8](repeating: 0xFF, count: 8),
        [0x8B, 0xFF, 0xFF, 0xFF, 0xFF], [UInt8](repeating: UInt8(ascii: "("), count: 300),
        [UInt8](repeating: 0x85, count: 300), [UInt8](repeating: UInt8(ascii: "2"), count: 300),
    ]

    private static let words = [
        "_rebuild_tensor_v2", "OrderedDict", "FloatStorage", "HalfStorage", "Namespace", "torch",
        "collections", "storage", "archive", "data.pkl", "model", "_content", "_val",
    ]

    mutating func damagePickle() {
        let place = place()
        switch random.uniform(below: 5) {
        case 0: bytes[place] = pick(Self.instructions)
        case 1: replace(place, 0, with: [pick(Self.instructions)])
        case 2: replace(place, 0, with: pick(Self.fragments))
        case 3:
            // One word in the place of another.
            let old = Array(pick(Self.words).utf8)
            guard let range = bytes.firstRange(of: old) else { return }
            replace(range.lowerBound, range.count, with: Array(pick(Self.words).utf8))
        default:
            // Fields of the records of a ZIP archive.
            let signatures: [UInt32] = [
                0x0403_4b50, 0x0201_4b50, 0x0605_4b50, 0x0606_4b50, 0x0706_4b50,
            ]
            let starts = bytes.ranges(of: littleEndian(pick(signatures))).map(\.lowerBound)
            guard !starts.isEmpty else { return damageNumber() }
            let width = pick([2, 4, 8])
            let field = pick(starts) + 4 + 2 * random.uniform(below: 24)
            guard field < bytes.count else { return }
            replace(
                field, width, with: Array(littleEndian(pick(Self.numbers + [8, 9])).prefix(width)))
        }
    }
}
