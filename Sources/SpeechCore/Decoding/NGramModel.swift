import Foundation

/// An n-gram language model with back-off, as ARPA files hold it.
///
/// ```
/// p(w | c1 … ck) = P(c1 … ck w)                    where the model has that n-gram
///                = B(c1 … ck) · p(w | c2 … ck)     else, with B = 1 where there is none
/// ```
///
/// All logarithms here are natural ones. An n-gram takes about 24 bytes: n-grams are the nodes of a trie
/// over their words from the last to the first, so that one walk finds the longest match, the factors of
/// back-off and the next state (Heafield, "KenLM: faster and smaller language model queries", 2011,
/// section 4.1).
public struct NGramModel: Sendable {
    /// What a model predicts.
    public enum Unit: String, Sendable, Codable, CaseIterable {
        /// What stands between spaces.
        case word
        /// Unicode scalars; a space is the unit `<space>`.
        case character

        /// The unit that stands for a space between words.
        public static let space = "<space>"

        /// The units of a text.
        public func units(of text: some StringProtocol) -> [String] {
            let words: [String] = text.unicodeScalars.split { $0.properties.isWhitespace }
                .map { String(String.UnicodeScalarView($0)) }
            guard self == .character else { return words }
            let characters = words.map { word in word.unicodeScalars.map { String($0) } }
            return Array(characters.joined(separator: [Self.space]))
        }
    }

    /// The words that a prediction depends on: the longest that the model knows.
    public struct State: Sendable, Hashable {
        /// How many words.
        var length: Int32
        /// The n-gram of these words.
        var index: UInt32

        /// Nothing is known.
        static let empty = State(length: 0, index: 0)
    }

    /// The n-grams of one order.
    struct Level: Sendable {
        /// (The n-gram without its first word, the first word); not used for single words.
        var table = NGramTable()
        /// ln P.
        var probabilities: [Float] = []
        /// ln B, 0 where there is none; empty for the highest order.
        var backoffs: [Float] = []
    }

    /// The length of the longest n-grams.
    public let order: Int
    /// What the model predicts.
    public let unit: Unit
    /// The words by their number, `<s>`, `</s>` and `<unk>` among them.
    public let words: [String]
    /// The number of n-grams of each order, from 1.
    public var counts: [Int] { levels.map(\.probabilities.count) }
    /// The number of the unknown word.
    public let unknown: Int
    /// The number of `</s>`; nil in a model without.
    public let sentenceEnd: Int?
    /// The unit for a space in a model of characters: `<space>`, `|` or `▁`; nil where it has none.
    let space: Int?
    private let sentenceStart: Int?
    /// Words by the hash of their text.
    private let numbers: NGramTable
    private let levels: [Level]

    /// * `levels`: orders from 1; words are numbered in the order of the first.
    /// * `unit`: nil where the words are to tell.
    init(levels: [Level], words: [String], numbers: NGramTable, unit: Unit?) {
        func number(_ word: String) -> Int? {
            let found = numbers.find(WordHash(word).value)
            return found < 0 ? nil : found
        }
        let special: Set<String> = ["<s>", "</s>", "<unk>", "<UNK>", Unit.space]
        let hasWords = words.contains { $0.unicodeScalars.count > 1 && !special.contains($0) }
        order = levels.count
        self.levels = levels
        self.words = words
        self.numbers = numbers
        self.unit = unit ?? (hasWords ? .word : .character)
        unknown = number("<unk>") ?? number("<UNK>") ?? 0
        sentenceStart = number("<s>")
        sentenceEnd = number("</s>")
        space = number(Unit.space) ?? number("|") ?? number("▁")
    }

    /// The number of a word, that of the unknown one where the model does not have it.
    public func number(of word: String) -> Int { number(of: WordHash(word)) }

    func number(of hash: WordHash) -> Int {
        let found = numbers.find(hash.value)
        return found < 0 ? unknown : found
    }

    /// Whether a number is that of `<s>`, `</s>` or `<unk>`.
    func isSpecial(_ number: Int) -> Bool {
        number == unknown || number == sentenceStart || number == sentenceEnd
    }

    /// The state at the beginning of a sentence.
    public var start: State {
        guard order > 1, let sentenceStart else { return .empty }
        return State(length: 1, index: UInt32(sentenceStart))
    }

    /// ln p(word | state), and the state behind the word.
    ///
    /// * `word`: the number of a word.
    public func score(_ word: Int, after state: State) -> (logProbability: Double, next: State) {
        let length = Int(state.length)
        guard length > 0 else {
            let next = order > 1 ? State(length: 1, index: UInt32(word)) : .empty
            return (Double(levels[0].probabilities[word]), next)
        }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: length) { context in
            // Of the last word, the last two, and so on.
            withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { backoffs in
                var index = Int(state.index)
                for place in stride(from: length - 1, to: 0, by: -1) {
                    backoffs[place] = levels[place].backoffs[index]
                    let key = levels[place].table.keys[index]
                    context[place] = UInt32(truncatingIfNeeded: key)
                    index = Int(key >> 32)
                }
                context[0] = UInt32(index)
                backoffs[0] = levels[0].backoffs[index]
                var found = word
                var matched = 0
                while matched < length {
                    let child = levels[matched + 1].table.find(
                        NGramTable.key(found, context[matched]))
                    if child < 0 { break }
                    found = child
                    matched += 1
                }
                var sum = Double(levels[matched].probabilities[found])
                for place in matched..<length { sum += Double(backoffs[place]) }
                guard matched == order - 1 else {
                    return (sum, State(length: Int32(matched + 1), index: UInt32(found)))
                }
                // The longest n-grams are no contexts; their parent lacks the first word.
                let parent = levels[matched].table.keys[found] >> 32
                return (sum, State(length: Int32(matched), index: UInt32(parent)))
            }
        }
    }

    /// ln p(word | context) of words by their text; of the context only the last ones count.
    public func logProbability(of word: String, after context: [String]) -> Double {
        var state = State.empty
        for word in context { state = score(number(of: word), after: state).next }
        return score(number(of: word), after: state).logProbability
    }
}

/// FNV-1a over the UTF-8 of a word, 64 bits: what words are told apart by.
struct WordHash: Sendable, Equatable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    init() {}

    init(_ word: String) { append(word.utf8) }

    mutating func append(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
