import CTorch

/// One operator of LibTorch's dispatcher, looked up once by its schema name.
struct Operator: Sendable {
    private let handle: CTOperator
    let name: String

    /// Finds an operator such as `("aten::add", "Tensor")`; stops the program if there is none.
    init(_ name: String, _ overload: String = "") {
        _ = Engine.initialized
        var handle: CTOperator = 0
        guard ct_operator(name, overload, &handle) == 0 else {
            let reason = String(cString: ct_last_error())
            fatalError("LibTorch has no operator \(name).\(overload): \(reason)")
        }
        self.handle = handle
        self.name = name
    }

    /// Finds an operator that not every build of LibTorch has.
    init?(ifPresent name: String, _ overload: String = "") {
        _ = Engine.initialized
        var handle: CTOperator = 0
        guard ct_operator(name, overload, &handle) == 0 else { return nil }
        self.handle = handle
        self.name = name
    }

    /// Calls the operator and returns its only result.
    func callAsFunction(_ arguments: Argument...) -> Tensor {
        invoke(arguments).first
    }

    /// Calls an operator that changes its arguments and whose result does not matter.
    func run(_ arguments: Argument...) {
        _ = invoke(arguments)
    }

    /// Calls an operator with several results; lists are flattened.
    func all(_ arguments: Argument..., count expected: Int? = nil) -> [Tensor] {
        let (first, count) = invoke(arguments)
        if first.handle == nil { return (0..<(expected ?? 1)).map { _ in Tensor.failed } }
        var results = [first]
        for index in 1..<max(1, count) {
            results.append(Tensor(ct_take_result(Int32(index))))
        }
        return results
    }

    /// The one place where a call crosses into C.
    private func invoke(_ arguments: [Argument]) -> (first: Tensor, count: Int) {
        if ct_scope_failed() { return (.failed, 0) }
        var first: OpaquePointer?
        var count: Int32 = 0
        var call = CallBuffer()
        // `arguments` holds every tensor until the call has returned: a raw handle alone would let
        // ARC free a temporary before LibTorch sees it.
        let status = withExtendedLifetime(arguments) {
            withUnsafeTemporaryAllocation(of: CTValue.self, capacity: arguments.count) { values in
                for (index, argument) in arguments.enumerated() {
                    values.initializeElement(at: index, to: call.encode(argument))
                }
                return call.integers.withUnsafeBufferPointer { integers in
                    call.tensors.withUnsafeBufferPointer { tensors in
                        ct_call(
                            handle, values.baseAddress!, Int32(arguments.count),
                            integers.baseAddress, tensors.baseAddress, &first, &count)
                    }
                }
            }
        }
        guard status == 0 else {
            TorchFailure.report("\(name)(\(arguments.map(\.summary).joined(separator: ", ")))")
            return (.failed, 0)
        }
        return (first.map { Tensor($0) } ?? .failed, Int(count))
    }
}

/// One argument of an operator call.
enum Argument {
    case tensor(Tensor)
    case optional(Tensor?)
    case tensors([Tensor])
    case indices([Tensor?])
    case int(Int)
    case ints([Int])
    case double(Double)
    case bool(Bool)
    case dtype(DType)
    case device(Device)
    case generator(RandomGenerator)
    case text(StaticString)
    case noScalars
    case none

    /// What an error message shows: shapes and types of tensors, plain values.
    var summary: String {
        switch self {
        case .tensor(let tensor): tensor.summary
        case .optional(let tensor): tensor?.summary ?? "none"
        case .tensors(let tensors): "[" + tensors.map(\.summary).joined(separator: ", ") + "]"
        case .indices(let tensors):
            "[" + tensors.map { $0?.summary ?? "none" }.joined(separator: ", ") + "]"
        case .int(let value): "\(value)"
        case .ints(let values): "\(values)"
        case .double(let value): "\(value)"
        case .bool(let value): "\(value)"
        case .dtype(let value): "\(value)"
        case .device(let value): "\(value)"
        case .generator: "generator"
        case .text(let value): "'\(value)'"
        case .noScalars: "[]"
        case .none: "none"
        }
    }
}

/// The pools that lists and tensors of one call are encoded into.
private struct CallBuffer {
    var integers: [Int64] = []
    var tensors: [OpaquePointer?] = []

    mutating func encode(_ argument: Argument) -> CTValue {
        var value = CTValue(kind: Int32(CT_NONE), count: 0, integer: 0, real: 0, pointer: nil)
        switch argument {
        case .tensor(let tensor):
            value.kind = Int32(CT_TENSOR)
            value.integer = append(tensor)
        case .optional(let tensor):
            if let tensor {
                value.kind = Int32(CT_TENSOR)
                value.integer = append(tensor)
            }
        case .tensors(let list):
            value.kind = Int32(CT_TENSORS)
            value.count = Int32(list.count)
            value.integer = Int64(tensors.count)
            for tensor in list { _ = append(tensor) }
        case .indices(let list):
            value.kind = Int32(CT_OPTIONAL_TENSORS)
            value.count = Int32(list.count)
            value.integer = Int64(tensors.count)
            tensors.append(contentsOf: list.map { $0?.handle })
        case .int(let integer):
            value.kind = Int32(CT_INTEGER)
            value.integer = Int64(integer)
        case .ints(let list):
            value.kind = Int32(CT_INTEGERS)
            value.count = Int32(list.count)
            value.integer = Int64(integers.count)
            for integer in list { integers.append(Int64(integer)) }
        case .double(let real):
            value.kind = Int32(CT_REAL)
            value.real = real
        case .bool(let flag):
            value.kind = Int32(CT_BOOLEAN)
            value.integer = flag ? 1 : 0
        case .dtype(let dtype):
            value.kind = Int32(CT_INTEGER)
            value.integer = Int64(dtype.rawValue)
        case .device(let device):
            value.kind = Int32(CT_DEVICE)
            value.integer = Int64(device.code)
        case .generator(let generator):
            value.kind = Int32(CT_GENERATOR)
            value.pointer = UnsafeRawPointer(generator.handle)
        case .text(let text):
            value.kind = Int32(CT_STRING)
            value.pointer = UnsafeRawPointer(text.utf8Start)
        case .noScalars:
            value.kind = Int32(CT_NO_SCALARS)
        case .none:
            break
        }
        return value
    }

    private mutating func append(_ tensor: Tensor) -> Int64 {
        guard let handle = tensor.handle else {
            preconditionFailure("a tensor that a failed operator returned has left its error scope")
        }
        tensors.append(handle)
        return Int64(tensors.count - 1)
    }
}
