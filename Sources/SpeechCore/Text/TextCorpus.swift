public import Foundation

/// Texts to make a vocabulary from: transcripts of manifests, lines of text files, or a list.
///
/// Files are read from the disk each time, so a corpus may be larger than memory.
public struct TextCorpus: Sendable {
    /// One text and its language.
    public struct Text: Sendable, Equatable {
        /// The text; nil where a manifest's line has none.
        public var text: String?
        /// The language in the manifest's own code; nil where it is not known.
        public var language: String?

        /// Describes a text.
        public init(_ text: String?, language: String? = nil) {
            self.text = text
            self.language = language
        }
    }

    private enum Source: Sendable {
        case texts([Text])
        case manifest(URL)
        case lines(URL)
    }

    private let sources: [Source]
    private let languages: Set<ExactText>?
    /// Whether translations are taken instead of transcripts.
    private let takesTranslations: Bool
    /// What messages call the corpus.
    public let name: String

    /// Takes texts from memory.
    public init(_ texts: [Text], name: String = "the given texts") {
        sources = [.texts(texts)]
        languages = nil
        takesTranslations = false
        self.name = name
    }

    /// Takes texts from files.
    ///
    /// * `manifests`: Manifests in any format that training reads.
    /// * `files`: Text files in UTF-8, one text a line, of an unknown language.
    /// * `languages`: The languages of manifests to take, in their own codes; nil for all.
    /// * `takesTranslations`: Whether to take the translations and their languages.
    public init(
        manifests: [URL], files: [URL] = [], languages: [String]? = nil,
        takesTranslations: Bool = false
    ) {
        sources = manifests.map { .manifest($0) } + files.map { .lines($0) }
        self.languages = languages.map { Set($0.map { ExactText($0) }) }
        self.takesTranslations = takesTranslations
        name = (manifests + files).map { "'\($0.path)'" }.joined(separator: ", ")
    }

    /// Calls `body` with each text, in the order of files and lines.
    ///
    /// - Throws: `FileSystemError` or `ManifestError` naming file and line, or whatever `body` throws.
    public func forEach(_ body: (Text) throws -> Void) throws {
        for source in sources {
            switch source {
            case .texts(let texts): try texts.forEach(body)
            case .manifest(let url): try forEach(ofManifest: url, body)
            case .lines(let url): try forEach(ofFile: url, body)
            }
        }
    }

    private func forEach(ofManifest url: URL, _ body: (Text) throws -> Void) throws {
        let blocks = try ManifestBlocks(url, ofBytes: 256 << 10)
        for block in 0..<blocks.count {
            for line in blocks.lines(ofBlock: block) {
                switch line.content {
                case .fault(let fault):
                    let fault = ManifestError.LineFault(line: line.number, detail: fault.detail)
                    throw ManifestError.badLines(path: url.path, faults: [fault])
                case .utterance(let utterance):
                    let text =
                        takesTranslations
                        ? Text(utterance.targetText, language: utterance.targetLang)
                        : Text(utterance.text, language: utterance.lang)
                    if let languages {
                        guard let code = text.language, languages.contains(ExactText(code)) else {
                            continue
                        }
                    }
                    try body(text)
                }
            }
        }
    }

    private func forEach(ofFile url: URL, _ body: (Text) throws -> Void) throws {
        try ManifestLines(path: url.path).forEach { number, bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                let fault = ManifestError.LineFault(
                    line: number, detail: "expected UTF-8, found other bytes")
                throw ManifestError.badLines(path: url.path, faults: [fault])
            }
            try body(Text(text))
        }
    }
}
