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
        var layers: [(node: Node, file: String?)] = []
        if let file { layers.append((try parse(file: file), file)) }
        layers += try overrides.map { (try parse(override: $0), nil) }
        let schema = try node(chosen(defaults, by: layers.map(\.node)))
        var document = schema
        for layer in layers {
            document = try merge(document, with: layer.node, schema, path: "", file: layer.file)
        }
        return try decode(document, schema, file: file)
    }

    /// The configuration as a YAML text with every key.
    public static func text<Config: Encodable>(_ config: Config) throws -> String {
        try Yams.serialize(node: plainNumbers(node(config)))
    }

    /// The dotted keys whose values differ between two configurations, with both values.
    public static func differences<Config: Encodable>(
        _ a: Config, _ b: Config
    ) throws -> [(key: String, first: String, second: String)] {
        let first = flatten(plainNumbers(try node(a)))
        let second = flatten(plainNumbers(try node(b)))
        return Set(first.keys).union(second.keys).sorted().compactMap { key in
            let (one, other) = (first[key] ?? "nothing", second[key] ?? "nothing")
            return one == other ? nil : (key, one, other)
        }
    }

    private static func node(_ config: some Encodable) throws -> Node {
        try Yams.compose(yaml: YAMLEncoder().encode(config)) ?? Node.mapping(.init([]))
    }

    /// Numbers as people write them: 0.65 and not 6.5e-1.
    private static func plainNumbers(_ node: Node) -> Node {
        switch node {
        case .mapping(var mapping):
            for (key, value) in mapping { mapping[key] = plainNumbers(value) }
            return .mapping(mapping)
        case .sequence(var sequence):
            for index in sequence.indices { sequence[index] = plainNumbers(sequence[index]) }
            return .sequence(sequence)
        case .scalar(var scalar):
            guard node.tag == Tag(.float), let value = Double(scalar.string), value.isFinite
            else { return node }
            scalar.string = "\(value)"
            return .scalar(scalar)
        default:
            return node
        }
    }

    /// The defaults of the variant that the last of some documents names.
    private static func chosen<Config>(_ defaults: Config, by documents: [Node]) -> Config {
        guard var variants = defaults as? any VariantConfig else { return defaults }
        let named = documents.compactMap { document in
            type(of: variants).variantKey.reduce(Optional(document)) { $0?.mapping?[Node($1)] }
        }
        guard let name = named.last?.string else { return defaults }
        variants.choose(variant: name)
        return variants as! Config
    }

    /// `dotted.key=value` as a document.
    private static func parse(override: String) throws -> Node {
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
        return key.split(separator: ".").reversed().reduce(value) { inner, part in
            Node.mapping(.init([(Node(String(part)), inner)]))
        }
    }

    private static func parse(file: String) throws -> Node {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            var isFolder: ObjCBool = false
            let exists = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
            let found = isFolder.boolValue ? "a folder" : "a file that is not UTF-8 text"
            throw ConfigError.unreadable(file: file, reason: exists ? found : "no such file")
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

    /// Lays changes over a document.
    ///
    /// Where the defaults have a section its keys are the known ones; other values are replaced, or
    /// completed where both are mappings.
    private static func merge(
        _ base: Node, with changes: Node, _ schema: Node?, path: String, file: String?
    ) throws -> Node {
        guard let known = schema?.mapping else {
            guard var parts = base.mapping, let changed = changes.mapping else { return changes }
            for (key, value) in changed { parts[key] = value }
            return .mapping(parts)
        }
        // A section all of whose keys are commented out.
        if file != nil, changes.tag == Tag(.null) { return base }
        guard var section = base.mapping, let changed = changes.mapping else {
            throw ConfigError.invalidValue(
                file: file, key: path, expected: "a section with keys", found: found(changes))
        }
        for (key, value) in changed {
            let name = key.string ?? "\(key)"
            let dotted = path.isEmpty ? name : "\(path).\(name)"
            guard let current = section[key] else {
                let names: [String] = known.keys.compactMap(\.string)
                let nearest = SpellingDistance.nearest(to: name, among: names)
                throw ConfigError.unknownKey(
                    file: file, key: dotted,
                    nearest: nearest.map { path.isEmpty ? $0 : "\(path).\($0)" })
            }
            section[key] = try merge(current, with: value, known[key], path: dotted, file: file)
        }
        return .mapping(section)
    }

    private static func decode<Config: Decodable>(
        _ node: Node, _ schema: Node, file: String?
    ) throws -> Config {
        do {
            return try YAMLDecoder().decode(Config.self, from: node)
        } catch let error as DecodingError {
            let context: DecodingError.Context
            var expected: String?
            switch error {
            case .typeMismatch(let type, let found), .valueNotFound(let type, let found):
                context = found
                expected = name(of: type) ?? kind(self.node(at: found.codingPath, in: schema))
            case .keyNotFound(let key, let found):
                (context, expected) = (found, "the key '\(key.stringValue)'")
            case .dataCorrupted(let found): context = found
            @unknown default: throw error
            }
            let place = self.node(at: context.codingPath, in: node)
            // Choices and designs say themselves what they expected and found.
            let parts = context.debugDescription.components(separatedBy: "; found ")
            let said = parts[0].replacingOccurrences(of: "expected ", with: "")
            throw ConfigError.invalidValue(
                file: file, key: dotted(context.codingPath), expected: expected ?? said,
                found: expected == nil && parts.count > 1 ? parts[1] : found(place))
        }
    }

    /// `optimizer.betas[1]`.
    private static func dotted(_ path: [any CodingKey]) -> String {
        path.reduce("") { text, key in
            if let index = key.intValue { return "\(text)[\(index)]" }
            return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
        }
    }

    private static func node(at path: [any CodingKey], in document: Node) -> Node? {
        path.reduce(Optional(document)) { node, key in
            guard let index = key.intValue else { return node?.mapping?[Node(key.stringValue)] }
            let sequence = node?.sequence ?? []
            return sequence.indices.contains(index) ? sequence[index] : nil
        }
    }

    private static func name(of type: Any.Type) -> String? {
        switch type {
        case is Int.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        case is Bool.Type: "true or false"
        case is String.Type: "a text"
        default: nil
        }
    }

    /// What a default value shows that its key takes; the decoder itself speaks of YAML's kinds.
    private static func kind(_ value: Node?) -> String {
        switch value {
        case .mapping: "a section with keys"
        case .sequence: "a list"
        case .some(let value) where value.tag == Tag(.int): "a whole number"
        case .some(let value) where value.tag == Tag(.float): "a number"
        case .some(let value) where value.tag == Tag(.bool): "true or false"
        default: "a text"
        }
    }

    private static func found(_ value: Node?) -> String {
        switch value {
        case .scalar(let scalar): "'\(scalar.string)'"
        case .sequence: "a list"
        case .mapping: "a section with keys"
        default: "nothing"
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

/// A configuration that has other keys for each value of one of them.
public protocol VariantConfig {
    /// Where the deciding value stands, from the outermost section on.
    static var variantKey: [String] { get }
    /// Takes the defaults that belong to a value.
    mutating func choose(variant: String)
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
