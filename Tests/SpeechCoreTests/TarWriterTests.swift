import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct TarWriterTests {
    /// Its standard library reads tar archives.
    private static let python = ProcessInfo.processInfo.environment["COLLD_ORACLE"]

    private let members: [(name: String, data: Data)] = [
        ("a.flac", Data(1...200)), ("empty.json", Data()),
        ("grüße/ж.txt", Data(repeating: 7, count: 512)),
        (String(repeating: "long/", count: 60) + "é.wav", Data(repeating: 9, count: 1025)),
        (String(repeating: "x", count: 100), Data([1])),
    ]

    private func archive(in folder: URL) throws -> (URL, [Range<Int>]) {
        let url = folder.appendingPathComponent("a.tar")
        var ranges: [Range<Int>] = []
        try AtomicFile.write(to: url) { sink in
            let tar = TarWriter(sink)
            for (name, data) in members { ranges.append(try tar.add(name, data)) }
            try tar.finish()
        }
        return (url, ranges)
    }

    @Test func theReaderFindsWhatWasWritten() throws {
        try withTemporaryDirectory { folder in
            let (url, ranges) = try archive(in: folder)
            let found = try TarArchive(path: url.path).members
            #expect(found.map(\.name) == members.map(\.name))
            #expect(found.map(\.range) == ranges)
            let bytes = try Data(contentsOf: url)
            #expect(bytes.count % 512 == 0)
            #expect(zip(ranges, members).allSatisfy { bytes[$0] == $1.data })
        }
    }

    @Test(.enabled(if: python != nil)) func pythonReadsIt() throws {
        guard let python = Self.python else { return }
        try withTemporaryDirectory { folder in
            let (url, _) = try archive(in: folder)
            let program = """
                import sys, tarfile
                with tarfile.open(sys.argv[1], "r:") as tar:
                    for member in tar:
                        data = tar.extractfile(member).read()
                        print(member.name, len(data), sum(data), member.mtime, oct(member.mode))
                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: python)
            process.arguments = ["-c", program, url.path]
            process.environment = ["PYTHONIOENCODING": "utf-8"]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(
                String.init)
            let expected = members.map { name, data in
                "\(name) \(data.count) \(data.reduce(0) { $0 + Int($1) }) 0 0o644"
            }
            #expect(lines == expected)
        }
    }
}
