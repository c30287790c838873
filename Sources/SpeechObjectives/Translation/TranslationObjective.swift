import Foundation
import SpeechCore
public import SpeechModels
public import Torch

/// Fine-tuning for translation: an encoder, what shortens its output, and a decoder that learns to
/// continue a text, given all of it so far (methods of XLS-R, arXiv 2111.09296, and SeamlessM4T, arXiv
/// 2308.11596).
///
/// The labels of a clip are the target language's token where the decoder has one, the text's tokens
/// and the end token. The decoder is given the start token and all labels but the last. The loss is a
/// mean over tokens.
public final class TranslationObjective: TrainingObjective {
    /// What became of a clip of a validation.
    public struct TranslatedClip: Sendable {
        /// The clip's target.
        public let target: ClipTarget
        /// The best text's tokens, without prefix and end.
        public let tokens: [Int]
    }

    /// The settings.
    public let settings: TranslationSettings
    /// The model that is trained.
    public let translator: SpeechTranslator
    /// Tokens of target languages, left out of the loss where they begin a text.
    public let languages: Set<Int>
    /// The parameters that are trained beside the encoder: `decoder.…`, `adaptor.…`,
    /// `enc_to_dec_proj.…`.
    public let heads: ParameterStore
    private let pass: FineTuningPass
    private let criterion: LabelSmoothedCrossEntropy
    private let summarize: (([TranslatedClip]) -> ValidationFigures)?
    private var translations: [TranslatedClip] = []
    private var encoderIsFrozen = false

    /// * `languages`: tokens of target languages; empty where texts begin with none.
    /// * `summarize`: makes figures of what a validation translated, by the best token each time; nil
    ///   where nothing is to be translated.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the model.
    public init(
        _ settings: TranslationSettings, translator: SpeechTranslator, languages: Set<Int> = [],
        summarize: (([TranslatedClip]) -> ValidationFigures)? = nil
    ) throws {
        try settings.validate()
        try FineTuningPass.validate(settings.masking, translator.encoder)
        self.settings = settings
        self.translator = translator
        self.languages = languages
        self.summarize = summarize
        let prefix = "decoder."
        heads = ParameterStore(joining: [(prefix: "", store: translator.parameters)]) { name in
            if name.hasPrefix("encoder.") { return false }
            guard name.hasPrefix(prefix) else { return true }
            return settings.decoder.includes(String(name.dropFirst(prefix.count)))
        }
        pass = FineTuningPass(
            translator.encoder, masking: settings.masking, layerDrop: settings.layerDrop,
            freezeEncoderUpdates: settings.freezeEncoderUpdates)
        criterion = LabelSmoothedCrossEntropy(smoothing: settings.labelSmoothing)
    }

    /// The encoder.
    public var student: any SpeechEncoder { translator.encoder }
    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// One.
    public var minimumFrames: Int { 1 }
    /// ln V.
    public var chanceLevel: Double? { log(Double(vocabulary)) }
    /// The entropy of the smoothed targets.
    public var minimumLoss: Double { criterion.minimum(vocabulary: vocabulary) }

    private var vocabulary: Int { translator.decoder.config.vocabularySize }

    /// All but the convolutions over samples, if these stay as they are.
    public func isTrained(_ parameter: String) -> Bool {
        !(settings.freezesFeatureExtractor && parameter.hasPrefix("feature_extractor."))
    }

    /// The decoder's, the encoder's, and 1 for what is between them.
    ///
    /// An adapter of the encoder's family counts as between them.
    public func learningRateScale(of parameter: String) -> Double {
        if parameter.hasPrefix("decoder.") { return settings.decoderRate }
        return isBetween(parameter) ? 1 : settings.encoderRate
    }

    private func isBetween(_ parameter: String) -> Bool {
        ["adaptor.", "enc_to_dec_proj.", "adapter.", "intermediate_ffn."]
            .contains { parameter.hasPrefix($0) }
    }

