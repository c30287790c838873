/// All rows of tokens that a search has kept, as a tree.
struct PrefixTree {
    /// A row of tokens, one more than its parent's; parents have lower numbers.
    struct Prefix {
        var parent: Int
        let token: Int
        let text: TextScorer.Text
        /// What the search adds to the score of the text while its last word is not complete.
        let loan: Double
        /// Its place in the beam; -1 outside.
        var place = -1
        /// The text with its last word ended, once it is known.
        var closed: TextScorer.Text??
    }

    private(set) var prefixes: [Prefix]
    /// (Parent, token) of all prefixes but the empty one, which is number 0.
    private var children = NGramTable()

    /// * `start`: the text of the empty row.
    init(start: TextScorer.Text, loan: Double) {
        prefixes = [Prefix(parent: -1, token: -1, text: start, loan: loan, place: 0)]
    }

    var count: Int { prefixes.count }

    subscript(number: Int) -> Prefix {
        @inline(__always) get { prefixes[number] }
    }

    mutating func move(_ number: Int, to place: Int) { prefixes[number].place = place }

    /// The text of a prefix with its last word ended; nil where the lexicon does not have that word.
    mutating func closed(_ number: Int, _ scorer: TextScorer) -> TextScorer.Text? {
        if let known = prefixes[number].closed { return known }
        let text = scorer.close(prefixes[number].text)
        prefixes[number].closed = .some(text)
        return text
    }

    /// The number of a prefix with one token more.
    mutating func child(
        _ parent: Int, token: Int, text: TextScorer.Text, loan: Double
    ) -> Int {
        let (number, isNew) = children.insert(NGramTable.key(parent, UInt32(token)))
        if isNew {
            prefixes.append(Prefix(parent: parent, token: token, text: text, loan: loan))
        }
        return number + 1
    }

    /// The longest prefix that all of some share.
    func commonAncestor(_ numbers: some Sequence<Int>) -> Int {
        var common: Int?
        for number in numbers {
            guard var shared = common else {
                common = number
                continue
            }
            var other = number
            while shared != other {
                if shared > other {
                    shared = prefixes[shared].parent
                } else {
                    other = prefixes[other].parent
                }
            }
            common = shared
        }
        return common ?? 0
    }

    /// Throws away all but some prefixes and their ancestors, and gives the new numbers by the old ones.
    mutating func compact(keeping numbers: some Sequence<Int>) -> [Int] {
        var isUsed = [Bool](repeating: false, count: prefixes.count)
        isUsed[0] = true
        for var number in numbers {
            while !isUsed[number] {
                isUsed[number] = true
                number = prefixes[number].parent
            }
        }
        var newNumbers = [Int](repeating: -1, count: prefixes.count)
        var kept: [Prefix] = []
        children = NGramTable()
        for number in prefixes.indices where isUsed[number] {
            newNumbers[number] = kept.count
            var prefix = prefixes[number]
            if number > 0 {
                prefix.parent = newNumbers[prefix.parent]
                _ = children.insert(NGramTable.key(prefix.parent, UInt32(prefix.token)))
            }
            kept.append(prefix)
        }
        prefixes = kept
        return newNumbers
    }
}
