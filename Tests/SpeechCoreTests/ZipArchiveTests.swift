import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct ZipArchiveTests {
    /// The contents of all entries, each checked against its checksum.
    private func read(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.zip")
            try Data(bytes).write(to: url)
            let file = try MappedFile(path: url.path)
            let archive = try ZipArchive(of: file)
            return try Dictionary(
                uniqueKeysWithValues: archive.entries.map { name, entry in
                    try archive.verify(name, entry, in: file)
                    return (name, file.withBytes(entry.range) { [UInt8]($0) })
                })
        }
    }

    private func fails(_ bytes: [UInt8], _ fragments: String...) {
        let error = expectError(ZipArchiveError.self, containing: ["x.zip"] + fragments) {
            try read(bytes)
        }
        #expect(error?.exitStatus == .badInput)
    }

    private static func two(_ change: (inout ZipBytes) -> Void = { _ in }) -> ZipBytes {
        var zip = ZipBytes()
        change(&zip)
        zip.add("a/one", Array("some text that is longer than eight bytes".utf8))
        zip.add("a/two", [])
        zip.add("a/ü", [1, 2, 3])
        return zip
    }

    @Test(arguments: [false, true]) func readsEntries(isWide: Bool) throws {
        let zip = Self.two { $0.isWide = isWide }
        for comment in [[], Array("PK\u{5}\u{6} in a comment of more than 22 bytes".utf8)] {
            var commented = zip
            commented.comment = comment
            let entries = try read(commented.finished())
            #expect(entries.count == 3)
            #expect(entries["a/two"] == [])
            #expect(entries["a/ü"] == [1, 2, 3])
            #expect(entries["a/one"]?.count == 41)
        }
        #expect(try read(ZipBytes().finished()).isEmpty)
    }

    @Test func refusesWhatIsNotStored() {
        fails(Self.two { $0.method = 8 }.finished(), "'a/one'", "compression method 8")
        fails(Self.two { $0.flags = 1 }.finished(), "'a/one'", "encrypted")
    }

    @Test func noticesDamage() throws {
        var bytes = Self.two().finished()
        // The fifth byte of the first entry's data.
        bytes[30 + 5 + 3 + 4] ^= 1
        fails(bytes, "'a/one'", "checksum")
        #expect(ZipBytes.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
        // A writer may leave checksums out.
        #expect(try read(Self.two { $0.hasChecksums = false }.finished()).count == 3)
    }

    @Test func refusesMisplacedEntries() {
        func broken(_ change: (inout ZipBytes) -> Void) -> [UInt8] {
            var zip = Self.two()
            change(&zip)
            return zip.finished()
        }
        fails(broken { $0.add("b", [1], size: 2) }, "'b'", "inside the file")
        fails(broken { $0.add("b", [1], size: 1 << 30) }, "'b'", "byte 1073741824")
        fails(broken { $0.add("b", [1], offset: 1 << 30) }, "'b'", "inside the file")
        fails(broken { $0.add("b", [1], offset: 1) }, "'b'", "signature")
        fails(broken { $0.add("b", [1], offset: 0) }, "'b'", "another at its data")
        fails(broken { $0.add("b", [1], storedName: "c") }, "'b'", "another at its data")
        fails(broken { $0.add("a/two", [1]) }, "'a/two' twice")
        var overlapping = ZipBytes()
        overlapping.add("a", [1, 2, 3], size: 10)
        overlapping.add("b", [4])
        fails(overlapping.finished(), "'b'", "apart from others")
        fails(Self.two().finished(count: 4), "as many entries as fit", "found 4")
        fails(Self.two().finished(count: 60_000), "as many entries as fit", "60000")
        var wide = Self.two { $0.isWide = true }
        wide.add("b", [1], size: Int.max)
        fails(wide.finished(), "'b'", "9223372036854775807")
    }

    @Test func refusesBrokenEnds() {
        let whole = Self.two { $0.isWide = true }.finished()
        for count in stride(from: 0, to: whole.count, by: 3) {
            fails(Array(whole.prefix(count)), "truncated")
        }
        fails(whole + [0], "truncated")
        fails(Array("not an archive, just some text that is long enough".utf8), "truncated")
        var severalDisks = Self.two().finished()
        severalDisks[severalDisks.count - 18] = 1
        fails(severalDisks, "one of several disks")
        var elsewhere = whole
        // The offset of the 64-bit record.
        elsewhere[whole.count - 22 - 12] ^= 0x40
        fails(elsewhere, "the 64-bit end of the directory")
    }
}
