import Foundation

/// The checked header of a safetensors file.
///
/// Format: eight bytes with the header's length (little endian), the header as a JSON object, then the
/// data of all tensors without holes (huggingface/safetensors, `safetensors/src/tensor.rs`).
struct SafetensorsHeader {
    /// Longer headers are refused, as the reference implementation does.
    static let lengthLimit = 100_000_000
    static let metadataKey = "__metadata__"

    struct Entry: Sendable {
        let info: SafetensorsTensorInfo
        /// Where the data lies, in bytes from the start of the file.
        let range: Range<Int>
    }

    private(set) var metadata: [String: String] = [:]
    private(set) var entries: [String: Entry] = [:]
    private let path: String

    /// Reads and checks the header of a mapped file.
    init(of file: MappedFile) throws {
        path = file.path
        guard file.count >= 8 else {
            throw SafetensorsError.truncated(
                path: path, part: "header length", expected: 8, found: file.count)
        }
        let length = file.withBytes(0..<8) {
            UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))
        }
        guard length <= UInt64(Self.lengthLimit) else {
            throw SafetensorsError.headerTooLong(
                path: path, limit: Self.lengthLimit, found: length)
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= file.count else {
            throw SafetensorsError.truncated(
                path: path, part: "header", expected: dataStart, found: file.count)
        }
        let object = try file.withBytes(8..<dataStart) { try Self.object($0, path: path) }
        for name in object.keys {
            if name == Self.metadataKey {
                metadata = try readMetadata(object[name])
            } else {
                entries[name] = try readEntry(name, object[name], dataStart: dataStart)
            }
        }
        try checkLayout(dataStart: dataStart, fileSize: file.count)
    }

    private static func object(_ bytes: UnsafeRawBufferPointer, path: String) throws -> JSONObject {
        // The format wants the brace first; it also tells a foreign file at a glance.
        guard bytes.first == UInt8(ascii: "{") else {
            throw SafetensorsError.malformedHeader(
                path: path, detail: "it does not begin with '{'")
        }
        do {
            guard case .object(let object) = try JSONValue(parsing: bytes) else {
                throw SafetensorsError.malformedHeader(path: path, detail: "it is not an object")
            }
            return object
        } catch let error as JSONSyntaxError {
            throw SafetensorsError.malformedHeader(
                path: path, detail: "byte \(error.column): \(error.detail)")
        }
    }

    private func readMetadata(_ value: JSONValue?) throws -> [String: String] {
        guard case .object(let object)? = value else {
            throw malformed(Self.metadataKey, "an object of texts", value)
        }
        var result: [String: String] = [:]
        for key in object.keys {
            guard case .string(let text)? = object[key] else {
                throw malformed("\(Self.metadataKey).\(key)", "a text", object[key])
            }
            result[key] = text
        }
        return result
    }

    private func malformed(
        _ tensor: String, _ expected: String, _ found: JSONValue?
    ) -> SafetensorsError {
        .malformedEntry(
            path: path, tensor: tensor, expected: expected, found: found?.summary ?? "nothing")
    }

    private func readEntry(
        _ name: String, _ value: JSONValue?, dataStart: Int
    ) throws -> Entry {
        guard case .object(let fields)? = value else {
            throw malformed(name, "an object with dtype, shape and data_offsets", value)
        }
        guard case .string(let dtypeName)? = fields["dtype"] else {
            throw malformed(name, "a text as dtype", fields["dtype"])
        }
        guard let dtype = SafetensorsDType(rawValue: dtypeName) else {
            throw SafetensorsError.unsupportedDType(path: path, tensor: name, found: dtypeName)
        }
        let shape = try readSizes(name, "shape", fields["shape"])
        let offsets = try readSizes(name, "data_offsets", fields["data_offsets"])
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= Int.max - dataStart else {
            throw SafetensorsError.malformedEntry(
                path: path, tensor: name, expected: "two ascending data_offsets",
                found: "\(offsets)")
        }
        let span = offsets[1] - offsets[0]
        let byteCount = dtype.byteCount(shape: shape)
        guard byteCount == span else {
            let needed = byteCount.map { "\($0) bytes" } ?? "a size that fits in memory"
            throw SafetensorsError.sizeMismatch(
                path: path, tensor: name, expected: "\(needed) for \(dtypeName) \(shape)",
                found: span)
        }
        return Entry(
            info: SafetensorsTensorInfo(dtype: dtype, shape: shape, byteCount: span),
            range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private func readSizes(_ name: String, _ key: String, _ value: JSONValue?) throws -> [Int] {
        guard case .array(let values)? = value else {
            throw malformed(name, "an array as \(key)", value)
        }
        return try values.map {
            guard case .integer(let size) = $0, size >= 0 else {
                throw malformed(name, "whole numbers from 0 in \(key)", $0)
            }
            return size
        }
    }

    private func checkLayout(dataStart: Int, fileSize: Int) throws {
        let ordered = entries.sorted {
            let (left, right) = ($0.value.range, $1.value.range)
            return (left.lowerBound, left.upperBound, $0.key)
                < (right.lowerBound, right.upperBound, $1.key)
        }
        var end = dataStart
        for (name, entry) in ordered {
            guard entry.range.lowerBound == end else {
                throw SafetensorsError.brokenLayout(
                    path: path, tensor: name, expected: end - dataStart,
                    found: entry.range.lowerBound - dataStart)
            }
            end = entry.range.upperBound
        }
        guard end <= fileSize else {
            throw SafetensorsError.truncated(
                path: path, part: "data", expected: end, found: fileSize)
        }
        guard end == fileSize else {
            throw SafetensorsError.malformedHeader(
                path: path,
                detail: "it describes \(end - dataStart) bytes of data, found "
                    + "\(fileSize - dataStart)")
        }
    }
}
