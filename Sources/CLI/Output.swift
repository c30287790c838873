import Foundation

/// How results are printed.
enum Output {
    /// A value as JSON with sorted keys.
    ///
    /// - Throws: what the value's encoding throws.
    static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// A number with as many digits as a person reads.
    static func number(_ value: Double) -> String {
        String(format: abs(value) >= 100 ? "%.0f" : abs(value) >= 10 ? "%.1f" : "%.2f", value)
    }

    /// Hours of audio, with more digits the fewer they are.
    static func hours(_ value: Double) -> String {
        String(format: value >= 100 ? "%.1f" : value >= 1 ? "%.2f" : "%.4f", value)
    }
}
