/// What the words of a language model have in common with a word that is not complete yet.
///
/// By the hash of every beginning of every word: the best ln P of the words that begin so, without what
/// is before them (the maximum that flashlight's decoder keeps in the nodes of its lexicon; Collobert et
/// al., "Wav2Letter: an end-to-end ConvNet-based speech recognition system", 2016).
struct WordOutlook: Sendable {
    private var beginnings: NGramTable
    private var best: [Float] = []
    /// ln P of the unknown word.
    let unknown: Float

    init(_ model: NGramModel) {
        func logProbability(_ word: Int) -> Float {
            Float(model.score(word, after: .empty).logProbability)
        }
        unknown = logProbability(model.unknown)
        beginnings = NGramTable(capacity: 4 * model.words.count)
        for (number, word) in model.words.enumerated()
        where !model.isSpecial(number) {
            let value = logProbability(number)
            var hash = WordHash()
            for scalar in word.unicodeScalars {
                hash.append(UTF8.encode(scalar).unsafelyUnwrapped)
                let (place, isNew) = beginnings.insert(hash.value)
                if isNew {
                    best.append(value)
                } else {
                    best[place] = max(best[place], value)
                }
            }
        }
    }

    /// The best ln P of the words that begin so; -infinity where there are none.
    func callAsFunction(_ beginning: WordHash) -> Float {
        let place = beginnings.find(beginning.value)
        return place < 0 ? -.infinity : best[place]
    }
}
