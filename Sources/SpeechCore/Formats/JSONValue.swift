package import Foundation

/// A JSON value as read from a file, with integers kept apart from other numbers.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads one JSON text (RFC 8259) strictly.
    ///
    /// Duplicate keys, invalid UTF-8, lone surrogates, `NaN`, and anything after the value are errors;
    /// a byte order mark before it is not.
    ///
    /// - Throws: `JSONSyntaxError` with the position of the fault.
    package init(parsing bytes: UnsafeRawBufferPointer) throws {
        var parser = JSONParser(bytes: bytes)
        self = try parser.document()
    }

    /// Reads one JSON text; see `init(parsing:)` for raw bytes.
    package init(parsing data: Data) throws {
        self = try data.withUnsafeBytes { try JSONValue(parsing: $0) }
    }

    /// What the value is, in words, for messages: `the text "x"`, `the number 3`, `an array`.
    package var summary: String {
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return "the number \(value)"
        case .number(let value): return "the number \(value)"
        case .string(let value):
            return value.count <= 60 ? "the text \"\(value)\"" : "the text \"\(value.prefix(60))…\""
        case .array(let values): return "an array of \(values.count)"
        case .object: return "an object"
        }
    }

    /// The value as JSON text; with `indent` spread over lines by that many spaces a level.
    ///
    /// Numbers must be finite: JSON has no spelling for the others.
    package func text(indent: Int? = nil) -> String {
        var output = ""
        append(to: &output, indent: indent, depth: 0)
        return output
    }

    private func append(to output: inout String, indent: Int?, depth: Int) {
        func newLine(_ depth: Int) {
            guard let indent else { return }
            output += "\n" + String(repeating: " ", count: indent * depth)
        }
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .integer(let value): output += String(value)
        case .number(let value):
            precondition(value.isFinite, "JSON cannot hold \(value)")
            output += "\(value)"
        case .string(let value): Self.append(quoted: value, to: &output)
        case .array(let values):
            output += "["
            for (index, value) in values.enumerated() {
                if index > 0 { output += indent == nil ? ", " : "," }
                newLine(depth + 1)
                value.append(to: &output, indent: indent, depth: depth + 1)
            }
            if !values.isEmpty { newLine(depth) }
            output += "]"
        case .object(let object):
            output += "{"
            for (index, key) in object.keys.enumerated() {
                if index > 0 { output += indent == nil ? ", " : "," }
                newLine(depth + 1)
                Self.append(quoted: key, to: &output)
                output += ": "
                object[key]?.append(to: &output, indent: indent, depth: depth + 1)
            }
            if !object.keys.isEmpty { newLine(depth) }
            output += "}"
        }
    }

    private static func append(quoted text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

/// The members of a JSON object in the order of the file.
package struct JSONObject: Sendable, Equatable {
    private var values: [ExactText: JSONValue] = [:]
    private var order: [ExactText] = []

    /// An empty object.
    package init() {}

    /// The keys in order; each occurs once.
    package var keys: [String] { order.map(\.text) }

    /// The value of a key; setting nil removes the key.
    package subscript(key: String) -> JSONValue? {
        get { values[ExactText(key)] }
        set {
            let key = ExactText(key)
            if let newValue {
                if values.updateValue(newValue, forKey: key) == nil { order.append(key) }
            } else if values.removeValue(forKey: key) != nil {
                order.removeAll { $0 == key }
            }
        }
    }

    /// Adds a member; false when the key is taken.
    mutating func insert(_ value: JSONValue, forKey key: String) -> Bool {
        let key = ExactText(key)
        guard values[key] == nil else { return false }
        values[key] = value
        order.append(key)
        return true
    }
}

/// A fault in a JSON text.
package struct JSONSyntaxError: Error, Equatable {
    /// The line, from 1.
    package let line: Int
    /// The byte within the line, from 1.
    package let column: Int
    /// What is wrong there.
    package let detail: String
}
