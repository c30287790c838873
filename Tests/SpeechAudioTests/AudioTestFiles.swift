import CSndFile
import Foundation
import TestSupport
import Testing

/// A temporary folder that is removed with its last reference.
final class TemporaryFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-audio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of a file in the folder.
    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes bytes as a file and returns its path.
    func write(_ bytes: some Sequence<UInt8>, as name: String) throws -> String {
        try Data(bytes).write(to: url.appendingPathComponent(name))
        return path(name)
    }
}

/// The reference clips.
enum Clip {
    static func path(_ name: String) -> String {
        Fixtures.url("features/\(name)").path
    }
}

/// A container and codec as libsndfile names them.
struct Encoding: Sendable, CustomTestStringConvertible {
    let name: String
    let code: Int32

    init(_ name: String, _ container: Int, _ codec: Int) {
        self.name = name
        code = Int32(container | codec)
    }

    var testDescription: String { name }

    static let wav16 = Encoding("wav", Int(SF_FORMAT_WAV), Int(SF_FORMAT_PCM_16))
    static let wav24 = Encoding("wav24", Int(SF_FORMAT_WAV), Int(SF_FORMAT_PCM_24))
    static let wavFloat = Encoding("wavfloat", Int(SF_FORMAT_WAV), Int(SF_FORMAT_FLOAT))
    static let flac = Encoding("flac", Int(SF_FORMAT_FLAC), Int(SF_FORMAT_PCM_16))
    static let mp3 = Encoding("mp3", Int(SF_FORMAT_MPEG), Int(SF_FORMAT_MPEG_LAYER_III))
    static let vorbis = Encoding("ogg", Int(SF_FORMAT_OGG), Int(SF_FORMAT_VORBIS))
    static let opus = Encoding("opus", Int(SF_FORMAT_OGG), Int(SF_FORMAT_OPUS))
    static let aiff = Encoding("aiff", Int(SF_FORMAT_AIFF), Int(SF_FORMAT_PCM_16))

    struct Failure: Error {
        let reason: String
    }

    /// Writes interleaved samples with libsndfile itself.
    func write(
        _ samples: [Float], rate: Int, channels: Int = 1, to path: String,
        variableBitRate: Bool = false
    ) throws {
        var header = SF_INFO()
        header.samplerate = Int32(rate)
        header.channels = Int32(channels)
        header.format = code
        guard let file = sf_open(path, Int32(SFM_WRITE), &header) else {
            throw Failure(reason: String(cString: sf_strerror(nil)))
        }
        defer { sf_close(file) }
        if variableBitRate {
            var mode = Int32(SF_BITRATE_MODE_VARIABLE)
            sf_command(
                file, Int32(SFC_SET_BITRATE_MODE), &mode, Int32(MemoryLayout<Int32>.size))
        }
        let frames = sf_count_t(samples.count / channels)
        guard sf_writef_float(file, samples, frames) == frames else {
            throw Failure(reason: String(cString: sf_strerror(file)))
        }
    }
}

/// A sine of half full scale.
func sine(_ frequency: Double, rate: Int, seconds: Double) -> [Float] {
    (0..<Int(seconds * Double(rate))).map { index in
        Float(0.5 * sin(2 * Double.pi * frequency * Double(index) / Double(rate)))
    }
}

/// The power of the difference under the power of the reference, in dB.
func signalToNoise(_ signal: [Float], _ reference: [Float]) -> Double {
    var power = 0.0
    var noise = 0.0
    for (value, expected) in zip(signal, reference) {
        power += Double(expected * expected)
        noise += Double((value - expected) * (value - expected))
    }
    return 10 * log10(power / max(noise, 1e-30))
}

/// The largest absolute difference; infinite when the counts differ.
func largestDifference(_ first: [Float], _ second: [Float]) -> Float {
    guard first.count == second.count else { return .infinity }
    return zip(first, second).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
