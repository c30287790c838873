public import Foundation
public import SpeechCore

/// Writes a model of any format as `transformers` writes it today: safetensors under today's names.
///
/// Every tensor keeps its type and its bits.
public struct HuggingFaceExport {
    /// Shards hold up to this many bytes, as those of `transformers` do (unless one tensor is larger).
    public static let standardShardSize = 5_000_000_000

    private let directory: ModelDirectory
    private let family: EncoderFamily
    private let encoderClass: String
    private let isEncoderOnly: Bool
    private let maxShardSize: Int

    /// Plans an export.
    ///
    /// * `encoderOnly`: Whether heads, tokenizers and adapters are left out.
    /// * `maxShardSize`: Bytes of tensors in one file, at least 1.
    /// - Throws: `ModelError` for a model that cannot be loaded or has sizes that Hugging Face cannot
    ///   express, or the errors of `ModelDirectory`
    ///   and of the weights' format.
    public init(
        _ directory: ModelDirectory, encoderOnly: Bool = false,
        maxShardSize: Int = standardShardSize
    ) throws {
        if let error = try SpeechTranslator.exportError(directory) { throw error }
        self.directory = directory
        isEncoderOnly = encoderOnly
        self.maxShardSize = maxShardSize
        family = try EncoderFamily.of(directory)
        guard family.modelType != EncoderFamily.structuredType else {
            throw ModelError.invalidConfig(
                path: directory.configPath, key: "model_type",
                expected: "a family of Hugging Face's",
                found: "'\(family.modelType)': \(family.baseModelType) with sizes of its own for "
                    + "every layer, which Hugging Face's configurations cannot express")
        }
        let inspection = try ModelInspection(directory, seconds: [])
        guard inspection.problems.isEmpty else {
            throw ModelError.weightsDoNotFit(
                path: directory.url.path, problems: inspection.problems)
        }
        encoderClass = inspection.encoderClass
    }

    /// Writes the model directory and reads it back.
    ///
    /// The directory is filled beside its final place and renamed once all tensors came back bit for
    /// bit.
    ///
    /// - Throws: `ExportError.differs` where one did not, `ModelError.weightsDoNotFit` where two
    ///   tensors have one meaning, `FileSystemError`, or the errors of the weights' format.
    public func write(to url: URL) throws -> ExportReport {
        let weights = try directory.openWeights()
        let names = try names(weights)
        let shards = try shards(names, of: weights)
        let adapters = isEncoderOnly ? [] : try adapters()
        let copied = try companions()
        return try AtomicDirectory.write(to: url) { folder in
            for file in shards + adapters { try file.write(to: folder) }
            if shards.count > 1 { try writeIndex(shards, to: folder) }
            try AtomicFile.write(configData(), to: folder.appendingPathComponent("config.json"))
            for name in copied { try copy(name, to: folder) }

            var different: [String] = []
            for file in shards + adapters {
                different += try file.differences(in: folder).map { "\(file.fileName): \($0)" }
            }
            let written = Set(names.map(\.stored))
            let report = ExportReport(
                model: directory.url.path, output: url.path,
                files: (shards + adapters).map {
                    .init(name: $0.fileName, tensors: $0.items.count, bytes: $0.byteCount)
                },
                copied: copied,
                renamed: Dictionary(
                    uniqueKeysWithValues: names.filter { $0.stored != $0.name }.map {
                        ($0.stored, $0.name)
                    }),
                leftOut: weights.names.filter { !written.contains($0) },
                compared: (shards + adapters).reduce(0) { $0 + $1.items.count },
                different: different)
            guard report.isIdentical else { throw ExportError.differs(report) }
            return report
        }
    }

    // MARK: Names

    /// What to write and what to call it, sorted by the latter.
    private func names(_ weights: TensorShards) throws -> [(stored: String, name: String)] {
        let architecture = try directory.architecture
        let isBare = isEncoderOnly || architecture == encoderClass
        let hasPrefix = weights.names.contains { !family.prefix(of: $0).isEmpty }
        var names: [(stored: String, name: String)] = []
        var taken: [String: String] = [:]
        for stored in weights.names {
            let prefix = family.prefix(of: stored)
            let isEncoder = !prefix.isEmpty || !hasPrefix && family.isOfEncoder(stored)
            guard isEncoder || !isEncoderOnly else { continue }
            var name = family.encoderName(of: stored)
            if isEncoder, !isBare {
                // A class with a head calls its encoder by a prefix, whatever the file does.
                let standard = architecture == nil ? "" : family.prefixes.first ?? ""
                name = (prefix.isEmpty ? standard : prefix) + name
            }
            if let other = taken.updateValue(stored, forKey: name) {
                throw ModelError.weightsDoNotFit(
                    path: directory.url.path, problems: ["twice: \(stored) and \(other)"])
            }
            names.append((stored, name))
        }
        return names.sorted { $0.name < $1.name }
    }

