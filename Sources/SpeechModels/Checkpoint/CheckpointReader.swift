import SpeechCore
import Torch

/// A checkpoint seen through the names that an encoder uses: without the prefix of a head, and
/// with today's spellings.
final class CheckpointReader: TensorSource {
    private let shards: TensorShards
    private let family: EncoderFamily
    /// The encoder's name of a tensor to its name in the file.
    private let stored: [String: String]
    /// Tensors that mean the same as another one, by their name in the file.
    private let repeated: [(name: String, other: String)]
    private(set) var failure: (any Error)?

    init(_ shards: TensorShards, family: EncoderFamily) {
        self.shards = shards
        self.family = family
        var stored: [String: String] = [:]
        var repeated: [(name: String, other: String)] = []
        for name in shards.names {
            if let other = stored.updateValue(name, forKey: family.encoderName(of: name)) {
                repeated.append((name, other))
            }
        }
        self.stored = stored
        self.repeated = repeated
    }

    var names: [String] { stored.keys.sorted() }

    func shape(of name: String) -> [Int]? {
        stored[name].flatMap { shards.entry($0)?.shape }
    }

    /// The tensor; zeros after a failure, which `finish` throws.
    func tensor(_ name: String) -> Tensor {
        do {
            return try shards.tensor(stored[name] ?? name)
        } catch {
            failure = failure ?? error
            return .zeros(shape(of: name) ?? [])
        }
    }

    /// Ends the loading of a model into `store`.
    ///
    /// - Throws: `ModelError.weightsDoNotFit` listing everything missing, mis-shaped, of a wrong
    ///   type, not finite, unused and there twice.
    func finish(_ store: ParameterStore, path: String) throws {
        if let failure { throw failure }
        let mismatch = store.mismatch
        var problems = mismatch.missing.map { "missing: \($0)" }
        problems += mismatch.misshaped.map {
            "shape of \($0.name): expected \($0.expected), found \($0.found)"
        }
        problems += mismatch.mistyped.map {
            "type of \($0.name): expected floating-point numbers, found \($0.found)"
        }
        problems += mismatch.nonFinite.map { "values of \($0) are not all finite" }
        let unused = names.filter { name in
            !store.requested.contains(name) && !family.isIgnored(name)
        }
        problems += unused.map { "unused: \(stored[$0]!)" }
        problems += repeated.map { "twice: \($0.name) and \($0.other)" }
        guard problems.isEmpty else {
            throw ModelError.weightsDoNotFit(path: path, problems: problems)
        }
    }
}

extension EncoderFamily {
    /// What the encoder calls a tensor of a checkpoint.
    func encoderName(of stored: String) -> String {
        let prefix = prefixes.first { stored.hasPrefix($0) } ?? ""
        return currentName(of: String(stored.dropFirst(prefix.count)))
    }

    /// Today's spelling of a name, with or without a prefix.
    func currentName(of stored: String) -> String {
        var name = stored
        for (old, new) in renamedSuffixes where name.hasSuffix(old) {
            name = name.dropLast(old.count) + new
        }
        return name
    }

    func isIgnored(_ name: String) -> Bool {
        // A batch norm counts what it was trained on; its statistics do not depend on the count.
        name.hasSuffix(".batch_norm.num_batches_tracked")
            || ignored.contains { name.hasPrefix($0) }
    }
}
