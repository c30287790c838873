import Foundation
import SpeechAudio
import SpeechCore
import Testing

@Suite("Writing audio files")
struct AudioWriterTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("16-bit samples survive the round trip", arguments: [AudioWriter.Format.wav, .flac])
    func roundTrip(format: AudioWriter.Format) throws {
        let samples = try AudioReader.read(Clip.path("speech_en.wav"))
        let url = folder.url.appendingPathComponent("clip.\(format.rawValue)")
        try AudioWriter.write(samples, to: url, format: format)
        #expect(try AudioReader.read(url.path) == samples)
        let info = try AudioReader.info(url.path)
        #expect(info.format.rawValue == format.rawValue)
        #expect(info.samplingRate == 16000 && info.channels == 1)
        // Nothing but the file is left.
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
        #expect(names == [url.lastPathComponent])
        let data = try AudioWriter.encode(samples, format: format, name: "clip")
        #expect(try Data(contentsOf: url) == data)
    }

    @Test("lossy formats keep length, rate and sound", arguments: [AudioWriter.Format.mp3, .opus])
    func lossy(format: AudioWriter.Format) throws {
        #expect(!format.isLossless)
        let samples = sine(440, rate: 16_000, seconds: 1)
        let url = folder.url.appendingPathComponent("clip.\(format.rawValue)")
        try AudioWriter.write(samples, to: url, format: format)
        let info = try AudioReader.info(url.path)
        #expect(info.format.rawValue == format.rawValue && info.samplingRate == 16_000)
        let read = try AudioReader.read(url.path)
        #expect(abs(read.count - samples.count) < 1200)
        // Encoders delay the sound: the best of some places.
        let middle = Array(samples[4000..<12_000])
        let best = (0..<1400).map {
            signalToNoise(Array(read[(3300 + $0)...].prefix(8000)), middle)
        }
        #expect((best.max() ?? 0) > 20)
    }

    @Test("values round to the nearest step and clip at full scale")
    func rounding() throws {
        let step: Float = 1 / 32768
        let url = folder.url.appendingPathComponent("clip.wav")
        try AudioWriter.write([0.4 * step, 0.6 * step, 1.5, -1.5], to: url, format: .wav)
        #expect(try AudioReader.read(url.path) == [0, step, 1 - step, -1])
    }

    @Test("nothing, or something that is no number, is not written")
    func refused() throws {
        let url = folder.url.appendingPathComponent("clip.wav")
        #expect(throws: AudioError.empty(path: url.path)) {
            try AudioWriter.write([], to: url, format: .wav)
        }
        #expect(throws: AudioError.nonFinite(path: url.path, frame: 1)) {
            try AudioWriter.write([0, .nan], to: url, format: .flac)
        }
        #expect(
            throws: AudioError.encodingFailed(
                path: url.path, reason: "flac cannot hold 1000000 Hz")
        ) {
            try AudioWriter.write([0], to: url, samplingRate: 1_000_000, format: .flac)
        }
        #expect(!FileManager.default.fileExists(atPath: url.path))
    }

    @Test("a folder that is not there")
    func unwritable() throws {
        let url = folder.url.appendingPathComponent("none/clip.wav")
        let error = try #require(throws: FileSystemError.self) {
            try AudioWriter.write([0], to: url, format: .wav)
        }
        #expect(error.description.contains(url.path))
    }

    #if os(Linux)
        @Test("a full disk is an error that says so")
        func fullDisk() throws {
            // Writes to this device fail as on a full disk.
            let error = try #require(throws: FileSystemError.self) {
                try AudioWriter.write(
                    sine(440, rate: 16000, seconds: 1), to: URL(fileURLWithPath: "/dev/full"),
                    format: .wav)
            }
            #expect(
                error == .cannotWrite(path: "/dev/full", operation: "write", code: ENOSPC))
        }
    #endif
}
