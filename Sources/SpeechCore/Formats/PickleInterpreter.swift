/// Reads a pickle as data: no callable of it is ever looked up, imported or called.
///
/// Knows the instructions of protocols 2 to 5 that PyTorch writes for what the dialect allows
/// (CPython, `Lib/pickletools.py`); everything else is a typed error naming it.
package struct PickleInterpreter {
    /// LibTorch has no tensors of more.
    private static let dimensionLimit = 64

    let path: String
    private let bytes: UnsafeRawBufferPointer
    private let dialect: PickleDialect
    let limits: PickleLimits
    private var position: Int
    private var instructionStart: Int
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var pushed = 0
    var pickle = Pickle()
    /// Whether the bytes end where the limit is rather than where the file does.
    private let isCutShort: Bool

    /// Reads one pickle from `start`; `byteCount` of the result tells where it ends.
    ///
    /// - Parameters:
    ///   - bytes: The pickle and whatever follows it.
    ///   - path: The path of the file, for messages.
    ///   - dialect: What the pickle may hold.
    /// - Throws: `PickleError`.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, from start: Int = 0, path: String,
        dialect: PickleDialect = .tensors, limits: PickleLimits = PickleLimits()
    ) throws -> Pickle {
        var interpreter = PickleInterpreter(
            bytes, from: start, path: path, dialect: dialect, limits: limits)
        while try interpreter.step() {}
        interpreter.pickle.byteCount = interpreter.position - start
        return interpreter.pickle
    }

    private init(
        _ bytes: UnsafeRawBufferPointer, from start: Int, path: String, dialect: PickleDialect,
        limits: PickleLimits
    ) {
        self.path = path
        self.dialect = dialect
        self.limits = limits
        isCutShort = bytes.count - start > limits.bytes
        self.bytes = UnsafeRawBufferPointer(
            rebasing: isCutShort ? bytes.prefix(start + limits.bytes) : bytes[...])
        position = start
        instructionStart = start
    }

    /// Follows one instruction; false when it was the last.
    private mutating func step() throws -> Bool {
        instructionStart = position
        let instruction = try number(UInt8.self)
        switch instruction {
        case UInt8(ascii: "."):
            pickle.root = try pop()
            return false
        case 0x80:  // PROTO
            let version = try number(UInt8.self)
            guard (2...5).contains(version) else {
                throw malformed("a pickle of protocol 2 to 5", "protocol \(version)")
            }
        case 0x95: _ = try number(UInt64.self)  // FRAME, a hint about buffers
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "0"): try discard()
        case UInt8(ascii: "1"): _ = try popToMark()
        case UInt8(ascii: "2"): try push(try top())
        case UInt8(ascii: "N"): try push(.null)
        case 0x88: try push(.bool(true))
        case 0x89: try push(.bool(false))
        case UInt8(ascii: "K"): try push(.integer(Int(try number(UInt8.self))))
        case UInt8(ascii: "M"): try push(.integer(Int(try number(UInt16.self))))
        case UInt8(ascii: "J"): try push(.integer(Int(try number(Int32.self))))
        case 0x8A: try push(try integer(byteCount: UInt64(try number(UInt8.self))))
        case 0x8B: try push(try integer(byteCount: UInt64(try number(UInt32.self))))
        case UInt8(ascii: "G"):
            // The only value that pickles store with the highest byte first.
            let bits = try number(UInt64.self).byteSwapped
            try push(.number(Double(bitPattern: bits)))
        case UInt8(ascii: "U"), 0x8C: try push(try text(UInt64(try number(UInt8.self))))
        case UInt8(ascii: "T"), UInt8(ascii: "X"):
            try push(try text(UInt64(try number(UInt32.self))))
        case 0x8D: try push(try text(try number(UInt64.self)))
        case UInt8(ascii: "c"):
            let module = try line()
            try push(try callable(module, try line()))
        case 0x93:  // STACK_GLOBAL
            let (name, module) = (try pop(), try pop())
            guard case .string(let name) = name, case .string(let module) = module else {
                throw malformed("a module and a name", "\(module.summary) and \(name.summary)")
            }
            try push(try callable(module, name))
        case UInt8(ascii: "Q"): try push(try storage(of: try pop()))
        case UInt8(ascii: "R"): try reduce()
        case UInt8(ascii: "b"): try build()
        default:
            if try follow(memo: instruction) { break }
            if try follow(container: instruction) { break }
            if dialect == .trainingState, try follow(object: instruction) { break }
            throw PickleError.forbiddenInstruction(
                path: path, offset: instructionStart, instruction: instruction)
        }
        return true
    }

    /// Instructions that remember values and fetch them again.
    private mutating func follow(memo instruction: UInt8) throws -> Bool {
        switch instruction {
        case UInt8(ascii: "q"): try remember(Int(try number(UInt8.self)))
        case UInt8(ascii: "r"): try remember(Int(try number(UInt32.self)))
        case 0x94: try remember(memo.count)
        case UInt8(ascii: "h"): try recall(Int(try number(UInt8.self)))
        case UInt8(ascii: "j"): try recall(Int(try number(UInt32.self)))
        default: return false
        }
        return true
    }

    /// Instructions that make and fill tuples, lists and dictionaries.
    private mutating func follow(container instruction: UInt8) throws -> Bool {
        switch instruction {
        case UInt8(ascii: ")"), UInt8(ascii: "]"): try pushSequence([])
        case UInt8(ascii: "t"), UInt8(ascii: "l"): try pushSequence(try popToMark())
        case 0x85, 0x86, 0x87: try pushSequence(try pop(count: Int(instruction) - 0x84))
        case UInt8(ascii: "a"): try append([try pop()])
        case UInt8(ascii: "e"): try append(try popToMark())
        case UInt8(ascii: "}"): try pushDictionary(isOrdered: false)
        case UInt8(ascii: "d"):
            let items = try popToMark()
            try pushDictionary(isOrdered: false)
            try setItems(items)
        case UInt8(ascii: "s"): try setItems(try pop(count: 2))
        case UInt8(ascii: "u"): try setItems(try popToMark())
        default: return false
        }
        return true
    }
}

