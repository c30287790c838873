import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct TarArchiveTests {
    /// Names and contents of an archive's files.
    private func read(_ bytes: [UInt8]) throws -> [(String, [UInt8])] {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.tar")
            try Data(bytes).write(to: url)
            return try TarArchive(path: url.path).members.map { ($0.name, Array(bytes[$0.range])) }
        }
    }

    @discardableResult
    private func fails(_ bytes: [UInt8], _ fragments: String...) -> TarArchiveError? {
        let error = expectError(TarArchiveError.self, containing: ["x.tar"] + fragments) {
            try read(bytes)
        }
        #expect(error?.exitStatus == .badInput)
        return error
    }

    private let long = String(repeating: "long-", count: 40) + "ü.flac"

    @Test func readsNamesOfEveryKind() throws {
        var tar = TarBytes()
        tar.add("./a/one.txt", Array("one".utf8))
        tar.add("a/", [], kind: "5")
        tar.add("two.flac", [UInt8](repeating: 7, count: 512), prefix: "some/where")
        tar.add("././@LongLink", Array(long.utf8) + [0], kind: "L", isGNU: true)
        tar.add(String(long.prefix(99)), [1], isGNU: true)
        tar.addAttributes([("mtime", "1.5"), ("path", "pax/" + long)])
        tar.add("short", [2, 3])
        tar.add("old", [4], kind: "\0")
        tar.add("empty", [])
        let members = try read(tar.finished())
        #expect(
            members.map(\.0) == [
                "a/one.txt", "some/where/two.flac", long, "pax/" + long, "old", "empty",
            ])
        #expect(
            members.map(\.1) == [
                Array("one".utf8), [UInt8](repeating: 7, count: 512), [1], [2, 3], [4], [],
            ])
    }

    @Test func readsSizesOfEveryKind() throws {
        var tar = TarBytes()
        tar.add("binary", [1, 2, 3], statedSize: [0x80] + [UInt8](repeating: 0, count: 10) + [3])
        tar.addAttributes([("size", "2")])
        tar.add("pax", [4, 5], statedSize: Array("00000000000".utf8))
        tar.add("spaces", [6], statedSize: Array("         1 ".utf8) + [0])
        tar.addAttributes([("comment", "of the archive")], isGlobal: true)
        tar.add("last", [7])
        let members = try read(tar.finished())
        #expect(members.map(\.0) == ["binary", "pax", "spaces", "last"])
        #expect(members.map(\.1) == [[1, 2, 3], [4, 5], [6], [7]])
        // Blocks behind the end are padding to the size of a tape's record.
        #expect(try read(tar.finished() + [UInt8](repeating: 0, count: 8192)).count == 4)
        #expect(try read(tar.bytes + [UInt8](repeating: 0, count: 512)).count == 4)
        #expect(try read(TarBytes().finished()).isEmpty)
    }

    @Test(arguments: ["../out.flac", "/etc/passwd", "a/../../b", "a/..", ""])
    func refusesNamesThatLeadOut(name: String) {
        var tar = TarBytes()
        tar.add("fine", [1])
        tar.add(name, [2])
        guard case .unsafeName(_, let position, let found)? = fails(tar.finished(), "'\(name)'")
        else { return }
        #expect(position == 1024)
        #expect(found == name)
        var pax = TarBytes()
        pax.addAttributes([("path", name)])
        pax.add("fine", [2])
        fails(pax.finished())
    }

    @Test func refusesWhatIsNoFile() {
        for (kind, words) in [("1", "a link"), ("2", "a link"), ("6", "a device"), ("S", "sparse")]
        {
            var tar = TarBytes()
            tar.add("odd", [], kind: Character(kind))
            fails(tar.finished(), "'odd'", words)
        }
    }

    @Test func noticesTruncation() throws {
        var tar = TarBytes()
        tar.add("one", [UInt8](repeating: 1, count: 700))
        tar.add("two", [2])
        let whole = tar.finished()
        for count in [0, 100, 512, 1000, 1211, 1536, 1600, 2047, 2560] {
            guard case .truncated(_, let position, _)? = fails(Array(whole.prefix(count))) else {
                Issue.record("\(count) bytes")
                continue
            }
            #expect(position == count)
        }
    }

    @Test func noticesDamage() {
        var tar = TarBytes()
        tar.add("one", [1])
        tar.add("two", [2])
        let whole = tar.finished()
        var changed = whole
        changed[1024] ^= 1
        fails(changed, "byte 1024", "sum")
        var text = Array("this is no archive".utf8)
        text += [UInt8](repeating: 0x20, count: 2000)
        fails(text, "byte 0")
        fails(whole.prefix(2560) + Array(whole.prefix(512)), "a second block of zeros")
        var badSize = TarBytes()
        badSize.add("one", [1], statedSize: Array("00000000009".utf8))
        fails(badSize.finished(), "octal")
        var hugeSize = TarBytes()
        hugeSize.add("one", [1], statedSize: [0x80] + [UInt8](repeating: 0xFF, count: 11))
        fails(hugeSize.finished(), "overlong")
        var wideSize = TarBytes()
        wideSize.add(
            "one", [1], statedSize: [0x80, 0, 0, 0, 0x7F] + [UInt8](repeating: 0xFF, count: 7))
        fails(wideSize.finished(), "truncated")
        var badPax = TarBytes()
        badPax.add("PaxHeader", Array("99 path=x\n".utf8), kind: "x")
        badPax.add("one", [1])
        fails(badPax.finished(), "attribute")
        var negative = TarBytes()
        negative.addAttributes([("size", "-1")])
        negative.add("one", [1])
        fails(negative.finished(), "decimal")
    }

    @Test func damagedBytesNeverLeadOutOfTheFile() throws {
        var tar = TarBytes()
        tar.add("././@LongLink", Array(long.utf8) + [0], kind: "L", isGNU: true)
        tar.add("x", [1, 2], isGNU: true)
        tar.addAttributes([("path", "p"), ("size", "3")])
        tar.add("y", [3, 4, 5])
        let whole = tar.finished()
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("x.tar")
            var refused = 0
            // The sum of a header is made right again, so that what it says is believed.
            for position in stride(from: 0, to: tar.bytes.count, by: 3) {
                var bytes = whole
                bytes[position] = bytes[position] &+ 7
                let header = position / 512 * 512
                if bytes[header + 257] == UInt8(ascii: "u"), !(148..<156).contains(position % 512) {
                    let sum = (0..<512).reduce(0) { sum, index in
                        sum + ((148..<156).contains(index) ? 0x20 : Int(bytes[header + index]))
                    }
                    let digits = String(sum, radix: 8)
                    let field = String(repeating: "0", count: 6 - digits.count) + digits
                    bytes.replaceSubrange(header + 148..<header + 154, with: Array(field.utf8))
                }
                try Data(bytes).write(to: url)
                do {
                    let members = try TarArchive(path: url.path).members
                    #expect(members.allSatisfy { $0.range.upperBound <= bytes.count })
                } catch is TarArchiveError {
                    refused += 1
                }
            }
            #expect(refused > 10)
        }
    }

    @Test func readsAsGNUTarWrites() throws {
        // What the program itself makes of a folder, if it is there.
        let program = URL(fileURLWithPath: "/usr/bin/tar")
        guard FileManager.default.isExecutableFile(atPath: program.path) else { return }
        try withTemporaryDirectory { folder in
            let source = folder.appendingPathComponent("in/deep")
            try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
            try Data([1, 2]).write(to: source.appendingPathComponent(long))
            try Data("x".utf8).write(to: source.appendingPathComponent("b.txt"))
            for options in [["--format=posix"], ["--format=gnu"], ["--format=ustar"]] {
                let target = folder.appendingPathComponent("x.tar")
                let process = Process()
                process.executableURL = program
                process.arguments =
                    options + ["-cf", target.path, "-C", folder.path + "/in", "."]
                process.standardError = FileHandle.nullDevice
                try process.run()
                process.waitUntilExit()
                // The tar of other systems does not know all of these, ustar has no room for the name.
                guard process.terminationStatus == 0 else { continue }
                let members = try TarArchive(path: target.path).members
                #expect(Set(members.map(\.name)) == ["deep/" + long, "deep/b.txt"])
                let bytes = try Data(contentsOf: target)
                let content = members.first { $0.name.hasSuffix("flac") }.map { bytes[$0.range] }
                #expect(content.map(Array.init) == [1, 2])
            }
        }
    }
}
