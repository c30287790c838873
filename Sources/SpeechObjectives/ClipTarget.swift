/// What a clip is to be turned into: a text, and the labels that a task has made of it.
public struct ClipTarget: Sendable, Hashable {
    /// The utterance's id.
    public let id: String
    /// The language of the speech, in the manifest's own code.
    public let language: String?
    /// The language of the text: that of the speech, or that of its translation.
    public let targetLanguage: String?
    /// The text that the output is scored against: transcript or translation.
    public let text: String
    /// The ids of its tokens.
    public let labels: [Int]

    /// Joins the values.
    public init(
        id: String, language: String?, targetLanguage: String? = nil, text: String, labels: [Int]
    ) {
        self.id = id
        self.language = language
        self.targetLanguage = targetLanguage ?? language
        self.text = text
        self.labels = labels
    }
}
