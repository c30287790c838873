/// What a text is measured by.
public enum ScoreMetric: String, ConfigChoice {
    /// Word error rate: insertions, deletions and substitutions for each word of the reference.
    case wer
    /// Character error rate, spaces included.
    case cer
    /// BLEU (Papineni et al., 2002), as sacreBLEU computes it.
    case bleu
    /// chrF (Popović, 2015): character n-grams up to 6.
    case chrf
    /// chrF++ (Popović, 2017): character n-grams up to 6 and words up to 2.
    case chrfPlusPlus = "chrf++"

    /// Whether it counts errors: less is better, and 1 is as many errors as units.
    public var isErrorRate: Bool { self == .wer || self == .cer }
}

/// What counts as a character in a character error rate.
public enum CharacterUnit: String, ConfigChoice {
    /// A Unicode code point, as in jiwer and sclite.
    case codePoint = "code-point"
    /// What a reader takes for one character: a letter with all its marks (a grapheme cluster).
    case grapheme
}

/// Which form of the texts is measured.
public enum TextForm: String, ConfigChoice {
    /// As they are.
    case raw
    /// As ``TextNormalizer`` writes both sides.
    case normalized
}
