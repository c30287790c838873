import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct GzipFileTests {
    private func read(_ bytes: [UInt8]) throws -> [UInt8] {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.gz")
            try Data(bytes).write(to: url)
            var content: [UInt8] = []
            try GzipFile.forEachPiece(path: url.path) { content += $0 }
            return content
        }
    }

    private func fails(_ bytes: [UInt8], _ fragments: String...) {
        let error = expectError(GzipError.self, containing: ["x.gz"] + fragments) {
            try read(bytes)
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func readsMembersAndPadding() throws {
        let one = GzipBytes.stored(Array("one\n".utf8))
        let two = GzipBytes.stored([UInt8](repeating: 7, count: 300_000), name: "two.txt")
        #expect(try read(one) == Array("one\n".utf8))
        #expect(try read(one + two).count == 300_004)
        #expect(try read(one + [0, 0, 0]) == Array("one\n".utf8))
        #expect(try read(GzipBytes.stored([])).isEmpty)
    }

    @Test func noticesDamage() throws {
        let whole = GzipBytes.stored(Array("some text".utf8))
        for count in 0..<whole.count { fails(Array(whole.prefix(count)), "truncated", "\(count)") }
        var content = whole
        content[16] ^= 1
        fails(content, "damaged", "check")
        var length = whole
        length[whole.count - 1] ^= 1
        fails(length, "damaged", "length")
        fails(Array("plain text".utf8), "byte 0", "header")
        fails(whole + Array("more".utf8), "byte \(whole.count)")
        expectError(FileSystemError.self) { try GzipFile.forEachPiece(path: "/nowhere") { _ in } }
        expectError(FileSystemError.self) { try GzipFile.forEachPiece(path: "/") { _ in } }
    }

    @Test func noDamagePassesUnnoticed() throws {
        let content = Array("some text, and some more of it".utf8)
        let whole = GzipBytes.stored(content)
        for position in whole.indices {
            for bit in 0..<8 {
                var bytes = whole
                bytes[position] ^= 1 << bit
                do {
                    // Some bytes say when and where the file was written.
                    #expect(try read(bytes) == content, "byte \(position), bit \(bit)")
                } catch is GzipError {}
            }
        }
    }

    @Test func readsAsGzipWrites() throws {
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/gzip") else { return }
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("text")
            let text = (0..<50_000).map { "line \($0 % 977) of \($0)\n" }.joined()
            try Data(text.utf8).write(to: url)
            #expect(try !GzipFile.isCompressed(url.path))
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/gzip")
            process.arguments = [url.path]
            try process.run()
            process.waitUntilExit()
            let compressed = url.path + ".gz"
            #expect(try GzipFile.isCompressed(compressed))
            var content: [UInt8] = []
            try GzipFile.forEachPiece(path: compressed) { content += $0 }
            #expect(content == Array(text.utf8))
        }
    }
}
