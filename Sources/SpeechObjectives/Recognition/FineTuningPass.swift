import SpeechCore
import SpeechModels
import Torch

/// How an encoder hears while it is fine-tuned: with hidden frames and channels and without some of its
/// layers, and recording nothing as long as it is frozen.
struct FineTuningPass {
    let student: any SpeechEncoder
    let masking: LatentMasking
    /// The share of layers that are left out of an update.
    let layerDrop: Double
    /// Updates before the encoder is trained, too.
    let freezeEncoderUpdates: Int
    private let droppable: [Int]

    init(
        _ student: any SpeechEncoder, masking: LatentMasking, layerDrop: Double,
        freezeEncoderUpdates: Int
    ) {
        self.student = student
        self.masking = masking
        self.layerDrop = layerDrop
        self.freezeEncoderUpdates = freezeEncoderUpdates
        // What others attend by has to run.
        let layers = student.config.structure?.layers ?? []
        droppable = (1...student.layerCount).filter { number in
            number >= layers.count || !layers[number].reusesAttention
        }
    }

    /// - Throws: `ObjectiveError.invalidSetting` where frames are to be hidden from an encoder from
    ///   which they cannot be.
    static func validate(_ masking: LatentMasking, _ student: any SpeechEncoder) throws {
        guard masking.timeProbability == 0 || student.isMaskable else {
            throw ObjectiveError.invalidSetting(
                key: "objective.masking.time_probability",
                expected: "0 for an encoder without masked_spec_embed",
                found: "\(masking.timeProbability)")
        }
    }

    /// Whether the encoder still stays as it is.
    func isFrozen(_ context: LossContext) -> Bool { context.step < freezeEncoderUpdates }

    /// What is hidden from the encoder, and which layers it goes without; nothing in a validation.
    ///
    /// * `stream`: of the objective's random numbers.
    func draw(
        _ input: EncoderInput, _ context: LossContext, stream: UInt64
    ) -> (masked: Tensor?, request: LayerRequest) {
        var request = LayerRequest.last
        guard !context.isValidation else { return (nil, request) }
        var generator = context.seed.generator(stream: stream)
        let frames = student.frameCount(inputLength: input.values.size(1))
        let valid =
            input.lengths?.map { student.frameCount(inputLength: $0) }
            ?? Array(repeating: frames, count: input.batchSize)
        let masked = masking.tensor(
            masking.frames(lengths: valid, using: &generator), frames: frames,
            device: input.values.device)
        request.maskedChannels = masking.channels(
            clips: input.batchSize, width: student.width, using: &generator)
        if layerDrop > 0 {
            request.droppedLayers = Set(
                droppable.filter { _ in generator.uniform() < layerDrop })
        }
        return (masked, request)
    }
}
