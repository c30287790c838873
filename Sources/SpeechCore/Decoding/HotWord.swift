/// A word, or some words with spaces between them, that a search shall favour.
public struct HotWord: Sendable, Equatable, Codable {
    /// As it stands in recognised texts.
    public var text: String
    /// What each occurrence adds to the score, in nats; below 0 disfavours it.
    public var boost: Double

    /// Favours a word; a boost of 5 to 15 is usual.
    public init(_ text: String, boost: Double = 10) {
        self.text = text
        self.boost = boost
    }
}

/// Why hot words cannot be used.
public enum HotWordError: ReportedError, Equatable {
    /// A hot word without a character, or with one that no token spells.
    case unspellable(word: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unspellable(let word, let expected, let found):
            "hot word '\(word)': expected \(expected), found \(found)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}

/// All hot words as one automaton over the characters of a text (Aho and Corasick, "Efficient string
/// matching", 1975), so that words that overlap or begin alike are all found.
///
/// In vocabularies with spaces the ends of a hot word are ends of words; in those of characters it may
/// stand anywhere.
struct HotWordAutomaton: Sendable {
    /// (Node, character); nodes are numbered from 1, the root is 0.
    private var children = NGramTable()
    /// The node of the longest proper ending that is a beginning.
    private var fallbacks: [Int] = [0]
    /// Σ boosts of the hot words that end at each node.
    private var gains: [Double] = [0]
    /// What the search lends a hot word that is not complete yet.
    private var loans: [Double] = [0]

    static let space: Unicode.Scalar = " "

    /// - Throws: `HotWordError`.
    init(_ words: [HotWord], _ vocabulary: DecoderVocabulary) throws {
        let isBounded = vocabulary.words != .characters
        let known = Set(vocabulary.scalars.joined())
        var parents = [0]
        var labels: [Unicode.Scalar] = [Self.space]
        for word in words {
            let parts = word.text.unicodeScalars.split { $0.properties.isWhitespace }
            let spelled = parts.joined(separator: [Self.space])
            guard !parts.isEmpty else {
                throw HotWordError.unspellable(
                    word: word.text, expected: "a word", found: "nothing")
            }
            if let missing = spelled.first(where: { !known.contains($0) && $0 != Self.space }) {
                throw HotWordError.unspellable(
                    word: word.text, expected: "characters of the vocabulary",
                    found: "'\(missing)'")
            }
            let bound: [Unicode.Scalar] = isBounded ? [Self.space] : []
            let pattern = bound + Array(spelled) + bound
            var node = 0
            for (place, label) in pattern.enumerated() {
                let (number, isNew) = children.insert(NGramTable.key(node, label.value))
                node = number + 1
                if isNew {
                    gains.append(0)
                    loans.append(0)
                    parents.append(Int(children.keys[number] >> 32))
                    labels.append(label)
                }
                guard place < pattern.count - 1 else { break }
                let read = Double(place + 1 - bound.count)
                let share = read / Double(pattern.count - bound.count)
                loans[node] = max(loans[node], word.boost * share)
            }
            gains[node] += word.boost
        }
        connect(parents, labels)
    }

    /// Finds the fallbacks, from short beginnings to long ones.
    private mutating func connect(_ parents: [Int], _ labels: [Unicode.Scalar]) {
        fallbacks = [Int](repeating: 0, count: gains.count)
        var depths = [Int](repeating: 0, count: gains.count)
        for node in parents.indices.dropFirst() { depths[node] = depths[parents[node]] + 1 }
        for node in depths.indices.dropFirst().sorted(by: { depths[$0] < depths[$1] }) {
            if parents[node] != 0 {
                fallbacks[node] = next(fallbacks[parents[node]], labels[node])
            }
            gains[node] += gains[fallbacks[node]]
            loans[node] = max(loans[node], loans[fallbacks[node]])
        }
    }

    private func next(_ node: Int, _ character: Unicode.Scalar) -> Int {
        var node = node
        while true {
            let child = children.find(NGramTable.key(node, character.value))
            if child >= 0 { return child + 1 }
            if node == 0 { return 0 }
            node = fallbacks[node]
        }
    }

    /// The node behind a character, with the boosts of the hot words that end there.
    func step(_ node: Int, _ character: Unicode.Scalar) -> (node: Int, gain: Double) {
        let node = next(node, character)
        return (node, gains[node])
    }

    /// The most that one character adds, at least 0.
    var bestGain: Double { max(0, gains.max() ?? 0) }

    /// The most that the search lends.
    var bestLoan: Double { loans.max() ?? 0 }

    /// What the search lends at a node.
    func loan(_ node: Int) -> Double { loans[node] }
}
