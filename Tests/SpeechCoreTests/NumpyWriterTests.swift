import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite("NumPy files") struct NumpyWriterTests {
    private func bytes(_ entry: SafetensorsEntry) throws -> Data {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("array.npy")
            try NumpyWriter.write(entry, to: url)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
            return try Data(contentsOf: url)
        }
    }

    private func header(_ data: Data) throws -> String {
        #expect(data.prefix(8) == Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0]))
        let length = Int(data[8]) + 256 * Int(data[9])
        #expect((10 + length).isMultiple(of: 64))
        let text = try #require(String(data: data[10..<(10 + length)], encoding: .utf8))
        #expect(text.hasSuffix("\n"))
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("header and values are those of version 1.0")
    func layout() throws {
        let data = try bytes(
            SafetensorsEntry(name: "x", shape: [2, 3], floats: [1, -2, 0.5, 0, 4, 5]))
        #expect(
            try header(data) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }")
        #expect(data.count == 128 + 24)
        #expect(data[128..<132] == Data([0, 0, 0x80, 0x3F]))
        #expect(data[132..<136] == Data([0, 0, 0, 0xC0]))
    }

    @Test("every shape is a tuple")
    func shapes() throws {
        for (shape, tuple) in [
            ([], "()"), ([3], "(3,)"), ([1, 2, 3], "(1, 2, 3)"), ([0, 4], "(0, 4)"),
        ] {
            let count = shape.reduce(1, *)
            let data = try bytes(
                SafetensorsEntry(
                    name: "x", shape: shape, integers: Array(repeating: 7, count: count)))
            #expect(
                try header(data)
                    == "{'descr': '<i8', 'fortran_order': False, 'shape': \(tuple), }")
            #expect(data.count == 128 + 8 * count)
        }
    }

    @Test("element types have NumPy's names")
    func types() throws {
        let one = [Float(1)]
        for (entry, type, value) in [
            (SafetensorsEntry(name: "x", shape: [1], float16: one), "<f2", [0x00, 0x3C]),
            (
                SafetensorsEntry(name: "x", shape: [1], doubles: [2]), "<f8",
                [0, 0, 0, 0, 0, 0, 0, 0x40]
            ),
            (SafetensorsEntry(name: "x", shape: [1], int32s: [-1]), "<i4", [255, 255, 255, 255]),
        ] as [(SafetensorsEntry, String, [UInt8])] {
            let data = try bytes(entry)
            #expect(try header(data).contains("'descr': '\(type)'"))
            #expect(Array(data.dropFirst(128)) == value)
        }
    }

    @Test("what cannot be written leaves the old file")
    func refused() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("array.npy")
            try Data("old".utf8).write(to: url)
            expectError(NumpyError.self, containing: [url.path, "hidden", "BF16"]) {
                try NumpyWriter.write(
                    SafetensorsEntry(name: "hidden", shape: [1], bfloat16: [1]), to: url)
            }
            expectError(NumpyError.self, containing: [url.path, "12 bytes", "found 8"]) {
                try NumpyWriter.write(
                    SafetensorsEntry(name: "x", shape: [3], floats: [1, 2]), to: url)
            }
            #expect(try Data(contentsOf: url) == Data("old".utf8))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 1)
        }
    }
}
