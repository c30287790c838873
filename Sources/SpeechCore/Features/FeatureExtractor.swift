/// Turns waveforms into the inputs of an encoder, as one of `transformers`' feature extractors does.
///
/// The work of one clip (`clipFeatures`) and the padding of a batch (`collate`) are apart, so that a
/// loader can compute clips on several threads and put batches together later.
public protocol FeatureExtractor: Sendable {
    /// The configuration, which writes the `preprocessor_config.json` of a model.
    var config: FeatureExtractorConfig { get }
    /// The name of the encoder input that the features are.
    var inputName: SpeechFeatures.InputName { get }
    /// The number of samples of the shortest clip that has features.
    var minimumSamples: Int { get }
    /// The number of samples of the longest clip that the encoder hears, to which every clip is
    /// padded; nil where clips have any length.
    var maximumSamples: Int? { get }
    /// The number of positions (samples or stacked frames) of a clip alone, masked ones included.
    func inputLength(samples: Int) -> Int
    /// The number of positions of a clip that the attention mask marks as valid.
    func validLength(samples: Int) -> Int
    /// Computes what does not depend on the rest of a batch.
    ///
    /// - Parameter waveform: Mono samples in [−1, 1] at `samplingRate`.
    /// - Throws: `FeatureError.clipTooShort`, `.clipTooLong` or `.nonFiniteSample`.
    func clipFeatures(_ waveform: [Float]) throws -> ClipFeatures
    /// Pads clips, all made by this extractor, to the longest and joins them.
    ///
    /// - Throws: `FeatureError.emptyBatch`.
    func collate(_ clips: [ClipFeatures]) throws -> SpeechFeatures
}

extension FeatureExtractor {
    /// The sampling rate that waveforms must have, in hertz.
    public var samplingRate: Int { config.samplingRate }

    /// Clips may have any length.
    public var maximumSamples: Int? { nil }

    /// Computes the features of a batch of waveforms.
    ///
    /// - Parameter waveforms: Mono samples in [−1, 1] at `samplingRate`.
    /// - Throws: `FeatureError`, with the index of the clip at fault.
    public func extract(_ waveforms: [[Float]]) throws -> SpeechFeatures {
        let clips = try waveforms.enumerated().map { index, waveform in
            do {
                return try clipFeatures(waveform)
            } catch let error as FeatureError {
                throw error.inClip(index)
            }
        }
        return try collate(clips)
    }

    func check(_ waveform: [Float]) throws {
        guard waveform.count >= minimumSamples else {
            throw FeatureError.clipTooShort(
                clip: nil, samples: waveform.count, minimum: minimumSamples)
        }
        if let maximum = maximumSamples, waveform.count > maximum {
            throw FeatureError.clipTooLong(
                clip: nil, samples: waveform.count, maximum: maximum, samplingRate: samplingRate)
        }
        // x - x is 0 for a finite x and NaN otherwise: one pass without branches.
        var probe: Float = 0
        for sample in waveform { probe += sample - sample }
        guard probe == 0 else {
            let index = waveform.firstIndex { !$0.isFinite } ?? 0
            throw FeatureError.nonFiniteSample(clip: nil, index: index, value: waveform[index])
        }
    }
}

/// The part of one clip's features that does not depend on its batch.
public struct ClipFeatures: Sendable, Equatable {
    /// Row-major values of shape `[rows, width]`.
    public let values: [Float]
    /// The number of samples (width 1) or of frames before stacking.
    public let rows: Int
    /// The number of values a row has.
    public let width: Int
    /// The number of rows, from the first on, that are not padding.
    public let validRows: Int

    /// Describes rows of values; `values` must hold `rows × width` of them.
    ///
    /// * `validRows`: All rows where nothing is said.
    public init(values: [Float], rows: Int, width: Int, validRows: Int? = nil) {
        precondition(values.count == rows * width, "\(values.count) values for [\(rows), \(width)]")
        self.values = values
        self.rows = rows
        self.width = width
        self.validRows = validRows ?? rows
    }
}

/// A padded batch of encoder inputs.
public struct SpeechFeatures: Sendable, Equatable {
    /// The encoder inputs that features can be.
    public enum InputName: String, Sendable {
        /// Samples, `[B, N]`.
        case inputValues = "input_values"
        /// Frames of filterbank features, `[B, T, F]`.
        case inputFeatures = "input_features"
    }

