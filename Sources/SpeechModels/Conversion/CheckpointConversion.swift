public import Foundation
import SpeechCore
public import Torch

/// A checkpoint of another program, ready to be written as a Hugging Face model directory.
///
/// Takes fairseq's checkpoints of wav2vec 2.0 (XLS-R, XLSR-53 and MMS among them), HuBERT and data2vec on
/// audio, pre-trained or fine-tuned for recognition, and pickled weights under Hugging Face's names with a
/// `config.json` beside them.
public struct CheckpointConversion {
    /// Tensors that are not written, by the part that they belong to.
    public struct LeftOut: Encodable, Equatable, Sendable {
        /// The first part of their names.
        public let part: String
        /// How many there are.
        public let tensors: Int
        /// The values in them.
        public let values: Int
    }

    /// What made the checkpoint: `fairseq` or `transformers`.
    public let origin: String
    /// The family of the encoder.
    public let family: EncoderFamily
    /// The class that `transformers` loads the result as.
    public let architecture: String
    /// What training alone needs and the result does not have.
    public let leftOut: [LeftOut]
    private let weights: TensorShards
    /// Names in the result and in the checkpoint.
    private let tensors: [(name: String, stored: String)]
    /// The small files of the result.
    private let files: [(name: String, text: String)]

    /// Reads a checkpoint; its weights are read only when they are written.
    ///
    /// * `dictionary`: the symbols of a recognizer (`dict.ltr.txt`); without them no tokenizer is written,
    ///   unless the checkpoint itself holds them.
    /// - Throws: `ConversionError`, `ModelError`, `PickleError`, `ZipArchiveError`, `FileSystemError`.
    public init(path: String, dictionary: String? = nil) throws {
        let state = try PickleTrainingState(path: path)
        if let model = try FairseqModel(state.settings(), path: path) {
            try self.init(fairseq: model, state, dictionary: dictionary)
        } else {
            try self.init(transformers: state)
        }
    }

    /// The number of tensors in the result.
    public var tensorCount: Int { tensors.count }
    /// The number of values in them.
    public var valueCount: Int {
        tensors.reduce(0) { $0 + (weights.entry($1.stored)?.elementCount ?? 0) }
    }

    /// Writes all files into an existing folder.
    ///
    /// * `dtype`: what floating-point weights are converted to; nil keeps the type of each.
    /// - Throws: `FileSystemError`, `ModelError.weightsDoNotFit` where configuration and weights do not fit
    ///   each other, or the errors of the checkpoint's format.
    public func fill(_ folder: URL, dtype: DType? = nil) throws {
        for (name, text) in files {
            try AtomicFile.write(text, to: folder.appendingPathComponent(name))
        }
        try SafetensorsWriter.write(
            tensors.map { try entry($0.name, $0.stored, dtype) },
            to: folder.appendingPathComponent("model.safetensors"))
        let problems = try ModelInspection(ModelDirectory(folder.path), seconds: []).problems
        guard problems.isEmpty else {
            throw ModelError.weightsDoNotFit(
                path: weights.files.map(\.path).joined(separator: ", "), problems: problems)
        }
    }

    private func entry(_ name: String, _ stored: String, _ dtype: DType?) throws -> SafetensorsEntry
    {
        let file = try weights.requiredFile(of: stored)
        guard let info = file.entry(stored) else {
            throw TensorFileError.missingTensor(paths: [file.path], tensor: stored)
        }
        guard let dtype, info.dtype.isFloatingPoint, info.dtype != dtype.safetensors else {
            return SafetensorsEntry(name: name, dtype: info.dtype, shape: info.shape) { emit in
                try file.withBytes(of: stored) { try emit($0) }
                try file.releasePages(of: stored)
            }
        }
        return SafetensorsEntry(name: name, dtype: dtype.safetensors, shape: info.shape) { emit in
            try weights.tensor(stored).to(dtype).withHostBytes { try emit($0) }
        }
    }

    // MARK: fairseq

