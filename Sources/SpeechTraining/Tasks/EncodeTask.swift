import Foundation
public import SpeechCore
public import SpeechModels
import Torch

/// Computes what `colld encode` writes: hidden states and feed-forward features by name.
public struct EncodeTask {
    /// Which layers are wanted besides the last hidden state.
    public enum Layers: Equatable, Sendable {
        /// Every hidden state, and with feed-forward features all of those.
        case all
        /// Only the last hidden state, and with feed-forward features those of the last layer.
        case last
        /// These numbers, as the names of the tensors have them.
        case chosen([Int])
    }

    private let model: LoadedModel
    /// Numbers in the names of the tensors.
    private let hiddenStates: [Int]
    private let feedForward: [Int]

    /// Plans what is computed.
    ///
    /// * `layers`: `chosen` takes 0 (the input of the first layer) up to the number of layers L.
    /// * `feedForward`: Whether to give feed-forward features, layers counted from 0: a chosen number i
    ///   below L also gives `ffn.<i>`.
    /// - Throws: `EncodeError.unknownLayers`.
    public init(_ model: LoadedModel, layers: Layers = .last, feedForward: Bool = false) throws {
        self.model = model
        let count = model.encoder.layerCount
        switch layers {
        case .all:
            hiddenStates = Array(0...count)
            self.feedForward = feedForward ? Array(0..<count) : []
        case .last:
            hiddenStates = []
            self.feedForward = feedForward ? [count - 1] : []
        case .chosen(let numbers):
            let unknown = numbers.filter { !(0...count).contains($0) }
            guard unknown.isEmpty else {
                throw EncodeError.unknownLayers(
                    path: model.directory.url.path, found: unknown, last: count)
            }
            hiddenStates = Set(numbers).sorted()
            self.feedForward = feedForward ? hiddenStates.filter { $0 < count } : []
        }
    }

    /// Encodes a batch as it stands, padding included.
    ///
    /// * `lengths`: Valid samples or feature frames of each clip; nil runs without any mask.
    /// - Returns: `hidden_states.<i>` and `ffn.<i>` [B, T, D], `last_hidden_state` [B, T', D'], all F32;
    ///   `lengths` I64 [B], the valid frames of the hidden states; and behind an adapter, which makes
    ///   T' less than T, `output_lengths` I64 [B], those of the last hidden state.
    /// - Throws: `EncodeError.notFinite`, or `TorchError`, for example where memory runs out.
    public func encode(_ values: [Float], _ shape: [Int], lengths: [Int]?) throws -> EncodedBatch {
        let request = LayerRequest(
            hiddenStates: Set(hiddenStates), feedForward: Set(feedForward.map { $0 + 1 }))
        let device = model.encoder.parameters.device
        return try withTorchErrors {
            try withoutGradients {
                let input = EncoderInput(
                    values: Tensor(values, shape, device: device), lengths: lengths)
                let output = model.encoder.encode(input, request: request)
                var tensors: [EncodedBatch.Part] = []
                func add(_ name: String, _ tensor: Tensor?) throws {
                    guard let tensor else { return }
                    let part = EncodedBatch.Part(
                        name: name, shape: tensor.shape, values: tensor.floats())
                    guard part.values.allSatisfy(\.isFinite) else {
                        throw EncodeError.notFinite(
                            tensor: name, precision: "\(model.encoder.precision)")
                    }
                    tensors.append(part)
                }
                for number in hiddenStates {
                    try add("hidden_states.\(number)", output.hiddenStates[number])
                }
                for number in feedForward {
                    try add("ffn.\(number)", output.feedForward[number + 1])
                }
                try add("last_hidden_state", output.lastHiddenState)
                return EncodedBatch(
                    parts: tensors, lengths: output.lengths, outputLengths: output.outputLengths,
                    isShortened: model.encoder.outputLength(frames: 1000) != 1000)
            }
        }
    }

