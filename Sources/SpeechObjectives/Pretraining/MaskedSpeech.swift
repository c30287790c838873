import SpeechCore
import SpeechModels
import Torch

/// Speech of which an encoder heard only a part, and the frames that were hidden from it.
struct MaskedSpeech {
    /// The hidden frames.
    let rows: RowSelection
    /// What the encoder made of the rest.
    let output: EncoderOutput
    private let layerCount: Int
    private let device: Device

    /// Hides spans of a batch and encodes what is left.
    ///
    /// * `limit`: frames of each clip that there are targets for; nil for all.
    /// * `layers`: hidden states that are needed besides the last.
    /// * `wantsFeatures`: whether the features in front of the projection are needed.
    /// - Throws: `ObjectiveError.nothingToPredict` where every clip is too short.
    init(
        _ student: any SpeechEncoder, _ input: EncoderInput, _ masking: SpanMasking,
        limit: [Int]? = nil, layers: Set<Int> = [], wantsFeatures: Bool, _ context: LossContext,
        using generator: inout SeededGenerator
    ) throws {
        let frames = student.frameCount(inputLength: input.values.size(1))
        var valid =
            input.lengths?.map { student.frameCount(inputLength: $0) }
            ?? Array(repeating: frames, count: input.batchSize)
        if let limit { valid = zip(valid, limit).map { min($0, $1) } }
        guard valid.contains(where: { $0 >= masking.minimumFrames }) else {
            throw ObjectiveError.nothingToPredict(frames: valid, needed: masking.minimumFrames)
        }
        layerCount = student.layerCount
        device = student.parameters.device
        // Only what is hidden is predicted: some of it is from the first update on.
        var spans = masking.scheduled(context)
        spans.minimumSpans = masking.minimumSpans
        let masked = spans.sample(lengths: valid, using: &generator)
        let request = LayerRequest(
            hiddenStates: layers.union([layerCount]), wantsFeatures: wantsFeatures)
        let mask = masking.tensor(masked, frames: frames, device: device)
        output = context.measure(.student) {
            student.encode(input, masked: mask, request: request)
        }
        rows = RowSelection(masked)
    }

    /// 1 for hidden frames, 0 for those that fill up, [B · M].
    var weights: Tensor { rows.weights(.float32, device: device).flatten(0, 1) }

    /// The hidden frames of the last layer behind the encoder's norm, [B · M, D].
    ///
    /// SEW's last output has another frame rate than its layers: there it is the last layer's own.
    var lastStates: Tensor {
        let last = output.hiddenStates[layerCount]!
        guard let normed = output.encoderOutput, normed.size(1) == last.size(1) else {
            return rows.select(from: last)
        }
        return rows.select(from: normed)
    }

    /// The hidden frames of a layer, [B · M, D].
    func states(layer: Int) -> Tensor { rows.select(from: output.hiddenStates[layer]!) }

    /// Checks that frames can be hidden from an encoder.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    static func requireMaskable(_ student: any SpeechEncoder) throws {
        guard student.isMaskable else {
            throw ObjectiveError.invalidSetting(
                key: "model.family",
                expected: "an encoder with masked_spec_embed, which stands for masked frames",
                found: student.config.modelType)
        }
    }
}

extension SpanMasking {
    /// Checks the settings of an objective that predicts masked frames only.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    func validateForPrediction() throws {
        try validate()
        guard sampler != .none else {
            throw ObjectiveError.invalidSetting(
                key: "objective.masking.sampler",
                expected: "fairseq2 or fairseq: only masked frames are predicted", found: "none")
        }
    }
}
