import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct SafetensorsMutationTests {
    /// Whatever a few random edits make of a file: an error, or tensors that can all be read.
    @Test func mutations() throws {
        let header = #"""
            {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
             "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
             "c": {"dtype": "BOOL", "shape": [3], "data_offsets": [32, 35]},
             "__metadata__": {"format": "pt"}}
            """#
        let data = (0..<35).map { UInt8($0) }
        let valid = Array(safetensorsBytes(header, data))
        var generator = SeededGenerator(seed: 17)
        var accepted = 0
        let pieces = [
            "[", "]", "{", "}", "\"", ",", ":", "9", "-", "e9", "\\u", "F32", "0", "null",
        ]
        try withTemporaryDirectory { folder in
            let path = folder.appendingPathComponent("x").path
            for _ in 0..<2000 {
                var bytes = valid
                for _ in 0...generator.uniform(below: 2) {
                    // Most edits in the header, where they matter.
                    let limit = generator.uniform(below: 8) == 0 ? bytes.count : header.utf8.count
                    let place = generator.uniform(below: min(limit, bytes.count))
                    switch generator.uniform(below: 5) {
                    case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                    case 1: bytes[place] ^= 1 << UInt8(generator.uniform(below: 8))
                    case 2: bytes.remove(at: place)
                    case 3:
                        let piece = pieces[generator.uniform(below: pieces.count)]
                        bytes.insert(contentsOf: piece.utf8, at: place)
                    default: bytes.removeLast(min(bytes.count, generator.uniform(below: 30)))
                    }
                    if bytes.isEmpty { bytes = [0] }
                }
                if generator.uniform(below: 4) > 0, bytes.count > 8 + data.count {
                    // Repair the length, so that edits reach the parser.
                    let length = UInt64(bytes.count - 8 - data.count)
                    withUnsafeBytes(of: length.littleEndian) {
                        bytes.replaceSubrange(0..<8, with: $0)
                    }
                }
                // Overwritten in place: no mapping of the last round is left.
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                do {
                    let file = try SafetensorsFile(path: path)
                    accepted += 1
                    for name in file.names {
                        let info = try #require(file.entry(name))
                        #expect(try file.doubles(name).count == info.elementCount)
                        #expect(info.shape.reduce(1, *) == info.elementCount)
                    }
                } catch is SafetensorsError {
                    continue
                }
            }
        }
        // Some edits are harmless (names, values); if none were, nothing was read.
        #expect(accepted > 50 && accepted < 1500)
    }
}