    private init(
        fairseq model: FairseqModel, _ state: PickleTrainingState, dictionary: String?
    ) throws {
        let (stored, others) = try state.weights(under: ["model"])
        let configuration = try FairseqConfiguration(model, stored, path: state.path)
        let isRecognizer = model.recognizer != nil
        origin = "fairseq"
        family = model.kind.family
        architecture = model.kind.architecture(isRecognizer: isRecognizer)
        weights = try TensorShards([stored])

        var tensors: [(name: String, stored: String)] = []
        var unused: [(part: String, tensors: Int, values: Int)] = others.map {
            ($0.name, $0.tensorCount, $0.valueCount)
        }
        var unknown: [String] = []
        let prefix = isRecognizer ? family.prefixes.first ?? "" : ""
        for name in stored.names {
            switch configuration.names.place(of: name) {
            case .encoder(let new): tensors.append((prefix + new, name))
            case .head(let new): tensors.append((new, name))
            case .leftOut(let part):
                unused.append((part, 1, stored.entry(name)?.elementCount ?? 0))
            case .unknown: unknown.append(name)
            }
        }
        guard unknown.isEmpty else {
            throw ConversionError.unknownTensors(
                path: state.path, family: model.kind.rawValue, names: unknown)
        }
        self.tensors = tensors
        leftOut = Self.grouped(unused)

        var extractor = FeatureExtractorConfig(kind: configuration.config.featureExtractor)
        extractor.normalizes = try model.normalizes()
        extractor.samplingRate = try model.samplingRate()
        extractor.returnsAttentionMask = try model.hasLayerNormFrontEnd()
        let object = try configuration.object(architecture: architecture)
        var files = [
            ("config.json", JSONValue.object(object).text(indent: 2) + "\n"),
            ("preprocessor_config.json", extractor.jsonText),
        ]
        if isRecognizer {
            let count = stored.entry("w2v_encoder.proj.bias")?.elementCount ?? 0
            files += try Self.symbols(model, dictionary, path: state.path, count: count)
        } else if let dictionary {
            throw ConversionError.wrongDictionary(
                path: dictionary, line: nil, expected: "a checkpoint with a head for recognition",
                found: "one of a bare encoder")
        }
        self.files = files
    }

    private static func symbols(
        _ model: FairseqModel, _ dictionary: String?, path: String, count: Int
    ) throws -> [(name: String, text: String)] {
        let symbols: CTCDictionary
        if let dictionary {
            symbols = try CTCDictionary(path: dictionary)
        } else if let stored = model.symbols {
            symbols = try CTCDictionary(stored: stored, path: path)
        } else {
            return []
        }
        guard symbols.symbols.count == count else {
            throw ConversionError.wrongDictionary(
                path: dictionary ?? path, line: nil,
                expected: "\(count) symbols as the head has, four special ones included",
                found: "\(symbols.symbols.count)")
        }
        return symbols.files
    }

    private static func grouped(
        _ unused: [(part: String, tensors: Int, values: Int)]
    ) -> [LeftOut] {
        Dictionary(grouping: unused, by: \.part).map { part, items in
            LeftOut(
                part: part, tensors: items.reduce(0) { $0 + $1.tensors },
                values: items.reduce(0) { $0 + $1.values })
        }.sorted { $0.part < $1.part }
    }

    // MARK: transformers

    /// Files that are copied, where a directory has them: everything but weights.
    private static let companions = [
        "config.json", "preprocessor_config.json", "processor_config.json", "vocab.json",
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    ]

    private init(transformers state: PickleTrainingState) throws {
        let folder = URL(fileURLWithPath: state.path).deletingLastPathComponent()
        let directory: ModelDirectory
        do {
            directory = try ModelDirectory(folder.path)
        } catch ModelDirectoryError.missingConfiguration {
            throw ConversionError.noConfiguration(path: state.path, folder: folder.path)
        }
        let (stored, others) = try state.weights(under: ["state_dict", "model"])
        let config = try ModelLoader.config(of: directory)
        let object = try JSONFile(path: directory.configPath, data: directory.configData).object
        origin = "transformers"
        family = try EncoderFamily.of(directory)
        weights = try TensorShards([stored])
        var named = config.architecture
        if case .array(let names)? = object["architectures"], case .string(let name)? = names.first
        {
            named = name
        }
        architecture = named
        let family = self.family
        // Data-parallel training puts this before every name.
        let wrapper = "module."
        let isWrapped = stored.names.allSatisfy { $0.hasPrefix(wrapper) }
        tensors = stored.names.map { name in
            (
                family.currentName(of: isWrapped ? String(name.dropFirst(wrapper.count)) : name),
                name
            )
        }
        leftOut = Self.grouped(others.map { ($0.name, $0.tensorCount, $0.valueCount) })
        files = try Self.companions.compactMap { name in
            let path = folder.appendingPathComponent(name).path
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let file = try MappedFile(path: path)
            return (name, file.withBytes(0..<file.count) { String(decoding: $0, as: UTF8.self) })
        }
    }
}
