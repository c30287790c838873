public import Foundation
import SpeechCore
public import SpeechModels
public import Torch

/// Turns a checkpoint of fairseq, or a pickled one, into a Hugging Face model directory.
public struct ConvertTask {
    private let conversion: CheckpointConversion
    private let path: String

    /// Reads a checkpoint; its weights are read only when they are written.
    ///
    /// * `dictionary`: the symbols of a recognizer (`dict.ltr.txt`).
    /// - Throws: the errors of `CheckpointConversion`.
    public init(path: String, dictionary: String? = nil) throws {
        self.path = path
        conversion = try CheckpointConversion(path: path, dictionary: dictionary)
    }

    /// What a conversion wrote and found.
    public struct Report: Encodable, Sendable {
        /// `fairseq` or `transformers`.
        public let origin: String
        /// `model_type`.
        public let family: String
        /// The class that `transformers` loads the result as.
        public let architecture: String
        /// The number of tensors written.
        public let tensors: Int
        /// The number of values in them.
        public let values: Int
        /// What training alone needs and was not written.
        public let leftOut: [CheckpointConversion.LeftOut]
        /// How far the result's activations are from stored ones, if any were given.
        public let verification: ActivationComparison?

        private enum CodingKeys: String, CodingKey {
            case origin, family, architecture, tensors, values, verification
            case leftOut = "left_out"
        }
    }

    /// Writes the model directory, and compares it with stored activations before it gets its name.
    ///
    /// * `precision`: what weights are converted to; nil keeps the type of each.
    /// * `verification`: a safetensors file with an input and activations, see `ActivationComparison`.
    /// * `accepts`: judges the comparison; what it throws leaves nothing behind.
    /// - Throws: `RunError.occupied` for a folder that is not empty, the errors of
    ///   `CheckpointConversion` and `ActivationComparison`, or what `accepts` throws.
    public func write(
        to url: URL, precision: DType? = nil, verification: String? = nil,
        accepts: (Report) throws -> Void = { _ in }
    ) throws -> Report {
        try RunDirectory.requireFree(url)
        return try AtomicDirectory.write(to: url) { folder in
            try conversion.fill(folder, dtype: precision)
            try AtomicFile.write(card, to: folder.appendingPathComponent("README.md"))
            let comparison = try verification.map { file in
                try withTorchErrors {
                    try ActivationComparison(ModelLoader.load(folder.path), with: file)
                }
            }
            let report = Report(
                origin: conversion.origin, family: conversion.family.modelType,
                architecture: conversion.architecture, tensors: conversion.tensorCount,
                values: conversion.valueCount, leftOut: conversion.leftOut,
                verification: comparison)
            try accepts(report)
            return report
        }
    }

    private var card: String {
        let name = URL(fileURLWithPath: path).lastPathComponent
        return """
            ---
            library_name: transformers
            tags:
            - speech
            ---

            # \(conversion.architecture)

            Converted from `\(name)`, a checkpoint of \(conversion.origin). Its licence is that of the
            checkpoint.

            """
    }
}
