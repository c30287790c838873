/// Where a store finds tensors that exist already, such as a checkpoint.
public protocol TensorSource {
    /// The names of all tensors.
    var names: [String] { get }
    /// The shape of a tensor, or nil if there is none of that name.
    func shape(of name: String) -> [Int]?
    /// The tensor on the CPU in its stored type, with memory of its own.
    func tensor(_ name: String) -> Tensor
}

/// The only owner of a model's parameters and buffers, by Hugging Face's names.
///
/// Layers ask it for named tensors when they are constructed. One constructor serves two ends:
/// with a source the tensors are read, without one they are initialised. Problems are collected,
/// so that one error can list all of them. Later changes happen in place: a tensor is never
/// exchanged, and layers may hold on to what they were given.
public final class ParameterStore {
    /// What does not fit between the model and the source that it was read from.
    public struct Mismatch: Sendable {
        /// Parameters that the source lacks.
        public var missing: [String] = []
        /// Parameters that the source holds in another shape: name, expected, found.
        public var misshaped: [(name: String, expected: [Int], found: [Int])] = []
        /// Parameters that the source holds as whole numbers or truth values: name, found.
        public var mistyped: [(name: String, found: DType)] = []
        /// Parameters with values that are infinite, also after conversion, or not numbers.
        public var nonFinite: [String] = []
        /// Whether all is well.
        public var isEmpty: Bool {
            missing.isEmpty && misshaped.isEmpty && mistyped.isEmpty && nonFinite.isEmpty
        }
    }

    /// The names in the order of construction.
    public private(set) var names: [String] = []
    /// What did not fit while the model was constructed.
    public private(set) var mismatch = Mismatch()
    /// The names that were asked of the source.
    public private(set) var requested: Set<String> = []
    /// Where the tensors live.
    public let device: Device
    /// The type that weights are held in; normalisation parameters stay `float32`.
    public let dtype: DType

    private var tensors: [String: Tensor] = [:]
    private var buffers: Set<String> = []
    private let source: (any TensorSource)?
    private let whole: ParameterStore?
    private let generator: RandomGenerator

    /// Makes a store whose tensors are read from `source`, or initialised from `seed` without one.
    public init(
        source: (any TensorSource)? = nil, seed: UInt64 = 0, dtype: DType = .float32,
        device: Device = .cpu
    ) {
        self.source = source
        whole = nil
        self.dtype = dtype
        self.device = device
        generator = RandomGenerator(seed: seed)
    }

    /// Makes a store whose tensors are the leading parts of another's, of the same names: the weights of
    /// a smaller model inside a larger one (Cai et al., Once-for-All, 2020).
    ///
    /// They share memory and, while gradients are recorded, history. What is sliced must be at least
    /// as large; anything else stops the program.
    public init(slicing whole: ParameterStore) {
        self.whole = whole
        source = nil
        dtype = whole.dtype
        device = whole.device
        generator = RandomGenerator(seed: 0)
    }

    /// Makes a store of tensors that other stores own, each under its name behind a prefix.
    ///
    /// They are the same tensors: what is done to them here is done to them there.
    ///
    /// * `parts`: at least one; all on one device.
    /// * `matches`: of which full names the tensors are taken.
    public init(
        joining parts: [(prefix: String, store: ParameterStore)],
        where matches: (String) -> Bool = { _ in true }
    ) {
        source = nil
        whole = nil
        dtype = parts[0].store.dtype
        device = parts[0].store.device
        generator = RandomGenerator(seed: 0)
        for (prefix, store) in parts {
            for (name, tensor) in store.all where matches(prefix + name) {
                precondition(tensors[prefix + name] == nil, "two parameters named \(prefix + name)")
                names.append(prefix + name)
                tensors[prefix + name] = tensor
                if store.isBuffer(name) { buffers.insert(prefix + name) }
            }
        }
    }

    /// The scope in which names have no prefix.
    public var root: ParameterScope { ParameterScope(store: self, path: "") }

    /// The tensor of that name, if there is one.
    public subscript(name: String) -> Tensor? { tensors[name] }

    /// All names with their tensors, in the order of construction.
    public var all: [(name: String, tensor: Tensor)] {
        names.map { ($0, tensors[$0]!) }
    }

    /// The tensors that training changes, in the order of construction.
    public var trainable: [(name: String, tensor: Tensor)] {
        all.filter { $0.tensor.requiresGradient }
    }

    /// Whether parameters are newly initialised rather than read.
    public var isInitializing: Bool { source == nil }

    /// The number of values in all parameters, buffers left out.
    public var parameterCount: Int {
        all.reduce(0) { $0 + (buffers.contains($1.name) ? 0 : $1.tensor.count) }
    }

