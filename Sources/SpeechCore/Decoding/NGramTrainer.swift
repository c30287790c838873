import Foundation

/// Counts the n-grams of texts and estimates a model of them by interpolated modified Kneser–Ney
/// smoothing (Chen and Goodman, "An empirical study of smoothing techniques for language modeling",
/// 1998, section 3; as in lmplz, Heafield et al., "Scalable modified Kneser-Ney language model
/// estimation", 2013).
///
/// A sentence is `<s> w1 … wm </s>`. An n-gram of the highest order, or one that begins with `<s>`, counts
/// as often as it occurs; any other as often as there are different words before it.
public struct NGramTrainer: Sendable {
    /// What is trained.
    public struct Settings: Sendable, Codable, Equatable {
        /// The length of the longest n-grams, 1 to 6.
        public var order = 3
        /// For each order from 1: n-grams that occur at most so often are left out.
        ///
        /// The last holds for all higher orders; the first is 0, and they do not fall.
        public var prune: [Int] = [0]
        /// What is predicted.
        public var unit = NGramModel.Unit.word

        /// Trigrams of words, none pruned.
        public init() {}
    }

    /// n-grams of one order: a trie over their words from the first to the last.
    struct Level: Sendable {
        /// (The n-gram without its last word, the last word); single words by themselves.
        var table = NGramTable()
        /// How often each occurs.
        var occurrences: [Int] = []
        /// How many different words stand before each.
        var predecessors: [Int] = []
        /// The n-gram without its first word.
        var suffixes: [UInt32] = []
    }

    /// What is trained.
    public let settings: Settings
    /// Lines of text, the empty ones not counted.
    public private(set) var sentenceCount = 0
    /// Units of the text without ends of sentences.
    public private(set) var unitCount = 0
    private(set) var words = ["<unk>", "<s>", "</s>"]
    private var numbers: [String: Int] = ["<unk>": 0, "<s>": 1, "</s>": 2]
    private(set) var levels: [Level]

    static let start = 1
    static let end = 2

    /// Begins without any text.
    ///
    /// - Throws: `NGramError.invalidSetting`.
    public init(_ settings: Settings) throws {
        func fail(_ key: String, _ expected: String, _ found: String) -> NGramError {
            .invalidSetting(key: key, expected: expected, found: found)
        }
        guard (1...6).contains(settings.order) else {
            throw fail("order", "1 to 6", "\(settings.order)")
        }
        let prune = settings.prune
        guard prune.first == 0, prune.count <= settings.order,
            zip(prune, prune.dropFirst()).allSatisfy({ $0 <= $1 })
        else {
            throw fail(
                "prune",
                "at most \(settings.order) numbers that begin with 0 and do not fall",
                prune.map(String.init).joined(separator: ","))
        }
        self.settings = settings
        levels = (0..<settings.order).map { _ in Level() }
        for id in words.indices { _ = node(1, parent: 0, word: id, suffix: 0) }
    }

    /// Adds the sentences of a text file, one a line, which gzip may have compressed.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.badLines` for lines that are not UTF-8,
    ///   or `NGramError.reservedWord`.
    public mutating func add(path: String) throws {
        try TextLines.forEach(path: path) { number, line in
            try add(line, path: path, line: number)
        }
    }

    /// Adds a sentence.
    ///
    /// * `path`, `line`: where it comes from, for messages.
    /// - Throws: `NGramError.reservedWord`.
    public mutating func add(_ sentence: String, path: String = "text", line: Int = 1) throws {
        let units = settings.unit.units(of: sentence)
        guard !units.isEmpty else { return }
        let reserved: Set<String> = ["<s>", "</s>", "<unk>", "<UNK>"]
        if settings.unit == .word,
            let word = units.first(where: { reserved.contains($0) || $0 == NGramModel.Unit.space })
        {
            throw NGramError.reservedWord(path: path, line: line, found: word)
        }
        sentenceCount += 1
        unitCount += units.count
        /// The n-grams that end at the word before, by length from 1.
        var endings = [Self.start]
        for unit in units { extend(&endings, number(of: unit)) }
        extend(&endings, Self.end)
    }

    private mutating func number(of word: String) -> Int {
        if let number = numbers[word] { return number }
        let number = words.count
        numbers[word] = number
        words.append(word)
        _ = node(1, parent: 0, word: number, suffix: 0)
        return number
    }

    /// Counts all n-grams that end with a word.
    private mutating func extend(_ endings: inout [Int], _ word: Int) {
        var next = [word]
        levels[0].occurrences[word] += 1
        for length in 2..<max(2, min(settings.order, endings.count + 1) + 1) {
            let suffix = next[length - 2]
            let (index, isNew) = node(
                length, parent: endings[length - 2], word: word, suffix: suffix)
            if isNew { levels[length - 2].predecessors[suffix] += 1 }
            levels[length - 1].occurrences[index] += 1
            next.append(index)
        }
        endings = next
    }

    private mutating func node(
        _ length: Int, parent: Int, word: Int, suffix: Int
    ) -> (number: Int, isNew: Bool) {
        let result = levels[length - 1].table.insert(NGramTable.key(parent, UInt32(word)))
        if result.isNew {
            levels[length - 1].occurrences.append(0)
            levels[length - 1].predecessors.append(0)
            levels[length - 1].suffixes.append(UInt32(suffix))
        }
        return result
    }

    /// Estimates the model of all that was added.
    ///
    /// - Throws: `NGramError.noText` where nothing was.
    public func estimate() throws -> NGramEstimate {
        guard sentenceCount > 0 else { throw NGramError.noText(paths: []) }
        return NGramEstimate(self)
    }
}
