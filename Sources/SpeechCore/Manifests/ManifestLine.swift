import Foundation

/// A line of a manifest that may not be fit to be used.
package struct ManifestLine: Sendable {
    /// What a line says.
    package enum Content: Sendable {
        case utterance(Utterance)
        case fault(Fault)
    }

    /// A line at fault, and what can be read of it all the same.
    package struct Fault: Sendable {
        /// What is wrong.
        package let detail: String
        /// The language.
        package private(set) var lang: String?
        /// Seconds above 0.
        package private(set) var duration: Double?
        /// Whether a text is there and has nothing in it.
        package private(set) var hasBlankText = false

        init(detail: String) { self.detail = detail }

        /// Looks into a line of JSON for what is not at fault.
        init(detail: String, _ bytes: UnsafeRawBufferPointer) {
            self.detail = detail
            guard case .object(let object)? = try? JSONValue(parsing: bytes) else { return }
            let line = JSONFile(path: "", object: object)
            lang = try? line.string("lang")
            if let seconds = try? line.number("duration"), seconds > 0 { duration = seconds }
            hasBlankText = ["text", "target_text"].contains { key in
                guard case .string(let text)? = line.value(key) else { return false }
                return text.allSatisfy(\.isWhitespace)
            }
        }
    }

    /// The number of the line, from 1.
    package let number: Int
    /// Where the line stands in a file of JSON Lines, without its end; empty in other formats.
    package let bytes: Range<Int>
    /// What it says.
    package let content: Content

    init(number: Int, bytes: Range<Int>, content: Content) {
        self.number = number
        self.bytes = bytes
        self.content = content
    }

    /// Reads a line of JSON Lines that begins at a byte of its file.
    init(
        _ bytes: UnsafeRawBufferPointer, at start: Int, number: Int, folder: URL
    ) {
        self.number = number
        self.bytes = start..<start + bytes.count
        switch JSONLinesManifest.utterance(bytes, folder: folder) {
        case .success(let utterance): content = .utterance(utterance)
        case .failure(let fault): content = .fault(Fault(detail: fault.detail, bytes))
        }
    }
}
