import Foundation
import Yams

/// YAML in and out for any configuration.
///
/// The encoded defaults say which keys there are: a file and overrides are laid over them, and a
/// key that the defaults lack is an error. So a configuration is an ordinary `Codable` struct with
/// default values, and nothing is written twice.
public enum ConfigDocument {
    /// Reads a configuration: defaults, then the file, then the overrides.
    ///
    /// * `overrides`: `dotted.key=value`, the value in YAML.
    /// - Throws: `ConfigError`.
    public static func read<Config: Codable>(
        _ defaults: Config, file: String?, overrides: [String] = []
    ) throws -> Config {
        var document = try node(defaults)
        if let file {
            document = try merge(document, with: parse(file: file), path: "", file: file)
        }
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                throw ConfigError.malformedOverride(override)
            }
            let key = String(override[..<equals])
            let text = String(override[override.index(after: equals)...])
            let value: Node
            do {
                value = try Yams.compose(yaml: text) ?? Node("")
            } catch {
                throw ConfigError.malformedOverride(override)
            }
            let nested = key.split(separator: ".").reversed().reduce(value) { inner, part in
                Node.mapping(.init([(Node(String(part)), inner)]))
            }
            document = try merge(document, with: nested, path: "", file: nil)
        }
        return try decode(document, file: file)
    }

    /// The configuration as a YAML text with every key.
    public static func text<Config: Encodable>(_ config: Config) throws -> String {
        try YAMLEncoder().encode(config)
    }

    /// The dotted keys whose values differ between two configurations, with both values.
    public static func differences<Config: Encodable>(
        _ a: Config, _ b: Config
    ) throws -> [(key: String, first: String, second: String)] {
        let first = flatten(try node(a))
        let second = flatten(try node(b))
        return Set(first.keys).union(second.keys).sorted().compactMap { key in
            let (one, other) = (first[key] ?? "nothing", second[key] ?? "nothing")
            return one == other ? nil : (key, one, other)
        }
    }

    private static func node(_ config: some Encodable) throws -> Node {
        try Yams.compose(yaml: YAMLEncoder().encode(config)) ?? Node.mapping(.init([]))
    }

    private static func parse(file: String) throws -> Node {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            let exists = FileManager.default.fileExists(atPath: file)
            throw ConfigError.unreadable(
                file: file, reason: exists ? "a file that is not UTF-8 text" : "no such file")
        }
        do {
            let node = try Yams.compose(yaml: text) ?? Node.mapping(.init([]))
            guard node.mapping != nil else {
                throw ConfigError.unreadable(file: file, reason: "a document without keys")
            }
            return node
        } catch let error as YamlError {
            throw ConfigError.unreadable(file: file, reason: "\(error)")
        }
    }

    private static func merge(
        _ base: Node, with changes: Node, path: String, file: String?
    ) throws -> Node {
        // Values that are no sections on either side are replaced as a whole.
        guard var section = base.mapping, let changed = changes.mapping else {
            if base.mapping != nil {
                throw ConfigError.invalidValue(
                    file: file, key: path, expected: "a section with keys",
                    found: "'\(changes.scalar?.string ?? "a list")'")
            }
            return changes
        }
        for (key, value) in changed {
            let name = key.string ?? "\(key)"
            let dotted = path.isEmpty ? name : "\(path).\(name)"
            guard let current = section[key] else {
                let known: [String] = section.keys.compactMap(\.string)
                let nearest = SpellingDistance.nearest(to: name, among: known)
                throw ConfigError.unknownKey(
                    file: file, key: dotted,
                    nearest: nearest.map { path.isEmpty ? $0 : "\(path).\($0)" })
            }
            section[key] = try merge(current, with: value, path: dotted, file: file)
        }
        return .mapping(section)
    }

    private static func decode<Config: Decodable>(_ node: Node, file: String?) throws -> Config {
        do {
            return try YAMLDecoder().decode(Config.self, from: node)
        } catch let error as DecodingError {
            let context: DecodingError.Context
            var expected: String?
            switch error {
            case .typeMismatch(let type, let found):
                (context, expected) = (found, name(of: type))
            case .valueNotFound(let type, let found):
                (context, expected) = (found, name(of: type))
            case .keyNotFound(let key, let found):
                (context, expected) = (found, "the key '\(key.stringValue)'")
            case .dataCorrupted(let found): context = found
            @unknown default: throw error
            }
            let path = context.codingPath.map(\.stringValue)
            let found = path.reduce(Optional(node)) { node, key in node?.mapping?[Node(key)] }
            if let expected {
                throw ConfigError.invalidValue(
                    file: file, key: path.joined(separator: "."), expected: expected,
                    found: found?.scalar.map { "'\($0.string)'" } ?? "another kind of value")
            }
            // Choices and designs say themselves what they expected and found.
            let parts = context.debugDescription.components(separatedBy: "; found ")
            throw ConfigError.invalidValue(
                file: file, key: path.joined(separator: "."),
                expected: parts[0].replacingOccurrences(of: "expected ", with: ""),
                found: parts.count > 1
                    ? parts[1] : found?.scalar.map { "'\($0.string)'" } ?? "another value")
        }
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is Int.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        default: "\(type)"
        }
    }

    private static func flatten(_ node: Node, _ path: String = "") -> [String: String] {
        guard let mapping = node.mapping else {
            return [path: (try? Yams.serialize(node: node))?.trimmed ?? ""]
        }
        var result: [String: String] = [:]
        for (key, value) in mapping {
            let name = key.string ?? "\(key)"
            result.merge(flatten(value, path.isEmpty ? name : "\(path).\(name)")) { $1 }
        }
        return result
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

/// How far two spellings are apart.
enum SpellingDistance {
    /// The closest of some names, if one is close enough to be meant.
    static func nearest(to name: String, among names: [String]) -> String? {
        let scored = names.map { ($0, distance(name, $0)) }
        guard let best = scored.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }) else { return nil }
        return best.1 <= max(2, name.count / 2) ? best.0 : nil
    }

    /// Insertions, deletions and substitutions from one text to the other (Levenshtein).
    static func distance(_ a: String, _ b: String) -> Int {
        let target = Array(b)
        var row = Array(0...target.count)
        for (i, character) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in target.enumerated() {
                let substituted = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}
