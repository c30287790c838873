import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct AtomicFileTests {
    private struct Interrupted: Error {}

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func writesAndReplaces() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("a.json")
            try AtomicFile.write("one", to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == "one")
            let large = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            try AtomicFile.write(to: url) { sink in
                try sink.write("head")
                try sink.write(large)
                try sink.write("tail")
                #expect(sink.byteCount == large.count + 8)
            }
            #expect(try Data(contentsOf: url) == Data("head".utf8) + large + Data("tail".utf8))
            // What a killed process left behind is no obstacle.
            try Data("stale and longer than the new content".utf8)
                .write(to: folder.appendingPathComponent("a.json.tmp"))
            try AtomicFile.write("two", to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == "two")
            #expect(try names(folder) == ["a.json"])
        }
    }

    @Test func failureKeepsTheOldFile() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("a")
            try AtomicFile.write("old", to: url)
            #expect(throws: Interrupted.self) {
                try AtomicFile.write(to: url) { sink in
                    try sink.write("new")
                    #expect(try names(folder) == ["a", "a.tmp"])
                    throw Interrupted()
                }
            }
            #expect(try String(contentsOf: url, encoding: .utf8) == "old")
            #expect(try names(folder) == ["a"])
        }
    }

    @Test func aFileHasOneWriterAtATime() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("a")
            try AtomicFile.write(to: url) { sink in
                try sink.write("first")
                let error = expectError(FileSystemError.self, containing: [url.path, "another"]) {
                    try AtomicFile.write("second", to: url)
                }
                #expect(error == .busy(path: url.path))
                #expect(error?.exitStatus == .runtimeFailure)
            }
            #expect(try String(contentsOf: url, encoding: .utf8) == "first")
            #expect(try names(folder) == ["a"])
            try AtomicFile.write("second", to: url)
            #expect(try String(contentsOf: url, encoding: .utf8) == "second")
            // A device takes what many write.
            let null = URL(fileURLWithPath: "/dev/null")
            try AtomicFile.write(to: null) { sink in
                try sink.write("one")
                try AtomicFile.write("two", to: null)
            }
        }
    }

    @Test func unwritableTargets() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            for (url, code) in [
                (folder.appendingPathComponent("absent/a"), ENOENT),
                (file.appendingPathComponent("a"), ENOTDIR), (folder, EISDIR),
            ] {
                let error = expectError(FileSystemError.self, containing: [url.path]) {
                    try AtomicFile.write("y", to: url)
                }
                guard case .cannotWrite(_, _, code)? = error else {
                    Issue.record("\(String(describing: error)) for \(url.path)")
                    continue
                }
                #expect(error?.exitStatus == .runtimeFailure)
            }
            let beside = folder.deletingLastPathComponent()
                .appendingPathComponent(folder.lastPathComponent + ".tmp")
            #expect(!FileManager.default.fileExists(atPath: beside.path))
        }
    }

    #if os(Linux)
        @Test func fullDisk() throws {
            let device = URL(fileURLWithPath: "/dev/full")
            for size in [1, 200_000] {
                let message = FileSystemError.message(for: ENOSPC)
                expectError(FileSystemError.self, containing: ["/dev/full", message]) {
                    try AtomicFile.write(Data(count: size), to: device)
                }
            }
            // Devices are written in place: still there, and still a device.
            try AtomicFile.write("x", to: URL(fileURLWithPath: "/dev/null"))
            let kind = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type]
            #expect(kind as? FileAttributeType == .typeCharacterSpecial)
            #expect(!FileManager.default.fileExists(atPath: "/dev/full.tmp"))
        }
    #endif
}

@Suite struct AtomicDirectoryTests {
    private struct Interrupted: Error {}

    private func fill(_ text: String) -> (URL) throws -> Void {
        { folder in
            let inner = folder.appendingPathComponent("inner")
            try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: false)
            try AtomicFile.write(text, to: inner.appendingPathComponent("file"))
            try AtomicFile.write(text, to: folder.appendingPathComponent(text))
        }
    }

    private func names(_ folder: URL) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func writesAndReplaces() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            try AtomicDirectory.write(to: url, fill("one"))
            #expect(try names(folder) == ["model", "model/inner", "model/inner/file", "model/one"])
            // A leftover of a killed process goes.
            let stale = folder.appendingPathComponent("model.tmp")
            try FileManager.default.createDirectory(at: stale, withIntermediateDirectories: false)
            try AtomicFile.write("x", to: stale.appendingPathComponent("stale"))
            let result = try AtomicDirectory.write(to: url) { inside in
                try fill("two")(inside)
                // Until the end, the old content stays in place.
                #expect(try names(url) == ["inner", "inner/file", "one"])
                return 7
            }
            #expect(result == 7)
            #expect(try names(folder) == ["model", "model/inner", "model/inner/file", "model/two"])
        }
    }

    @Test func failureKeepsTheOldFolder() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            try AtomicDirectory.write(to: url, fill("one"))
            #expect(throws: Interrupted.self) {
                try AtomicDirectory.write(to: url) { inside in
                    try fill("two")(inside)
                    throw Interrupted()
                }
            }
            #expect(try names(folder) == ["model", "model/inner", "model/inner/file", "model/one"])
        }
    }

    /// The states that a death between two renames can leave.
    @Test func recovers() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model")
            let aside = folder.appendingPathComponent("model.tmp-old")
            try AtomicDirectory.write(to: aside, fill("old"))
            try AtomicDirectory.recover(url)
            #expect(try names(url) == ["inner", "inner/file", "old"])
            try AtomicDirectory.write(to: aside, fill("old"))
            try AtomicDirectory.write(to: url, fill("new"))
            #expect(try names(folder) == ["model", "model/inner", "model/inner/file", "model/new"])
            try AtomicDirectory.recover(folder.appendingPathComponent("other"))
        }
    }

    @Test func unwritableTarget() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("file")
            try AtomicFile.write("x", to: file)
            let url = file.appendingPathComponent("model")
            expectError(FileSystemError.self, containing: [url.path]) {
                try AtomicDirectory.write(to: url, fill("one"))
            }
        }
    }
}
