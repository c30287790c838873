import SpeechCore
import Torch

/// A checkpoint seen through the names that an encoder uses: without the prefix of a head, and
/// with today's spellings.
final class CheckpointReader: TensorSource {
    private let shards: SafetensorsShards
    private let family: EncoderFamily
    /// The encoder's name of a tensor to its name in the file.
    private let stored: [String: String]
    private(set) var failure: (any Error)?

    init(_ shards: SafetensorsShards, family: EncoderFamily) {
        self.shards = shards
        self.family = family
        var stored: [String: String] = [:]
        for name in shards.names { stored[family.encoderName(of: name)] = name }
        self.stored = stored
    }

    var names: [String] { stored.keys.sorted() }

    func shape(of name: String) -> [Int]? {
        stored[name].flatMap { shards.entry($0)?.shape }
    }

    /// The tensor; zeros after a failure, which `finish` throws.
    func tensor(_ name: String) -> Tensor {
        do {
            return try shards.tensor(stored[name]!)
        } catch {
            failure = failure ?? error
            return .zeros(shape(of: name)!)
        }
    }

    /// Ends the loading of a model into `store`.
    ///
    /// - Throws: `ModelError.weightsDoNotFit` listing everything missing, mis-shaped, unused and
    ///   not finite.
    func finish(_ store: ParameterStore, path: String) throws {
        if let failure { throw failure }
        let mismatch = store.mismatch
        var problems = mismatch.missing.map { "missing: \($0)" }
        problems += mismatch.misshaped.map {
            "shape of \($0.name): expected \($0.expected), found \($0.found)"
        }
        problems += mismatch.nonFinite.map { "values of \($0) are not all finite" }
        let unused = names.filter { name in
            !store.requested.contains(name) && !family.isIgnored(name)
        }
        problems += unused.map { "unused: \(stored[$0]!)" }
        guard problems.isEmpty else {
            throw ModelError.weightsDoNotFit(path: path, problems: problems)
        }
    }
}

extension EncoderFamily {
    /// What the encoder calls a tensor of a checkpoint.
    func encoderName(of stored: String) -> String {
        var name = stored.hasPrefix(prefix) ? String(stored.dropFirst(prefix.count)) : stored
        for (old, new) in renamedSuffixes where name.hasSuffix(old) {
            name = name.dropLast(old.count) + new
        }
        return name
    }

    func isIgnored(_ name: String) -> Bool {
        ignored.contains { name.hasPrefix($0) }
    }
}
