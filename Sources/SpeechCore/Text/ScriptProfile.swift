/// Which scripts a text is written in.
public struct ScriptProfile: Sendable, Equatable {
    /// The number of characters of one script.
    public struct Part: Sendable, Equatable {
        /// The script.
        public let script: UnicodeScript
        /// Characters (Unicode scalars) of it.
        public internal(set) var count: Int
    }

    /// The scripts in the order in which they first appear.
    public private(set) var parts: [Part] = []
    /// Whether there is a letter or a number at all, of any script.
    public private(set) var hasContent = false
    /// The first word that has letters of several alphabets that look alike: Latin, Cyrillic, Greek.
    public private(set) var mixedWord: String?

    /// Characters of all scripts together; those that many scripts share are not counted.
    public var count: Int { parts.reduce(0) { $0 + $1.count } }

    /// The script with the most characters, of equals the first; nil where there is none.
    public var main: UnicodeScript? {
        parts.reduce(nil as Part?) { best, part in
            best.map { $0.count >= part.count } == true ? best : part
        }?.script
    }

    /// The share of characters outside some scripts, 0 to 1; 0 for a text without any.
    public func share(outside scripts: [UnicodeScript]) -> Double {
        let all = count
        guard all > 0 else { return 0 }
        let foreign = parts.reduce(0) { $0 + (scripts.contains($1.script) ? 0 : $1.count) }
        return Double(foreign) / Double(all)
    }

    /// Looks at every character of a text.
    public init(_ text: String) {
        var range: ScriptRange?
        var word = Word()
        for scalar in text.unicodeScalars {
            if range?.contains(scalar.value) != true { range = ScriptRange.find(scalar.value) }
            if let script = range?.script {
                hasContent = true
                add(script)
                word.add(scalar, script)
            } else if scalar.isCombining {
                word.add(scalar, nil)
            } else {
                if !hasContent { hasContent = scalar.isContent }
                finish(&word)
            }
        }
        finish(&word)
    }

    /// Letters without anything between them.
    private struct Word {
        var text = String.UnicodeScalarView()
        var alphabet: UnicodeScript?
        var isMixed = false

        mutating func add(_ scalar: Unicode.Scalar, _ script: UnicodeScript?) {
            text.append(scalar)
            guard let script, script.isLookAlike, script != alphabet else { return }
            isMixed = alphabet != nil
            alphabet = script
        }
    }

    private mutating func finish(_ word: inout Word) {
        if word.isMixed, mixedWord == nil { mixedWord = String(word.text) }
        if !word.text.isEmpty { word = Word() }
    }

    private mutating func add(_ script: UnicodeScript) {
        if let index = parts.firstIndex(where: { $0.script == script }) {
            parts[index].count += 1
        } else {
            parts.append(Part(script: script, count: 1))
        }
    }
}

extension Unicode.Scalar {
    /// A mark on the letter before it that every script may use.
    fileprivate var isCombining: Bool { (0x300...0x36F).contains(value) }

    /// A letter or number without a script of its own.
    fileprivate var isContent: Bool {
        isASCII
            ? (0x30...0x39).contains(value)
            : properties.isAlphabetic || properties.numericType != nil
    }
}
