internal import CSndFile
public import Foundation
internal import SpeechCore

/// Writes one channel of audio as a file, from 16-bit samples.
public enum AudioWriter {
    /// The containers that are written.
    public enum Format: String, Sendable, CaseIterable, Codable {
        case wav
        case flac
        /// With the usual quality of libsndfile's encoder; not every build of it has one.
        case mp3
        /// In an OGG container, at 8, 12, 16, 24 or 48 kHz.
        case opus

        /// Whether the samples that were written are read again.
        public var isLossless: Bool { self == .wav || self == .flac }

        fileprivate var code: Int32 {
            switch self {
            case .wav: Int32(Int(SF_FORMAT_WAV) | Int(SF_FORMAT_PCM_16))
            case .flac: Int32(Int(SF_FORMAT_FLAC) | Int(SF_FORMAT_PCM_16))
            case .mp3: Int32(Int(SF_FORMAT_MPEG) | Int(SF_FORMAT_MPEG_LAYER_III))
            case .opus: Int32(Int(SF_FORMAT_OGG) | Int(SF_FORMAT_OPUS))
            }
        }
    }

    /// Encodes `samples` [N], full scale ±1, with 16 bits a sample; louder samples are clipped.
    ///
    /// The same samples give the same bytes, but for Opus, whose streams have random numbers. `name`
    /// is the file's, for errors.
    ///
    /// - Throws: `AudioError.empty`, `.nonFinite` or `.encodingFailed`.
    public static func encode(
        _ samples: [Float], samplingRate: Int = 16_000, format: Format, name: String
    ) throws -> Data {
        guard !samples.isEmpty else { throw AudioError.empty(path: name) }
        var integers: [Int16] = []
        integers.reserveCapacity(samples.count)
        for (frame, sample) in samples.enumerated() {
            guard sample.isFinite else { throw AudioError.nonFinite(path: name, frame: frame) }
            let scaled = (sample * 32768).rounded()
            integers.append(Int16(max(-32768, min(32767, scaled))))
        }
        return try encode(integers, samplingRate: samplingRate, format: format, name: name)
    }

    /// Writes `samples` [N], full scale ±1, to `url`, beside the target first and then renamed.
    ///
    /// - Throws: `AudioError` as `encode` does, or `FileSystemError.cannotWrite`, for example when
    ///   the disk is full.
    public static func write(
        _ samples: [Float], to url: URL, samplingRate: Int = 16_000, format: Format
    ) throws {
        let data = try encode(
            samples, samplingRate: samplingRate, format: format, name: url.path)
        try AtomicFile.write(data, to: url)
    }

    private static func encode(
        _ samples: [Int16], samplingRate: Int, format: Format, name: String
    ) throws -> Data {
        var header = SF_INFO()
        header.samplerate = Int32(samplingRate)
        header.channels = 1
        header.format = format.code
        let memory = MemoryFile()
        try withExtendedLifetime(memory) {
            var callbacks = MemoryFile.callbacks
            let user = Unmanaged.passUnretained(memory).toOpaque()
            guard let file = sf_open_virtual(&callbacks, Int32(SFM_WRITE), &header, user) else {
                // Nothing but the rate can be wrong here, or a build without this encoder.
                throw AudioError.encodingFailed(
                    path: name, reason: "\(format.rawValue) cannot hold \(samplingRate) Hz")
            }
            let written = sf_writef_short(file, samples, sf_count_t(samples.count))
            let reason = String(cString: sf_strerror(file))
            let closed = sf_close(file)
            guard written == samples.count, closed == 0 else {
                throw AudioError.encodingFailed(path: name, reason: reason)
            }
        }
        return Data(memory.bytes)
    }
}

/// A file in memory that libsndfile writes to.
///
/// Encoding to memory first leaves one place that writes files, with errors that say what went wrong.
private final class MemoryFile {
    var bytes: [UInt8] = []
    private var position = 0

    private static func from(_ user: UnsafeMutableRawPointer?) -> MemoryFile {
        Unmanaged<MemoryFile>.fromOpaque(user!).takeUnretainedValue()
    }

    static var callbacks: SF_VIRTUAL_IO {
        SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(MemoryFile.from($0).bytes.count) },
            seek: { offset, origin, user in
                let file = MemoryFile.from(user)
                switch origin {
                case Int32(SEEK_CUR): file.position += Int(offset)
                case Int32(SEEK_END): file.position = file.bytes.count + Int(offset)
                default: file.position = Int(offset)
                }
                return sf_count_t(file.position)
            },
            read: { pointer, count, user in
                let file = MemoryFile.from(user)
                let end = min(file.bytes.count, file.position + Int(count))
                guard let pointer, file.position < end else { return 0 }
                let part = file.bytes[file.position..<end]
                pointer.copyMemory(from: Array(part), byteCount: part.count)
                file.position = end
                return sf_count_t(part.count)
            },
            write: { pointer, count, user in
                let file = MemoryFile.from(user)
                guard let pointer, count > 0 else { return 0 }
                let new = UnsafeRawBufferPointer(start: pointer, count: Int(count))
                let end = file.position + new.count
                if end > file.bytes.count {
                    file.bytes.append(contentsOf: repeatElement(0, count: end - file.bytes.count))
                }
                file.bytes.replaceSubrange(file.position..<end, with: new)
                file.position = end
                return count
            },
            tell: { sf_count_t(MemoryFile.from($0).position) })
    }
}
