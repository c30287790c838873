public import SpeechCore

/// What can be wrong with an audio file or with a request for a part of it.
public enum AudioError: ReportedError, Equatable {
    /// No file has this path.
    case missingFile(path: String)
    /// The path names a folder, a pipe or a device.
    case notAFile(path: String)
    /// The file exists and may not be read.
    case unreadable(path: String, reason: String)
    /// The file is no audio that can be decoded, or its header is damaged; `found` tells its start.
    case unknownFormat(path: String, found: String)
    /// The file holds fewer frames than its header promises, or stops decoding before its end.
    case truncated(path: String, expected: Int, found: Int)
    /// The file is damaged at a byte position, counted from 0.
    case corrupt(path: String, position: Int)
    /// The file is an audio file without a single sample.
    case empty(path: String)
    /// A recording is said to lie in bytes that the file does not have.
    case bytesOutsideFile(path: String, first: Int, count: Int, fileBytes: Int)
    /// A sample is infinite or not a number; `frame` counts from the start of the file.
    case nonFinite(path: String, frame: Int)
    /// The file has more channels than can be meant as one recording.
    case tooManyChannels(path: String, expected: ClosedRange<Int>, found: Int)
    /// The file's sampling rate in Hz lies outside what is resampled.
    case unsupportedSamplingRate(path: String, expected: ClosedRange<Int>, found: Int)
    /// A segment starts before the file or has no offset that is a number; seconds.
    case invalidOffset(path: String, offset: Double)
    /// A segment is not longer than nothing; seconds.
    case invalidDuration(path: String, duration: Double)
    /// A segment reaches beyond the end of the file; seconds.
    case segmentOutsideFile(path: String, offset: Double, duration: Double?, fileDuration: Double)
    /// The resampling library refused or failed.
    case resamplingFailed(reason: String)
    /// The samples cannot be encoded in the format asked for.
    case encodingFailed(path: String, reason: String)

    /// The message that a person reads.
    public var description: String {
        switch self {
        case .missingFile(let path):
            return "audio file '\(path)' does not exist"
        case .notAFile(let path):
            return "cannot read audio from '\(path)': expected a file, found a folder or a device"
        case .unreadable(let path, let reason):
            return "cannot read audio file '\(path)': \(reason)"
        case .unknownFormat(let path, let found):
            return "cannot decode '\(path)': expected WAV, FLAC, MP3, or Vorbis or Opus in OGG, "
                + "found \(found)"
        case .truncated(let path, let expected, let found):
            return "audio file '\(path)' is truncated or corrupt: "
                + "its header promises \(expected) frames, \(found) could be decoded"
        case .corrupt(let path, let position):
            return "audio file '\(path)' is corrupt: expected a whole page of an OGG file "
                + "at byte \(position), found other or damaged data"
        case .empty(let path):
            return "audio file '\(path)' is empty: expected at least one frame, found none"
        case .bytesOutsideFile(let path, let first, let count, let fileBytes):
            return "'\(path)': expected a recording of \(count) bytes at byte \(first), "
                + "found a file of \(fileBytes) bytes"
        case .nonFinite(let path, let frame):
            return "audio file '\(path)' has a bad sample at frame \(frame): "
                + "expected finite numbers, found NaN or infinity"
        case .tooManyChannels(let path, let expected, let found):
            return "audio file '\(path)' has \(found) channels: expected "
                + "\(expected.lowerBound) to \(expected.upperBound)"
        case .unsupportedSamplingRate(let path, let expected, let found):
            return "audio file '\(path)' has a sampling rate of \(found) Hz: expected "
                + "\(expected.lowerBound) to \(expected.upperBound) Hz"
        case .invalidOffset(let path, let offset):
            return "segment of '\(path)': expected an offset of 0 s or more, found \(offset) s"
        case .invalidDuration(let path, let duration):
            return "segment of '\(path)': expected a duration above 0 s, found \(duration) s"
        case .segmentOutsideFile(let path, let offset, let duration, let fileDuration):
            let end = duration.map { " for \($0) s" } ?? ""
            return "segment of '\(path)' from \(offset) s\(end) reaches beyond the end of the file:"
                + " expected it within 0 to \(fileDuration) s"
        case .resamplingFailed(let reason):
            return "cannot resample audio: \(reason)"
        case .encodingFailed(let path, let reason):
            return "cannot encode audio for '\(path)': \(reason)"
        }
    }

    /// Bad input, but for failures of the library.
    public var exitStatus: ExitStatus {
        switch self {
        case .resamplingFailed: return .runtimeFailure
        default: return .badInput
        }
    }
}
