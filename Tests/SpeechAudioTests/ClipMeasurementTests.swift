import Foundation
import SpeechAudio
import SpeechCore
import TestSupport
import Testing

@Suite("Measuring clips") struct ClipMeasurementTests {
    private func noise(_ seconds: Double, level: Float, rate: Int = 16_000) -> [Float] {
        var generator = SeededGenerator(seed: 3, stream: 1)
        return (0..<Int(seconds * Double(rate))).map { _ in
            level * Float(2 * generator.uniform() - 1)
        }
    }

    @Test("a sine of half the scale is 9.03 dB below it")
    func sineLevel() {
        let clip = ClipMeasurement(sine(1000, rate: 16_000, seconds: 2), samplingRate: 16_000)
        #expect(clip.duration == 2)
        expectClose(clip.peak, 0.5, within: 1e-6)
        expectClose(clip.level, -9.0309, within: 0.001)
        expectClose(clip.speechLevel, -9.0309, within: 0.001)
        #expect(clip.silentShare == 0)
        #expect(clip.clippedShare == 0)
    }

    @Test("digital silence, a constant and the faintest noise are silent")
    func silence() {
        for samples in [
            [Float](repeating: 0, count: 1000), [Float](repeating: 0.25, count: 1000),
            noise(0.5, level: 0.0005),
        ] {
            let clip = ClipMeasurement(samples, samplingRate: 16_000)
            #expect(clip.silentShare == 1)
            #expect(clip.speechLevel < -60)
        }
        let nothing = ClipMeasurement([0], samplingRate: 16_000)
        #expect(nothing.level == ClipMeasurement.floor)
        #expect(nothing.duration == 1.0 / 16_000)
    }

    @Test("the share of silence is that of its samples, the rest of a frame included")
    func silentShare() {
        // 0.3 s of noise, then 0.71 s of nothing: the last frame has half the length.
        let samples = noise(0.3, level: 0.1) + [Float](repeating: 0, count: 11_360)
        let clip = ClipMeasurement(samples, samplingRate: 16_000)
        expectClose(clip.silentShare, 0.71 / 1.01, within: 1e-9)
        // 30 % of frames are loud, so the level of the speech is theirs.
        expectClose(clip.speechLevel, -24.8, within: 0.5)
        let strict = ClipMeasurement(samples, samplingRate: 16_000, silenceLevel: -10)
        #expect(strict.silentShare == 1)
    }

    @Test("runs at full scale are clipped, single samples and full sines are not")
    func clipping() {
        var samples = noise(0.1, level: 0.3)
        func share() -> Double {
            (ClipMeasurement(samples, samplingRate: 16_000).clippedShare
                * Double(samples.count)).rounded()
        }
        #expect(share() == 0)
        samples[5] = 1
        samples[6] = 1
        #expect(share() == 0)
        samples[7] = 32767.0 / 32768
        #expect(share() == 3)
        // Two above and two below are no run.
        samples.replaceSubrange(100..<104, with: [1, 1, -1, -1])
        #expect(share() == 3)
        // Across two frames of 320 samples, beyond full scale, and at the very end.
        samples.replaceSubrange(318..<323, with: [-1, -1.5, -1, -1, -1])
        #expect(share() == 8)
        samples.replaceSubrange(1597..<1600, with: [1, 1, 1])
        #expect(share() == 11)
        let loud = sine(440, rate: 48_000, seconds: 0.5).map { 2 * $0 }
        #expect(ClipMeasurement(loud, samplingRate: 48_000).clippedShare == 0)
        let tooLoud = loud.map { max(-1, min(1, 1.5 * $0)) }
        #expect(ClipMeasurement(tooLoud, samplingRate: 48_000).clippedShare > 0.4)
    }

    @Test("equal audio has one hash in WAV, FLAC and as floats; a changed sample another")
    func hashes() throws {
        let folder = try TemporaryFolder()
        let samples = noise(0.2501, level: 0.4)
        func hash(_ path: String) throws -> ContentHash {
            let recording = try AudioReader.recording(path)
            return ClipMeasurement(recording.samples, samplingRate: recording.samplingRate)
                .contentHash
        }
        for (name, encoding) in [("a.wav", Encoding.wav16), ("a.flac", .flac), ("b.wav", .wav24)] {
            try encoding.write(samples, rate: 16_000, to: folder.path(name))
        }
        let wav = try hash(folder.path("a.wav"))
        #expect(try hash(folder.path("a.flac")) == wav)
        let exact = try AudioReader.recording(folder.path("a.wav")).samples
        try Encoding.wavFloat.write(exact, rate: 16_000, to: folder.path("c.wav"))
        #expect(try hash(folder.path("c.wav")) == wav)

        var all = Set([wav])
        for index in [0, 1, 2, 3, 1000, exact.count - 1] {
            var changed = exact
            changed[index] += 1.0 / 32768
            all.insert(ContentHash(changed, samplingRate: 16_000))
        }
        all.insert(ContentHash(exact, samplingRate: 8000))
        all.insert(ContentHash(exact + [0], samplingRate: 16_000))
        all.insert(ContentHash(Array(exact.dropLast()), samplingRate: 16_000))
        all.insert(ContentHash(exact.reversed(), samplingRate: 16_000))
        #expect(all.count == 11)
    }

    @Test("lengths of silence and short texts have hashes of their own")
    func shortHashes() {
        let silences = (0..<200).map {
            ContentHash([Float](repeating: 0, count: $0), samplingRate: 16_000)
        }
        #expect(Set(silences).count == 200)
        let texts = (0..<2000).map { ContentHash("u\($0)") } + [ContentHash(""), ContentHash("\0")]
        #expect(Set(texts).count == 2002)
        #expect(ContentHash("é") != ContentHash("e\u{301}"))
    }

    @Test("a recording has the rate and the length of its file, a segment is cut from it")
    func recordings() throws {
        let folder = try TemporaryFolder()
        let samples = sine(300, rate: 44_100, seconds: 1)
        try Encoding.flac.write(samples, rate: 44_100, to: folder.path("a.flac"))
        let whole = try AudioReader.recording(folder.path("a.flac"))
        #expect(whole.samplingRate == 44_100)
        #expect(whole.fileFrames == 44_100)
        #expect(whole.duration == 1)
        let part = try AudioReader.recording(folder.path("a.flac"), offset: 0.25, duration: 0.5)
        #expect(part.samples == Array(whole.samples[11_025..<33_075]))
        #expect(part.fileDuration == 1)
        try Encoding.mp3.write(samples, rate: 44_100, to: folder.path("a.mp3"))
        let cut = try AudioReader.recording(folder.path("a.mp3"), offset: 0.5, duration: 0.25)
        #expect(cut.samples.count == 11_025)
        #expect(cut.fileDuration >= 1)
    }
}
