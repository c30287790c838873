/// Goes through the fields of a protobuf message.
///
/// Which field is what the caller knows from a schema; fields that it does not know are passed over.
/// Groups, which no schema of today has, are refused.
package struct ProtobufReader {
    /// What a field holds, by the kinds that the wire format has.
    package enum Value: Equatable {
        /// Integers, truth values and enumerations.
        case varint(UInt64)
        /// 8 bytes.
        case fixed64(UInt64)
        /// Where text, bytes or a message inside this one stand.
        case bytes(Range<Int>)
        /// 4 bytes.
        case fixed32(UInt32)
    }

    /// A message that is not what protobuf's wire format allows.
    package struct Fault: Error, Equatable {
        /// The byte of the file.
        package let offset: Int
        /// What was expected and what was found.
        package let detail: String
    }

    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    /// Reads a part of a file, or all of it.
    package init(_ bytes: [UInt8], in range: Range<Int>? = nil) {
        self.bytes = bytes
        position = range?.lowerBound ?? 0
        end = range?.upperBound ?? bytes.count
    }

    /// The next field, or nil at the end of the message.
    ///
    /// - Throws: `Fault`.
    package mutating func next() throws(Fault) -> (number: Int, value: Value)? {
        guard position < end else { return nil }
        let start = position
        let key = try varint()
        guard (8...UInt64(UInt32.max)).contains(key) else {
            throw Fault(offset: start, detail: "expected the number of a field, found \(key >> 3)")
        }
        let number = Int(key >> 3)
        switch key & 7 {
        case 0: return (number, .varint(try varint()))
        case 1: return (number, .fixed64(try fixed(UInt64.self)))
        case 2:
            let length = try varint()
            guard length <= UInt64(end - position) else {
                throw Fault(
                    offset: start,
                    detail: "expected at most \(end - position) bytes, found a length of \(length)")
            }
            let range = position..<position + Int(length)
            position = range.upperBound
            return (number, .bytes(range))
        case 5: return (number, .fixed32(try fixed(UInt32.self)))
        default:
            throw Fault(
                offset: start, detail: "expected a field of kind 0, 1, 2 or 5, found \(key & 7)")
        }
    }

    private mutating func varint() throws(Fault) -> UInt64 {
        let start = position
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { break }
            let byte = bytes[position]
            position += 1
            // The tenth byte has room for one bit more.
            if shift == 63, byte > 1 { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw Fault(
            offset: start, detail: "expected a number of at most 64 bits, found no end of it")
    }

    private mutating func fixed<T: FixedWidthInteger>(_ type: T.Type) throws(Fault) -> T {
        let size = T.bitWidth / 8
        guard end - position >= size else {
            throw Fault(
                offset: position, detail: "expected \(size) bytes, found \(end - position)")
        }
        defer { position += size }
        return (0..<size).reduce(0) { $0 | T(bytes[position + $1]) << T(8 * $1) }
    }
}
