import Foundation
import SpeechAudio
public import SpeechCore
import Torch

/// What can be wrong with what is to be encoded.
public enum EncodeError: ReportedError, Equatable {
    /// Layers that the model does not have.
    case unknownLayers(path: String, found: [Int], last: Int)
    /// A tensor of the input file that does not fit the model.
    case invalidInput(path: String, tensor: String, expected: String, found: String)
    /// A clip that gives no frame.
    case clipTooShort(path: String, samples: Int, minimum: Int, samplingRate: Int)
    /// A clip that is longer than what the model hears at a time.
    case clipTooLong(path: String, samples: Int, maximum: Int, samplingRate: Int)
    /// An output that overflowed.
    case notFinite(tensor: String, precision: String)
    /// A folder without any audio file.
    case noAudio(path: String)
    /// A clip that could not be computed, as a rule because it is too long for the memory.
    case notComputed(path: String, seconds: Double, reason: String)
    /// A value that the type of stored values does not have.
    case notRepresentable(path: String, tensor: String, value: Float)
    /// Several tensors or clips for a file that holds one array.
    case notOneArray(path: String, tensors: [String], clips: Int)
    /// The folder holds results of other settings.
    case differs(path: String, changes: [String])
    /// The record of a folder's settings is something else.
    case foreignSettings(path: String, reason: String)
    /// Another process writes to the folder.
    case busy(path: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unknownLayers(let path, let found, let last):
            "--layers: expected numbers from 0 to \(last), the layers of '\(path)'; found "
                + found.map(String.init).joined(separator: ", ")
        case .invalidInput(let path, let tensor, let expected, let found):
            "'\(path)', tensor '\(tensor)': expected \(expected); found \(found)"
        case .clipTooShort(let path, let samples, let minimum, let rate):
            "audio file '\(path)' is too short: expected at least \(minimum) samples at \(rate) Hz; "
                + "found \(samples)"
        case .clipTooLong(let path, let samples, let maximum, let rate):
            "audio file '\(path)' is too long: expected at most \(maximum) samples at \(rate) Hz, "
                + "the \(Double(maximum) / Double(rate)) s that the model hears at a time; "
                + "found \(samples)"
        case .notFinite(let tensor, let precision):
            "'\(tensor)' is not finite when computed in \(precision); try --precision fp32"
        case .noAudio(let path):
            "'\(path)': expected audio files ("
                + AudioFormat.allCases.flatMap(\.fileExtensions).joined(separator: ", ")
                + "); found none"
        case .notComputed(let path, let seconds, let reason):
            "'\(path)', \(String(format: "%.1f", seconds)) s, cannot be encoded in one piece: "
                + reason
        case .notRepresentable(let path, let tensor, let value):
            "'\(path)', tensor '\(tensor)': expected values up to 65504, found \(value); store "
                + "float32 instead of float16"
        case .notOneArray(let path, let tensors, let clips):
            "'\(path)': expected one tensor of one clip for an .npy file; found "
                + "\(tensors.joined(separator: ", ")) of \(clips) clip(s). Name a folder instead"
        case .differs(let path, let changes):
            "\(path): the folder holds results of other settings:\n"
                + changes.map { "  \($0)\n" }.joined()
                + "Name another folder, or start over with --overwrite"
        case .foreignSettings(let path, let reason):
            "\(path): expected the settings of encoded audio; found something else (\(reason))"
        case .busy(let path):
            "\(path): expected a folder that no other process writes to; found one that does"
        }
    }

    /// Bad input, but for what fails while it is computed or written.
    public var exitStatus: ExitStatus {
        switch self {
        case .notFinite, .notComputed, .busy: .runtimeFailure
        default: .badInput
        }
    }
}

extension EncodeError {
    /// Why one clip cannot be computed: what LibTorch says is told with the clip's name.
    static func alone(_ error: any Error, path: String, seconds: Double) -> EncodeError {
        if let error = error as? EncodeError { return error }
        return .notComputed(
            path: path, seconds: seconds, reason: (error as? TorchError)?.message ?? "\(error)")
    }
}
