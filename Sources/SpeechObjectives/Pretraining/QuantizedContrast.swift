import SpeechCore
public import SpeechModels
public import Torch

/// The contrastive part of wav2vec 2.0 and w2v-BERT: quantiser, both projections, loss.
///
/// Targets are made of features that nothing was hidden from, and are learned: gradients reach
/// quantiser and front end through them.
public struct QuantizedContrast {
    /// What became of the hidden frames of a batch.
    public struct Result {
        /// The contrastive loss summed over frames, a scalar with history.
        public let sum: Tensor
        /// What a frame pays besides: weighted diversity loss and feature penalty; 0 in a validation.
        public let guidance: Tensor
        /// Frames with a distractor.
        public let count: Int
        /// The quantiser's codes of the hidden frames, [B · M, G].
        public let codes: Tensor
        /// Diagnostics; empty unless asked for.
        public let metrics: [(name: String, value: Double)]
    }

    private let settings: Wav2Vec2Settings
    private let quantizer: GumbelQuantizer
    private let projectHidden: Linear
    private let projectQuantized: Linear
    private let contrastiveLoss: ContrastiveLoss

    /// * `scope`: the root of the heads.
    public init(
        _ scope: ParameterScope, _ settings: Wav2Vec2Settings, student: any SpeechEncoder
    ) {
        self.settings = settings
        quantizer = GumbelQuantizer(
            scope["quantizer"], settings.quantizer, inputs: student.config.featureWidth)
        projectHidden = Linear(
            scope["project_hid"], student.width, settings.width,
            initializer: .uniform(fanIn: student.width))
        projectQuantized = Linear(
            scope["project_q"], settings.quantizer.width, settings.width,
            initializer: .uniform(fanIn: settings.quantizer.width))
        contrastiveLoss = ContrastiveLoss(temperature: settings.temperature)
    }

    /// Quantises features.
    ///
    /// * `features`: [R, F].
    /// * `weights`: [R], 1 for frames that count.
    /// * `seed`: of the noise; unused in a validation, which takes the most likely entries.
    public func quantize(
        _ features: Tensor, weights: Tensor, _ context: LossContext, seed: UInt64
    ) -> GumbelQuantizer.Result {
        let noise =
            context.isValidation
            ? nil : quantizer.noise(rows: features.size(0), seed: seed, device: features.device)
        let temperature = settings.quantizer.temperature(step: context.step)
        return quantizer(features, weights: weights, temperature: temperature, noise: noise)
    }

    /// The contrastive loss of B utterances of M hidden frames.
    ///
    /// A validation keeps distractors that have the code of the positive. Training leaves them out, as
    /// wav2vec 2.0 does, and so finds nothing to tell apart where the codebooks have collapsed: as a
    /// measure that would call the worst quantiser the best.
    ///
    /// * `states`: [B · M, D], hidden states of the masked frames.
    /// * `codevectors`: [B · M, width of the quantiser].
    public func loss(
        _ states: Tensor, codevectors: Tensor, _ distractors: Distractors, isValidation: Bool,
        withDiagnostics: Bool
    ) -> ContrastiveLoss.Result {
        let shape = distractors.weights.shape
        let prediction = projectHidden(states).to(codevectors.dtype).unflatten(0, shape)
        let target = projectQuantized(codevectors).unflatten(0, shape)
        return contrastiveLoss(
            prediction, targets: ContrastiveLoss.unit(target), distractors,
            keepsEqualTargets: isValidation, withDiagnostics: withDiagnostics)
    }

    /// Everything together, for the hidden frames of a batch.
    func callAsFunction(
        _ states: Tensor, of speech: MaskedSpeech, _ context: LossContext,
        using generator: inout SeededGenerator
    ) -> Result {
        let weights = speech.weights
        let features = speech.rows.select(from: speech.output.features!)
        let quantized = quantize(features, weights: weights, context, seed: generator.next())
        let distractors = Distractors.draw(
            settings.distractors, frames: speech.rows.frames, excludeRadius: 0,
            device: features.device, using: &generator)
        let contrast = loss(
            states, codevectors: quantized.codevectors, distractors,
            isValidation: context.isValidation, withDiagnostics: context.withDiagnostics)

        let diversity = quantizer.diversityLoss(perplexity: quantized.perplexity)
        let penalty = speech.output.frontEndFeatures.map {
            Self.meanSquare($0, lengths: speech.output.lengths)
        }
        var guidance = diversity * settings.diversityWeight
        if let penalty { guidance = guidance + penalty * settings.penaltyWeight }
        if context.isValidation { guidance = guidance.zerosLike() }

        var metrics: [(name: String, value: Double)] = []
        if let diagnostics = contrast.diagnostics {
            metrics = diagnostics.metrics(of: "contrastive")
            let usage = CodeUsage(
                quantized.codes, entries: settings.quantizer.entries, weights: weights)
            metrics += [
                ("code_entropy", usage.entropy), ("code_perplexity", usage.perplexity),
                ("diversity_loss", diversity.item()),
                ("gumbel_temperature", settings.quantizer.temperature(step: context.step)),
            ]
            if let penalty { metrics.append(("feature_penalty", penalty.item())) }
        }
        return Result(
            sum: contrast.sum, guidance: guidance, count: distractors.anchorCount,
            codes: quantized.codes, metrics: metrics)
    }

    /// The mean square over the valid frames of [B, T, C], a scalar in `float32`.
    static func meanSquare(_ features: Tensor, lengths: [Int]) -> Tensor {
        let values = features.to(.float32)
        let squares = (values * values).mean([2])  // [B, T]
        let valid = Tensor.validFrames(
            lengths, of: features.size(1), device: features.device
        ).to(.float32)
        return (squares * valid).sum() / valid.sum()
    }
}
