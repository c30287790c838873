import Foundation
import SpeechAudio
import TestSupport
import Testing

@Suite("Folders of audio") struct AudioFolderTests {
    private func make(_ paths: [String], in folder: URL) throws {
        for path in paths {
            let url = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: url)
        }
    }

    @Test("files are found at any depth, by their endings, in one order")
    func files() throws {
        try withTemporaryDirectory { folder in
            try make(
                [
                    "b.wav", "a/z.flac", "a/b/c.MP3", "a/x.Opus", "c.ogg", "d.oga", "e.wave",
                    "notes.txt", "wav", "a/y.wav.tmp", ".hidden.wav", ".cache/f.wav", "x.m4a",
                ], in: folder)
            let expected = [
                "a/b/c.MP3", "a/x.Opus", "a/z.flac", "b.wav", "c.ogg", "d.oga", "e.wave",
            ]
            #expect(try AudioFolder.files(in: folder.path) == expected)
            #expect(try AudioFolder.files(in: folder.path + "/") == expected)
            #expect(try AudioFolder.files(in: folder.path + "/a/b") == ["c.MP3"])
        }
    }

    @Test("links are followed, but not in circles")
    func links() throws {
        try withTemporaryDirectory { folder in
            try make(["corpus/a.wav", "elsewhere/b.wav", "elsewhere/deep/c.wav"], in: folder)
            let files = FileManager.default
            func link(_ path: String, to target: String) throws {
                try files.createSymbolicLink(
                    atPath: folder.appendingPathComponent(path).path, withDestinationPath: target)
            }
            try link("corpus/other", to: "../elsewhere")
            try link("elsewhere/deep/up", to: "../../corpus")
            try link("corpus/broken.wav", to: "nowhere.wav")
            #expect(
                try AudioFolder.files(in: folder.appendingPathComponent("corpus").path)
                    == ["a.wav", "broken.wav", "other/b.wav", "other/deep/c.wav"])
        }
    }

    @Test("a folder that is none")
    func missing() throws {
        expectError(AudioError.self, containing: ["/nowhere/at/all"]) {
            try AudioFolder.files(in: "/nowhere/at/all")
        }
    }
}