    /// Whether a name stands for a buffer: saved with the model but not trained.
    public func isBuffer(_ name: String) -> Bool { buffers.contains(name) }

    /// Switches the recording of gradients on or off for every parameter that `matches`.
    public func setTrainable(_ value: Bool, where matches: (String) -> Bool = { _ in true }) {
        for (name, tensor) in all
        where !buffers.contains(name) && tensor.dtype.isFloatingPoint && matches(name) {
            tensor.requiresGradient = value
        }
    }

    /// Forgets all accumulated gradients.
    public func clearGradients() {
        for (_, tensor) in all { tensor.gradient = nil }
    }

    func make(
        _ name: String, _ shape: [Int], _ initializer: Initializer, dtype: DType, isBuffer: Bool,
        rowGroups: Int = 1
    ) -> Tensor {
        precondition(tensors[name] == nil, "two parameters named \(name)")
        var tensor: Tensor
        if let whole {
            guard let larger = whole[name] else { preconditionFailure("no \(name) to slice") }
            tensor = larger.leading(shape, rowGroups: rowGroups)
        } else if let source {
            requested.insert(name)
            let found = source.shape(of: name)
            if found == shape {
                tensor = source.tensor(name)
                if !tensor.dtype.isFloatingPoint {
                    mismatch.mistyped.append((name, tensor.dtype))
                }
                // Converted first: what overflows the type it is held in is no use either.
                tensor = tensor.to(dtype)
                if !tensor.isAllFinite() { mismatch.nonFinite.append(name) }
            } else {
                if let found {
                    mismatch.misshaped.append((name, shape, found))
                } else {
                    mismatch.missing.append(name)
                }
                // Never used, and without memory of its own whatever size the model asks for.
                tensor = .zeros([], dtype: dtype).expand(shape)
            }
        } else {
            tensor = initializer.tensor(shape, generator).to(dtype)
        }
        tensor = tensor.to(device)
        tensors[name] = tensor
        names.append(name)
        if isBuffer { buffers.insert(name) }
        return tensor
    }

    func holds(_ name: String) -> Bool { source?.shape(of: name) != nil }
}

/// A place in a store's tree of names: `scope["layers"][3]["ffn1"]`.
public struct ParameterScope {
    let store: ParameterStore
    /// The dotted name of this place, empty for the root.
    public let path: String

    /// The scope one step down.
    public subscript(name: String) -> ParameterScope {
        ParameterScope(store: store, path: path.isEmpty ? name : "\(path).\(name)")
    }

    /// The scope of an entry in a numbered list.
    public subscript(index: Int) -> ParameterScope { self["\(index)"] }

    /// A parameter in the store's type: weights and biases of matrix products and convolutions.
    ///
    /// * `rowGroups`: of how many parts the rows are made, of each of which a slice takes the start.
    public func parameter(
        _ name: String, _ shape: [Int], _ initializer: Initializer, rowGroups: Int = 1
    ) -> Tensor {
        store.make(
            self[name].path, shape, initializer, dtype: store.dtype, isBuffer: false,
            rowGroups: rowGroups)
    }

    /// A parameter that stays `float32`: scales and shifts of normalisation.
    public func normParameter(
        _ name: String, _ shape: [Int], _ initializer: Initializer
    ) -> Tensor {
        store.make(self[name].path, shape, initializer, dtype: .float32, isBuffer: false)
    }

    /// A tensor that is saved with the model but not trained, kept in `float32`.
    public func buffer(_ name: String, _ shape: [Int], _ initializer: Initializer) -> Tensor {
        store.make(self[name].path, shape, initializer, dtype: .float32, isBuffer: true)
    }

    /// Whether parameters are newly initialised rather than read.
    public var isInitializing: Bool { store.isInitializing }

    /// Whether the source that the model is read from holds a tensor of this name.
    public func sourceHolds(_ name: String) -> Bool { store.holds(self[name].path) }
}

extension Tensor {
    /// The first entries of every dimension; of rows the first of each group.
    fileprivate func leading(_ shape: [Int], rowGroups: Int) -> Tensor {
        precondition(
            rank == shape.count && zip(self.shape, shape).allSatisfy { $0 >= $1 },
            "\(shape) out of \(self.shape)")
        var result = self
        for (dimension, length) in shape.enumerated() where length < result.size(dimension) {
            if dimension == 0 && rowGroups > 1 {
                result = result.unflatten(0, [rowGroups, -1]).narrow(1, 0, length / rowGroups)
                    .flatten(0, 1)
            } else {
                result = result.narrow(dimension, 0, length)
            }
        }
        return result
    }
}
