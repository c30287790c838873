internal import CSndFile
internal import Foundation

/// An audio file opened for reading with libsndfile, closed when released.
final class SoundFile {
    let path: String
    let info: AudioInfo
    private let handle: OpaquePointer

    static let channelLimit = 1...16
    static let samplingRateLimit = 1000...768_000

    /// Opens a file and checks what its header says.
    init(path: String) throws {
        self.path = path
        try Self.checkReadable(path)
        var header = SF_INFO()
        guard let handle = sf_open(path, Int32(SFM_READ), &header) else {
            throw AudioError.unknownFormat(path: path, found: Self.firstBytes(of: path))
        }
        self.handle = handle
        guard let format = AudioFormat(libraryFormat: Int(header.format)) else {
            sf_close(handle)
            throw AudioError.unknownFormat(path: path, found: Self.firstBytes(of: path))
        }
        // The count of a stream that does not say its length is a huge number, never a negative one.
        info = AudioInfo(
            format: format, samplingRate: Int(header.samplerate), channels: Int(header.channels),
            frames: max(0, Int(header.frames)))
        // From here on deinit closes the handle.
        guard Self.channelLimit.contains(info.channels) else {
            throw AudioError.tooManyChannels(
                path: path, expected: Self.channelLimit, found: info.channels)
        }
        guard Self.samplingRateLimit.contains(info.samplingRate) else {
            throw AudioError.unsupportedSamplingRate(
                path: path, expected: Self.samplingRateLimit, found: info.samplingRate)
        }
        if format == .wav, let data = WaveDataChunk(path: path), data.isCutShort {
            throw AudioError.truncated(
                path: path, expected: data.promisedFrames, found: info.frames)
        }
        guard info.frames > 0 else { throw AudioError.empty(path: path) }
    }

    deinit { sf_close(handle) }

    /// Moves to a frame; false when the decoder cannot.
    func seek(to frame: Int) -> Bool {
        sf_seek(handle, sf_count_t(frame), Int32(SEEK_SET)) == sf_count_t(frame)
    }

    /// Decodes up to `count` frames into `block` [count * channels] and returns how many came.
    func read(_ count: Int, into block: UnsafeMutableBufferPointer<Float>) -> Int {
        precondition(count * info.channels <= block.count)
        return max(0, Int(sf_readf_float(handle, block.baseAddress, sf_count_t(count))))
    }

    /// Whether decoding met damaged data.
    var hasFailed: Bool { sf_error(handle) != 0 }

    private static func checkReadable(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw AudioError.missingFile(path: path) }
            throw AudioError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        // Not a pipe either: formats are recognised by seeking.
        guard status.st_mode & S_IFMT == S_IFREG else { throw AudioError.notAFile(path: path) }
        guard access(path, R_OK) == 0 else {
            throw AudioError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_size > 0 else { throw AudioError.empty(path: path) }
    }

    // libsndfile keeps the reason of a failed open in a variable of the whole process, where a
    // failure on another thread may replace it; the file's first bytes say as much, reliably.
    private static func firstBytes(of path: String) -> String {
        guard let file = FileHandle(forReadingAtPath: path),
            let bytes = try? file.read(upToCount: 16)
        else { return "a file that cannot be read" }
        let known: [(magic: String, name: String)] = [
            ("RIFF", "a damaged WAV file"), ("RF64", "a damaged WAV file"),
            ("fLaC", "a damaged FLAC file"), ("OggS", "a damaged OGG file"),
            ("ID3", "a damaged MP3 file"), ("FORM", "a damaged AIFF file"),
        ]
        if let match = known.first(where: { bytes.starts(with: $0.magic.utf8) }) {
            return match.name
        }
        let shown = bytes.map { byte in
            (0x20...0x7e).contains(byte)
                ? String(UnicodeScalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "a file that begins with \"\(shown.joined())\""
    }
}

extension AudioFormat {
    fileprivate init?(libraryFormat: Int) {
        let codec = libraryFormat & Int(SF_FORMAT_SUBMASK)
        switch libraryFormat & Int(SF_FORMAT_TYPEMASK) {
        case Int(SF_FORMAT_WAV), Int(SF_FORMAT_WAVEX), Int(SF_FORMAT_RF64), Int(SF_FORMAT_W64):
            self = .wav
        case Int(SF_FORMAT_FLAC): self = .flac
        case Int(SF_FORMAT_OGG) where codec == Int(SF_FORMAT_OPUS): self = .opus
        case Int(SF_FORMAT_OGG) where codec == Int(SF_FORMAT_VORBIS): self = .vorbis
        case Int(SF_FORMAT_MPEG): self = .mp3
        case Int(SF_FORMAT_AIFF): self = .aiff
        case Int(SF_FORMAT_CAF): self = .caf
        case Int(SF_FORMAT_AU): self = .au
        default: return nil
        }
    }
}
