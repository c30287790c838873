/// A closed choice that configurations name by a word.
///
/// A word that is none of the choices is an error that lists them.
public protocol ConfigChoice: RawRepresentable, CaseIterable, Codable, Hashable, Sendable
where RawValue == String {}

extension ConfigChoice {
    /// Reads the word.
    ///
    /// - Throws: `DecodingError.dataCorrupted` listing all choices.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let word = try container.decode(String.self)
        guard let choice = Self(rawValue: word) else {
            let choices = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected one of \(choices); found '\(word)'")
        }
        self = choice
    }
}
