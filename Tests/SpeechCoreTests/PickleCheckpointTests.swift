import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct PickleCheckpointTests {
    private func open(_ bytes: [UInt8]) throws -> PickleCheckpoint {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("pytorch_model.bin")
            try Data(bytes).write(to: url)
            // The mapping outlives the folder.
            return try PickleCheckpoint(path: url.path)
        }
    }

    private static func bytes(_ values: [Float]) -> [UInt8] {
        values.flatMap { littleEndian($0.bitPattern) }
    }

    /// 24 numbers counting up from 0.
    private static let storage = ("7", bytes((0..<24).map { Float($0) }))

    private static func view(_ shape: [Int], _ strides: [Int], _ offset: Int = 0) -> [UInt8] {
        PickleBytes.tensor(
            PickleBytes.storage("7", "FloatStorage", 24), shape, strides: strides, offset: offset)
    }

    private enum Layout: CaseIterable {
        case archive, chain

        func bytes(_ body: [UInt8], _ storages: [(String, [UInt8])]) -> [UInt8] {
            self == .archive
                ? PickleBytes.archive(body, storages) : PickleBytes.chain(body, storages)
        }
    }

    /// Views of one storage: each gives its elements in row-major order.
    @Test(arguments: Layout.allCases) private func views(layout: Layout) throws {
        let body = PickleBytes.dictionary([
            ("whole", Self.view([2, 3, 4], [12, 4, 1])),
            ("row", Self.view([4], [1], 8)),
            ("column", Self.view([6], [4], 1)),
            ("turned", Self.view([4, 6], [1, 4])),
            ("permuted", Self.view([4, 2, 3], [1, 12, 4])),
            ("steps", Self.view([2, 2], [12, 2], 5)),
            ("blocks", Self.view([2, 2, 4], [12, 8, 1])),
            ("expanded", Self.view([2, 3], [0, 1], 4)),
            ("repeated", Self.view([3], [0], 23)),
            ("one", Self.view([1, 5, 1], [99, 1, 77], 19)),
            ("scalar", Self.view([], [], 6)),
            ("empty", Self.view([0, 3], [3, 1], 24)),
            (
                "parameter",
                PickleBytes.call(
                    PickleBytes.callable("torch._utils", "_rebuild_parameter"),
                    Self.view([2], [1]), [0x88], PickleBytes.ordered)
            ),
        ])
        let file = try open(layout.bytes(body, [Self.storage]))
        let expected: [String: [Float]] = [
            "whole": (0..<24).map { Float($0) }, "row": [8, 9, 10, 11],
            "column": [1, 5, 9, 13, 17, 21],
            "turned": (0..<4).flatMap { row in (0..<6).map { Float($0 * 4 + row) } },
            "permuted": (0..<4).flatMap { last in (0..<6).map { Float($0 * 4 + last) } },
            "steps": [5, 7, 17, 19],
            "blocks": [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23],
            "expanded": [4, 5, 6, 4, 5, 6], "repeated": [23, 23, 23],
            "one": [19, 20, 21, 22, 23], "scalar": [6], "empty": [], "parameter": [0, 1],
        ]
        #expect(file.names == expected.keys.sorted())
        for (name, values) in expected {
            #expect(try file.floats(name) == values, "\(name)")
            #expect(file.entry(name)?.elementCount == values.count)
            try file.releasePages(of: name)
        }
        #expect(try file.floats("turned") == expected["turned"])
        #expect(file.entry("one")?.shape == [1, 5, 1] && file.entry("scalar")?.shape == [])
        file.releasePages()
        #expect(try file.integers("row") == [8, 9, 10, 11])
        expectError(TensorFileError.self, containing: ["'x'", "pytorch_model.bin"]) {
            try file.floats("x")
        }
    }

    @Test func everyDType() throws {
        // Three and a half, where the type has one, and minus two.
        let values: [(type: String, dtype: SafetensorsDType, bytes: [UInt8], expected: [Double])] =
            [
                (
                    "Double", .float64,
                    littleEndian(3.5.bitPattern) + littleEndian((-2.0).bitPattern), [3.5, -2]
                ),
                ("Float", .float32, Self.bytes([3.5, -2]), [3.5, -2]),
                ("Half", .float16, [0x00, 0x43, 0x00, 0xC0], [3.5, -2]),
                ("BFloat16", .bfloat16, [0x60, 0x40, 0x00, 0xC0], [3.5, -2]),
                ("Long", .int64, littleEndian(Int64(3)) + littleEndian(Int64(-2)), [3, -2]),
                ("Int", .int32, littleEndian(Int32(3)) + littleEndian(Int32(-2)), [3, -2]),
                ("Short", .int16, littleEndian(Int16(3)) + littleEndian(Int16(-2)), [3, -2]),
                ("Char", .int8, [3, 0xFE], [3, -2]),
                ("Byte", .uint8, [3, 0xFE], [3, 254]),
                ("Bool", .bool, [0, 1], [0, 1]),
            ]
        #expect(Set(values.map(\.dtype)) == Set(SafetensorsDType.allCases))
        for (type, dtype, bytes, expected) in values {
            let body = PickleBytes.dictionary([
                (
                    "a",
                    PickleBytes.tensor(
                        PickleBytes.storage("0", "\(type)Storage", 2), [2], strides: [1])
                )
            ])
            let size = dtype.byteCount
            for file in [
                try open(PickleBytes.archive(body, [("0", bytes)])),
                try open(PickleBytes.chain(body, [("0", bytes)], elementSize: size)),
            ] {
                #expect(file.entry("a")?.dtype == dtype)
                #expect(try file.doubles("a") == expected, "\(type)")
            }
        }
    }

    @Test func noticesDamage() throws {
        let body = PickleBytes.dictionary([("a", Self.view([24], [1]))])
        let whole = PickleBytes.archive(body, [Self.storage])
        let place = try #require(
            whole.indices.first { Array(whole[$0...].prefix(96)) == Self.storage.1 })
        var damaged = whole
        damaged[place + 40] ^= 4
        let file = try open(damaged)
        for _ in 0..<2 {
            expectError(ZipArchiveError.self, containing: ["archive/data/7", "checksum"]) {
                try file.floats("a")
            }
        }
        var name = whole
        let letter = try #require(
            whole.indices.first { whole[$0...].starts(with: PickleBytes.text("a")) })
        name[letter + 5] ^= 1
        expectError(ZipArchiveError.self, containing: ["data.pkl", "checksum"]) { try open(name) }
        // Without checksums the same files can be read, as PyTorch reads them.
        let unchecked = PickleBytes.archive(body, [Self.storage], hasChecksums: false)
        #expect(try open(unchecked).floats("a").count == 24)
    }

    private func fails<E: Error>(_ type: E.Type, _ bytes: [UInt8], _ fragments: String...) {
        expectError(type, containing: ["pytorch_model.bin"] + fragments) { try open(bytes) }
    }

    @Test(arguments: Layout.allCases) private func refusesViewsOutsideTheirStorage(
        layout: Layout
    ) {
        for (shape, strides, offset) in [
            ([25], [1], 0), ([24], [1], 1), ([2], [24], 0), ([2, 12], [13, 1], 0), ([1], [1], 24),
            ([1], [1], -1), ([2], [-1], 5), ([-1], [1], 0), ([0], [1], 25), ([2], [.max], 0),
            ([.max], [1], 0), ([.max, .max], [0, 0], 0), ([2, 2], [.max, .max], 0),
            ([1], [1], .max), ([3, .max], [.max / 2, 0], 0),
        ] {
            let body = PickleBytes.dictionary([("a.b", Self.view(shape, strides, offset))])
            fails(
                PickleError.self, layout.bytes(body, [Self.storage]), "'a.b'",
                "its storage of 24 elements", "\(shape)")
        }
        // Within the storage, but larger than memory.
        let body = PickleBytes.dictionary([("a.b", Self.view([1 << 40], [0]))])
        fails(PickleError.self, layout.bytes(body, [Self.storage]), "'a.b'", "4398046511104")
    }

    @Test(arguments: Layout.allCases) private func refusesOtherContent(layout: Layout) {
        func fails(_ body: [UInt8], _ fragments: String...) {
            let storages = String(decoding: body, as: UTF8.self).contains("Storage")
            expectError(PickleError.self, containing: ["pytorch_model.bin"] + fragments) {
                try open(layout.bytes(body, storages ? [Self.storage] : []))
            }
        }
        let tensor = Self.view([1], [1])
        fails([UInt8(ascii: "N")], "a dictionary of tensors", "None")
        fails(PickleBytes.tuple(tensor), "a dictionary of tensors")
        fails(PickleBytes.dictionary([("epoch", PickleBytes.integer(3))]), "'epoch'", "number 3")
        fails(
            PickleBytes.dictionary([("model", PickleBytes.dictionary([("a", tensor)]))]),
            "'model'", "a tensor", "a dictionary")
        fails(PickleBytes.dictionary([("a", tensor), ("a", tensor)]), "'a'", "two")
        fails(
            Array("}".utf8) + PickleBytes.integer(1) + tensor + Array("s".utf8), "the number 1")
        fails(PickleBytes.callable("posix", "system"), "'posix.system'")
        // The module itself instead of its parameters.
        fails(
            PickleBytes.callable("torch.nn.modules.linear", "Linear") + Array(")".utf8) + [0x81],
            "'torch.nn.modules.linear.Linear'")
    }

    @Test func refusesBrokenArchives() {
        let body = PickleBytes.dictionary([("a", Self.view([24], [1]))])
        let short = ("7", Array(Self.storage.1.dropLast()))
        fails(PickleError.self, PickleBytes.archive(body, [short]), "data/7", "96 bytes", "95")
        fails(PickleError.self, PickleBytes.archive(body, []), "archive/data/7", "none")
        let whole = PickleBytes.archive(body, [Self.storage])
        fails(ZipArchiveError.self, Array(whole.dropLast(100)), "truncated")
        var other = ZipBytes()
        other.add("archive/constants.pkl", [])
        fails(PickleError.self, other.finished(), "0 entries 'data.pkl'")
        for name in ["a/data.pkl", "b/data.pkl"] { other.add(name, PickleBytes.pickle(body)) }
        fails(PickleError.self, other.finished(), "2 entries 'data.pkl'")
        var big = ZipBytes()
        big.add("a/data.pkl", PickleBytes.pickle(body))
        big.add("a/byteorder", Array("big".utf8))
        fails(PickleError.self, big.finished(), "byte order")
    }

    @Test func refusesBrokenChains() throws {
        let body = PickleBytes.dictionary([("a", Self.view([24], [1]))])
        let whole = PickleBytes.chain(body, [Self.storage])
        #expect(try open(whole).floats("a").count == 24)
        for count in stride(from: 1, to: whole.count, by: 7) {
            fails(PickleError.self, Array(whole.prefix(count)), "needs")
        }
        fails(PickleError.self, whole + [0], "1 bytes more")
        fails(PickleError.self, PickleBytes.chain(body, []), "storage '7'", "none")
        fails(
            PickleError.self, PickleBytes.chain(body, [Self.storage, Self.storage]), "'7'", "once")
        fails(
            PickleError.self, PickleBytes.chain(body, [Self.storage, ("8", [])]), "'8'", "once")
        fails(
            PickleError.self, PickleBytes.chain(body, [Self.storage], elementSize: 8),
            "24 elements", "found 12")
        let two = PickleBytes.dictionary([
            ("a", Self.view([24], [1])),
            (
                "b",
                PickleBytes.tensor(PickleBytes.storage("7", "IntStorage", 24), [1], strides: [1])
            ),
        ])
        fails(PickleError.self, PickleBytes.chain(two, [Self.storage]), "'7'", "two")
        fails(PickleError.self, PickleBytes.pickle(PickleBytes.integer(3)), "magic number")
        fails(
            PickleError.self,
            PickleBytes.pickle(PickleBytes.magic) + PickleBytes.pickle(PickleBytes.integer(7)),
            "version", "number 7")
        fails(
            PickleError.self,
            PickleBytes.pickle(PickleBytes.magic) + PickleBytes.pickle(PickleBytes.integer(1001))
                + PickleBytes.pickle(PickleBytes.dictionary([("little_endian", [0x89])])),
            "byte order")
    }

    @Test func refusesOtherFiles() {
        fails(PickleError.self, [], "an empty file")
        fails(PickleError.self, Array("some text".utf8), "other bytes")
        fails(
            PickleError.self, Array("version https://git-lfs.github.com/spec/v1\n".utf8),
            "Git LFS pointer")
        expectError(FileSystemError.self, containing: ["/absent/x"]) {
            try PickleCheckpoint(path: "/absent/x")
        }
    }

    /// The older layout, as PyTorch writes it: the positional convolution of the fixture.
    @Test func fixtureInTheOlderLayout() throws {
        let weights = try ModelDirectory(Fixtures.model("store_bin_legacy_pickle").path)
            .openWeights()
        #expect(weights.names.count == 77)
        let magnitude = try weights.floats("encoder.pos_conv_embed.conv.weight_g")
        let direction = try weights.floats("encoder.pos_conv_embed.conv.weight_v")
        let taps = magnitude.count
        let norms = (0..<taps).map { tap in
            stride(from: tap, to: direction.count, by: taps)
                .reduce(0.0) { $0 + Double(direction[$1]) * Double(direction[$1]) }.squareRoot()
        }
        let weight = direction.indices.map {
            Float(Double(magnitude[$0 % taps]) * Double(direction[$0]) / norms[$0 % taps])
        }
        let expected = try Fixtures.expected("store_bin_legacy_pickle")
        expectClose(weight, try expected.floats("pos_conv_weight"), within: 1e-6)
    }

    @Test func fixtureInShards() throws {
        let directory = try ModelDirectory(Fixtures.model("store_bin_sharded").path)
        let weights = try directory.openWeights()
        #expect(weights.files.count == 2)
        let bytes = weights.names.compactMap { weights.entry($0)?.byteCount }.reduce(0, +)
        // `total_size` of the index.
        #expect(bytes == 165_456)
        #expect(
            weights.file(of: "wav2vec2.masked_spec_embed")?.path.hasSuffix("00001-of-00002.bin")
                == true)
        for name in weights.names {
            #expect(try weights.floats(name).allSatisfy { $0.isFinite })
        }
    }
}
