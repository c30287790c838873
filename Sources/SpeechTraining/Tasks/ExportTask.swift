public import Foundation
import SpeechCore
public import SpeechModels

/// Writes models in other forms; nothing that exists is overwritten.
public struct ExportTask {
    private let directory: ModelDirectory

    /// * `model`: a directory, or a repository name in the local Hugging Face cache.
    /// - Throws: the errors of `ModelDirectory`.
    public init(model: String) throws {
        directory = try ModelDirectory(model)
    }

    /// Writes a Hugging Face model directory and compares it with the model, tensor by tensor.
    ///
    /// * `encoderOnly`: Whether heads, tokenizers and adapters are left out.
    /// * `maxShardSize`: Bytes of tensors in one file.
    /// - Throws: `RunError.occupied` for a folder that is not empty, and what `HuggingFaceExport`
    ///   throws.
    public func writeHuggingFace(
        to url: URL, encoderOnly: Bool = false,
        maxShardSize: Int = HuggingFaceExport.standardShardSize
    ) throws -> ExportReport {
        try RunDirectory.requireFree(url)
        return try HuggingFaceExport(
            directory, encoderOnly: encoderOnly, maxShardSize: maxShardSize
        ).write(to: url)
    }
}
