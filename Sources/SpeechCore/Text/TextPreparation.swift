import Foundation

/// Which of Unicode's normal forms a text is brought into.
public enum TextNormalization: String, ConfigChoice {
    /// As it is written.
    case none
    /// Letters with their marks as one character where there is one (NFC).
    case nfc
    /// As NFC, and forms that only look different become one: full-width letters, ligatures (NFKC).
    case nfkc
}

/// What is done to a text before its characters are taken as labels.
public struct TextPreparation: Sendable, Equatable {
    /// The normal form.
    public var normalization: TextNormalization
    /// Whether capitals become small letters.
    public var lowersCase: Bool

    /// Says what is to be done.
    public init(normalization: TextNormalization = .none, lowersCase: Bool = false) {
        self.normalization = normalization
        self.lowersCase = lowersCase
    }

    /// The text in the normal form, with one space for any white space and none at its ends.
    ///
    /// Combining marks stay where normalisation has no single character for them.
    public func callAsFunction(_ text: String) -> String {
        var text = normalized(text)
        // A small letter may need more than one character, of which some can be put together.
        if lowersCase { text = normalized(text.loweringCase) }
        var result = String.UnicodeScalarView()
        var isBehindSpace = true
        for scalar in text.unicodeScalars {
            let isSpace = scalar.isSpace
            if !isSpace {
                result.append(scalar)
            } else if !isBehindSpace {
                result.append(" ")
            }
            isBehindSpace = isSpace
        }
        if result.last == " " { result.removeLast() }
        return String(result)
    }

    /// Reads what a vocabulary's `tokenizer_config.json` says about the texts that it was made of; nil
    /// where it says nothing.
    init?(_ config: JSONFile) throws {
        guard let name = try config.string("text_normalization") else { return nil }
        guard let form = TextNormalization(rawValue: name) else {
            let forms = TextNormalization.allCases.map(\.rawValue)
            throw JSONFileError.wrongValue(
                path: config.path, key: "text_normalization",
                expected: "one of \(forms.joined(separator: ", "))", found: "the text \"\(name)\"")
        }
        normalization = form
        lowersCase = try config.bool("text_lower_case") ?? false
    }

    /// Writes what `init` reads.
    func write(to config: inout JSONObject) {
        config["text_normalization"] = .string(normalization.rawValue)
        config["text_lower_case"] = .bool(lowersCase)
    }

    private func normalized(_ text: String) -> String {
        switch normalization {
        case .none: text
        case .nfc: text.precomposedStringWithCanonicalMapping
        case .nfkc: text.precomposedStringWithCompatibilityMapping
        }
    }
}

extension Unicode.Scalar {
    /// What Python's `str.isspace` takes for space.
    var isSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}

extension String {
    /// Lower case with the final form of sigma, as Python's `str.lower` has it.
    var loweringCase: String {
        let scalars = Array(unicodeScalars)
        func isCased<S: Sequence<Unicode.Scalar>>(_ neighbours: S) -> Bool {
            neighbours.first { !$0.properties.isCaseIgnorable }?.properties.isCased == true
        }
        return scalars.indices.map { index in
            guard scalars[index] == "\u{3A3}" else {
                return scalars[index].properties.lowercaseMapping
            }
            let isFinal =
                isCased(scalars[..<index].reversed()) && !isCased(scalars[(index + 1)...])
            return isFinal ? "\u{3C2}" : "\u{3C3}"
        }.joined()
    }
}
