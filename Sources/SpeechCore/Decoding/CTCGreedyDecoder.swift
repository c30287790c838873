import Foundation

/// Takes the best token of every frame: repeated tokens are one, then blanks go (Graves et al.,
/// "Connectionist temporal classification", 2006, best path decoding).
///
/// The text is that of `CTCTokenizer.decode` where the vocabulary has a tokenizer. The score of a
/// recognition is the log-probability of the best path; equal scores go to the lower id.
public struct CTCGreedyDecoder: Sendable {
    /// The tokens.
    public let vocabulary: DecoderVocabulary
    /// Whether special tokens are left out of the text; tags always are.
    public let skipsSpecialTokens: Bool

    /// Decodes with a vocabulary.
    ///
    /// * `skipsSpecialTokens`: whether special tokens are left out of text and words, as
    ///   `skip_special_tokens` of `transformers` does.
    public init(_ vocabulary: DecoderVocabulary, skipsSpecialTokens: Bool = false) {
        self.vocabulary = vocabulary
        self.skipsSpecialTokens = skipsSpecialTokens
    }

    /// Log-probabilities [T, V], row by row, to what they spell.
    public func callAsFunction(_ logProbabilities: [Float]) -> Recognition {
        var path = GreedyPath(self)
        path.append(logProbabilities)
        return path.recognition
    }
}

/// The best path so far.
struct GreedyPath {
    private let decoder: CTCGreedyDecoder
    /// The best token of each frame.
    private var ids: [Int] = []
    private var score = 0.0
    private var tokens: [Recognition.Token] = []
    private var posteriors = 0.0

    init(_ decoder: CTCGreedyDecoder) { self.decoder = decoder }

    /// Goes on with log-probabilities [T, V].
    mutating func append(_ logProbabilities: [Float]) {
        let size = decoder.vocabulary.size
        precondition(
            logProbabilities.count.isMultiple(of: size),
            "\(logProbabilities.count) log-probabilities for \(size) tokens")
        logProbabilities.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: size) {
                var best = 0
                for id in 1..<max(1, size) where values[start + id] > values[start + best] {
                    best = id
                }
                append(best, Double(values[start + best]))
            }
        }
    }

    private mutating func append(_ id: Int, _ value: Double) {
        let frame = ids.count
        score += value
        let isNew = ids.last != id
        ids.append(id)
        guard id != decoder.vocabulary.blank else { return }
        posteriors = (isNew ? 0 : posteriors) + exp(value)
        let start = isNew ? frame : tokens.removeLast().start
        tokens.append(
            .init(
                id: id, start: start, end: frame + 1,
                confidence: posteriors / Double(frame + 1 - start)))
    }

    /// The tokens that are part of the result.
    private var kept: [Recognition.Token] {
        guard decoder.skipsSpecialTokens else { return tokens }
        return tokens.filter { decoder.vocabulary.kinds[$0.id] != .ignored }
    }

    /// What the path spells.
    var recognition: Recognition {
        let vocabulary = decoder.vocabulary
        let text = vocabulary.tokenizer.flatMap { tokenizer -> String? in
            // With these the tokenizer would give another text than is wanted.
            guard vocabulary.words == .delimited else { return nil }
            let shown = ids.map { vocabulary.kinds[$0] == .tag ? vocabulary.blank : $0 }
            return tokenizer.decode(
                shown, skipsSpecialTokens: decoder.skipsSpecialTokens
            ).text
        }
        return Recognition(kept, vocabulary, text: text, score: score, acousticScore: score)
    }

    /// How many words will not change any more: all but one that may go on.
    var stableWordCount: Int {
        guard let last = kept.last else { return 0 }
        let count = recognition.words.count
        switch decoder.vocabulary.kinds[last.id] {
        case .delimiter, .tag, .blank, .whole: return count
        case .start, .inside, .ignored: return max(0, count - 1)
        }
    }
}
