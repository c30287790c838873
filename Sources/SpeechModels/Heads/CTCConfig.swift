public import SpeechCore

/// How the losses of the clips of a batch are joined.
public enum CTCReduction: String, ConfigChoice {
    /// Their sum.
    case sum
    /// The mean of the losses divided by the number of labels (at least 1) of each clip.
    case mean
}

/// What `config.json` says about recognition: a CTC head and its loss.
public struct CTCConfig: Equatable, Sendable {
    /// `vocab_size`, or nil where the configuration names none.
    public var vocabularySize: Int?
    /// `pad_token_id`: the blank of CTC.
    public var blank: Int
    /// `ctc_loss_reduction`.
    public var reduction: CTCReduction
    /// `ctc_zero_infinity`: whether clips with more labels than frames count as nothing.
    public var zeroesInfinity: Bool

    /// Joins the values.
    public init(
        vocabularySize: Int?, blank: Int = 0, reduction: CTCReduction = .sum,
        zeroesInfinity: Bool = false
    ) {
        self.vocabularySize = vocabularySize
        self.blank = blank
        self.reduction = reduction
        self.zeroesInfinity = zeroesInfinity
    }

    /// Reads the configuration of a model; missing keys take the defaults of its class.
    ///
    /// - Throws: `JSONFileError` naming the key.
    public init(_ directory: ModelDirectory) throws {
        let file = try JSONFile(path: directory.configPath, data: directory.configData)
        var modelType = try directory.modelType
        if modelType == EncoderFamily.structuredType {
            modelType = try file.string("base_model_type") ?? modelType
        }
        // w2v-BERT and the conformer know no size before a head is made.
        let size = ["wav2vec2-bert", "wav2vec2-conformer"].contains(modelType) ? nil : 32
        let isMean = ["sew", "unispeech-sat", "wavlm"].contains(modelType)
        vocabularySize = try file.integer("vocab_size", in: 1...Self.sizeLimit) ?? size
        blank = try file.integer("pad_token_id", in: 0...Self.sizeLimit - 1) ?? 0
        reduction = isMean ? .mean : .sum
        if let word = try file.string("ctc_loss_reduction") {
            guard let found = CTCReduction(rawValue: word) else {
                throw JSONFileError.wrongValue(
                    path: file.path, key: "ctc_loss_reduction", expected: "sum or mean",
                    found: "the text \"\(word)\"")
            }
            reduction = found
        }
        zeroesInfinity = try file.bool("ctc_zero_infinity") ?? false
    }

    /// Larger than any vocabulary.
    private static let sizeLimit = 1 << 24
}
