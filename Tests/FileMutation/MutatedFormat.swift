import Foundation
import SpeechCore

/// The formats of binary files whose readers are tried on damaged files.
package enum MutatedFormat: String, CaseIterable, Sendable {
    case safetensors
    /// `pytorch_model.bin` as a ZIP archive.
    case pickleArchive = "pickle-archive"
    /// `pytorch_model.bin` as PyTorch wrote it before version 1.6.
    case pickleChain = "pickle-chain"
    /// A training checkpoint as a ZIP archive.
    case trainingArchive = "training-archive"
    /// A training checkpoint in the older layout.
    case trainingChain = "training-chain"
    /// Shards of a corpus.
    case tar
    /// Manifests of other programs.
    case gzip
    /// Tokenizers of sub-words.
    case sentencePiece = "sentencepiece"

    /// What a reader did that it must not do.
    package struct Fault: Error, CustomStringConvertible {
        package let description: String
    }

    /// Opens a file and reads all that there is in it.
    ///
    /// - Throws: an error of the reader for a file that it refuses, `Fault` for one that it read wrongly.
    package func read(_ path: String) throws {
        switch self {
        case .safetensors: try Self.readTensors(SafetensorsFile(path: path))
        case .pickleArchive, .pickleChain: try Self.readTensors(PickleCheckpoint(path: path))
        case .trainingArchive, .trainingChain:
            let state = try PickleTrainingState(path: path)
            let settings = try state.settings()
            let (tensors, others) = try state.weights(under: ["model", "state_dict"])
            for other in others where other.tensorCount < 0 || other.valueCount < 0 {
                throw Fault(description: "\(other)")
            }
            try Self.readTensors(tensors)
            try Self.readSettings(settings)
        case .tar: try Self.readMembers(TarArchive(path: path))
        case .gzip:
            var count = 0
            try GzipFile.forEachPiece(path: path) { count += $0.count }
            // A thousandfold is what the format can do.
            guard count <= Self.byteLimit else { throw Fault(description: "\(count) bytes") }
        case .sentencePiece: try Self.readPieces(SentencePieceModel(path: path))
        }
    }

    /// The kind of error, such as `truncated`; nil for one that no reader may throw.
    package func refusal(_ error: any Error) -> String? {
        let isKnown: Bool =
            switch self {
            case .safetensors: error is SafetensorsError
            case .tar: error is TarArchiveError
            case .gzip: error is GzipError
            case .sentencePiece: error is SentencePieceError
            default: error is PickleError || error is ZipArchiveError
            }
        guard isKnown else { return nil }
        let name = Mirror(reflecting: error).children.first?.label ?? "\(error)"
        return "\(type(of: error)).\(name)"
    }

    /// More than any tensor of a small file may take: the limit on repeated elements and the file.
    private static let byteLimit = 17 << 20

    private static func readTensors(_ file: some TensorFile) throws {
        for name in file.names {
            guard let info = file.entry(name) else {
                throw Fault(description: "no entry '\(name)'")
            }
            guard info.byteCount <= byteLimit, info.shape.reduce(1, *) == info.elementCount else {
                throw Fault(description: "'\(name)': \(info)")
            }
            let count = try file.withBytes(of: name) { bytes in
                // Touches every byte.
                bytes.reduce(0) { $0 &+ Int($1) } >= 0 ? bytes.count : -1
            }
            guard count == info.byteCount else {
                throw Fault(description: "'\(name)': \(count) bytes for \(info)")
            }
            let values = try file.doubles(name)
            guard values.count == info.elementCount else {
                throw Fault(description: "'\(name)': \(values.count) values for \(info)")
            }
        }
    }

    private static func readMembers(_ archive: TarArchive) throws {
        let size = try MappedFile(path: archive.path).count
        for member in archive.members {
            let parts = member.name.split(separator: "/", omittingEmptySubsequences: false)
            guard (0...size).contains(member.range.lowerBound), member.range.upperBound <= size,
                !parts.contains(".."), !member.name.hasPrefix("/"), !member.name.isEmpty
            else { throw Fault(description: "'\(member.name)' at \(member.range)") }
        }
    }

    /// Divides a text and puts it together again.
    private static func readPieces(_ model: SentencePieceModel) throws {
        let text = "  BAA b<x>ü c d\u{301}\u{1F600} AbABA"
        let ids = model.encode(text)
        guard ids.allSatisfy(model.pieces.indices.contains),
            model.encodePieces(text).count == ids.count
        else { throw Fault(description: "\(ids) of \(model.count)") }
        _ = model.decode(ids + Array(model.pieces.indices))
    }

    /// Reads what conversion reads.
    private static func readSettings(_ root: PickleSettings) throws {
        let config = try root.section("cfg")
        for section in [try root.section("args"), try config?.section("model")] {
            _ = try section?.string("conv_feature_layers")
            _ = try section?.integer("encoder_layers", in: 1...1 << 16)
            _ = try section?.bool("layer_norm_first")
            _ = try section?.number("dropout")
        }
        _ = try root.section("task_state")?.section("target_dictionary")?.strings("symbols")
    }
}
