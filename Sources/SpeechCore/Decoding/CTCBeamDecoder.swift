import Foundation

/// Searches for the text with the best score by CTC prefix beam search (Graves and Jaitly, "Towards
/// end-to-end speech recognition with recurrent neural networks", 2014; Hannun et al., "First-pass
/// large vocabulary continuous speech recognition using bi-directional recurrent DNNs", 2014).
///
/// A candidate is a row of tokens l with w its words; its score, in nats, is
///
/// ```
/// ln P(l | audio) + α ln P(w) + β |w| + u Σ (n + 6) / 12 + Σ boosts of the hot words in it
/// ```
///
/// * P(l | audio) is the sum over all paths of one token a frame that give l when repeated tokens
///   are made one, then blanks go, then delimiters at the beginning go and several in a row are one;
///   at the end l and l with a delimiter are one candidate.
/// * P(w) is that of the language model for the words, or for the characters with a unit for each
///   space between words if the model has one, and for the end of the text if `scoresSentenceEnd`.
///   β and u count only with a model. n are the characters of each word that the model does not know:
///   unknown words pay by length, or several written together would be cheaper than each.
/// * An occurrence of a hot word counts when its words are complete.
/// * While a word is spelled the search lends what it is likely to get: the share of the boost of a hot
///   word that is spelled, β, and α ln P of the likeliest word of the model that begins so, or what an
///   unknown word costs. When the word is complete, or goes on otherwise, that is taken back. Without it
///   a word would pay all at its end, and the beam fill up with words that do not end.
///
/// The search is exact where neither beam nor thresholds drop anything. Times are those of the best
/// single path of the candidate. Of candidates with the same text the best one is returned. Frames
/// without any number above -infinity (or NaN) change nothing.
public struct CTCBeamDecoder: Sendable {
    /// How wide the search is and what counts how much.
    public let settings: Settings
    /// The tokens.
    public let vocabulary: DecoderVocabulary
    let scorer: TextScorer

    /// Searches with these models.
    ///
    /// * `languageModel`: of words or of characters.
    /// * `lexicon`: the only words there are; nil for any. A last word that is not complete is left out
    ///   where no candidate ends with a complete one.
    /// * `hotWords`: words to favour.
    /// - Throws: `HotWordError`.
    public init(
        settings: Settings = Settings(), vocabulary: DecoderVocabulary,
        languageModel: NGramModel? = nil, lexicon: Lexicon? = nil, hotWords: [HotWord] = []
    ) throws {
        precondition(
            settings.beamSize > 0 && settings.bestCount > 0,
            "a beam of \(settings.beamSize) for \(settings.bestCount) candidates")
        self.settings = settings
        self.vocabulary = vocabulary
        scorer = TextScorer(
            settings, vocabulary, languageModel, lexicon,
            hotWords.isEmpty ? nil : try HotWordAutomaton(hotWords, vocabulary))
    }

    /// Log-probabilities [T, V], row by row, to the best text.
    public func callAsFunction(_ logProbabilities: [Float]) -> Recognition {
        best(logProbabilities)[0]
    }

    /// Log-probabilities [T, V], row by row, to the `bestCount` best texts, the best first; at least
    /// one, which may be empty.
    public func best(_ logProbabilities: [Float]) -> [Recognition] {
        let search = CTCBeamSearch(self)
        search.append(logProbabilities)
        return search.finish()
    }
}
