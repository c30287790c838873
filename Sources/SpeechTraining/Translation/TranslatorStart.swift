import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The translation model before the first update, and where it comes from.
struct TranslatorStart {
    let model: LoadedModel
    let translator: SpeechTranslator
    let tokenizer: TranslationTokenizer
    /// The tokenizer's files, which go into the model.
    let files: [(name: String, data: Data)]
    /// The checkpoint of the decoder, if there is one.
    let decoderDirectory: ModelDirectory?
    /// For people.
    let notes: [String]

    private static let fileNames = [
        "sentencepiece.bpe.model", "vocab.json", "tokenizer.json", "tokenizer_config.json",
        "special_tokens_map.json", "added_tokens.json",
    ]

    /// Joins the encoder of a model and a decoder.
    ///
    /// * `decoder`: a checkpoint of NLLB, M2M-100 or mBART; nil for a new one.
    /// * `tokenizer`: the folder of the tokenizer; nil for the decoder's own.
    /// - Throws: `TranslationError`, `ModelError`, or the errors of tokenizers and weights.
    init(
        model name: String, decoder decoderName: String?, tokenizer folder: URL?,
        _ config: TranslationConfig, device: Device
    ) throws {
        let model = try ModelLoader.load(name, device: device)
        let decoderDirectory = try decoderName.map { try ModelDirectory($0) }
        guard let place = folder ?? decoderDirectory?.url else {
            throw TranslationError.noTokenizer(
                path: "--tokenizer", hint: "`colld tokenizer train --task translation` makes one")
        }
        guard let tokenizer = try TranslationTokenizer(folder: place) else {
            throw TranslationError.noTokenizer(
                path: place.path,
                hint: "--tokenizer takes the folder of an NLLB, M2M-100 or mBART tokenizer, or "
                    + "of one that `colld tokenizer train --task translation` made")
        }
        let seed = config.common.seed
        let decoder: TextDecoder
        if let decoderName {
            decoder = try TextDecoder.load(decoderName, device: device)
        } else {
            guard config.objective.decoder == .full else {
                throw TranslationError.newDecoderNotTrained(
                    found: config.objective.decoder.rawValue)
            }
            decoder = try TextDecoder(
                new: config.decoder.decoder(for: tokenizer), seed: seed &+ 1, device: device)
        }
        try tokenizer.requireFit(decoder.config, path: place.path)
        let encoder = try Self.encoder(model, config, width: decoder.config.width, device: device)
        let translator = try SpeechTranslator(
            encoder: encoder, adaptor: config.adaptor.own, decoder: decoder, seed: seed &+ 3)
        translator.search.beams = config.search.beams
        translator.search.lengthPenalty = config.search.lengthPenalty
        translator.search.maximumLength = min(
            config.search.maximumLength, decoder.config.maximumLength ?? .max)
        translator.parameters.setTrainable(false)

        self.model = model
        self.translator = translator
        self.tokenizer = tokenizer
        self.decoderDirectory = decoderDirectory
        files = try TokenizerFiles.read(Self.fileNames, in: place)
        let sizes = decoder.config
        let size = String(format: "%.1f M", Double(decoder.parameters.parameterCount) / 1e6)
        var notes = [
            "decoder \(sizes.kind.rawValue) \(sizes.layerCount)x\(sizes.width), \(size) parameters, "
                + (decoderName.map { "from \($0), \(config.objective.decoder.note)" } ?? "new"),
            "vocabulary of \(tokenizer.count) tokens of \(place.path)"
                + (tokenizer.languages.isEmpty ? "" : ", \(tokenizer.languages.count) languages"),
        ]
        if let reason = translator.ownFormReason {
            notes.append("the model is written in CoLLD's own form: \(reason)")
        }
        self.notes = notes
    }

    /// The encoder, with the adapter of its family where that is wanted.
    private static func encoder(
        _ model: LoadedModel, _ config: TranslationConfig, width: Int, device: Device
    ) throws -> any SpeechEncoder {
        let seed = config.common.seed
        let encoder = try model.fineTunedEncoder(
            config.model, masking: config.objective.masking, seed: seed, device: device)
        guard config.adaptor.kind == .huggingFace else { return encoder }
        if let adapted = try encoder.addingAdapter(width: width, seed: seed &+ 2) {
            return adapted
        }
        guard encoder.parameters.all.contains(where: { $0.name.hasPrefix("adapter.") }) else {
            throw TranslationError.noAdapter(
                path: model.directory.configPath, found: encoder.config.baseModelType)
        }
        return encoder
    }
}

extension DecoderTraining {
    /// What is said of it.
    fileprivate var note: String {
        switch self {
        case .frozen: "kept as it is"
        case .normsAndCrossAttention: "whose norms and attention to speech are trained"
        case .full: "trained"
        }
    }
}
