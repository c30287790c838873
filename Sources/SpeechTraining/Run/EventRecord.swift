import Foundation

/// One event of a TensorBoard log: the protobuf message `tensorflow.Event`, framed as TFRecord.
///
/// The few fields that scalars need are written by hand; their numbers are those of `event.proto`
/// and `summary.proto`.
struct EventRecord {
    /// What an event says.
    enum Content {
        /// The first event of every file.
        case fileVersion
        /// What earlier files say about this step and later ones no longer holds.
        case sessionStart
        /// Numbers by tag.
        case scalars([(tag: String, value: Double)])
    }

    /// Seconds since 1970.
    var wallTime: Double
    /// The number of updates made.
    var step: Int
    /// What the event says.
    var content: Content

    /// The message between its length and checksums, as it stands in the file.
    var framed: Data {
        let message = encoded
        var record = Message()
        record.append(UInt64(message.count))
        record.append(Self.maskedChecksum(record.bytes))
        record.bytes += message
        record.append(Self.maskedChecksum(message))
        return Data(record.bytes)
    }

    private var encoded: [UInt8] {
        var event = Message()
        event.add(1, wallTime)
        event.add(2, step)
        switch content {
        case .fileVersion:
            event.add(3, Array("brain.Event:2".utf8))
        case .sessionStart:
            var session = Message()
            session.add(1, 1)  // status: START
            event.add(7, session.bytes)
        case .scalars(let scalars):
            var summary = Message()
            for (tag, value) in scalars {
                var scalar = Message()
                scalar.add(1, Array(tag.utf8))
                scalar.add(2, Float(value))
                summary.add(1, scalar.bytes)
            }
            event.add(5, summary.bytes)
        }
        return event.bytes
    }
}

extension EventRecord {
    /// Protobuf's wire format, as far as events need it.
    private struct Message {
        var bytes: [UInt8] = []

        mutating func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
        }

        mutating func add(_ field: Int, _ value: Int) {
            append(varint: UInt64(field) << 3 | 0)
            append(varint: UInt64(bitPattern: Int64(value)))
        }

        mutating func add(_ field: Int, _ value: Double) {
            append(varint: UInt64(field) << 3 | 1)
            append(value.bitPattern)
        }

        mutating func add(_ field: Int, _ value: [UInt8]) {
            append(varint: UInt64(field) << 3 | 2)
            append(varint: UInt64(value.count))
            bytes += value
        }

        mutating func add(_ field: Int, _ value: Float) {
            append(varint: UInt64(field) << 3 | 5)
            append(value.bitPattern)
        }

        private mutating func append(varint value: UInt64) {
            var rest = value
            while rest > 0x7F {
                bytes.append(UInt8(rest & 0x7F) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
    }

    /// The checksum of TFRecord: CRC-32C turned and shifted, so that a checksum over data that holds
    /// checksums is no special case.
    private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
        var value = ~UInt32(0)
        for byte in bytes {
            value = value >> 8 ^ checksumsOfBytes[Int(UInt8(truncatingIfNeeded: value) ^ byte)]
        }
        value = ~value
        return (value >> 15 | value << 17) &+ 0xA282_EAD8
    }

    /// Castagnoli's polynomial, bits reversed.
    private static let checksumsOfBytes: [UInt32] = (0..<256).map { (byte: UInt32) -> UInt32 in
        var value = byte
        for _ in 0..<8 {
            let isOdd = value & 1 == 1
            value >>= 1
            if isOdd { value ^= 0x82F6_3B78 }
        }
        return value
    }
}