// MARK: Bytes

extension PickleInterpreter {
    func malformed(_ expected: String, _ found: String) -> PickleError {
        .malformed(path: path, offset: instructionStart, expected: expected, found: found)
    }

    mutating func take(_ count: UInt64) throws -> UnsafeRawBufferPointer {
        guard count <= UInt64(bytes.count - position) else {
            if isCutShort {
                throw PickleError.tooLarge(
                    path: path, what: "bytes in a pickle", limit: limits.bytes)
            }
            throw PickleError.truncated(
                path: path, part: "its pickle at byte \(position)",
                expected: Int(clamping: count), found: bytes.count - position)
        }
        defer { position += Int(count) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(count)])
    }

    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) throws -> T {
        let bytes = try take(UInt64(MemoryLayout<T>.size))
        return T(littleEndian: bytes.loadUnaligned(as: T.self))
    }

    /// A whole number in two's complement, lowest byte first.
    private mutating func integer(byteCount: UInt64) throws -> PickleValue {
        guard byteCount <= UInt64(limits.text) else {
            throw PickleError.tooLarge(path: path, what: "bytes in a number", limit: limits.text)
        }
        let digits = [UInt8](try take(byteCount))
        guard digits.count <= 8 else { return .largeInteger(digits) }
        let fill: UInt64 = digits.last ?? 0 >= 0x80 ? .max : 0
        let bits = digits.reversed().reduce(fill) { $0 << 8 | UInt64($1) }
        return .integer(Int(truncatingIfNeeded: bits))
    }

    private mutating func text(_ byteCount: UInt64) throws -> PickleValue {
        guard byteCount <= UInt64(limits.text) else {
            throw PickleError.tooLarge(path: path, what: "bytes in a text", limit: limits.text)
        }
        return .string(try text(validating: [UInt8](try take(byteCount))))
    }

    private func text(validating bytes: [UInt8]) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw malformed("a text in UTF-8", "other bytes")
        }
        return text
    }

    /// A text up to the end of its line, as the instruction for callables has it.
    private mutating func line() throws -> String {
        let rest = bytes[position...].prefix(limits.text)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            if rest.endIndex == bytes.endIndex { _ = try take(UInt64(rest.count) + 1) }
            throw PickleError.tooLarge(path: path, what: "bytes in a text", limit: limits.text)
        }
        let content = [UInt8](rest[..<end])
        position = end + 1
        return try text(validating: content)
    }
}

// MARK: Stack and memo

extension PickleInterpreter {
    mutating func push(_ value: PickleValue) throws {
        try count(1)
        stack.append(value)
    }

    private mutating func count(_ values: Int) throws {
        pushed += values
        guard pushed <= limits.values else {
            throw PickleError.tooLarge(
                path: path, what: "values in a pickle", limit: limits.values)
        }
    }

    /// The values above the innermost mark, which are all that most instructions may touch.
    private var available: Int { stack.count - (marks.last ?? 0) }

    private func top() throws -> PickleValue {
        guard available > 0, let value = stack.last else {
            throw malformed("a value on the stack", "none")
        }
        return value
    }