    /// The values in row-major order.
    public let values: [Float]
    /// `[B, N]` for samples, `[B, T, F]` for frames.
    public let shape: [Int]
    /// 1 for valid positions and 0 for padding, `[B, N]` or `[B, T]`.
    public let attentionMask: [Int32]
    /// The number of valid positions of each clip, `[B]`.
    public let lengths: [Int]
    /// The number of positions that each clip has alone, masked ones included, `[B]`.
    public let inputLengths: [Int]
    /// The name of the encoder input.
    public let inputName: InputName
    /// Whether the model expects the mask; models trained without it get the values alone.
    public let usesAttentionMask: Bool

    /// Joins values and lengths and derives the mask from them.
    ///
    /// - Parameters:
    ///   - values: As many values as the product of `shape`.
    ///   - shape: `[B, N]` or `[B, T, F]`.
    ///   - lengths: `[B]`, each at most `shape[1]`.
    ///   - inputLengths: `[B]`, each at least the clip's length; nil where they are the lengths.
    ///   - inputName: The name of the encoder input.
    ///   - usesAttentionMask: Whether the model expects the mask.
    public init(
        values: [Float], shape: [Int], lengths: [Int], inputLengths: [Int]? = nil,
        inputName: InputName, usesAttentionMask: Bool
    ) {
        precondition(shape.reduce(1, *) == values.count, "\(values.count) values for \(shape)")
        precondition(lengths.count == shape[0] && lengths.allSatisfy { $0 <= shape[1] })
        self.values = values
        self.shape = shape
        self.lengths = lengths
        self.inputLengths = inputLengths ?? lengths
        self.inputName = inputName
        self.usesAttentionMask = usesAttentionMask
        var mask = [Int32](repeating: 0, count: shape[0] * shape[1])
        for (clip, length) in lengths.enumerated() {
            let start = clip * shape[1]
            for position in start..<start + length { mask[position] = 1 }
        }
        attentionMask = mask
    }
}

/// Why a waveform has no features.
public enum FeatureError: ReportedError, Equatable {
    /// A clip is shorter than the extractor's shortest input; both counts are samples.
    case clipTooShort(clip: Int?, samples: Int, minimum: Int)
    /// A clip is longer than what the encoder hears at a time; both counts are samples.
    case clipTooLong(clip: Int?, samples: Int, maximum: Int, samplingRate: Int)
    /// A sample is NaN or infinite.
    case nonFiniteSample(clip: Int?, index: Int, value: Float)
    /// A batch without clips.
    case emptyBatch

    func inClip(_ clip: Int) -> FeatureError {
        switch self {
        case .clipTooShort(_, let samples, let minimum):
            return .clipTooShort(clip: clip, samples: samples, minimum: minimum)
        case .clipTooLong(_, let samples, let maximum, let rate):
            return .clipTooLong(
                clip: clip, samples: samples, maximum: maximum, samplingRate: rate)
        case .nonFiniteSample(_, let index, let value):
            return .nonFiniteSample(clip: clip, index: index, value: value)
        case .emptyBatch: return self
        }
    }

    /// What was expected and what was found, for a person to read.
    public var description: String {
        func name(_ clip: Int?) -> String { clip.map { "clip \($0)" } ?? "the clip" }
        switch self {
        case .clipTooShort(let clip, let samples, let minimum):
            return "\(name(clip)) is too short: expected at least \(minimum) samples, found "
                + "\(samples)"
        case .clipTooLong(let clip, let samples, let maximum, let rate):
            let seconds = Double(maximum) / Double(rate)
            return "\(name(clip)) is too long: expected at most \(maximum) samples (\(seconds) s), "
                + "which is all that the model hears at a time; found \(samples)"
        case .nonFiniteSample(let clip, let index, let value):
            return "\(name(clip)) has a broken sample at index \(index): expected a finite number, "
                + "found \(value)"
        case .emptyBatch:
            return "cannot compute features: expected at least one clip, found none"
        }
    }

    /// The exit code that this error ends the command with.
    public var exitStatus: ExitStatus { .badInput }
}
