/// What was said in one utterance and what a system made of it.
public struct ScoredText: Sendable, Hashable, Codable {
    /// What reports call the utterance: its id in a manifest, or the number of its line.
    public var id: String
    /// The language, by its code (`de`, `deu`, `srp_Latn`); nil for one that is not known.
    public var language: String?
    /// The language of the speech that the texts are translations of; nil for transcripts.
    public var sourceLanguage: String?
    /// What is right; one text, or several that are equally right.
    ///
    /// BLEU and chrF use all of them; WER and CER the first.
    public var references: [String]
    /// What the system says; empty where it said nothing.
    public var hypothesis: String

    private enum CodingKeys: String, CodingKey {
        case id, language, references, hypothesis
        case sourceLanguage = "source_language"
    }

    /// An utterance with one reference.
    public init(
        id: String, language: String? = nil, sourceLanguage: String? = nil, reference: String,
        hypothesis: String
    ) {
        self.init(
            id: id, language: language, sourceLanguage: sourceLanguage, references: [reference],
            hypothesis: hypothesis)
    }

    /// An utterance with several references, at least one.
    public init(
        id: String, language: String? = nil, sourceLanguage: String? = nil, references: [String],
        hypothesis: String
    ) {
        precondition(!references.isEmpty, "an utterance without a reference")
        self.id = id
        self.language = language
        self.sourceLanguage = sourceLanguage
        self.references = references
        self.hypothesis = hypothesis
    }
}