    private mutating func pop() throws -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    mutating func pop(count: Int) throws -> [PickleValue] {
        guard available >= count else { throw malformed("\(count) values", "\(available)") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    mutating func popToMark() throws -> [PickleValue] {
        guard let mark = marks.popLast() else { throw malformed("a mark on the stack", "none") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func discard() throws {
        // The instruction also takes a mark away.
        if available == 0, marks.popLast() != nil { return }
        _ = try pop()
    }

    private mutating func remember(_ number: Int) throws {
        memo[number] = try top()
        guard memo.count <= limits.memo else {
            throw PickleError.tooLarge(path: path, what: "values remembered", limit: limits.memo)
        }
    }

    private mutating func recall(_ number: Int) throws {
        guard let value = memo[number] else {
            throw malformed("a value remembered as \(number)", "none")
        }
        try push(value)
    }

    mutating func pushSequence(_ values: [PickleValue]) throws {
        try push(.sequence(pickle.sequences.count))
        pickle.sequences.append(values)
    }

    private mutating func pushDictionary(isOrdered: Bool) throws {
        try push(.dictionary(pickle.dictionaries.count))
        pickle.dictionaries.append(Pickle.Dictionary(isOrdered: isOrdered))
    }

    mutating func append(_ values: [PickleValue]) throws {
        let target = try top()
        guard case .sequence(let place) = target else {
            throw malformed("a list to append to", target.summary)
        }
        pickle.sequences[place] += values
    }

    private mutating func setItems(_ items: [PickleValue]) throws {
        let target = try top()
        guard case .dictionary(let place) = target else {
            throw malformed("a dictionary to fill", target.summary)
        }
        guard items.count.isMultiple(of: 2) else {
            throw malformed("keys with values", "\(items.count) items")
        }
        for index in stride(from: 0, to: items.count, by: 2) {
            pickle.dictionaries[place].members.append((items[index], items[index + 1]))
        }
    }
}

// MARK: Callables

extension PickleInterpreter {
    private func callable(_ module: String, _ name: String) throws -> PickleValue {
        guard let callable = dialect.callable("\(module).\(name)") else {
            throw PickleError.forbiddenCallable(
                path: path, offset: instructionStart, name: "\(module).\(name)")
        }
        return .callable(callable)
    }

    func items(_ value: PickleValue) -> [PickleValue]? {
        guard case .sequence(let place) = value else { return nil }
        return pickle.sequences[place]
    }

    /// The storage that a persistent identifier stands for: ("storage", type, key, device, count),
    /// in older files with a sixth item that is None.
    private mutating func storage(of identifier: PickleValue) throws -> PickleValue {
        let parts = items(identifier) ?? []
        guard parts.count == 5 || (parts.count == 6 && parts[5] == .null),
            parts[0] == .string("storage"), case .callable(.storage(let dtype)) = parts[1],
            case .string(let key) = parts[2], case .integer(let count) = parts[4], count >= 0
        else { throw malformed("the description of a storage", "something else") }
        pickle.storages.append(PickleStorage(key: key, dtype: dtype, count: count))
        return .storage(pickle.storages.count - 1)
    }

    private mutating func reduce() throws {
        let (arguments, target) = (try pop(), try pop())
        guard let values = items(arguments) else {
            throw malformed("a tuple of arguments", arguments.summary)
        }
        switch target {
        case .callable(.orderedDict) where values.isEmpty: try pushDictionary(isOrdered: true)
        case .callable(.defaultDict) where values.count <= 1: try pushDictionary(isOrdered: true)
        case .callable(.inert(let name)): try pushRecord(name, values)
        case .callable(.rebuildTensor): try push(try tensor(values))
        case .callable(.rebuildParameter):
            // (tensor, whether it needs a gradient, hooks)
            guard values.count == 3, case .tensor = values[0] else {
                throw malformed("a tensor as parameter", "other arguments")
            }
            try push(values[0])
        default: throw malformed("a call that makes a tensor", "one of \(target.summary)")
        }
    }

    /// The tensor made from storage, offset, sizes, strides, whether it needs a gradient, hooks and,
    /// in newer files, attributes.
    private mutating func tensor(_ values: [PickleValue]) throws -> PickleValue {
        guard values.count == 6 || values.count == 7, case .storage(let storage) = values[0],
            case .integer(let offset) = values[1], let shape = integers(values[2]),
            let strides = integers(values[3]), strides.count == shape.count
        else {
            throw malformed(
                "the description of a tensor of at most \(Self.dimensionLimit) dimensions",
                "other arguments")
        }
        if values.count == 7, values[6] != .null {
            // Conjugate and negative views look like any other but have other values.
            guard case .dictionary(let place) = values[6],
                pickle.dictionaries[place].members.isEmpty
            else { throw malformed("a tensor without attributes", values[6].summary) }
        }
        pickle.tensors.append(
            PickleTensor(storage: storage, offset: offset, shape: shape, strides: strides))
        return .tensor(pickle.tensors.count - 1)
    }

    private func integers(_ value: PickleValue) -> [Int]? {
        guard let values = items(value), values.count <= Self.dimensionLimit else { return nil }
        var result: [Int] = []
        for value in values {
            guard case .integer(let number) = value else { return nil }
            result.append(number)
        }
        return result
    }

    /// Attributes of an `OrderedDict`, which hold `_metadata` of modules and change no tensor, or the
    /// state of an object.
    private mutating func build() throws {
        let (state, target) = (try pop(), try top())
        if case .record(let place) = target {
            pickle.records[place].state = state
            return
        }
        guard case .dictionary(let place) = target, pickle.dictionaries[place].isOrdered,
            case .dictionary = state
        else { throw malformed("attributes of an OrderedDict", "those of \(target.summary)") }
    }
}
