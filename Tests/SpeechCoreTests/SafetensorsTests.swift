import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    private func open(_ bytes: Data) throws -> SafetensorsFile {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.safetensors")
            try bytes.write(to: url)
            // The mapping outlives the folder.
            return try SafetensorsFile(path: url.path)
        }
    }

    private func reopen(_ entries: [SafetensorsEntry]) throws -> SafetensorsFile {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.safetensors")
            try SafetensorsWriter.write(entries, to: url)
            return try SafetensorsFile(path: url.path)
        }
    }

    private static let every = #"""
        {"f64": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]},
         "f32": {"dtype": "F32", "shape": [1, 2], "data_offsets": [16, 24]},
         "f16": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]},
         "bf16": {"dtype": "BF16", "shape": [2], "data_offsets": [32, 36]},
         "i64": {"dtype": "I64", "shape": [], "data_offsets": [36, 44]},
         "i32": {"dtype": "I32", "shape": [1], "data_offsets": [44, 48]},
         "i16": {"dtype": "I16", "shape": [1], "data_offsets": [48, 50]},
         "i8": {"dtype": "I8", "shape": [2], "data_offsets": [50, 52]},
         "u8": {"dtype": "U8", "shape": [2], "data_offsets": [52, 54]},
         "bool": {"dtype": "BOOL", "shape": [2], "data_offsets": [54, 56]},
         "none": {"dtype": "F32", "shape": [0, 3], "data_offsets": [56, 56]},
         "__metadata__": {"format": "pt"}}
        """#
    private static let everyData: [UInt8] = [
        0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0, 0, 0, 0, 0, 0, 0, 0xC0,  // 1.5, -2
        0, 0, 0x20, 0x41, 0, 0, 0, 0xBF,  // 10, -0.5
        0, 0x3C, 1, 0, 0xFF, 0x7B, 0, 0xFC,  // 1, 2^-24, 65504, -inf
        0x80, 0x3F, 0x20, 0xC1,  // 1, -10
        0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,  // -2
        0, 0, 0, 0x80, 0, 0x80, 0x80, 0x7F, 0x80, 0x7F, 0, 2,
    ]

    @Test func everyDType() throws {
        let file = try open(safetensorsBytes(Self.every, Self.everyData))
        #expect(file.names.count == 11 && file.names == file.names.sorted())
        #expect(file.metadata == ["format": "pt"])
        #expect(try file.floats("f64") == [1.5, -2])
        #expect(try file.doubles("f32") == [10, -0.5])
        #expect(try file.floats("f16") == [1, 0x1p-24, 65504, -.infinity])
        #expect(try file.doubles("bf16") == [1, -10])
        #expect(try file.integers("i64") == [-2])
        #expect(try file.floats("i32") == [Float(Int32.min)])
        #expect(try file.integers("i16") == [-32768])
        #expect(try file.integers("i8") == [-128, 127])
        #expect(try file.integers("u8") == [128, 127])
        #expect(try file.doubles("bool") == [0, 1])
        #expect(try file.floats("none").isEmpty)
        #expect(try file.integers("bf16") == [1, -10])
        #expect(file.entry("f32")?.shape == [1, 2] && file.entry("f32")?.dtype == .float32)
        #expect(file.entry("i64")?.elementCount == 1 && file.entry("i64")?.byteCount == 8)
        #expect(file.entry("x") == nil)
        expectError(TensorFileError.self, containing: ["'x'"]) { try file.floats("x") }
        expectError(TensorFileError.self, containing: ["'f64'", "1.5"]) {
            try file.integers("f64")
        }
        expectError(TensorFileError.self, containing: ["'f16'", "5.96"]) {
            try file.integers("f16")
        }
    }

    @Test func releasedPagesReadAgain() throws {
        let values = (0..<50_000).map { Float($0) }
        let file = try reopen([
            SafetensorsEntry(name: "a", shape: [50_000], floats: values),
            SafetensorsEntry(name: "b", shape: [3], floats: [1, 2, 3]),
        ])
        for name in ["a", "b"] { try file.releasePages(of: name) }
        #expect(try file.floats("a") == values)
        file.releasePages()
        #expect(try file.floats("a") == values)
        #expect(try file.floats("b") == [1, 2, 3])
    }

    @Test func writerRoundTrip() throws {
        let floats: [Float] = [0, -1, .pi, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
        let file = try reopen([
            SafetensorsEntry(name: "z", shape: [5], floats: floats),
            SafetensorsEntry(name: "d", shape: [1, 1], doubles: [0.1]),
            SafetensorsEntry(name: "i", shape: [2], integers: [.min, .max]),
            SafetensorsEntry(name: "j", shape: [1], int32s: [-5]),
            SafetensorsEntry(name: "h", shape: [2], float16: [0.5, 1e6]),
            SafetensorsEntry(name: "b \"ü", shape: [2], bfloat16: [1.00390625, -3]),
            SafetensorsEntry(name: "flag", dtype: .bool, shape: [3]) { emit in
                for byte: UInt8 in [1, 0, 1] { try withUnsafeBytes(of: byte) { try emit($0) } }
            },
            SafetensorsEntry(name: "empty", shape: [0], floats: []),
        ])
        #expect(file.metadata == ["format": "pt"])
        #expect(try file.floats("z") == floats)
        #expect(try file.doubles("d") == [0.1])
        #expect(try file.integers("i") == [.min, .max])
        #expect(try file.integers("j") == [-5])
        #expect(try file.floats("h") == [0.5, .infinity])
        #expect(try file.floats("b \"ü") == [1, -3])
        #expect(try file.integers("flag") == [1, 0, 1])
        #expect(file.entry("empty")?.shape == [0])
    }

    /// The header is padded to eight bytes, and every tensor lies at a multiple of its element size.
    @Test func writerAligns() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x")
            try SafetensorsWriter.write(
                [
                    SafetensorsEntry(name: "a", dtype: .uint8, shape: [3]) { emit in
                        try [UInt8](repeating: 1, count: 3).withUnsafeBytes { try emit($0) }
                    },
                    SafetensorsEntry(name: "b", shape: [1], floats: [1]),
                    SafetensorsEntry(name: "c", shape: [1], doubles: [1]),
                ], metadata: [:], to: url)
            let bytes = try Data(contentsOf: url)
            let length = bytes.withUnsafeBytes { $0.load(as: UInt64.self) }
            #expect(length % 8 == 0 && bytes.count == 8 + Int(length) + 15)
            let header = String(decoding: bytes[8..<8 + Int(length)], as: UTF8.self)
            let order = ["c", "b", "a"].compactMap { header.range(of: "\"\($0)\"")?.lowerBound }
            #expect(order.count == 3 && order == order.sorted())
        }
    }

    @Test func writerRefuses() throws {
        struct Interrupted: Error {}
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x")
            func fails(_ fragments: [String], _ entries: [SafetensorsEntry]) throws {
                expectError(SafetensorsError.self, containing: [url.path] + fragments) {
                    try SafetensorsWriter.write(entries, to: url)
                }
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
            }
            let one = SafetensorsEntry(name: "a", shape: [1], floats: [1])
            try fails(["'a'", "twice"], [one, one])
            try fails(
                ["__metadata__"], [SafetensorsEntry(name: "__metadata__", shape: [0], floats: [])])
            try fails(
                ["'a'", "8 bytes", "4"], [SafetensorsEntry(name: "a", shape: [2], floats: [1])])
            try fails(["'a'"], [SafetensorsEntry(name: "a", shape: [.max, 4], floats: [1])])
            try fails(["'a'"], [SafetensorsEntry(name: "a", shape: [-1], floats: [])])
            #expect(throws: Interrupted.self) {
                let broken = SafetensorsEntry(name: "a", dtype: .float32, shape: [1]) { _ in
                    throw Interrupted()
                }
                try SafetensorsWriter.write([one, broken].suffix(1), to: url)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }

    /// What the writer makes of a fixture has the bytes of the reference implementation's file, but
    /// for the spelling of the header.
    @Test func sameDataAsReference() throws {
        let path = Fixtures.model("store_bf16").appendingPathComponent("model.safetensors").path
        let file = try SafetensorsFile(path: path)
        let entries = file.names.compactMap { name in
            file.entry(name).map { info in
                SafetensorsEntry(name: name, dtype: info.dtype, shape: info.shape) { emit in
                    try file.withBytes(of: name) { try emit($0) }
                }
            }
        }
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x")
            try SafetensorsWriter.write(entries, metadata: file.metadata, to: url)
            func data(_ path: String) throws -> Data {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                return bytes.dropFirst(8 + Int(bytes.withUnsafeBytes { $0.load(as: UInt64.self) }))
            }
            #expect(try data(url.path) == data(path))
            #expect(try SafetensorsFile(path: url.path).names == file.names)
        }
    }

    @Test(arguments: [
        (Data(), "header length needs 8 bytes, found 0"),
        (Data([1, 0, 0]), "found 3"),
        (Data([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]), "18446744073709551615"),
        (Data([0, 0xE1, 0xF5, 5, 0, 0, 0, 0, 0x7B]), "header needs 100000"),
        (safetensorsBytes(""), "does not begin with '{'"),
        (safetensorsBytes(" {}"), "does not begin with '{'"),
        (Data("PK\u{3}\u{4} a zip file, not a checkpoint".utf8), "not a safetensors file"),
        (safetensorsBytes("{]"), "byte 2"),
        (safetensorsBytes(#"{"__metadata__": {"a": 1}}"#), "__metadata__.a"),
        (safetensorsBytes(#"{"__metadata__": []}"#), "__metadata__"),
        (safetensorsBytes("{}", [0]), "describes 0 bytes of data, found 1"),
        (safetensorsBytes(#"{"a": 1}"#), "'a'"),
    ]) func brokenFiles(bytes: Data, fragment: String) {
        let error = expectError(SafetensorsError.self, containing: [fragment, "x.safetensors"]) {
            try open(bytes)
        }
        #expect(error?.exitStatus == .badInput)
    }

    private func one(_ dtype: String, _ shape: String, _ offsets: String) -> String {
        #"{"a": {"dtype": \#(dtype), "shape": \#(shape), "data_offsets": \#(offsets)}}"#
    }

    @Test(arguments: [
        (#""F32""#, "[2]", "[0, 4]", "8 bytes for F32 [2]"),
        (#""F32""#, "[1]", "[0, 8]", "4 bytes"),
        (#""F32""#, "[4294967296, 4294967296]", "[0, 8]", "fits in memory"),
        (#""F32""#, "[4611686018427387904]", "[0, 8]", "fits in memory"),
        (#""F32""#, "[-2]", "[0, 8]", "-2"),
        (#""F32""#, "[2.0]", "[0, 8]", "2.0"),
        (#""F32""#, "2", "[0, 8]", "an array as shape"),
        (#""F32""#, "[99999999999999999999]", "[0, 8]", "shape"),
        (#""F32""#, "[2]", "[8, 0]", "data_offsets"),
        (#""F32""#, "[2]", "[0, 4, 8]", "data_offsets"),
        (#""F32""#, "[2]", "[4, 12]", "expected the data at offset 0, found 4"),
        (#""F32""#, "[2]", "[9223372036854775799, 9223372036854775807]", "data_offsets"),
        (#""F32""#, "[4]", "[0, 16]", "truncated"),
        (#""F32""#, "[1]", "[0, 4]", "describes 4 bytes"),
        (#""F8_E4M3""#, "[8]", "[0, 8]", "F8_E4M3"),
        ("1", "[8]", "[0, 8]", "a text as dtype"),
        ("null", "[8]", "[0, 8]", "dtype"),
    ]) func brokenEntries(dtype: String, shape: String, offsets: String, fragment: String) {
        expectError(SafetensorsError.self, containing: [fragment]) {
            try open(safetensorsBytes(one(dtype, shape, offsets), [UInt8](repeating: 0, count: 8)))
        }
    }

    @Test func brokenLayouts() {
        func entry(_ name: String, _ start: Int, _ end: Int) -> String {
            #""\#(name)": {"dtype": "U8", "shape": [\#(end - start)], "#
                + #""data_offsets": [\#(start), \#(end)]}"#
        }
        func fails(_ entries: [String], _ fragments: String...) {
            expectError(SafetensorsError.self, containing: fragments) {
                let header = "{\(entries.joined(separator: ","))}"
                return try open(safetensorsBytes(header, [UInt8](repeating: 0, count: 8)))
            }
        }
        fails([entry("a", 0, 4), entry("b", 3, 8)], "'b'", "offset 4, found 3")
        fails([entry("a", 0, 4), entry("b", 5, 8)], "'b'", "offset 4, found 5")
        fails([entry("a", 0, 8), entry("b", 0, 8)], "'b'")
        fails([entry("a", 0, 4), entry("a", 4, 8)], "'a'".replacing("'", with: "\""), "twice")
    }

    @Test func missingAndForeignPaths() throws {
        expectError(FileSystemError.self, containing: ["/absent/x"]) {
            try SafetensorsFile(path: "/absent/x")
        }
        try withTemporaryDirectory { folder in
            expectError(FileSystemError.self, containing: [folder.path, "found a folder"]) {
                try SafetensorsFile(path: folder.path)
            }
        }
    }
}
