import SpeechAudio
import SpeechCore
import Testing

@Suite("Resampling")
struct ResamplerTests {
    /// Equal bit for bit on the machine that made the reference; other processors may round otherwise.
    private static let tolerance: Float = 1e-5

    @Test(
        "equals the reference of libsoxr on speech and on a chirp",
        arguments: ["speech", "chirp"], [8000, 44100, 48000])
    func reference(signal: String, rate: Int) throws {
        let file = try SafetensorsFile(path: Clip.path("resample.safetensors"))
        let input = try file.floats("\(signal).\(rate).input")
        for (quality, name) in [(Resampler.Quality.high, "hq"), (.veryHigh, "vhq")] {
            let expected = try file.floats("\(signal).\(rate).soxr_\(name)")
            let output = try Resampler.resample(
                input, from: rate, to: 16000, quality: quality)
            #expect(output.count == expected.count)
            let difference = largestDifference(output, expected)
            #expect(difference <= Self.tolerance, "\(signal) \(rate) \(name)")
        }
    }

    @Test("the length is the ceiling of the exact one")
    func lengths() throws {
        for rate in [8000, 11025, 22050, 44100, 48000] {
            for count in [1, 2, 3, 100, 441, 1001, 4801] {
                let output = try Resampler.resample(
                    [Float](repeating: 0.5, count: count), from: rate, to: 16000)
                let exact = Double(count) * 16000 / Double(rate)
                #expect(output.count == Int(exact.rounded(.up)), "\(count) at \(rate)")
                #expect(output.allSatisfy { $0.isFinite })
            }
        }
        #expect(Resampler.outputCount(of: 441, from: 44100, to: 16000) == 160)
        #expect(Resampler.outputCount(of: 442, from: 44100, to: 16000) == 161)
    }

    @Test("equal rates and no samples pass through")
    func identity() throws {
        #expect(try Resampler.resample([0.1, 2], from: 16000, to: 16000) == [0.1, 2])
        #expect(try Resampler.resample([], from: 8000, to: 16000) == [])
    }

    @Test("a tone keeps its frequency, amplitude and phase")
    func tone() throws {
        let output = try Resampler.resample(
            sine(1000, rate: 44100, seconds: 0.5), from: 44100, to: 16000)
        let expected = sine(1000, rate: 16000, seconds: 0.5)
        // Away from the ends, where the filter sees the jump to silence.
        let middle = 1000..<7000
        #expect(largestDifference(Array(output[middle]), Array(expected[middle])) < 1e-5)
    }
}