    /// Encodes clips, each alone, and joins the results, padded with zeros to the longest.
    ///
    /// A clip so has exactly the same output whatever it is encoded with, also in families whose
    /// normalisation sees the padding of a batch.
    ///
    /// - Parameters:
    ///   - clips: Names for messages, and mono samples in [−1, 1] at the extractor's sampling rate.
    /// - Throws: `EncodeError`, `FeatureError`, `TorchError`.
    public func encode(_ clips: [(name: String, samples: [Float])]) throws -> EncodedBatch {
        precondition(!clips.isEmpty, "there is nothing to encode")
        let extractor = model.featureExtractor
        let minimum = FrameGeometry(model.encoder, extractor).minimumSamples
        for (name, samples) in clips where samples.count < minimum {
            throw EncodeError.clipTooShort(
                path: name, samples: samples.count, minimum: minimum,
                samplingRate: extractor.samplingRate)
        }
        return EncodedBatch(
            joining: try clips.map { clip in
                let features = try extractor.extract([clip.samples])
                return try encode(
                    features.values, features.shape,
                    lengths: features.usesAttentionMask ? features.lengths : nil)
            })
    }
}

/// Tensors by name, on the host.
public struct EncodedBatch: Sendable {
    /// One tensor in float32.
    public struct Part: Sendable {
        /// Its name in the file.
        public let name: String
        /// [B, T, D].
        public let shape: [Int]
        /// Row-major.
        public let values: [Float]
    }

    /// The tensors in float32.
    public let parts: [Part]
    /// Valid frames of each clip in hidden states and feed-forward features.
    public let lengths: [Int]
    /// Valid frames of each clip in the last hidden state.
    public let outputLengths: [Int]
    /// Whether an adapter shortens the last hidden state.
    public let isShortened: Bool

    init(parts: [Part], lengths: [Int], outputLengths: [Int], isShortened: Bool) {
        self.parts = parts
        self.lengths = lengths
        self.outputLengths = outputLengths
        self.isShortened = isShortened
    }

    /// Joins batches of the same tensors, padded with zeros to the most frames.
    init(joining batches: [EncodedBatch]) {
        parts = batches[0].parts.indices.map { index in
            let parts = batches.map { $0.parts[index] }
            let frames = parts.map { $0.shape[1] }.max() ?? 0
            let width = parts[0].shape[2]
            var values: [Float] = []
            values.reserveCapacity(parts.reduce(0) { $0 + $1.shape[0] } * frames * width)
            for part in parts {
                let size = part.shape[1] * width
                for clip in 0..<part.shape[0] {
                    values += part.values[(clip * size)..<((clip + 1) * size)]
                    values += repeatElement(0, count: frames * width - size)
                }
            }
            return Part(
                name: parts[0].name,
                shape: [parts.reduce(0) { $0 + $1.shape[0] }, frames, width], values: values)
        }
        lengths = batches.flatMap(\.lengths)
        outputLengths = batches.flatMap(\.outputLengths)
        isShortened = batches[0].isShortened
    }

    /// Everything as entries of a safetensors file.
    public var entries: [SafetensorsEntry] {
        var entries = parts.map {
            SafetensorsEntry(name: $0.name, shape: $0.shape, floats: $0.values)
        }
        entries.append(
            SafetensorsEntry(name: "lengths", shape: [lengths.count], integers: lengths))
        if isShortened {
            entries.append(
                SafetensorsEntry(
                    name: "output_lengths", shape: [outputLengths.count],
                    integers: outputLengths))
        }
        return entries
    }
}

/// The input of an encoder as a safetensors file holds it, checked against a model.
///
/// `input_values` [B, N] or `input_features` [B, T, F] in F32, and optionally `attention_mask` [B, N]
/// or [B, T] of whole numbers or truth values, padded on the right. Other tensors are left alone.
public struct EncoderInputFile: Sendable {
    /// Row-major.
    public let values: [Float]
    /// [B, N] or [B, T, F].
    public let shape: [Int]
    /// Valid samples or frames of each clip; nil without a mask.
    public let lengths: [Int]?

    private static let maskName = "attention_mask"

