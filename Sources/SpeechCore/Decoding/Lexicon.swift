/// The only words that a search may give: a trie over their characters.
///
/// Tokens of any length walk it, so a word may be put together from pieces in every way.
public struct Lexicon: Sendable {
    /// The number of different words.
    public let count: Int
    /// (Node, character); nodes are numbered from 1, the root is 0.
    private let children: NGramTable
    /// Whether a word ends at each node.
    private let isWord: [Bool]

    /// The root.
    static let root = 0

    /// Words as they stand in recognised texts.
    public init(_ words: some Sequence<String>) {
        var children = NGramTable()
        var isWord = [false]
        var count = 0
        for word in words where !word.isEmpty {
            var node = Self.root
            for scalar in word.unicodeScalars {
                let (number, isNew) = children.insert(NGramTable.key(node, scalar.value))
                if isNew { isWord.append(false) }
                node = number + 1
            }
            if !isWord[node] { count += 1 }
            isWord[node] = true
        }
        self.children = children
        self.isWord = isWord
        self.count = count
    }

    /// Reads a file with a word a line, which gzip may have compressed; what follows the first space or
    /// tab, such as a spelling, is not read.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.badLines` for lines that are not UTF-8,
    ///   or `NGramError.noText`.
    public init(path: String) throws {
        var words: [String] = []
        try TextLines.forEach(path: path) { _, line in
            let first = line.unicodeScalars.split { $0.properties.isWhitespace }.first
            if let first { words.append(String(first)) }
        }
        guard !words.isEmpty else { throw NGramError.noText(paths: [path]) }
        self.init(words)
    }

    /// The node behind some characters; nil where no word goes on so.
    func node(_ node: Int, _ characters: [Unicode.Scalar]) -> Int? {
        var node = node
        for character in characters {
            let child = children.find(NGramTable.key(node, character.value))
            if child < 0 { return nil }
            node = child + 1
        }
        return node
    }

    /// Whether a word ends at a node.
    func endsWord(at node: Int) -> Bool { isWord[node] }
}
