/// What only training checkpoints hold.
extension PickleInterpreter {
    /// Instructions that only objects, byte strings and sets need.
    mutating func follow(object instruction: UInt8) throws -> Bool {
        switch instruction {
        case 0x81:  // NEWOBJ
            let parts = try pop(count: 2)
            guard case .callable(.inert(let name)) = parts[0], let arguments = items(parts[1])
            else { throw malformed("a class and a tuple", "one of \(parts[0].summary)") }
            try pushRecord(name, arguments)
        case UInt8(ascii: "C"): try pushBytes(UInt64(try number(UInt8.self)))
        case UInt8(ascii: "B"): try pushBytes(UInt64(try number(UInt32.self)))
        case 0x8E: try pushBytes(try number(UInt64.self))
        case 0x8F: try pushSequence([])  // EMPTY_SET
        case 0x90: try append(try popToMark())  // ADDITEMS
        case 0x91: try pushSequence(try popToMark())  // FROZENSET
        default: return false
        }
        return true
    }

    private mutating func pushBytes(_ byteCount: UInt64) throws {
        guard byteCount <= UInt64(limits.text) else {
            throw PickleError.tooLarge(path: path, what: "bytes in a text", limit: limits.text)
        }
        try push(.bytes([UInt8](try take(byteCount))))
    }

    mutating func pushRecord(_ name: String, _ arguments: [PickleValue]) throws {
        try push(.record(pickle.records.count))
        pickle.records.append(Pickle.Record(name: name, arguments: arguments))
    }
}