    /// Reads and checks a file.
    ///
    /// - Throws: `EncodeError`, `FileSystemError` or `SafetensorsError`.
    public init(path: String, for model: LoadedModel) throws {
        let file = try SafetensorsFile(path: path)
        let extractor = model.featureExtractor
        let name = extractor.inputName.rawValue
        func fail(_ tensor: String, _ expected: String, _ found: String) -> EncodeError {
            .invalidInput(path: path, tensor: tensor, expected: expected, found: found)
        }
        guard let info = file.entry(name) else {
            let found = file.names.isEmpty ? "no tensor" : file.names.joined(separator: ", ")
            throw fail(name, "the input that \(model.encoder.config.modelType) takes", found)
        }
        guard info.dtype == .float32 else {
            throw fail(name, "the element type F32", info.dtype.rawValue)
        }
        let shape = info.shape
        let width = extractor.config.melBins * extractor.config.stride
        switch extractor.inputName {
        case .inputValues:
            guard shape.count == 2 else { throw fail(name, "the shape [B, N]", "\(shape)") }
        case .inputFeatures:
            guard shape.count == 3, shape[2] == width else {
                throw fail(name, "the shape [B, T, \(width)]", "\(shape)")
            }
        }
        guard shape[0] > 0 else { throw fail(name, "at least one clip", "\(shape)") }
        values = try file.floats(name)
        if let index = values.firstIndex(where: { !$0.isFinite }) {
            throw fail(name, "finite numbers", "\(values[index]) at index \(index)")
        }
        self.shape = shape
        lengths = try file.entry(Self.maskName).map {
            try Self.lengths(file, $0, shape: Array(shape.prefix(2)))
        }
        for (clip, length) in (lengths ?? [shape[1]]).enumerated() {
            let frames = model.encoder.frameCount(inputLength: length)
            guard frames > 0, model.encoder.outputLength(frames: frames) > 0 else {
                let unit = extractor.inputName == .inputValues ? "samples" : "frames"
                throw fail(
                    lengths == nil ? name : Self.maskName,
                    "enough \(unit) for a frame of output in each clip",
                    "\(length) valid \(unit) in clip \(clip)")
            }
        }
    }

    /// Ones up to some place, zeros behind it.
    private static func lengths(
        _ file: SafetensorsFile, _ info: SafetensorsTensorInfo, shape: [Int]
    ) throws -> [Int] {
        func fail(_ expected: String, _ found: String) -> EncodeError {
            .invalidInput(path: file.path, tensor: maskName, expected: expected, found: found)
        }
        guard !info.dtype.isFloatingPoint else {
            throw fail("whole numbers or truth values", info.dtype.rawValue)
        }
        guard info.shape == shape else { throw fail("the shape \(shape)", "\(info.shape)") }
        let mask = try file.integers(maskName)
        if let other = mask.first(where: { $0 != 0 && $0 != 1 }) {
            throw fail("0 or 1", "\(other)")
        }
        return try (0..<shape[0]).map { clip in
            let row = mask[(clip * shape[1])..<((clip + 1) * shape[1])]
            let length = row.reduce(0, +)
            guard row.prefix(length).allSatisfy({ $0 == 1 }) else {
                throw fail(
                    "padding on the right only", "a 0 before the last 1 in clip \(clip)")
            }
            return length
        }
    }
}

/// What can be wrong with what is to be encoded.
public enum EncodeError: ReportedError, Equatable {
    /// Layers that the model does not have.
    case unknownLayers(path: String, found: [Int], last: Int)
    /// A tensor of the input file that does not fit the model.
    case invalidInput(path: String, tensor: String, expected: String, found: String)
    /// A clip that gives no frame.
    case clipTooShort(path: String, samples: Int, minimum: Int, samplingRate: Int)
    /// An output that overflowed.
    case notFinite(tensor: String, precision: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .unknownLayers(let path, let found, let last):
            "--layers: expected numbers from 0 to \(last), the layers of '\(path)'; found "
                + found.map(String.init).joined(separator: ", ")
        case .invalidInput(let path, let tensor, let expected, let found):
            "'\(path)', tensor '\(tensor)': expected \(expected); found \(found)"
        case .clipTooShort(let path, let samples, let minimum, let rate):
            "audio file '\(path)' is too short: expected at least \(minimum) samples at \(rate) Hz; "
                + "found \(samples)"
        case .notFinite(let tensor, let precision):
            "'\(tensor)' is not finite when computed in \(precision); try --precision fp32"
        }
    }

    /// Bad input, but for what overflows.
    public var exitStatus: ExitStatus {
        if case .notFinite = self { return .runtimeFailure }
        return .badInput
    }
}
