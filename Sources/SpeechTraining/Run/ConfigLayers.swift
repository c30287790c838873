import Foundation
import Yams

/// One of the documents that a configuration is made of.
struct ConfigLayer {
    /// Its keys, without `defaults`.
    let node: Node
    /// The file or preset, as errors name it; nil for overrides.
    let source: String?
}

/// Collects the documents of a run file: what it inherits, then itself.
///
/// `defaults` at the top of a document lists presets and files; each is laid down with everything
/// that it inherits in turn, later ones over earlier ones. What several of them inherit is laid
/// down once, the first time, so that it never covers what another one has changed.
struct ConfigLayers {
    /// The key that lists what a document inherits.
    private static let key = "defaults"

    /// The documents, the one that wins last.
    private(set) var layers: [ConfigLayer] = []
    private var taken: Set<Source> = []
    /// The documents that are being read, each inherited by the one before.
    private var open: [Source] = []

    /// Reads a run file, or a preset by its name.
    ///
    /// - Throws: `ConfigError`.
    init(_ name: String) throws {
        try add(Source(name, beside: nil, place: nil))
    }

    private mutating func add(_ source: Source) throws {
        guard taken.insert(source).inserted else { return }
        open.append(source)
        defer { open.removeLast() }
        guard var keys = try source.document().mapping else {
            throw ConfigError.unreadable(file: source.name, reason: "a document without keys")
        }
        let inherited = keys[Node(Self.key)]
        keys = Node.Mapping(keys.filter { $0.key != Node(Self.key) }.map { ($0.key, $0.value) })
        for (index, entry) in try entries(inherited, of: source).enumerated() {
            let place = (file: source.name, key: "\(Self.key)[\(index)]")
            let next = try Source(entry, beside: source, place: place)
            if open.contains(next) {
                let circle = (open + [next]).map(\.name).joined(separator: " -> ")
                throw ConfigError.invalidValue(
                    file: place.file, key: place.key,
                    expected: "a preset or file that does not inherit this one",
                    found: "the circle \(circle)")
            }
            try add(next)
        }
        layers.append(ConfigLayer(node: .mapping(keys), source: source.name))
    }

    private func entries(_ node: Node?, of source: Source) throws -> [String] {
        guard let node, node.tag != Tag(.null) else { return [] }
        func refused(_ key: String, _ found: String) -> ConfigError {
            .invalidValue(
                file: source.name, key: key, expected: "a list of presets and run files",
                found: found)
        }
        guard let sequence = node.sequence else {
            throw refused(Self.key, node.scalar.map { "'\($0.string)'" } ?? "a section with keys")
        }
        return try sequence.enumerated().map { index, entry in
            guard let scalar = entry.scalar, !scalar.string.isEmpty else {
                throw refused("\(Self.key)[\(index)]", "no name")
            }
            return scalar.string
        }
    }
}

extension ConfigLayers {
    /// Where a document stands.
    private enum Source: Hashable {
        case preset(Preset)
        /// As it was named, and where that is.
        case file(name: String, path: String)

        /// Finds what a name means: names that end like a YAML file or hold a slash are files,
        /// beside the file that names them; others are presets first.
        init(
            _ name: String, beside other: Source?, place: (file: String, key: String)?
        ) throws {
            let isPath =
                name.hasSuffix(".yaml") || name.hasSuffix(".yml") || name.contains("/")
            if !isPath, let preset = Preset.named(name) {
                self = .preset(preset)
                return
            }
            var path = name
            if !name.hasPrefix("/"), case .file(let parent, _) = other {
                let folder = (parent as NSString).deletingLastPathComponent
                path = (folder as NSString).appendingPathComponent(name)
            }
            // Only the command line names files without their ending.
            let exists = FileManager.default.fileExists(atPath: path)
            guard isPath || (place == nil && exists) else {
                throw ConfigError.unknownPreset(
                    file: place?.file, key: place?.key ?? "--config", name: name)
            }
            if let place {
                var isFolder: ObjCBool = false
                guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                    !isFolder.boolValue
                else {
                    throw ConfigError.invalidValue(
                        file: place.file, key: place.key, expected: "a preset or a YAML run file",
                        found: "'\(path)', which is \(exists ? "a folder" : "no file")")
                }
            }
            self = .file(
                name: path, path: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
        }

        var name: String {
            switch self {
            case .preset(let preset): "preset \(preset.name)"
            case .file(let name, _): name
            }
        }

        static func == (a: Source, b: Source) -> Bool {
            switch (a, b) {
            case (.preset(let one), .preset(let other)): one.name == other.name
            case (.file(_, let one), .file(_, let other)): one == other
            default: false
            }
        }

        func hash(into hasher: inout Hasher) {
            switch self {
            case .preset(let preset): hasher.combine(preset.name)
            case .file(_, let path): hasher.combine(path)
            }
        }

        /// Parses the document.
        func document() throws -> Node {
            do {
                let document = try Yams.compose(yaml: text()) ?? Node.mapping(.init([]))
                guard document.mapping != nil else {
                    throw ConfigError.unreadable(file: name, reason: "a document without keys")
                }
                return document
            } catch let error as YamlError {
                throw ConfigError.unreadable(file: name, reason: "\(error)")
            }
        }

        private func text() throws -> String {
            guard case .file(let file, _) = self else {
                guard case .preset(let preset) = self else { return "" }
                return preset.text
            }
            do {
                return try String(contentsOfFile: file, encoding: .utf8)
            } catch {
                var isFolder: ObjCBool = false
                let exists = FileManager.default.fileExists(atPath: file, isDirectory: &isFolder)
                let found = isFolder.boolValue ? "a folder" : "a file that is not UTF-8 text"
                throw ConfigError.unreadable(file: file, reason: exists ? found : "no such file")
            }
        }
    }
}
