/// Reads audio files as one channel of floats at the rate that the encoders take.
///
/// WAV, FLAC, MP3, Vorbis, Opus, AIFF, CAF and AU are decoded by libsndfile and resampled by
/// libsoxr. Every function may be called from several threads at once.
public enum AudioReader {
    /// A segment may reach this much beyond the end of its file, in seconds: manifests round.
    public static let segmentTolerance = 0.01

    // Memory grows with the frames that were decoded, never with what a header claims.
    private static let blockFrames = 1 << 15

    /// Reads what the header of a file says, without decoding.
    ///
    /// - Throws: `AudioError` when the file is missing, no file, unreadable, of unknown format, cut
    ///   short (WAV), empty, or has too many channels or an unusable rate.
    public static func info(_ path: String) throws -> AudioInfo {
        try SoundFile(path: path).info
    }

    /// Decodes a file or a segment of it: the mean of its channels, resampled; [samples], full scale ±1.
    ///
    /// `offset` and `duration` are in seconds; without a duration the segment ends with the file. The
    /// segment is cut before resampling, at the nearest frames of the file's own rate, and becomes
    /// ⌈frames · samplingRate / rate⌉ samples. Lossy codecs and float files may exceed ±1; nothing is
    /// clipped.
    ///
    /// - Throws: `AudioError` as `info` does, and when the data is truncated or corrupt, holds samples
    ///   that are not finite, or the segment is not inside the file.
    public static func read(
        _ path: String, offset: Double = 0, duration: Double? = nil, samplingRate: Int = 16_000,
        quality: Resampler.Quality = .high
    ) throws -> [Float] {
        guard offset.isFinite, offset >= 0 else {
            throw AudioError.invalidOffset(path: path, offset: offset)
        }
        if let duration, !(duration.isFinite && duration > 0) {
            throw AudioError.invalidDuration(path: path, duration: duration)
        }
        let file = try SoundFile(path: path)
        let segment = try Segment(of: file, offset: offset, duration: duration)
        let mono = try decode(segment, of: file)
        return try Resampler.resample(
            mono, from: file.info.samplingRate, to: samplingRate, quality: quality)
    }

    /// A range of frames at the file's own rate.
    private struct Segment {
        let start: Int
        /// Nil: up to the end of the file, wherever that proves to be.
        let count: Int?

        init(of file: SoundFile, offset: Double, duration: Double?) throws {
            let info = file.info
            let rate = Double(info.samplingRate)
            let outside = AudioError.segmentOutsideFile(
                path: file.path, offset: offset, duration: duration, fileDuration: info.duration)
            guard offset < info.duration || offset == 0 else { throw outside }
            start = min(Int((offset * rate).rounded()), info.frames - 1)
            guard let duration else {
                count = nil
                return
            }
            guard offset + duration <= info.duration + AudioReader.segmentTolerance else {
                throw outside
            }
            count = max(1, min(Int((duration * rate).rounded()), info.frames - start))
        }
    }

    private static func decode(_ segment: Segment, of file: SoundFile) throws -> [Float] {
        let info = file.info
        if segment.start > 0, !file.seek(to: segment.start) {
            throw AudioError.truncated(
                path: file.path, expected: info.frames, found: segment.start)
        }
        let expected = segment.count ?? info.frames - segment.start
        var mono: [Float] = []
        mono.reserveCapacity(min(expected, blockFrames * 32))
        let block = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: blockFrames * info.channels)
        defer { block.deallocate() }
        while segment.count.map({ mono.count < $0 }) ?? true {
            let wanted = min(blockFrames, (segment.count ?? .max) - mono.count)
            let found = file.read(wanted, into: block)
            guard found > 0 else { break }
            let first = mono.count
            append(UnsafeBufferPointer(block), frames: found, channels: info.channels, to: &mono)
            if let bad = mono[first...].firstIndex(where: { !$0.isFinite }) {
                throw AudioError.nonFinite(path: file.path, frame: segment.start + bad)
            }
        }
        guard !mono.isEmpty else { throw AudioError.empty(path: file.path) }
        // The length of an MP3 may be an estimate; every other format states it.
        let isShort = mono.count < expected && info.format != .mp3
        guard !isShort, !file.hasFailed else {
            throw AudioError.truncated(
                path: file.path, expected: segment.start + expected,
                found: segment.start + mono.count)
        }
        return mono
    }

    private static func append(
        _ block: UnsafeBufferPointer<Float>, frames: Int, channels: Int, to mono: inout [Float]
    ) {
        if channels == 1 {
            mono.append(contentsOf: block.prefix(frames))
            return
        }
        let scale = 1 / Float(channels)
        for frame in 0..<frames {
            var sum: Float = 0
            for channel in 0..<channels { sum += block[frame * channels + channel] }
            mono.append(sum * scale)
        }
    }
}