    /// The loss of one batch, whose targets have at least one label each.
    ///
    /// Clips with more labels than the decoder has positions for count as nothing and are reported.
    /// While the encoder is frozen, nothing of it has gradients but an adapter.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        let labels = batch.targets.map(\.labels)
        precondition(
            labels.count == batch.student.batchSize && labels.allSatisfy { !$0.isEmpty },
            "\(labels.map(\.count)) labels for \(batch.student.batchSize) clips")
        precondition(
            labels.allSatisfy { $0.allSatisfy { (0..<vocabulary).contains($0) } },
            "labels outside the \(vocabulary) tokens of the decoder")
        translator.isTraining = student.isTraining
        let speech = context.measure(.student) { encode(batch.student, context) }
        if context.isValidation, summarize != nil { translate(batch.targets, speech) }
        return context.measure(.loss) { loss(speech, labels, context) }
    }

    /// The translation model.
    public func result() -> TrainingResult {
        TrainingResult(encoder: student, translator: translator)
    }

    // MARK: Validation

    /// What the validation translated, as figures.
    public func finishValidation() -> ValidationFigures {
        defer { translations = [] }
        return summarize?(translations) ?? ValidationFigures()
    }

    private func translate(_ targets: [ClipTarget], _ speech: EncodedSpeech) {
        var search = translator.search
        search.beams = 1
        let prefixes = targets.map { target in
            TargetPrefix(
                start: [translator.startToken],
                forced: target.labels.first.flatMap { languages.contains($0) ? $0 : nil })
        }
        let found = search(translator.decoder, speech, prefixes: prefixes)
        translations += zip(targets, found).map {
            TranslatedClip(target: $0, tokens: $1.first?.text ?? [])
        }
    }

    // MARK: Loss

    private func encode(_ input: EncoderInput, _ context: LossContext) -> EncodedSpeech {
        if !context.isValidation, pass.isFrozen(context) != encoderIsFrozen {
            encoderIsFrozen.toggle()
            student.parameters.setTrainable(!encoderIsFrozen) {
                isTrained($0) && !isBetween($0)
            }
        }
        let (masked, request) = pass.draw(input, context, stream: 0x7472_616e)
        return translator.encode(input, masked: masked, request: request)
    }

    private func loss(
        _ speech: EncodedSpeech, _ labels: [[Int]], _ context: LossContext
    ) -> LossReport {
        let limit = translator.decoder.config.maximumLength ?? .max
        let given = labels.map { Array($0.prefix(limit)) }
        let length = given.map(\.count).max() ?? 0
        let device = speech.states.device
        let padding = translator.decoder.config.padding
        let tokens = given.flatMap { labels in
            let text = [translator.startToken] + labels.dropLast()
            return (text + Array(repeating: padding, count: length - text.count)).map { Int64($0) }
        }
        let states = translator.decoder.decode(
            Tensor(tokens, [labels.count, length], device: device), speech)  // [B, L, D]

        // Only what is in the loss is compared with the whole vocabulary.
        var rows: [Int64] = []
        var targets: [Int] = []
        var leftOut: [(clip: Int, reason: String)] = []
        for (clip, labels) in labels.enumerated() {
            guard labels.count <= limit else {
                leftOut.append(
                    (
                        clip,
                        "too many labels: expected at most \(limit), the decoder's positions; "
                            + "found \(labels.count)"
                    ))
                continue
            }
            let isLanguage = settings.ignoresLanguage && languages.contains(labels[0])
            for place in (isLanguage ? 1 : 0)..<labels.count {
                rows.append(Int64(clip * length + place))
                targets.append(labels[place])
            }
        }
        let chosen = states.flatten(0, 1).indexSelect(
            0, Tensor(rows, [rows.count], device: device))
        let logits = translator.decoder.logits(chosen).to(.float32)  // [N, V]
        let (sum, likelihood) = criterion(logits, targets)
        var metrics: [(name: String, value: Double)] = []
        if context.withDiagnostics, !targets.isEmpty {
            let best: [Int64] = logits.argmax(-1).values()
            let right = zip(best, targets).count { Int($0) == $1 }
            metrics = [
                ("nll", likelihood.item() / Double(targets.count)),
                ("token_accuracy", Double(right) / Double(targets.count)),
            ]
        }
        return LossReport(sum: sum, count: targets.count, metrics: metrics, leftOut: leftOut)
    }
}
