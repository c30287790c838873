public import Foundation
import SpeechCore

/// How results are stored.
public struct EncodeOutput: Sendable, Equatable, Codable {
    /// The kinds of files.
    public enum Format: String, Sendable, CaseIterable, Codable {
        /// One file with every tensor.
        case safetensors
        /// One file of NumPy for each tensor.
        case npy
    }

    /// The element types of stored values; what is computed in is another matter.
    public enum ElementType: String, Sendable, CaseIterable, Codable {
        case float32
        case float16
        case bfloat16
    }

    /// The kind of files.
    public var format: Format
    /// The type of hidden states and features; lengths are whole numbers in any case.
    public var elementType: ElementType

    private enum CodingKeys: String, CodingKey {
        case format
        case elementType = "dtype"
    }

    /// Both choices; NumPy has no `bfloat16`.
    public init(format: Format = .safetensors, elementType: ElementType = .float32) {
        self.format = format
        self.elementType = elementType
    }

    /// Writes clips to one file.
    ///
    /// An `.npy` file takes one tensor of one clip: [T, D], its valid frames.
    ///
    /// - Throws: `EncodeError.notOneArray`, `.notRepresentable`, or the errors of the format's writer.
    public func write(_ batch: EncodedBatch, to url: URL) throws {
        switch format {
        case .safetensors:
            try SafetensorsWriter.write(try entries(batch, at: url), to: url)
        case .npy:
            guard batch.parts.count == 1, batch.lengths.count == 1 else {
                throw EncodeError.notOneArray(
                    path: url.path, tensors: batch.parts.map(\.name), clips: batch.lengths.count)
            }
            let clip = batch.clip(0)
            try NumpyWriter.write(array(clip.parts[0], at: url), to: url)
        }
    }

    /// The files of one clip below a folder: `""` names all tensors of a `safetensors` file and the
    /// only one of an `.npy` file.
    func files(name: String, tensors: [String]) -> [String: String] {
        switch format {
        case .safetensors: ["": "\(name).safetensors"]
        case .npy:
            tensors.count == 1
                ? ["": "\(name).npy"]
                : Dictionary(
                    uniqueKeysWithValues: tensors.map { ($0, "\(name).\($0).npy") })
        }
    }

    /// Writes one clip to the files that it has below `folder`, each whole or not at all.
    func write(_ clip: EncodedBatch, files: [String: String], below folder: URL) throws {
        for (tensor, file) in files.sorted(by: { $0.key < $1.key }) {
            let url = folder.appendingPathComponent(file)
            switch format {
            case .safetensors: try SafetensorsWriter.write(try entries(clip, at: url), to: url)
            case .npy:
                let part = clip.parts.first { tensor.isEmpty || $0.name == tensor }
                guard let part else { preconditionFailure("no tensor '\(tensor)' was computed") }
                try NumpyWriter.write(array(part, at: url), to: url)
            }
        }
    }

    /// Everything as entries of a safetensors file.
    private func entries(_ batch: EncodedBatch, at url: URL) throws -> [SafetensorsEntry] {
        guard elementType != .float32 else { return batch.entries }
        let counts = batch.entries.filter { !$0.dtype.isFloatingPoint }
        return try batch.parts.map { try entry($0, shape: $0.shape, at: url) } + counts
    }

    /// One clip's tensor without the batch dimension.
    private func array(_ part: EncodedBatch.Part, at url: URL) throws -> SafetensorsEntry {
        try entry(part, shape: Array(part.shape.dropFirst()), at: url)
    }

    private func entry(
        _ part: EncodedBatch.Part, shape: [Int], at url: URL
    ) throws -> SafetensorsEntry {
        switch elementType {
        case .float32:
            return SafetensorsEntry(name: part.name, shape: shape, floats: part.values)
        case .bfloat16:
            return SafetensorsEntry(name: part.name, shape: shape, bfloat16: part.values)
        case .float16:
            // 65520 and above round to infinity.
            if let value = part.values.first(where: { abs($0) >= 65_520 }) {
                throw EncodeError.notRepresentable(
                    path: url.path, tensor: part.name, value: value)
            }
            return SafetensorsEntry(name: part.name, shape: shape, float16: part.values)
        }
    }
}
