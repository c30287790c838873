package import Foundation

/// What is wrong with a JSON file that a program wrote or a person edited.
public enum JSONFileError: ReportedError, Equatable {
    /// The file is not JSON; line and column count from 1.
    case malformed(path: String, line: Int, column: Int, detail: String)
    /// A key that must be there is not.
    case missingKey(path: String, key: String, expected: String)
    /// A key has a value of the wrong type or out of range.
    case wrongValue(path: String, key: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .malformed(let path, let line, let column, let detail):
            return "'\(path)' is not valid JSON: line \(line), column \(column): \(detail)"
        case .missingKey(let path, let key, let expected):
            return "'\(path)' lacks the key '\(key)': expected \(expected), found nothing"
        case .wrongValue(let path, let key, let expected, let found):
            return "'\(path)' has a wrong '\(key)': expected \(expected), found \(found)"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}

/// A JSON object with the path of its file, read with errors that name both file and key.
///
/// An absent key and the value null mean the same. Keys that nobody asks for are ignored.
package struct JSONFile: Sendable {
    /// The path that errors name.
    package let path: String
    /// The top-level object.
    package let object: JSONObject

    /// Takes an object already read.
    package init(path: String, object: JSONObject) {
        self.path = path
        self.object = object
    }

    /// Parses `data` as one JSON object.
    ///
    /// - Throws: `JSONFileError`.
    package init(path: String, data: Data) throws {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: data)
        } catch let error as JSONSyntaxError {
            throw JSONFileError.malformed(
                path: path, line: error.line, column: error.column, detail: error.detail)
        }
        guard case .object(let object) = value else {
            throw JSONFileError.malformed(
                path: path, line: 1, column: 1,
                detail: "expected an object, found \(value.summary)")
        }
        self.init(path: path, object: object)
    }

    /// Reads and parses a file.
    ///
    /// - Throws: `FileSystemError` or `JSONFileError`.
    package init(path: String) throws {
        let file = try MappedFile(path: path)
        let data = file.withBytes(0..<file.count) { Data($0) }
        try self.init(path: path, data: data)
    }

    /// The value of a key, or nil when it is absent or null.
    package func value(_ key: String) -> JSONValue? {
        switch object[key] {
        case nil, .null?: return nil
        case let value?: return value
        }
    }

    private func read<R>(
        _ key: String, _ expected: String, _ convert: (JSONValue) -> R?
    ) throws -> R? {
        guard let value = value(key) else { return nil }
        guard let result = convert(value) else {
            throw JSONFileError.wrongValue(
                path: path, key: key, expected: expected, found: value.summary)
        }
        return result
    }

    /// The text of a key, or nil when it is absent.
    package func string(_ key: String) throws -> String? {
        try read(key, "a text") {
            if case .string(let text) = $0 { return text }
            return nil
        }
    }

    /// The truth value of a key, or nil when it is absent.
    package func bool(_ key: String) throws -> Bool? {
        try read(key, "true or false") {
            if case .bool(let flag) = $0 { return flag }
            return nil
        }
    }

    /// The whole number of a key, or nil when it is absent.
    package func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        try read(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            switch $0 {
            case .integer(let value) where range.contains(value): return value
            case .number(let value):
                // Some writers spell 16000 as 16000.0.
                return Int(exactly: value).flatMap { range.contains($0) ? $0 : nil }
            default: return nil
            }
        }
    }

    /// The number of a key, or nil when it is absent.
    package func number(_ key: String) throws -> Double? {
        try read(key, "a number") {
            switch $0 {
            case .integer(let value): return Double(value)
            case .number(let value): return value
            default: return nil
            }
        }
    }

    /// The object of a key, or nil when it is absent.
    package func file(_ key: String) throws -> JSONFile? {
        try read(key, "an object") {
            if case .object(let object) = $0 { return JSONFile(path: path, object: object) }
            return nil
        }
    }
}
