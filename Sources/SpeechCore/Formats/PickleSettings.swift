/// The settings in a training checkpoint, whatever holds them: a dictionary, an `argparse.Namespace`
/// or a container of OmegaConf.
///
/// An absent key and None mean the same. Keys that nobody asks for are ignored.
package struct PickleSettings: Sendable {
    private let pickle: Pickle
    private let members: [(key: PickleValue, value: PickleValue)]
    private let path: String
    /// The keys that lead here, for messages.
    private let place: String

    /// Containers of OmegaConf inside each other; real ones have one.
    private static let depthLimit = 8

    /// Takes the members of a value; nil where it has none.
    package init?(_ value: PickleValue, of pickle: Pickle, path: String, place: String = "") {
        guard let members = Self.members(of: value, in: pickle) else { return nil }
        self.pickle = pickle
        self.members = members
        self.path = path
        self.place = place
    }

    private static func members(
        of value: PickleValue, in pickle: Pickle
    ) -> [(key: PickleValue, value: PickleValue)]? {
        var value = unwrapped(value, in: pickle)
        if case .record(let place) = value {
            let record = pickle.records[place]
            value = record.state
            if record.name == "omegaconf.dictconfig.DictConfig" {
                value = pickle.member("_content", of: value) ?? .null
            }
        }
        return pickle.members(value)
    }

    /// The value inside a node of OmegaConf.
    private static func unwrapped(_ value: PickleValue, in pickle: Pickle) -> PickleValue {
        var value = value
        for _ in 0..<depthLimit {
            guard case .record(let place) = value,
                pickle.records[place].name.hasPrefix("omegaconf.nodes."),
                let inner = pickle.member("_val", of: pickle.records[place].state)
            else { break }
            value = inner
        }
        return value
    }

    /// A key as messages name it.
    package func name(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    /// The value of a key, or nil when it is absent or None; the last one where there are several.
    package func value(_ key: String) -> PickleValue? {
        guard let stored = members.last(where: { $0.key == .string(key) })?.value else {
            return nil
        }
        let value = Self.unwrapped(stored, in: pickle)
        return value == .null ? nil : value
    }

    private func read<R>(
        _ key: String, _ expected: String, _ convert: (PickleValue) -> R?
    ) throws -> R? {
        guard let value = value(key) else { return nil }
        guard let result = convert(value) else {
            throw PickleError.wrongSetting(
                path: path, key: name(key), expected: expected, found: value.summary)
        }
        return result
    }

    /// The settings under a key, or nil when it is absent.
    ///
    /// - Throws: `PickleError.wrongSetting` for a value without members.
    package func section(_ key: String) throws -> PickleSettings? {
        try read(key, "a dictionary or an object with settings") {
            PickleSettings($0, of: pickle, path: path, place: name(key))
        }
    }

    /// The text of a key, or nil when it is absent.
    ///
    /// The member of an enumeration is its text.
    ///
    /// - Throws: `PickleError.wrongSetting`.
    package func string(_ key: String) throws -> String? {
        try read(key, "a text") {
            if case .record(let place) = $0,
                case .string(let text)? =
                    pickle.records[place].arguments.first
            {
                return text
            }
            if case .string(let text) = $0 { return text }
            return nil
        }
    }

    /// The truth value of a key, or nil when it is absent.
    ///
    /// - Throws: `PickleError.wrongSetting`.
    package func bool(_ key: String) throws -> Bool? {
        try read(key, "true or false") {
            if case .bool(let flag) = $0 { return flag }
            return nil
        }
    }

    /// The whole number of a key, or nil when it is absent.
    ///
    /// - Throws: `PickleError.wrongSetting`.
    package func integer(_ key: String, in range: ClosedRange<Int>) throws -> Int? {
        try read(key, "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            if case .integer(let value) = $0, range.contains(value) { return value }
            return nil
        }
    }

    /// The number of a key, or nil when it is absent.
    ///
    /// - Throws: `PickleError.wrongSetting`.
    package func number(_ key: String) throws -> Double? {
        try read(key, "a finite number") {
            switch $0 {
            case .integer(let value): return Double(value)
            case .number(let value) where value.isFinite: return value
            default: return nil
            }
        }
    }

    /// The texts in the list of a key, or nil when it is absent.
    ///
    /// - Throws: `PickleError.wrongSetting`.
    package func strings(_ key: String) throws -> [String]? {
        try read(key, "a list of texts") {
            guard let items = pickle.items($0) else { return nil }
            var texts: [String] = []
            for case .string(let text) in items { texts.append(text) }
            return texts.count == items.count ? texts : nil
        }
    }
}
