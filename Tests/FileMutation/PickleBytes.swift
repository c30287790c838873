/// Writes pickles instruction by instruction, the way PyTorch's pickler does.
package enum PickleBytes {
    package static func text(_ text: String) -> [UInt8] {
        [UInt8(ascii: "X")] + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
    }

    package static func integer(_ value: Int) -> [UInt8] {
        if let small = UInt8(exactly: value) { return [UInt8(ascii: "K"), small] }
        return [0x8A, 8] + littleEndian(UInt64(bitPattern: Int64(value)))
    }

    package static func tuple(_ items: [UInt8]...) -> [UInt8] { tuple(items) }

    package static func tuple(_ items: [[UInt8]]) -> [UInt8] {
        [UInt8(ascii: "(")] + items.flatMap { $0 } + [UInt8(ascii: "t")]
    }

    package static func integers(_ values: [Int]) -> [UInt8] { tuple(values.map(integer)) }

    package static func callable(_ module: String, _ name: String) -> [UInt8] {
        Array("c\(module)\n\(name)\n".utf8)
    }

    package static func call(_ callable: [UInt8], _ arguments: [UInt8]...) -> [UInt8] {
        callable + tuple(arguments) + [UInt8(ascii: "R")]
    }

    package static let ordered = callable("collections", "OrderedDict") + Array(")R".utf8)

    package static func storage(_ key: String, _ type: String, _ count: Int) -> [UInt8] {
        tuple(text("storage"), callable("torch", type), text(key), text("cpu"), integer(count))
            + [UInt8(ascii: "Q")]
    }

    package static func tensor(
        _ storage: [UInt8], _ shape: [Int], strides: [Int], offset: Int = 0
    ) -> [UInt8] {
        call(
            callable("torch._utils", "_rebuild_tensor_v2"), storage, integer(offset),
            integers(shape), integers(strides), [0x89], ordered)
    }

    /// An object of a class, filled with its state.
    package static func object(_ module: String, _ name: String, _ state: [UInt8]) -> [UInt8] {
        callable(module, name) + Array(")".utf8) + [0x81] + state + Array("b".utf8)
    }

    package static func dictionary(_ members: [(String, [UInt8])]) -> [UInt8] {
        Array("}(".utf8) + members.flatMap { text($0.0) + $0.1 } + [UInt8(ascii: "u")]
    }

    package static func pickle(_ body: [UInt8], version: UInt8 = 2) -> [UInt8] {
        [0x80, version] + body + [UInt8(ascii: ".")]
    }

    /// A checkpoint in today's layout.
    package static func archive(
        _ body: [UInt8], _ storages: [(String, [UInt8])], hasChecksums: Bool = true
    ) -> [UInt8] {
        var zip = ZipBytes()
        zip.hasChecksums = hasChecksums
        zip.add("archive/data.pkl", pickle(body))
        zip.add("archive/byteorder", Array("little".utf8))
        for (key, bytes) in storages { zip.add("archive/data/\(key)", bytes) }
        zip.add("archive/version", Array("3\n".utf8))
        return zip.finished()
    }

    package static let magic: [UInt8] = [
        0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
    ]

    /// A checkpoint in the layout before version 1.6.
    package static func chain(
        _ body: [UInt8], _ storages: [(String, [UInt8])], elementSize: Int = 4
    ) -> [UInt8] {
        let keys = Array("](".utf8) + storages.flatMap { text($0.0) } + [UInt8(ascii: "e")]
        let head = [
            magic, [UInt8(ascii: "M")] + littleEndian(UInt16(1001)),
            dictionary([("protocol_version", integer(1001)), ("little_endian", [0x88])]), body,
            keys,
        ].flatMap { pickle($0) }
        return head
            + storages.flatMap {
                littleEndian(UInt64($0.1.count / elementSize)) + $0.1
            }
    }
}

/// Writes ZIP archives with whatever fault a test asks for.
package struct ZipBytes {
    package var method: UInt16 = 0
    package var flags: UInt16 = 0
    package var hasChecksums = true
    /// Whether sizes and offsets stand in their 64-bit fields.
    package var isWide = false
    package var comment: [UInt8] = []
    package private(set) var bytes: [UInt8] = []
    package private(set) var directory: [UInt8] = []
    package private(set) var count = 0

    package init() {}

    /// - Parameters:
    ///   - storedName: The name beside the data, if another than that in the directory.
    ///   - size: The size in the directory, if another than that of the data.
    ///   - offset: The place in the directory, if another than the real one.
    package mutating func add(
        _ name: String, _ data: [UInt8], storedName: String? = nil, size: Int? = nil,
        offset: Int? = nil
    ) {
        let offset = UInt64(offset ?? bytes.count)
        let size = UInt64(size ?? data.count)
        let checksum = littleEndian(hasChecksums ? Self.checksum(data) : 0)
        let shared = littleEndian(flags) + littleEndian(method) + [0, 0, 0, 0] + checksum
        let stored = Array((storedName ?? name).utf8)
        bytes += littleEndian(UInt32(0x0403_4b50)) + [20, 0] + shared
        bytes += littleEndian(UInt32(data.count)) + littleEndian(UInt32(data.count))
        // Three bytes of padding, as PyTorch aligns data.
        bytes += littleEndian(UInt16(stored.count)) + [3, 0] + stored + [0, 0, 0] + data

        func narrow(_ value: UInt64) -> [UInt8] {
            littleEndian(isWide ? UInt32.max : UInt32(truncatingIfNeeded: value))
        }
        let wide = [size, size, offset].flatMap { littleEndian($0) }
        let extra =
            [UInt8(0x46), 0x42, 1, 0, 0]
            + (isWide ? [1, 0, UInt8(wide.count), 0] + wide : [])
        directory += littleEndian(UInt32(0x0201_4b50)) + [0, 0, 20, 0] + shared
        directory += narrow(size) + narrow(size) + littleEndian(UInt16(name.utf8.count))
        directory += littleEndian(UInt16(extra.count)) + [UInt8](repeating: 0, count: 10)
        directory += narrow(offset) + Array(name.utf8) + extra
        count += 1
    }

    /// - Parameter count: The number of entries that the end claims, if another than the real one.
    package func finished(count claimed: Int? = nil) -> [UInt8] {
        let count = UInt64(claimed ?? count)
        let start = UInt64(bytes.count)
        let size = UInt64(directory.count)
        var result = bytes + directory
        if isWide {
            let record = UInt64(result.count)
            result += littleEndian(UInt32(0x0606_4b50)) + littleEndian(UInt64(44))
            result += [UInt8](repeating: 0, count: 12)
            result += [count, count, size, start].flatMap { littleEndian($0) }
            result += littleEndian(UInt32(0x0706_4b50)) + [0, 0, 0, 0] + littleEndian(record)
            result += [1, 0, 0, 0]
        }
        func narrow<T: FixedWidthInteger>(_ value: UInt64, _: T.Type) -> [UInt8] {
            littleEndian(isWide ? T.max : T(truncatingIfNeeded: value))
        }
        result += littleEndian(UInt32(0x0605_4b50)) + [0, 0, 0, 0]
        result += narrow(count, UInt16.self) + narrow(count, UInt16.self)
        result += narrow(size, UInt32.self) + narrow(start, UInt32.self)
        return result + littleEndian(UInt16(comment.count)) + comment
    }

    /// Bit by bit, unlike the code under test.
    package static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value = ~UInt32(0)
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
        }
        return ~value
    }
}

/// The bytes of a number, lowest first.
package func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
    (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T($0 * 8)) }
}
