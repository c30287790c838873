/// What a ``ScoreReport`` holds.
public struct ScoreSettings: Sendable, Hashable, Codable {
    /// The metrics, in the order of the report.
    public var metrics: [ScoreMetric]
    /// The forms of the texts that are measured, side by side.
    public var forms: [TextForm]
    /// What CER counts.
    public var characterUnit: CharacterUnit
    /// BLEU's tokenizer; nil for each language's own (``BLEUTokenizer/usual(for:)``).
    public var tokenizer: BLEUTokenizer?
    /// Whether BLEU and chrF ignore case.
    public var lowercase: Bool
    /// Whether a reference without a word is an utterance like others, as in jiwer; otherwise it is an
    /// error.
    public var allowsEmptyReferences: Bool
    /// Resamples for confidence intervals; 0 for none.
    public var bootstrapSamples: Int
    /// The seed of resampling; the usual one is sacreBLEU's.
    public var seed: UInt64
    /// How many of the worst utterances are laid out word by word.
    public var worst: Int
    /// Whether each utterance's scores are kept.
    public var keepsSegments: Bool

    private enum CodingKeys: String, CodingKey {
        case metrics, forms, tokenizer, lowercase, seed, worst
        case characterUnit = "character_unit"
        case allowsEmptyReferences = "allow_empty_references"
        case bootstrapSamples = "bootstrap_samples"
        case keepsSegments = "segments"
    }

    /// Settings; those not given are what sacreBLEU and jiwer do.
    public init(
        metrics: [ScoreMetric] = [.wer, .cer], forms: [TextForm] = [.raw],
        characterUnit: CharacterUnit = .codePoint, tokenizer: BLEUTokenizer? = nil,
        lowercase: Bool = false, allowsEmptyReferences: Bool = false, bootstrapSamples: Int = 0,
        seed: UInt64 = 12345, worst: Int = 0, keepsSegments: Bool = false
    ) {
        self.metrics = metrics
        self.forms = forms
        self.characterUnit = characterUnit
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.allowsEmptyReferences = allowsEmptyReferences
        self.bootstrapSamples = bootstrapSamples
        self.seed = seed
        self.worst = worst
        self.keepsSegments = keepsSegments
    }
}
