import Foundation
import SpeechAudio
import Testing

@Suite("Reading audio files")
struct AudioReaderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("16-bit WAV and FLAC of the same samples read alike, as multiples of 2^-15")
    func sixteenBit() throws {
        let wav = try AudioReader.read(Clip.path("speech_en.wav"))
        let flac = try AudioReader.read(Clip.path("speech_en.flac"))
        #expect(wav == flac)
        #expect(wav.count == 25600)
        // The samples themselves: the data chunk of this file begins at byte 44.
        let bytes = try Data(contentsOf: URL(fileURLWithPath: Clip.path("speech_en.wav")))
        let expected = stride(from: 44, to: bytes.count, by: 2).map { index in
            Float(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)) / 32768
        }
        #expect(wav == expected)
        #expect(expected.contains { abs($0) > 0.1 })
    }

    @Test("headers tell format, rate, channels and length")
    func info() throws {
        let narrow = try AudioReader.info(Clip.path("speech_en_8000.wav"))
        #expect(
            narrow == AudioInfo(format: .wav, samplingRate: 8000, channels: 1, frames: 4800))
        #expect(narrow.duration == 0.6)
        #expect(try AudioReader.info(Clip.path("speech_en.flac")).format == .flac)
        let path = folder.path("stereo.wav")
        try Encoding.wav24.write(
            sine(440, rate: 48000, seconds: 0.5), rate: 48000, channels: 2, to: path)
        #expect(
            try AudioReader.info(path)
                == AudioInfo(format: .wav, samplingRate: 48000, channels: 2, frames: 12000))
    }

    @Test(
        "other rates and depths become 16 kHz",
        arguments: ["speech_en_8000.wav", "speech_en_44100.wav", "speech_en_48000.wav"])
    func rates(name: String) throws {
        let clip = try AudioReader.read(Clip.path(name))
        let original = try AudioReader.read(Clip.path("speech_en.wav"))
        #expect(clip.count == 9600)
        // The copies are the first 0.6 s; 8 kHz has lost the upper half of the spectrum.
        let ratio = signalToNoise(clip, Array(original.prefix(9600)))
        #expect(ratio > (name.contains("8000.wav") && !name.contains("48000") ? 5 : 25))
    }

    @Test("channels are averaged, and a rate may be kept")
    func channels() throws {
        let path = folder.path("stereo.wav")
        var samples: [Float] = []
        for index in 0..<2000 { samples += [Float(index) / 4000, -Float(index) / 8000, 0.25] }
        try Encoding.wavFloat.write(samples, rate: 22050, channels: 3, to: path)
        let mono = try AudioReader.read(path, samplingRate: 22050)
        let expected = (0..<2000).map { (Float($0) / 8000 + 0.25) / 3 }
        #expect(largestDifference(mono, expected) < 1e-7)
    }

    @Test(
        "compressed formats give back what was written",
        arguments: [
            (Encoding.mp3, AudioFormat.mp3, 44100), (.mp3, .mp3, 16000),
            (.vorbis, .vorbis, 44100), (.opus, .opus, 48000), (.opus, .opus, 16000),
            (.flac, .flac, 44100),
        ])
    func compressed(encoding: Encoding, format: AudioFormat, rate: Int) throws {
        let path = folder.path("clip.\(encoding.name)")
        let tone = sine(440, rate: rate, seconds: 1.5)
        try encoding.write(tone, rate: rate, to: path)
        let info = try AudioReader.info(path)
        #expect(info.format == format)
        #expect(info.samplingRate == rate && info.channels == 1 && info.frames == tone.count)
        let whole = try AudioReader.read(path)
        #expect(whole.count == 24000)
        #expect(signalToNoise(whole, sine(440, rate: 16000, seconds: 1.5)) > 20)

        // A segment is the same part of the whole, at the file's own rate.
        let own = try AudioReader.read(path, samplingRate: rate)
        let part = try AudioReader.read(path, offset: 0.75, duration: 0.25, samplingRate: rate)
        #expect(part.count == rate / 4)
        let start = rate * 3 / 4
        #expect(largestDifference(part, Array(own[start..<start + rate / 4])) < 1e-4)
    }

    @Test("an MP3 that does not state its length is decoded to its end")
    func estimatedLength() throws {
        let path = folder.path("clip.mp3")
        // Silence first, so that a variable rate makes the beginning a bad guess for the rest.
        var samples = [Float](repeating: 0, count: 66150)
        samples += sine(3000, rate: 44100, seconds: 1.5)
        try Encoding.mp3.write(samples, rate: 44100, to: path, variableBitRate: true)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let first = try #require(MPEGFrame.length(at: 0, of: bytes))
        #expect(String(decoding: bytes[..<first], as: UTF8.self).contains("Xing"))
        let bare = try folder.write(bytes[first...], as: "bare.mp3")

        let frames = try AudioReader.read(bare, samplingRate: 44100).count
        // The encoder's delay and padding are cut only where the header tells them.
        #expect((samples.count..<samples.count + 4 * 1152).contains(frames))
        #expect(try AudioReader.info(bare).frames == frames)
    }

    @Test("a WAV written to a pipe, with a placeholder for its size, is read to its end")
    func streamed() throws {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Clip.path("speech_en.wav"))))
        for placeholder: [UInt8] in [[0, 0xf0, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff]] {
            bytes.replaceSubrange(40..<44, with: placeholder)
            let path = try folder.write(bytes, as: "streamed.wav")
            #expect(try AudioReader.read(path).count == 25600)
        }
    }

    @Test("segments are cut at the nearest frames")
    func segments() throws {
        let path = Clip.path("speech_en.wav")
        let whole = try AudioReader.read(path)
        let part = try AudioReader.read(path, offset: 0.5, duration: 0.25)
        #expect(part == Array(whole[8000..<12000]))
        #expect(try AudioReader.read(path, offset: 1.5) == Array(whole[24000...]))
        // A duration that was rounded up in a manifest ends with the file.
        #expect(
            try AudioReader.read(path, offset: 1.5, duration: 0.105) == Array(whole[24000...]))
        // One frame is the least.
        #expect(
            try AudioReader.read(path, offset: 0.5, duration: 1e-6) == Array(whole[8000..<8001]))
    }

    @Test("several threads read at once")
    func threads() async throws {
        let path = Clip.path("speech_en_44100.wav")
        let expected = try AudioReader.read(path)
        try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<16 { group.addTask { try AudioReader.read(path) } }
            for try await clip in group { #expect(clip == expected) }
        }
    }

    @Test(
        "a recording inside a larger file reads as it does alone",
        arguments: [Encoding.wav16, .wav24, .flac, .mp3, .vorbis, .opus])
    func byteRange(encoding: Encoding) throws {
        let alone = folder.path("alone.\(encoding.name)")
        try encoding.write(sine(300, rate: 24000, seconds: 0.7), rate: 24000, to: alone)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: alone))
        let first = 512
        let range = first..<first + bytes.count
        // What stands before and behind could be taken for audio, too.
        let whole = try folder.write(
            bytes.suffix(first) + bytes + bytes.prefix(900),
            as: "whole.tar")
        #expect(try AudioReader.info(whole, bytes: range) == AudioReader.info(alone))
        #expect(try AudioReader.read(whole, bytes: range) == AudioReader.read(alone))
        #expect(
            try AudioReader.read(whole, bytes: range, offset: 0.2, duration: 0.25)
                == AudioReader.read(alone, offset: 0.2, duration: 0.25))
    }

    @Test("bytes that a file does not have, or that are cut short, are an error")
    func byteRangeErrors() throws {
        let path = Clip.path("speech_en.wav")
        let size = try Data(contentsOf: URL(fileURLWithPath: path)).count
        #expect(
            throws: AudioError.bytesOutsideFile(
                path: path, first: 10, count: size, fileBytes: size)
        ) {
            try AudioReader.read(path, bytes: 10..<10 + size)
        }
        #expect(throws: AudioError.empty(path: path)) { try AudioReader.read(path, bytes: 4..<4) }
        #expect(
            throws: AudioError.truncated(path: path, expected: 25600, found: 25599)
        ) {
            try AudioReader.read(path, bytes: 0..<size - 2)
        }
    }
}

/// Enough of MPEG-1 layer III to find where a frame ends.
enum MPEGFrame {
    static func length(at start: Int, of bytes: [UInt8]) -> Int? {
        guard start + 3 < bytes.count, bytes[start] == 0xff, bytes[start + 1] & 0xfe == 0xfa else {
            return nil
        }
        let bitRates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0]
        let bitRate = bitRates[Int(bytes[start + 2] >> 4)] * 1000
        let rate = [44100, 48000, 32000, 0][Int(bytes[start + 2] >> 2 & 3)]
        guard bitRate > 0, rate > 0 else { return nil }
        return 144 * bitRate / rate + Int(bytes[start + 2] >> 1 & 1)
    }
}
