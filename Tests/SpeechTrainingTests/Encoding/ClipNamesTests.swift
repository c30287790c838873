import Foundation
import SpeechTraining
import Testing

@Suite("Names of results") struct ClipNamesTests {
    private func names(_ ids: [String], taken: [String] = []) -> [String] {
        var names = ClipNames(taken: taken)
        return names.names(for: ids)
    }

    @Test("an id gives its name, without the ending of audio")
    func plain() {
        #expect(
            names(["a.wav", "sub/b.FLAC", "utt-1", "c.v2", "d.v2.mp3", "grüße.opus"])
                == ["a", "sub/b", "utt-1", "c.v2", "d.v2", "grüße"])
    }

    @Test("clips that would share a name are told apart")
    func collisions() {
        #expect(names(["a.wav", "a.flac", "b.wav"]) == ["a.wav", "a.flac", "b"])
        // Some file systems ignore case, and how an accent is spelled.
        #expect(names(["A.wav", "a.wav"]) == ["A.wav", "a.wav-2"])
        #expect(names(["u/x", "/u/x", "../u/x"]) == ["u/x", "u/x-2", "u/x-3"])
        #expect(names(["x-2", "x", "./x"]) == ["x-2", "x", "x-3"])
        #expect(names(["a.wav", "b.wav"], taken: ["a"]) == ["a.wav", "b"])
    }

    @Test("no name leaves its folder or breaks a file system")
    func unsafe() {
        #expect(
            names(["../../etc/passwd", "/data/x.wav", "..", "", "a//b", "line\nbreak", "a\\b"])
                == ["etc/passwd", "data/x", "clip", "clip-2", "a/b", "line_break", "a_b"])
        let long = String(repeating: "ü", count: 200)
        let short = names([long + "1", long + "2"])
        #expect(Set(short).count == 2)
        for name in short {
            #expect(name.utf8.count < 200 && name.hasPrefix("üüü"))
        }
    }

    @Test("batches are filled by seconds with clips of similar length")
    func plan() {
        let lengths = [3.0, 9, 1, 30, 2.5, 1, 10]
        let batches = EncodeLoader.plan(
            lengths.enumerated().map { ($0.offset, $0.element) }, batchSeconds: 20)
        #expect(batches == [[3], [6, 1], [0, 4, 2, 5]])
        #expect(EncodeLoader.plan([], batchSeconds: 20).isEmpty)
        #expect(EncodeLoader.plan([(0, 50), (1, 50)], batchSeconds: 20) == [[0], [1]])
    }
}
