import SpeechCore
public import SpeechModels
public import Torch

/// The filterbank of a batch, standardised, frame by frame beside an encoder's hidden states.
///
/// Random projections need features that do not move. Encoders of the filterbank have them as their
/// input; for those of samples they are computed beside it, with as many frames stacked as one hidden
/// state spans.
public struct FilterbankInput {
    /// Nil where the encoder hears the filterbank itself.
    private let extractor: (any FeatureExtractor)?
    /// The values of one frame.
    public let width: Int

    /// - Throws: `ObjectiveError.invalidSetting` for an encoder whose frames are not a multiple of 10 ms
    ///   apart.
    public init(of config: any EncoderConfig) throws {
        guard config.featureExtractor == .wav2vec2 else {
            extractor = nil
            width = config.inputWidth
            return
        }
        var filterbank = FeatureExtractorConfig(kind: .seamlessM4T)
        let shift = filterbank.samplingRate / 100
        let samples = 1000 * filterbank.samplingRate
        let frames = max(1, config.frameCount(inputLength: samples))
        let hop = Int((Double(samples) / Double(frames)).rounded())
        guard hop.isMultiple(of: shift), hop > 0 else {
            throw ObjectiveError.invalidSetting(
                key: "objective.name",
                expected: "wav2vec2 for an encoder whose frames are not a multiple of 10 ms apart",
                found: "frames of \(hop) samples")
        }
        filterbank.stride = hop / shift
        extractor = filterbank.makeExtractor()
        width = filterbank.inputWidth
    }

    /// The features [B, T, F], every channel of a clip with mean 0 and variance 1, and the valid frames
    /// of each clip; 0 for clips that are too short for any.
    ///
    /// - Throws: `FeatureError` for samples that are not finite.
    public func callAsFunction(_ input: EncoderInput) throws -> (values: Tensor, lengths: [Int]) {
        guard let extractor else {
            let frames = input.values.size(1)
            let lengths = input.lengths ?? Array(repeating: frames, count: input.batchSize)
            return (Self.standardized(input.values, lengths), lengths)
        }
        let padded = input.values.size(1)
        let samples = input.values.floats()
        let clips = (0..<input.batchSize).map { clip -> [Float] in
            let length = input.lengths?[clip] ?? padded
            return Array(samples[(clip * padded)..<(clip * padded + length)])
        }
        let lengths = clips.map {
            $0.count < extractor.minimumSamples ? 0 : extractor.validLength(samples: $0.count)
        }
        // A clip without a frame takes part as silence, so that every clip keeps its place.
        let features = try extractor.extract(
            zip(clips, lengths).map { clip, length in
                length > 0 ? clip : Array(repeating: 0, count: extractor.minimumSamples)
            })
        let values = Tensor(features.values, features.shape, device: input.values.device)
        return (Self.standardized(values, lengths), lengths)
    }

    private static func standardized(_ values: Tensor, _ lengths: [Int]) -> Tensor {
        withoutGradients {
            let valid = Tensor.validFrames(lengths, of: values.size(1), device: values.device)
            return TargetFeature(normalization: .instance).normalized(values, valid: valid)
        }
    }
}
