import Foundation
public import SpeechCore
public import Torch

/// The linear layer that scores the tokens of a vocabulary for every frame (`lm_head`, as in
/// `Wav2Vec2ForCTC`, `HubertForCTC`, `Wav2Vec2BertForCTC` and their relatives).
public struct CTCHead {
    /// The configuration of blank and loss.
    public let config: CTCConfig
    /// `lm_head.weight` [V, D'] and `lm_head.bias` [V].
    public let parameters: ParameterStore
    /// Turns text into labels and frames into text; nil where the model has none.
    public let tokenizer: CTCTokenizer?
    private let projection: Linear

    /// Builds the layer in a store, which reads or initialises the parameters.
    ///
    /// * `width`: D', the width of the encoder's last hidden state.
    /// * `vocabularySize`: V, the number of tokens with the blank.
    public init(
        _ config: CTCConfig, width: Int, vocabularySize: Int, in store: ParameterStore,
        tokenizer: CTCTokenizer? = nil
    ) {
        self.config = config
        self.tokenizer = tokenizer
        parameters = store
        projection = Linear(store.root["lm_head"], width, vocabularySize)
    }

    /// The number of tokens V, the blank among them.
    public var vocabularySize: Int { projection.weight.size(0) }

    /// The last hidden state [B, T', D'] to logits [B, T', V].
    ///
    /// Clip b has `EncoderOutput.outputLengths[b]` valid frames.
    public func callAsFunction(_ lastHiddenState: Tensor) -> Tensor { projection(lastHiddenState) }
}

extension LoadedModel {
    /// Whether the checkpoint, or the adapter of its language, has the head of a recogniser.
    public var hasHead: Bool {
        let names = weights.names + (adapter?.names ?? [])
        return family.hasRecognizers && names.contains("lm_head.weight")
    }

    /// Reads the head of a recogniser, in the types and on the device of the encoder, with its
    /// tokenizer where there is one.
    ///
    /// An adapter's head may have another vocabulary than `config.json` says.
    ///
    /// - Throws: `ModelError.noHead`, `ModelError.weightsDoNotFit`,
    ///   `ModelError.tokenizerDoesNotFit` where head, configuration and tokenizer disagree, or the
    ///   errors of `CTCTokenizer` and of the weights' format.
    public func loadHead() throws -> CTCHead {
        let path = directory.url.path
        guard hasHead else {
            throw ModelError.noHead(
                path: path, found: "an encoder of the family \(family.modelType)")
        }
        let config = try CTCConfig(directory)
        let reader = reader()
        let rows = reader.shape(of: "lm_head.weight")?.first
        let size = (language == nil ? config.vocabularySize : nil) ?? rows ?? 0
        let tokenizer = try CTCTokenizer(directory, language: language)
        let encoderStore = encoder.parameters
        let store = ParameterStore(
            source: reader, dtype: encoderStore.dtype, device: encoderStore.device)
        let head = CTCHead(
            config, width: encoder.config.outputWidth, vocabularySize: size, in: store,
            tokenizer: tokenizer)
        try reader.finish(store, path: path, isComplete: false)
        guard config.blank < size else {
            throw ModelError.invalidConfig(
                path: directory.configPath, key: "pad_token_id",
                expected: "one of the \(size) tokens of the head", found: "\(config.blank)")
        }
        try tokenizer?.requireFit(config, vocabularySize: size)
        return head
    }
}

extension CTCTokenizer {
    /// Checks that every token that a head can give has a text, that every token of the vocabulary
    /// has a score, and that both mean the same blank.
    ///
    /// Special tokens that were added behind the vocabulary may have no score: nothing gives them.
    ///
    /// - Throws: `ModelError.tokenizerDoesNotFit`.
    package func requireFit(_ config: CTCConfig, vocabularySize size: Int) throws {
        func fail(_ key: String, _ expected: String, _ found: String) -> ModelError {
            .tokenizerDoesNotFit(path: path, key: key, expected: expected, found: found)
        }
        if let (token, id) = vocabulary.first(where: { $0.id >= size }) {
            throw fail("'\(token)'", "an id below \(size)", "\(id)")
        }
        if let id = (0..<size).first(where: { text(of: $0) == nil }) {
            throw fail("vocabulary", "\(size) tokens", "none with the id \(id)")
        }
        guard blank == config.blank else {
            throw fail(
                "'\(text(of: blank) ?? "")', the padding token",
                "the id \(config.blank) (pad_token_id of config.json)", "\(blank)")
        }
    }
}
