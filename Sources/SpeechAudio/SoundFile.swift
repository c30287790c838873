internal import CSndFile

/// An audio file opened for reading with libsndfile, closed when released.
final class SoundFile {
    let path: String
    let format: AudioFormat
    let samplingRate: Int
    let channels: Int
    /// The frames that the header promises; nil when it promises none.
    let promisedFrames: Int?
    private let handle: OpaquePointer
    // Outlives the handle, which calls it.
    private let source: EncodedAudio

    static let channelLimit = 1...16
    static let samplingRateLimit = 1000...768_000

    /// Opens a file, or the part of it that `bytes` tells, and checks what its header says.
    init(path: String, bytes: Range<Int>?) throws {
        self.path = path
        source = try EncodedAudio(path: path, range: bytes)
        var header = SF_INFO()
        var opened = source.open(&header, tellingEnd: true)
        if opened != nil, AudioFormat(libraryFormat: Int(header.format)) == .mp3 {
            sf_close(opened)
            header = SF_INFO()
            opened = source.open(&header, tellingEnd: false)
        }
        guard let handle = opened else {
            throw AudioError.unknownFormat(path: path, found: Self.start(of: source))
        }
        guard let format = AudioFormat(libraryFormat: Int(header.format)) else {
            sf_close(handle)
            throw AudioError.unknownFormat(path: path, found: Self.start(of: source))
        }
        self.handle = handle
        self.format = format
        samplingRate = Int(header.samplerate)
        channels = Int(header.channels)
        // What libsndfile says of a length that is not known.
        let unknown = sf_count_t.max
        promisedFrames = header.frames == unknown ? nil : max(0, Int(header.frames))
        // From here on deinit closes the handle.
        guard Self.channelLimit.contains(channels) else {
            throw AudioError.tooManyChannels(
                path: path, expected: Self.channelLimit, found: channels)
        }
        guard Self.samplingRateLimit.contains(samplingRate) else {
            throw AudioError.unsupportedSamplingRate(
                path: path, expected: Self.samplingRateLimit, found: samplingRate)
        }
        try checkStructure()
        guard promisedFrames != 0 else { throw AudioError.empty(path: path) }
    }

    deinit { sf_close(handle) }

    /// Whether `seek` goes to the very frame.
    ///
    /// The MP3 decoder guesses the place, so those files are decoded from their start.
    var seeksExactly: Bool { format != .mp3 }

    /// Moves to a frame; false when the decoder cannot.
    func seek(to frame: Int) -> Bool {
        sf_seek(handle, sf_count_t(frame), Int32(SEEK_SET)) == sf_count_t(frame)
    }

    /// Decodes up to `count` frames into `block` [count * channels] and returns how many came.
    func read(_ count: Int, into block: UnsafeMutableBufferPointer<Float>) -> Int {
        precondition(count * channels <= block.count)
        return max(0, Int(sf_readf_float(handle, block.baseAddress, sf_count_t(count))))
    }

    /// Whether decoding met damaged data.
    var hasFailed: Bool { sf_error(handle) != 0 }

    /// Looks for damage that libsndfile passes over in silence.
    private func checkStructure() throws {
        switch format {
        case .wav:
            guard let data = WaveDataChunk(source), data.isCutShort else { return }
            throw AudioError.truncated(
                path: path, expected: data.promisedFrames, found: promisedFrames ?? 0)
        case .vorbis, .opus:
            guard let position = try OggPages.firstDamage(in: source) else { return }
            throw AudioError.corrupt(path: path, position: position)
        case .flac, .mp3: return
        }
    }

    // libsndfile keeps the reason of a failed open in a variable of the whole process, where a
    // failure on another thread may replace it; the file's first bytes say as much, reliably.
    private static func start(of source: EncodedAudio) -> String {
        let bytes = source.bytes(at: 0, count: 16)
        guard !bytes.isEmpty else { return "a file that cannot be read" }
        let known: [(magic: [UInt8], name: String)] = [
            ([UInt8]("RIFF".utf8), "a damaged WAV file"),
            ([UInt8]("fLaC".utf8), "a damaged FLAC file"),
            ([UInt8]("OggS".utf8), "a damaged OGG file"),
            ([UInt8]("ID3".utf8), "a damaged MP3 file"),
            ([0xff, 0xfb], "a damaged MP3 file"), ([0xff, 0xf3], "a damaged MP3 file"),
            ([UInt8]("FORM".utf8), "AIFF"), ([UInt8]("caff".utf8), "CAF"),
        ]
        if let match = known.first(where: { bytes.starts(with: $0.magic) }) { return match.name }
        let shown = bytes.map { byte in
            (0x20...0x7e).contains(byte)
                ? String(UnicodeScalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return "a file that begins with \"\(shown.joined())\""
    }
}

extension AudioFormat {
    // AIFF, CAF and the other formats of libsndfile are not taken: it does not notice when they
    // are cut short.
    fileprivate init?(libraryFormat: Int) {
        let codec = libraryFormat & Int(SF_FORMAT_SUBMASK)
        switch libraryFormat & Int(SF_FORMAT_TYPEMASK) {
        case Int(SF_FORMAT_WAV), Int(SF_FORMAT_WAVEX), Int(SF_FORMAT_RF64): self = .wav
        case Int(SF_FORMAT_FLAC): self = .flac
        case Int(SF_FORMAT_OGG) where codec == Int(SF_FORMAT_OPUS): self = .opus
        case Int(SF_FORMAT_OGG) where codec == Int(SF_FORMAT_VORBIS): self = .vorbis
        case Int(SF_FORMAT_MPEG): self = .mp3
        default: return nil
        }
    }
}
