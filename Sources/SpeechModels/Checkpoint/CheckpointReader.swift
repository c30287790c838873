import Foundation
import SpeechCore
import Torch

/// What a part of a model calls the tensors of a checkpoint.
struct TensorNaming {
    /// The part's name of a tensor by the stored one; nil for those of other parts.
    let name: (_ stored: String) -> String?
    /// Whether a tensor of that name may be left over.
    let isIgnored: (_ name: String) -> Bool
}

/// A checkpoint seen through the names that a model uses: without the prefix of a head, with
/// today's spellings, and with the tensors of a language's adapter in place of its own.
final class CheckpointReader: TensorSource {
    private struct Place {
        let shards: TensorShards
        /// The name in the file.
        let name: String
        let isAdapter: Bool
    }

    private let shards: TensorShards
    private let naming: TensorNaming
    /// By the model's name of a tensor.
    private var places: [String: Place] = [:]
    /// Tensors that mean the same as another one, by their name in the file.
    private var repeated: [(name: String, other: String)] = []
    /// What is wrong with the names of the adapter.
    private var adapterProblems: [String] = []
    private(set) var failure: (any Error)?

    init(_ shards: TensorShards, adapter: TensorShards? = nil, naming: TensorNaming) {
        self.shards = shards
        self.naming = naming
        for name in shards.names { place(name, of: shards, isAdapter: false) }
        if let adapter { replace(by: adapter) }
    }

    convenience init(
        _ shards: TensorShards, adapter: TensorShards? = nil, family: EncoderFamily
    ) {
        self.init(shards, adapter: adapter, naming: family.naming())
    }

    private func place(_ name: String, of shards: TensorShards, isAdapter: Bool) {
        guard let own = naming.name(name) else { return }
        let place = Place(shards: shards, name: name, isAdapter: isAdapter)
        let other = places.updateValue(place, forKey: own)
        if let other, other.isAdapter == isAdapter { repeated.append((name, other.name)) }
    }

    /// An adapter holds all that belongs to a language and nothing else, as in
    /// `Wav2Vec2PreTrainedModel.load_adapter`.
    private func replace(by adapter: TensorShards) {
        func belongs(_ name: String) -> Bool {
            name.contains(".adapter_layer.") || name.hasPrefix("lm_head.")
        }
        let file = fileName(adapter)
        let found = adapter.names.compactMap { stored in
            naming.name(stored).map { (stored: stored, name: $0) }
        }
        adapterProblems = found.filter { !belongs($0.name) }.map {
            "unused: \($0.stored) of \(file)"
        }
        let expected = Set(places.keys.filter(belongs)).union(["lm_head.weight", "lm_head.bias"])
        adapterProblems += expected.subtracting(found.map(\.name)).sorted().map {
            "missing: \($0) of \(file)"
        }
        for (stored, name) in found where belongs(name) {
            place(stored, of: adapter, isAdapter: true)
        }
    }

    private func fileName(_ shards: TensorShards) -> String {
        shards.files.first.map { URL(fileURLWithPath: $0.path).lastPathComponent } ?? ""
    }

    var names: [String] { places.keys.sorted() }

    func shape(of name: String) -> [Int]? {
        places[name].flatMap { $0.shards.entry($0.name)?.shape }
    }

    /// The tensor; zeros after a failure, which `finish` throws.
    func tensor(_ name: String) -> Tensor {
        do {
            let place = places[name]
            return try (place?.shards ?? shards).tensor(place?.name ?? name)
        } catch {
            failure = failure ?? error
            return .zeros(shape(of: name) ?? [])
        }
    }

    /// How a message calls a tensor.
    private func described(_ name: String) -> String {
        guard let place = places[name], place.isAdapter else { return name }
        return "\(name) of \(fileName(place.shards))"
    }

    /// Ends the loading of a model into `store`.
    ///
    /// * `isComplete`: Whether the store is all that is read, so that what it did not ask for is
    ///   left over.
    /// - Throws: `ModelError.weightsDoNotFit` listing everything missing, mis-shaped, of a wrong
    ///   type, not finite, unused and there twice.
    func finish(_ store: ParameterStore, path: String, isComplete: Bool = true) throws {
        if let failure { throw failure }
        let mismatch = store.mismatch
        var problems = mismatch.missing.map { "missing: \($0)" }
        problems += mismatch.misshaped.map {
            "shape of \(described($0.name)): expected \($0.expected), found \($0.found)"
        }
        problems += mismatch.mistyped.map {
            "type of \(described($0.name)): expected floating-point numbers, found \($0.found)"
        }
        problems += mismatch.nonFinite.map { "values of \(described($0)) are not all finite" }
        if isComplete {
            problems += names.filter { !store.requested.contains($0) && !naming.isIgnored($0) }
                .compactMap { name in places[name].map { "unused: \($0.name)" } }
            problems += repeated.map { "twice: \($0.name) and \($0.other)" }
            problems += adapterProblems
        }
        guard problems.isEmpty else {
            throw ModelError.weightsDoNotFit(path: path, problems: problems)
        }
    }
}

extension EncoderFamily {
    /// What the encoder calls tensors.
    ///
    /// * `scope`: what all names of the encoder start with in a larger model.
    func naming(scope: String = "") -> TensorNaming {
        TensorNaming(
            name: { stored in
                stored.hasPrefix(scope)
                    ? encoderName(of: String(stored.dropFirst(scope.count))) : nil
            }, isIgnored: isIgnored)
    }

    /// What the encoder calls a tensor of a checkpoint.
    func encoderName(of stored: String) -> String {
        currentName(of: String(stored.dropFirst(prefix(of: stored).count)))
    }

    /// Today's spelling of a name, with or without a prefix.
    func currentName(of stored: String) -> String {
        var name = stored
        for (old, new) in renamedSuffixes where name.hasSuffix(old) {
            name = name.dropLast(old.count) + new
        }
        return name
    }

    /// The prefix that a tensor of a checkpoint carries, empty where it has none.
    func prefix(of stored: String) -> String { prefixes.first { stored.hasPrefix($0) } ?? "" }

    func isIgnored(_ name: String) -> Bool {
        // A batch norm counts what it was trained on; its statistics do not depend on the count.
        name.hasSuffix(".batch_norm.num_batches_tracked")
            || ignored.contains { name.hasPrefix($0) }
    }
}
