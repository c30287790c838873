/// A line of a manifest that may not be fit to be used.
package struct ManifestLine: Sendable {
    /// What a line says.
    package enum Content: Sendable {
        case utterance(Utterance)
        case fault(Fault)
    }

    /// A line at fault, and what can be read of it all the same.
    package struct Fault: Sendable {
        /// The line's number and what is wrong.
        package let fault: ManifestError.LineFault
        /// The language.
        package var lang: String?
        /// Seconds above 0.
        package var duration: Double?
        /// Whether a text is there and has nothing in it.
        package var hasBlankText = false
    }

    /// The number of the line, from 1.
    package let number: Int
    /// Where the line stands in a file of JSON Lines, without its end; empty in other formats.
    package let bytes: Range<Int>
    /// What it says.
    package let content: Content
}
