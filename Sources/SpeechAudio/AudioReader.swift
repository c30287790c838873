/// Reads audio files as one channel of floats at the rate that the encoders take.
///
/// WAV, FLAC, MP3, Vorbis and Opus are decoded by libsndfile and resampled by libsoxr. Every function
/// may be called from several threads at once.
public enum AudioReader {
    /// A segment may reach this much beyond the end of its file, in seconds: manifests round.
    public static let segmentTolerance = 0.01

    // Memory grows with the frames that were decoded, never with what a header claims.
    private static let blockFrames = 1 << 15

    /// Reads what a file's header says; an MP3 whose header states no length is decoded to measure it.
    ///
    /// `bytes` tells which part of the file is the recording, for example a member of a tar; nil means
    /// all of it.
    ///
    /// - Throws: `AudioError` when the file is missing, no file, unreadable, of unknown format, cut
    ///   short (WAV), corrupt (OGG), empty, or has too many channels or an unusable rate.
    public static func info(_ path: String, bytes: Range<Int>? = nil) throws -> AudioInfo {
        let file = try SoundFile(path: path, bytes: bytes)
        let frames = try file.promisedFrames ?? decode(file, from: 0, count: nil).count
        return AudioInfo(
            format: file.format, samplingRate: file.samplingRate, channels: file.channels,
            frames: frames)
    }

    /// Decodes a file or a segment of it: the mean of its channels, resampled; [samples], full scale ±1.
    ///
    /// The segment, told as for `recording`, is cut before resampling and becomes
    /// ⌈frames · samplingRate / rate⌉ samples.
    ///
    /// - Throws: as `recording`.
    public static func read(
        _ path: String, bytes: Range<Int>? = nil, offset: Double = 0, duration: Double? = nil,
        samplingRate: Int = 16_000, quality: Resampler.Quality = .high
    ) throws -> [Float] {
        let recording = try recording(path, bytes: bytes, offset: offset, duration: duration)
        return try Resampler.resample(
            recording.samples, from: recording.samplingRate, to: samplingRate, quality: quality)
    }

    /// Decodes a file or a segment of it at the file's own rate.
    ///
    /// `bytes` is as for `info`. `offset` and `duration` are in seconds; without a duration the segment
    /// ends with the file. It is cut at the nearest frames. Lossy codecs and float files may exceed
    /// ±1; nothing is clipped. A segment of an MP3 costs the decoding of the whole file, as only that
    /// finds it exactly.
    ///
    /// - Throws: `AudioError` as `info` does, and when the data is truncated or corrupt, holds samples
    ///   that are not finite, or the segment is not inside the file.
    public static func recording(
        _ path: String, bytes: Range<Int>? = nil, offset: Double = 0, duration: Double? = nil
    ) throws -> Recording {
        guard offset.isFinite, offset >= 0 else {
            throw AudioError.invalidOffset(path: path, offset: offset)
        }
        if let duration, !(duration.isFinite && duration > 0) {
            throw AudioError.invalidDuration(path: path, duration: duration)
        }
        let file = try SoundFile(path: path, bytes: bytes)
        let mono: [Float]
        let fileFrames: Int
        if offset == 0, duration == nil {
            mono = try decode(file, from: 0, count: nil)
            fileFrames = mono.count
        } else if file.seeksExactly, let frames = file.promisedFrames {
            let range = try segment(of: file, frames: frames, offset: offset, duration: duration)
            mono = try decode(file, from: range.lowerBound, count: range.count)
            fileFrames = frames
        } else {
            let whole = try decode(file, from: 0, count: nil)
            let range = try segment(
                of: file, frames: whole.count, offset: offset, duration: duration)
            mono = range == whole.indices ? whole : Array(whole[range])
            fileFrames = whole.count
        }
        return Recording(
            samples: mono, samplingRate: file.samplingRate, fileFrames: fileFrames)
    }

    /// The frames of a segment, never empty.
    private static func segment(
        of file: SoundFile, frames: Int, offset: Double, duration: Double?
    ) throws -> Range<Int> {
        let rate = Double(file.samplingRate)
        let length = Double(frames) / rate
        guard offset < length, offset + (duration ?? 0) <= length + segmentTolerance else {
            throw AudioError.segmentOutsideFile(
                path: file.path, offset: offset, duration: duration, fileDuration: length)
        }
        let start = min(Int((offset * rate).rounded()), frames - 1)
        guard let duration else { return start..<frames }
        let count = max(1, Int((duration * rate).rounded()))
        return start..<min(frames, start + count)
    }

    /// Decodes `count` frames, or all that follow, as the mean of the channels.
    private static func decode(
        _ file: SoundFile, from start: Int, count: Int?
    ) throws -> [Float] {
        let promised = file.promisedFrames.map { $0 - start }
        func truncated(_ found: Int) -> AudioError {
            .truncated(
                path: file.path, expected: file.promisedFrames ?? start + found,
                found: start + found)
        }
        if start > 0, !file.seek(to: start) { throw truncated(0) }
        var mono: [Float] = []
        mono.reserveCapacity(min(count ?? promised ?? 0, blockFrames * 32))
        let block = UnsafeMutableBufferPointer<Float>.allocate(
            capacity: blockFrames * file.channels)
        defer { block.deallocate() }
        while mono.count < count ?? .max {
            let wanted = min(blockFrames, (count ?? .max) - mono.count)
            let found = file.read(wanted, into: block)
            guard found > 0 else { break }
            let first = mono.count
            append(UnsafeBufferPointer(block), frames: found, channels: file.channels, to: &mono)
            if let bad = mono[first...].firstIndex(where: { !$0.isFinite }) {
                throw AudioError.nonFinite(path: file.path, frame: start + bad)
            }
        }
        // Some MP3 writers count their header as a frame of audio, at most 1152 samples.
        let tolerance = file.format == .mp3 ? 1152 : 0
        if let expected = count ?? promised, mono.count < expected - tolerance {
            throw truncated(mono.count)
        }
        guard !file.hasFailed else { throw truncated(mono.count) }
        guard !mono.isEmpty else { throw AudioError.empty(path: file.path) }
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
