import Foundation
import SpeechObjectives
import Yams

/// YAML in and out for any configuration.
///
/// The encoded defaults say which keys there are: a file and overrides are laid over them, and a
/// key that the defaults lack is an error. So a configuration is an ordinary `Codable` struct with
/// default values, and nothing is written twice.
public enum ConfigDocument {
    /// Reads a configuration: defaults, then what the file inherits, the file, and the overrides.
    ///
    /// * `file`: a YAML run file or the name of a preset; either may list in `defaults` what it
    ///   inherits, names of presets and paths beside the file itself, later ones winning.
    /// * `overrides`: `dotted.key=value`, the value in YAML.
    /// - Throws: `ConfigError`.
    public static func read<Config: Codable>(
        _ defaults: Config, file: String?, overrides: [String] = []
    ) throws -> Config {
        try resolve(defaults, file: file, overrides: overrides).config
    }

    /// Reads the configuration of a run and checks its values.
    ///
    /// * `file`, `overrides`: as for `read`.
    /// - Throws: `ConfigError`, or what the configuration's `validate` throws.
    public static func readRun<Config: TrainingConfig>(
        _ defaults: Config, file: String?, overrides: [String] = []
    ) throws -> Config {
        let (config, layers) = try resolve(defaults, file: file, overrides: overrides)
        func located(
            _ error: any Error, _ key: String, _ expected: String, _ found: String
        ) -> any Error {
            let place = origin(of: key.split(separator: ".").map(String.init), in: layers)
            guard let place else { return error }
            return ConfigError.invalidValue(
                file: place, key: key, expected: expected, found: found)
        }
        do {
            try config.validate()
        } catch let error as ConfigError {
            guard case .invalidValue(nil, let key, let expected, let found) = error else {
                throw error
            }
            throw located(error, key, expected, found)
        } catch let error as ObjectiveError {
            guard case .invalidSetting(let key, let expected, let found) = error else {
                throw error
            }
            throw located(error, key, expected, found)
        } catch let error as DatasetError {
            guard case .invalidSetting(let key, let expected, let found) = error else {
                throw error
            }
            throw located(error, key, expected, found)
        }
        return config
    }

    private static func resolve<Config: Codable>(
        _ defaults: Config, file: String?, overrides: [String]
    ) throws -> (config: Config, layers: [ConfigLayer]) {
        let files = try file.map { try ConfigLayers($0).layers } ?? []
        let changes = try overrides.map { ConfigLayer(node: try parse(override: $0), source: nil) }
        let variants = variantKey(of: defaults).map { key in
            Variants(files: files, overrides: changes, key: key)
        }
        let layers = files + changes
        let schema = try node(chosen(defaults, variants?.last))
        var document = schema
        for (index, layer) in layers.enumerated() {
            // Another objective's settings are known, but not wanted.
            let other = variants?.ofLayer[index]
            let own = other == variants?.last ? nil : try node(chosen(defaults, other ?? nil))
            document = try merge(
                document, with: layer.node, schema, otherwise: own, path: "", file: layer.source)
        }
        return (try decode(document, schema, layers), layers)
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

    private static func variantKey<Config>(of defaults: Config) -> [String]? {
        (defaults as? any VariantConfig).map { type(of: $0).variantKey }
    }

    /// The defaults of a variant.
    private static func chosen<Config>(_ defaults: Config, _ name: String?) -> Config {
        guard var variants = defaults as? any VariantConfig, let name else { return defaults }
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

    /// Lays changes over a document.
    ///
    /// Where the defaults have a section its keys are the known ones; other values are replaced, or
    /// completed where both are mappings.
    ///
    /// * `other`: the defaults of the variant that the changes were written for, where another one
    ///   was chosen: keys that only these have are left out.
    private static func merge(
        _ base: Node, with changes: Node, _ schema: Node?, otherwise other: Node?, path: String,
        file: String?
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
            let own = other?.mapping?[key]
            guard let current = section[key] else {
                if own != nil { continue }
                let names: [String] = known.keys.compactMap(\.string)
                let nearest = SpellingDistance.nearest(to: name, among: names)
                throw ConfigError.unknownKey(
                    file: file, key: dotted,
                    nearest: nearest.map { path.isEmpty ? $0 : "\(path).\($0)" })
            }
            section[key] = try merge(
                current, with: value, known[key], otherwise: own, path: dotted, file: file)
        }
        return .mapping(section)
    }

    private static func decode<Config: Decodable>(
        _ node: Node, _ schema: Node, _ layers: [ConfigLayer]
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
            let file = origin(of: context.codingPath.map(component), in: layers)
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

    private static func component(_ key: any CodingKey) -> String {
        key.intValue.map(String.init) ?? key.stringValue
    }

    private static func node(at path: [any CodingKey], in document: Node) -> Node? {
        path.reduce(Optional(document)) { node, key in node.flatMap { part(component(key), of: $0) }
        }
    }

    /// The value of a key, or the entry of a list.
    private static func part(_ name: String, of node: Node) -> Node? {
        if let sequence = node.sequence {
            return Int(name).flatMap { sequence.indices.contains($0) ? sequence[$0] : nil }
        }
        return node.mapping?[Node(name)]
    }

    /// The file or preset that a value comes from; nil where an override or nobody set it.
    private static func origin(of path: [String], in layers: [ConfigLayer]) -> String? {
        var place: String?
        var deepest = 0
        for layer in layers {
            var (node, depth) = (layer.node, 0)
            for name in path {
                guard let next = part(name, of: node) else { break }
                (node, depth) = (next, depth + 1)
            }
            guard depth >= max(1, deepest) else { continue }
            // A section that a layer has in common with the value says nothing.
            if depth < path.count, node.mapping != nil { continue }
            (place, deepest) = (layer.source, depth)
        }
        return place
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

/// Which variant each document of a configuration was written for.
private struct Variants {
    /// By document; nil before any is named.
    let ofLayer: [String?]
    /// The one that was named last.
    let last: String?

    /// * `overrides`: count as one document, for nobody thinks of their order.
    init(files: [ConfigLayer], overrides: [ConfigLayer], key: [String]) {
        func named(_ layer: ConfigLayer) -> String? {
            key.reduce(Optional(layer.node)) { $0?.mapping?[Node($1)] }?.string
        }
        var inForce: String?
        let ofFiles = files.map { layer -> String? in
            inForce = named(layer) ?? inForce
            return inForce
        }
        last = overrides.compactMap { named($0) }.last ?? inForce
        ofLayer = ofFiles + overrides.map { [last] _ in last }
    }
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