    // MARK: Files

    private func shards(
        _ names: [(stored: String, name: String)], of weights: TensorShards
    ) throws -> [TensorCopy] {
        var groups: [[(stored: String, name: String)]] = []
        var size = 0
        for name in names {
            let bytes = weights.entry(name.stored)?.byteCount ?? 0
            if groups.isEmpty || size + bytes > maxShardSize {
                groups.append([])
                size = 0
            }
            groups[groups.count - 1].append(name)
            size += bytes
        }
        if groups.isEmpty { groups = [[]] }
        return try groups.enumerated().map { index, group in
            let place = String(format: "%05d-of-%05d", index + 1, groups.count)
            let name = groups.count == 1 ? "model" : "model-\(place)"
            return try TensorCopy("\(name).safetensors", group, of: weights)
        }
    }

    private func adapters() throws -> [TensorCopy] {
        try directory.adapterLanguages.map { language in
            let adapter = try directory.openAdapter(language: language)
            let names = adapter.names.map { (stored: $0, name: $0) }
            return try TensorCopy("adapter.\(language).safetensors", names, of: adapter)
        }
    }

    private func writeIndex(_ shards: [TensorCopy], to folder: URL) throws {
        var map = JSONObject()
        let places = shards.flatMap { shard in shard.items.map { ($0.name, shard.fileName) } }
        for (name, file) in places.sorted(by: { $0.0 < $1.0 }) { map[name] = .string(file) }
        var metadata = JSONObject()
        metadata["total_parameters"] = .integer(
            shards.flatMap(\.items).reduce(0) { $0 + $1.info.elementCount })
        metadata["total_size"] = .integer(shards.reduce(0) { $0 + $1.byteCount })
        var index = JSONObject()
        index["metadata"] = .object(metadata)
        index["weight_map"] = .object(map)
        try AtomicFile.write(
            JSONValue.object(index).text(indent: 2) + "\n",
            to: folder.appendingPathComponent("model.safetensors.index.json"))
    }

    /// `config.json` as it is; of a lone encoder the class changes.
    private func configData() throws -> Data {
        guard try isEncoderOnly && directory.architecture != encoderClass else {
            return directory.configData
        }
        var config = try JSONFile(path: directory.configPath, data: directory.configData).object
        config["architectures"] = .array([.string(encoderClass)])
        return Data((JSONValue.object(config).text(indent: 2) + "\n").utf8)
    }

    /// The files beside the weights that belong to a model: extractor, tokenizer, card, licence.
    private func companions() throws -> [String] {
        let endings = isEncoderOnly ? [".md"] : [".json", ".txt", ".md", ".model", ".jinja"]
        let always = [
            "preprocessor_config.json", "processor_config.json", "LICENSE", "LICENSE.txt", "NOTICE",
        ]
        return try directory.fileNames.filter { name in
            guard !name.hasPrefix("."), name != "config.json", !name.hasSuffix(".index.json") else {
                return false
            }
            return always.contains(name) || endings.contains { name.hasSuffix($0) }
        }
    }

    private func copy(_ name: String, to folder: URL) throws {
        let file = try MappedFile(path: directory.url.appendingPathComponent(name).path)
        try AtomicFile.write(to: folder.appendingPathComponent(name)) { sink in
            try file.withBytes(0..<file.count) { try sink.write($0) }
        }
    }
}

extension EncoderFamily {
    /// Whether a tensor of a checkpoint without prefixes belongs to the encoder rather than to a head;
    /// some are stored and never used.
    func isOfEncoder(_ name: String) -> Bool {
        !isIgnored(encoderName(of: name)) || name == "masked_spec_embed"
            || name.hasPrefix("encoder.")
    }
}
