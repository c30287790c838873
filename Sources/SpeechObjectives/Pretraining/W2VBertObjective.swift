public import SpeechCore
public import SpeechModels
public import Torch

/// The settings of w2v-BERT's objective.
public struct W2VBertSettings: Codable, Equatable, Sendable {
    /// What the last layer predicts of masked frames.
    public enum Targets: String, ConfigChoice {
        /// The most likely entries of the learned quantiser.
        case quantizer
        /// The codes of a quantiser that is never trained.
        case randomProjection = "random_projection"
    }

    /// Masking, and all of the contrastive part.
    public var contrast = Wav2Vec2Settings()
    /// The layer that the contrastive part reads, counted from 1; 0 for a third of all layers.
    public var contrastiveLayer = 0
    /// What the last layer predicts.
    public var targets = Targets.quantizer
    /// The quantiser that is never trained, where its codes are the targets.
    public var codes = RandomProjectionSettings()

    private enum CodingKeys: String, CodingKey {
        case targets, codes
        case contrastiveLayer = "contrastive_layer"
    }

    /// w2v-BERT with the two codebooks of the released model.
    public init() {}

    /// Reads all settings from one level.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        contrast = try Wav2Vec2Settings(from: decoder)
        contrastiveLayer = try container.decode(Int.self, forKey: .contrastiveLayer)
        targets = try container.decode(Targets.self, forKey: .targets)
        codes = try container.decode(RandomProjectionSettings.self, forKey: .codes)
    }

    /// Writes all settings on one level.
    public func encode(to encoder: any Encoder) throws {
        try contrast.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(contrastiveLayer, forKey: .contrastiveLayer)
        try container.encode(targets, forKey: .targets)
        try container.encode(codes, forKey: .codes)
    }

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        try contrast.validate()
        try codes.validate(key: "objective.codes")
        guard contrastiveLayer >= 0 else {
            throw ObjectiveError.invalidSetting(
                key: "objective.contrastive_layer",
                expected: "a layer, or 0 for a third of all layers", found: "\(contrastiveLayer)")
        }
    }

    /// The layer that the contrastive part reads: 8 of 24, 4 of 12 where nothing is said.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for a layer that there is not.
    public func layer(of layers: Int) throws -> Int {
        if contrastiveLayer == 0 { return max(1, (layers + 1) / 3) }
        guard contrastiveLayer <= layers else {
            throw ObjectiveError.invalidSetting(
                key: "objective.contrastive_layer", expected: "1 … \(layers), or 0",
                found: "\(contrastiveLayer)")
        }
        return contrastiveLayer
    }
}

/// w2v-BERT (Chung et al. 2021): wav2vec 2.0's contrastive loss on an intermediate layer, and masked
/// prediction of codes on the last.
public final class W2VBertObjective: TrainingObjective {
    /// The settings.
    public let settings: W2VBertSettings
    /// The trained encoder.
    public let student: any SpeechEncoder
    /// Those of wav2vec 2.0, `code_head.…`, and where its codes are the targets the random quantiser as
    /// buffers `random_projection.…`.
    public let heads: ParameterStore
    private let layer: Int
    private let contrast: QuantizedContrast
    private let fixed: (filterbank: FilterbankInput, quantizer: RandomProjectionQuantizer)?
    private let prediction: CodePrediction

    /// * `seed`: of the heads' first values.
    /// - Throws: `ObjectiveError.invalidSetting` for settings that do not fit the encoder.
    public init(
        _ settings: W2VBertSettings, student: any SpeechEncoder, seed: UInt64
    ) throws {
        try settings.validate()
        try MaskedSpeech.requireMaskable(student)
        self.settings = settings
        self.student = student
        layer = try settings.layer(of: student.layerCount)
        heads = ParameterStore(seed: seed, device: student.parameters.device)
        contrast = QuantizedContrast(heads.root, settings.contrast, student: student)
        let (books, entries): (Int, Int)
        switch settings.targets {
        case .quantizer:
            fixed = nil
            books = settings.contrast.quantizer.groups
            entries = settings.contrast.quantizer.entries
        case .randomProjection:
            let filterbank = try FilterbankInput(of: student.config)
            fixed = (
                filterbank,
                RandomProjectionQuantizer(
                    heads.root["random_projection"], settings.codes, inputs: filterbank.width)
            )
            books = settings.codes.books
            entries = settings.codes.entries
        }
        prediction = CodePrediction(
            heads.root["code_head"], inputs: student.width, books: books, entries: entries)
        heads.setTrainable(true)
    }

    /// None.
    public var teachers: [any SpeechEncoder] { [] }
    /// Two spans.
    public var minimumFrames: Int { settings.contrast.masking.minimumFrames }

    /// The loss of one batch: contrastive loss and cross-entropy.
    ///
    /// - Throws: `ObjectiveError.nothingToPredict` where every utterance is too short.
    public func loss(on batch: TrainingBatch, _ context: LossContext) throws -> LossReport {
        var generator = context.seed.generator(stream: 0x7732_7662)
        let features = try context.measure(.loss) { try fixed?.filterbank(batch.student) }
        let speech = try MaskedSpeech(
            student, batch.student, settings.contrast.masking, limit: features?.lengths,
            layers: [layer], wantsFeatures: true, context, using: &generator)
        return context.measure(.loss) {
            let contrast = contrast(
                speech.states(layer: layer), of: speech, context, using: &generator)
            let codes =
                features.map { fixed!.quantizer(speech.rows.select(from: $0.values)) }
                ?? contrast.codes
            let predicted = prediction(
                speech.lastStates, codes: codes, weights: speech.weights,
                withDiagnostics: context.withDiagnostics)
            let count = speech.rows.count
            return LossReport(
                sum: predicted.sum + contrast.sum + contrast.guidance * Double(count),
                count: count, metrics: predicted.metrics + named(contrast.metrics))
        }
    }

    /// `code_…` are the predicted codes; where those are not the learned quantiser's, its own are
    /// `quantizer_…`.
    private func named(
        _ metrics: [(name: String, value: Double)]
    ) -> [(name: String, value: Double)] {
        metrics.compactMap { metric in
            guard metric.name.hasPrefix("code_") else { return metric }
            guard settings.targets == .randomProjection else { return nil }
            return ("quantizer_" + metric.name.dropFirst("code_".count), metric.value)
        }
    }
}
