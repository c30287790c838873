public import Foundation

/// Why a model directory cannot be used.
public enum ModelDirectoryError: ReportedError, Equatable {
    /// Neither a path nor a repository in the local cache; `searched` lists the places.
    case notFound(reference: String, searched: [String])
    /// The path exists but is a file.
    case notADirectory(path: String)
    /// There is no `config.json`.
    case missingConfiguration(path: String, found: [String])
    /// No weights in a format that is read; `found` lists the files of the directory.
    case missingWeights(path: String, expected: [String], found: [String])
    /// The index names files that are not there.
    case missingShards(path: String, shards: [String])
    /// The index maps tensors to shards that do not hold them.
    case missingTensors(path: String, tensors: [String])
    /// No adapter file for a language; `known` lists the languages that have one.
    case unknownLanguage(path: String, found: String, known: [String])

    /// What was expected and what was found, for a person to read.
    public var description: String {
        func list(_ names: [String]) -> String {
            let shown = names.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
            return names.isEmpty ? "nothing" : shown + (names.count > 8 ? " and others" : "")
        }
        switch self {
        case .notFound(let reference, let searched):
            return "no model '\(reference)': expected a directory or a repository in the local "
                + "Hugging Face cache, found nothing at \(list(searched))"
        case .notADirectory(let path):
            return "'\(path)' is a file: expected a model directory with config.json"
        case .missingConfiguration(let path, let found):
            return "'\(path)' is not a model directory: expected config.json, found \(list(found))"
        case .missingWeights(let path, let expected, let found):
            return "'\(path)' has no weights: expected \(list(expected)), found \(list(found))"
        case .missingShards(let path, let shards):
            return "'\(path)' names \(shards.count) missing shard(s): expected \(list(shards))"
        case .missingTensors(let path, let tensors):
            return "'\(path)' maps \(tensors.count) tensor(s) to shards that do not hold them: "
                + list(tensors)
        case .unknownLanguage(let path, let found, let known):
            return known.isEmpty
                ? "'\(path)' has no language adapters: expected adapter.\(found).safetensors, found "
                    + "no adapter file"
                : "'\(path)' has no adapter for the language '\(found)': expected one of "
                    + known.joined(separator: ", ")
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}

/// A Hugging Face model directory: `config.json`, weights and `preprocessor_config.json`.
public struct ModelDirectory: Sendable {
    /// The directory.
    public let url: URL
    /// The bytes of `config.json`.
    public let configData: Data
    /// The bytes of `preprocessor_config.json`, or of the part of `processor_config.json` that newer
    /// models keep instead; nil when there is neither.
    public let preprocessorData: Data?
    /// The path of the file that `preprocessorData` comes from, for messages.
    public let preprocessorPath: String?

    /// Opens a directory by its path, or by a repository name found in the local Hugging Face cache.
    ///
    /// A path that exists wins. The cache is `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`; nothing is fetched.
    ///
    /// - Parameters:
    ///   - reference: A path, or `organisation/name`.
    ///   - revision: The branch, tag or commit to take from the cache.
    ///   - environment: Where the variables are looked up.
    /// - Throws: `ModelDirectoryError`, `FileSystemError`, or `JSONFileError` for a malformed
    ///   `processor_config.json`.
    public init(
        _ reference: String, revision: String = "main",
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        let url = try Self.locate(reference, revision: revision, environment: environment)
        let names = try Self.fileNames(url)
        guard names.contains("config.json") else {
            throw ModelDirectoryError.missingConfiguration(path: url.path, found: names)
        }
        self.url = url
        configData = try Self.read(url.appendingPathComponent("config.json"))
        (preprocessorData, preprocessorPath) = try Self.preprocessor(url, names: names)
    }

    /// The path of `config.json`, for messages.
    public var configPath: String { url.appendingPathComponent("config.json").path }

    /// The `model_type` of the configuration.
    ///
    /// - Throws: `JSONFileError` when `config.json` is malformed or has no text under that key.
    public var modelType: String {
        get throws {
            let config = try JSONFile(path: configPath, data: configData)
            guard let type = try config.string("model_type") else {
                throw JSONFileError.missingKey(
                    path: configPath, key: "model_type", expected: "the name of the model family")
            }
            return type
        }
    }

    /// The class that wrote the checkpoint (the first of `architectures`), nil where none is named.
    ///
    /// - Throws: `JSONFileError` when `config.json` is malformed.
    package var architecture: String? {
        get throws {
            let config = try JSONFile(path: configPath, data: configData)
            guard case .array(let names)? = config.value("architectures"),
                case .string(let name)? = names.first
            else { return nil }
            return name
        }
    }

    /// The formats of weights, the preferred one first.
    private static let weightFormats: [WeightFormat] = [
        WeightFormat(single: "model.safetensors") { try SafetensorsFile(path: $0) },
        WeightFormat(single: "pytorch_model.bin") { try PickleCheckpoint(path: $0) },
    ]

    private struct WeightFormat {
        /// The file of a checkpoint in one piece.
        let single: String
        let open: @Sendable (_ path: String) throws -> any TensorFile

        /// The index of a checkpoint in several pieces.
        var index: String { "\(single).index.json" }
    }

    /// The format of the weights, and their index where they are in several files.
    private func weights() throws -> (format: WeightFormat, index: URL?) {
        let names = try Self.fileNames(url)
        for format in Self.weightFormats {
            if names.contains(format.single) { return (format, nil) }
            if names.contains(format.index) {
                return (format, url.appendingPathComponent(format.index))
            }
        }
        throw ModelDirectoryError.missingWeights(
            path: url.path, expected: Self.weightFormats.flatMap { [$0.single, $0.index] },
            found: names)
    }

    /// The files that hold the weights: `model.safetensors`, or the shards its index names, sorted;
    /// where there is neither, `pytorch_model.bin` or its shards.
    ///
    /// - Throws: `ModelDirectoryError`, or `JSONFileError` for a malformed index.
    public var weightFiles: [URL] {
        get throws {
            let (format, index) = try weights()
            guard let index else { return [url.appendingPathComponent(format.single)] }
            return try Set(Self.weightMap(index).values).sorted()
                .map { url.appendingPathComponent($0) }
        }
    }

    /// Opens the weights as one view.
    ///
    /// - Throws: What `weightFiles` throws, `FileSystemError`, the errors of the format
    ///   (`SafetensorsError`; `PickleError` and `ZipArchiveError`), or
    ///   `ModelDirectoryError.missingTensors` when the index does not agree with the shards.
    public func openWeights() throws -> TensorShards {
        let (format, index) = try weights()
        let shards = try TensorShards(weightFiles.map { try format.open($0.path) })
        guard let index else { return shards }
        let missing = try Self.weightMap(index).filter { name, shard in
            shards.file(of: name)?.path != url.appendingPathComponent(shard).path
        }
        guard missing.isEmpty else {
            throw ModelDirectoryError.missingTensors(
                path: index.path, tensors: missing.keys.sorted())
        }
        return shards
    }

    /// Reads the index of a sharded checkpoint: tensor name to shard file name.
    private static func weightMap(_ index: URL) throws -> [String: String] {
        let file = try JSONFile(path: index.path)
        guard let map = try file.file("weight_map") else {
            throw JSONFileError.missingKey(
                path: index.path, key: "weight_map", expected: "an object of file names")
        }
        var result: [String: String] = [:]
        for tensor in map.object.keys {
            let shard = try map.string(tensor)
            // A shard lies beside its index; other paths would reach out of the directory.
            guard let shard, !shard.isEmpty, !shard.contains("/"), shard != ".." else {
                throw JSONFileError.wrongValue(
                    path: index.path, key: "weight_map.\(tensor)", expected: "a file name",
                    found: shard.map { "'\($0)'" } ?? "null")
            }
            result[tensor] = shard
        }
        let folder = index.deletingLastPathComponent()
        let missing = Set(result.values).sorted().filter {
            !FileManager.default.fileExists(atPath: folder.appendingPathComponent($0).path)
        }
        guard missing.isEmpty else {
            throw ModelDirectoryError.missingShards(path: index.path, shards: missing)
        }
        guard !result.isEmpty else {
            throw JSONFileError.wrongValue(
                path: index.path, key: "weight_map", expected: "at least one tensor",
                found: "an empty object")
        }
        return result
    }

    private static func locate(
        _ reference: String, revision: String, environment: [String: String]
    ) throws -> URL {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: reference, isDirectory: &isDirectory) {
            guard isDirectory.boolValue else {
                throw ModelDirectoryError.notADirectory(path: reference)
            }
            return URL(fileURLWithPath: reference, isDirectory: true)
        }
        var searched = [reference]
        if isRepositoryName(reference) {
            let cache = UserCache.huggingFaceHub(environment)
            let repository = cache.appendingPathComponent(
                "models--" + reference.split(separator: "/").joined(separator: "--"))
            let pointer = repository.appendingPathComponent("refs/\(revision)")
            let commit = (try? read(pointer)).map {
                String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            }
            let snapshot = repository.appendingPathComponent("snapshots/\(commit ?? revision)")
            let exists = FileManager.default.fileExists(
                atPath: snapshot.path, isDirectory: &isDirectory)
            if exists, isDirectory.boolValue { return snapshot }
            searched.append(snapshot.path)
        }
        throw ModelDirectoryError.notFound(reference: reference, searched: searched)
    }

    private static func isRepositoryName(_ reference: String) -> Bool {
        let parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in
                !part.isEmpty && !part.hasPrefix(".")
                    && part.unicodeScalars.allSatisfy {
                        $0.properties.isAlphabetic || ("0"..."9").contains($0)
                            || $0 == "-" || $0 == "_" || $0 == "."
                    }
            }
    }

    /// The names of everything in the directory, sorted.
    ///
    /// - Throws: `FileSystemError` where it cannot be listed.
    public var fileNames: [String] {
        get throws { try Self.fileNames(url) }
    }

    private static func fileNames(_ url: URL) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: url.path).sorted()
        } catch {
            throw FileSystemError.cannotRead(path: url.path, code: FileSystemError.code(of: error))
        }
    }

    private static func read(_ url: URL) throws -> Data {
        let file = try MappedFile(path: url.path)
        return file.withBytes(0..<file.count) { Data($0) }
    }

    private static func preprocessor(_ url: URL, names: [String]) throws -> (Data?, String?) {
        let file = url.appendingPathComponent("preprocessor_config.json")
        if names.contains(file.lastPathComponent) { return (try read(file), file.path) }
        let processor = url.appendingPathComponent("processor_config.json")
        guard names.contains(processor.lastPathComponent),
            let part = try JSONFile(path: processor.path).file("feature_extractor")
        else { return (nil, nil) }
        return (Data(JSONValue.object(part.object).text().utf8), processor.path)
    }
}
