import Foundation
import SpeechAudio
import SpeechCore
import Testing

@Suite("Bad audio files")
struct AudioErrorTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }

    /// The error of reading a file; its description must name the file.
    private func failure(
        _ path: String, offset: Double = 0, duration: Double? = nil
    ) throws -> AudioError {
        let error = try #require(throws: AudioError.self) {
            try AudioReader.read(path, offset: offset, duration: duration)
        }
        #expect(error.description.contains(path))
        #expect(error.exitStatus == .badInput)
        return error
    }

    @Test("a missing file and a folder")
    func missing() throws {
        let path = folder.path("none.wav")
        #expect(try failure(path) == .missingFile(path: path))
        #expect(throws: AudioError.missingFile(path: path)) { try AudioReader.info(path) }
        #expect(try failure(folder.url.path) == .notAFile(path: folder.url.path))
        let below = Clip.path("speech_en.wav") + "/x.wav"
        #expect(try failure(below) == .missingFile(path: below))
    }

    @Test("a file that is no audio names what it begins with")
    func foreign() throws {
        let text = try folder.write("hello, this is text\n".utf8, as: "text.wav")
        #expect(
            try failure(text)
                == .unknownFormat(
                    path: text, found: "a file that begins with \"hello, this is t\""))
        let binary = try folder.write([0, 1, 2, 3, 255], as: "bytes.mp3")
        #expect(
            try failure(binary)
                == .unknownFormat(
                    path: binary,
                    found: "a file that begins with \"\\x00\\x01\\x02\\x03\\xff\""))
        let header = try folder.write("RIFF....WAVE".utf8, as: "header.wav")
        #expect(
            try failure(header) == .unknownFormat(path: header, found: "a damaged WAV file"))
        let aiff = folder.path("clip.aiff")
        try Encoding.aiff.write(sine(440, rate: 16000, seconds: 0.1), rate: 16000, to: aiff)
        #expect(try failure(aiff) == .unknownFormat(path: aiff, found: "AIFF"))
    }

    @Test("no bytes and no samples", arguments: [Encoding.wav16, .flac, .mp3, .vorbis])
    func empty(encoding: Encoding) throws {
        let nothing = try folder.write([], as: "nothing.\(encoding.name)")
        #expect(try failure(nothing) == .empty(path: nothing))
        let silent = folder.path("silent.\(encoding.name)")
        try encoding.write([], rate: 16000, to: silent)
        #expect(try failure(silent) == .empty(path: silent))
    }

    @Test("a WAV cut short is noticed from its header alone")
    func truncatedWave() throws {
        let whole = try bytes(Clip.path("speech_en.wav"))
        let path = try folder.write(whole.prefix(20044), as: "cut.wav")
        let expected = AudioError.truncated(path: path, expected: 25600, found: 10000)
        #expect(try failure(path) == expected)
        #expect(throws: expected) { try AudioReader.info(path) }
    }

    @Test("a FLAC cut short or damaged in the middle")
    func truncatedFLAC() throws {
        let whole = try bytes(Clip.path("speech_en.flac"))
        let cut = try folder.write(whole.prefix(whole.count / 2), as: "cut.flac")
        guard case .truncated(cut, 25600, let found) = try failure(cut) else {
            Issue.record("a truncated FLAC was not noticed")
            return
        }
        #expect(found < 25600)
        var damaged = whole
        for index in 20000..<20300 { damaged[index] = UInt8((index * 73 + 11) & 255) }
        let bad = try folder.write(damaged, as: "bad.flac")
        guard case .truncated(bad, 25600, _) = try failure(bad) else {
            Issue.record("a damaged FLAC was not noticed")
            return
        }
    }

    @Test("an MP3 cut short, with and without a length in its header")
    func truncatedMP3() throws {
        let path = folder.path("clip.mp3")
        try Encoding.mp3.write(sine(440, rate: 44100, seconds: 2), rate: 44100, to: path)
        let whole = try bytes(path)
        let cut = try folder.write(whole.prefix(whole.count / 2 + 7), as: "cut.mp3")
        guard case .truncated(cut, 88200, let found) = try failure(cut) else {
            Issue.record("a truncated MP3 was not noticed")
            return
        }
        #expect(found < 50000)
        let first = try #require(MPEGFrame.length(at: 0, of: whole))
        let bare = try folder.write(whole[first..<whole.count / 2 + 7], as: "bare.mp3")
        guard case .truncated(bare, _, _) = try failure(bare) else {
            Issue.record("an MP3 that ends within a frame was not noticed")
            return
        }
    }

    @Test("an OGG file cut short or damaged anywhere", arguments: [Encoding.vorbis, .opus])
    func damagedOGG(encoding: Encoding) throws {
        let path = folder.path("clip.ogg")
        var noise = SeededGenerator(seed: 3)
        let samples = (0..<144_000).map { _ in Float(noise.uniform()) * 0.4 - 0.2 }
        try encoding.write(samples, rate: 48000, to: path)
        #expect(try AudioReader.read(path).count == 48000)
        let whole = try bytes(path)
        let cut = try folder.write(whole.prefix(whole.count * 3 / 4), as: "cut.ogg")
        switch try failure(cut) {
        case .corrupt(cut, _), .unknownFormat(cut, "a damaged OGG file"): break
        case let other: Issue.record("a truncated OGG file gave \(other)")
        }
        var damaged = whole
        damaged[whole.count / 2] ^= 1
        let bad = try folder.write(damaged, as: "bad.ogg")
        guard case .corrupt(bad, let position) = try failure(bad) else {
            Issue.record("one wrong bit in an OGG file was not noticed")
            return
        }
        #expect(position <= whole.count / 2)
    }

    @Test("samples that are not finite", arguments: [Float.nan, .infinity])
    func nonFinite(value: Float) throws {
        var samples = sine(440, rate: 16000, seconds: 1)
        samples[12345] = value
        let path = folder.path("bad.wav")
        try Encoding.wavFloat.write(samples, rate: 16000, to: path)
        #expect(try failure(path) == .nonFinite(path: path, frame: 12345))
        #expect(
            try failure(path, offset: 0.5, duration: 0.5)
                == .nonFinite(path: path, frame: 12345))
        #expect(try AudioReader.read(path, offset: 0, duration: 0.5).count == 8000)
    }

    @Test("too many channels and unusable rates")
    func limits() throws {
        let wide = folder.path("wide.wav")
        try Encoding.wav16.write(
            [Float](repeating: 0, count: 1700), rate: 16000, channels: 17, to: wide)
        #expect(
            try failure(wide) == .tooManyChannels(path: wide, expected: 1...16, found: 17))
        let slow = folder.path("slow.wav")
        try Encoding.wav16.write([Float](repeating: 0, count: 50), rate: 50, to: slow)
        #expect(
            try failure(slow)
                == .unsupportedSamplingRate(path: slow, expected: 1000...768_000, found: 50))
    }

    @Test("segments outside the file")
    func segments() throws {
        let path = Clip.path("speech_en.wav")
        #expect(try failure(path, offset: -0.1) == .invalidOffset(path: path, offset: -0.1))
        #expect(
            try failure(path, offset: 0.1, duration: 0)
                == .invalidDuration(path: path, duration: 0))
        let outside: [(Double, Double?)] = [(1.6, nil), (1.6, 0.1), (1.0, 0.7), (0, 2)]
        for (offset, duration) in outside {
            #expect(
                try failure(path, offset: offset, duration: duration)
                    == .segmentOutsideFile(
                        path: path, offset: offset, duration: duration, fileDuration: 1.6))
        }
        guard case .invalidOffset = try failure(path, offset: .nan) else {
            Issue.record("an offset that is no number was accepted")
            return
        }
    }

    @Test("a file without read permission", .enabled(if: getuid() != 0))
    func permission() throws {
        let path = try folder.write([1, 2, 3], as: "secret.wav")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: path)
        guard case .unreadable(path, let reason) = try failure(path) else {
            Issue.record("a file without read permission was read")
            return
        }
        #expect(!reason.isEmpty)
    }
}
