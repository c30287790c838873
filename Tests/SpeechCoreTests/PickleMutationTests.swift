import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct PickleMutationTests {
    private static let bytes = (0..<24).flatMap { littleEndian(Float($0).bitPattern) }

    private static let body = PickleBytes.dictionary([
        (
            "whole",
            PickleBytes.tensor(
                PickleBytes.storage("0", "FloatStorage", 24), [2, 3, 4], strides: [12, 4, 1])
        ),
        (
            "turned",
            PickleBytes.tensor(
                PickleBytes.storage("0", "FloatStorage", 24), [4, 5], strides: [1, 4], offset: 4)
        ),
        (
            "half",
            PickleBytes.tensor(PickleBytes.storage("1", "HalfStorage", 48), [48], strides: [1])
        ),
    ])

    private static let storages = [("0", bytes), ("1", bytes)]

    /// Whatever a few random edits make of a file: an error of the reader, or tensors that can all
    /// be read and take no more memory than the file allows.
    ///
    /// - Parameter edited: The part of the file where most edits fall.
    private func mutate(_ valid: [UInt8], edited: [Range<Int>], seed: UInt64) throws -> Int {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        let instructions =
            Array("(.012NKMJXcQRbqrhj)]tleade}su".utf8) + [
                0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x8A, 0x8B, 0x8C, 0x8D, 0x93, 0x94, 0x95, 0xFF,
                0,
            ]
        try withTemporaryDirectory { folder in
            let path = folder.appendingPathComponent("x.bin").path
            for _ in 0..<3000 {
                var bytes = valid
                for _ in 0...generator.uniform(below: 3) {
                    if bytes.isEmpty { break }
                    let part = edited[generator.uniform(below: edited.count)]
                    var place = generator.uniform(below: bytes.count)
                    if generator.uniform(below: 8) > 0 {
                        let chosen = part.lowerBound + generator.uniform(below: part.count)
                        place = min(chosen, bytes.count - 1)
                    }
                    switch generator.uniform(below: 6) {
                    case 0: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
                    case 1: bytes[place] ^= 1 << UInt8(generator.uniform(below: 8))
                    case 2:
                        bytes[place] = instructions[generator.uniform(below: instructions.count)]
                    case 3: bytes[place] = generator.uniform(below: 2) == 0 ? 0xFF : 0x7F
                    case 4 where generator.uniform(below: 4) == 0:
                        let count = generator.uniform(below: 8)
                        bytes.removeSubrange(place..<min(bytes.count, place + count))
                    case 5 where generator.uniform(below: 8) == 0:
                        bytes.removeLast(min(bytes.count, generator.uniform(below: 60)))
                    default:
                        // Moves what is there to another place.
                        let source = generator.uniform(below: bytes.count)
                        bytes[place] = bytes[source]
                    }
                }
                // Overwritten in place: no mapping of the last round is left.
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                do {
                    let file = try PickleCheckpoint(path: path)
                    accepted += 1
                    for name in file.names {
                        let info = try #require(file.entry(name))
                        #expect(info.byteCount <= 17 << 20)
                        #expect(
                            try file.withBytes(of: name) { $0.reduce(0) { $0 &+ Int($1) } } >= 0)
                        #expect(info.shape.reduce(1, *) == info.elementCount)
                    }
                } catch is PickleError {
                    continue
                } catch is ZipArchiveError {
                    continue
                }
            }
        }
        return accepted
    }

    private func range(of part: [UInt8], in whole: [UInt8]) throws -> Range<Int> {
        let start = try #require(
            whole.indices.first { whole[$0...].starts(with: part) }, "part not found")
        return start..<start + part.count
    }

    @Test func archives() throws {
        let valid = PickleBytes.archive(Self.body, Self.storages, hasChecksums: false)
        let pickle = try range(of: Self.body, in: valid)
        let end = try range(of: littleEndian(UInt32(0x0201_4b50)), in: valid).lowerBound
        let accepted = try mutate(valid, edited: [pickle, end..<valid.count], seed: 3)
        // Some edits are harmless (names, times); if none were, nothing was read.
        #expect(accepted > 50 && accepted < 2500)
    }

    @Test func chains() throws {
        let valid = PickleBytes.chain(
            Self.body, [("0", Self.bytes), ("1", Self.bytes)], elementSize: 4)
        // The second storage has elements of two bytes.
        var mended = valid
        mended.replaceSubrange(
            (valid.count - 104)..<(valid.count - 96), with: littleEndian(UInt64(48)))
        let accepted = try mutate(
            mended, edited: [0..<valid.count - 208, try range(of: Self.body, in: valid)], seed: 5)
        #expect(accepted > 50 && accepted < 2500)
    }
}
