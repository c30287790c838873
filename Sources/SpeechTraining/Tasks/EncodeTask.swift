import Foundation
import SpeechCore
public import SpeechModels
import Torch

/// Computes what `colld encode` writes: hidden states and feed-forward features by name.
public struct EncodeTask {
    /// Which layers are wanted besides the last hidden state.
    public enum Layers: Equatable, Sendable, CustomStringConvertible {
        /// Every hidden state, and with feed-forward features all of those.
        case all
        /// Only the last hidden state, and with feed-forward features those of the last layer.
        case last
        /// These numbers, as the names of the tensors have them.
        case chosen([Int])

        /// As the flag spells it, numbers in ascending order and each once.
        public var description: String {
            switch self {
            case .all: "all"
            case .last: "last"
            case .chosen(let numbers):
                Set(numbers).sorted().map(String.init).joined(separator: ",")
            }
        }
    }

    /// What computes.
    let model: LoadedModel
    /// The layers that were asked for.
    let layers: Layers
    /// Whether feed-forward features were asked for.
    let givesFeedForward: Bool
    /// Whether logits were asked for.
    var givesLogits: Bool { head != nil }
    /// What padding may do.
    let padding: PaddingPolicy
    /// The names of all tensors of a result, in their order.
    var tensorNames: [String] {
        hiddenStates.map { "hidden_states.\($0)" } + feedForward.map { "ffn.\($0)" }
            + ["last_hidden_state"] + (head == nil ? [] : ["logits"])
    }

    /// Numbers in the names of the tensors.
    private let hiddenStates: [Int]
    private let feedForward: [Int]
    private let head: CTCHead?

    /// Plans what is computed.
    ///
    /// * `layers`: `chosen` takes 0 (the input of the first layer) up to the number of layers L.
    /// * `feedForward`: Whether to give feed-forward features, layers counted from 0: a chosen number i
    ///   below L also gives `ffn.<i>`.
    /// * `logits`: Whether to give what the head of a recogniser makes of the last hidden state.
    /// * `padding`: What the padding of a batch may do to the clips in it.
    /// - Throws: `EncodeError.unknownLayers`, and with `logits` as `LoadedModel.loadHead`.
    public init(
        _ model: LoadedModel, layers: Layers = .last, feedForward: Bool = false,
        logits: Bool = false, padding: PaddingPolicy = .isolated
    ) throws {
        self.model = model
        self.layers = layers
        givesFeedForward = feedForward
        self.padding = padding
        head = logits ? try model.loadHead() : nil
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

    /// Encodes a batch as it stands.
    ///
    /// * `lengths`: Valid samples or feature frames of each clip; nil runs without any mask.
    /// - Returns: `hidden_states.<i>` and `ffn.<i>` [B, T, D], `last_hidden_state` [B, T', D'], and
    ///   where asked for `logits` [B, T', V], all F32; `lengths` I64 [B], the valid frames of the hidden
    ///   states; and behind an adapter, which makes T' less than T, `output_lengths` I64 [B], those of
    ///   the last hidden state and the logits.
    /// - Throws: `EncodeError.notFinite`, or `TorchError`, for example where memory runs out.
    public func encode(_ values: [Float], _ shape: [Int], lengths: [Int]?) throws -> EncodedBatch {
        try encode { device in
            EncoderInput(
                values: Tensor(values, shape, device: device), lengths: lengths, padding: padding)
        }
    }

    /// Encodes a batch of extracted features; see above.
    func encode(_ features: SpeechFeatures) throws -> EncodedBatch {
        try encode { EncoderInput(features, device: $0, padding: padding) }
    }

    private func encode(_ input: (Device) -> EncoderInput) throws -> EncodedBatch {
        let request = LayerRequest(
            hiddenStates: Set(hiddenStates), feedForward: Set(feedForward.map { $0 + 1 }))
        return try withTorchErrors {
            try withoutGradients {
                let output = model.encoder.encode(
                    input(model.encoder.parameters.device), request: request)
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
                if let head { try add("logits", output.lastHiddenState.map { head($0) }) }
                return EncodedBatch(
                    parts: tensors, lengths: output.lengths, outputLengths: output.outputLengths,
                    isShortened: model.encoder.outputLength(frames: 1000) != 1000)
            }
        }
    }

    /// Encodes clips, each alone, and joins the results, padded with zeros to the longest.
    ///
    /// A clip so has exactly the same output whatever it is encoded with.
    ///
    /// - Parameters:
    ///   - clips: Names for messages, and mono samples in [−1, 1] at the extractor's sampling rate.
    /// - Throws: `EncodeError`, `FeatureError`, `TorchError`.
    public func encode(_ clips: [(name: String, samples: [Float])]) throws -> EncodedBatch {
        precondition(!clips.isEmpty, "there is nothing to encode")
        let extractor = model.featureExtractor
        let minimum = FrameGeometry(model.encoder.config, extractor).minimumSamples
        for (name, samples) in clips where samples.count < minimum {
            throw EncodeError.clipTooShort(
                path: name, samples: samples.count, minimum: minimum,
                samplingRate: extractor.samplingRate)
        }
        if let maximum = extractor.maximumSamples {
            for (name, samples) in clips where samples.count > maximum {
                throw EncodeError.clipTooLong(
                    path: name, samples: samples.count, maximum: maximum,
                    samplingRate: extractor.samplingRate)
            }
        }
        return EncodedBatch(
            joining: try clips.map { clip in
                let features = try extractor.extract([clip.samples])
                do {
                    return try encode(features)
                } catch let error as TorchError {
                    throw EncodeError.alone(
                        error, path: clip.name,
                        seconds: Double(clip.samples.count) / Double(extractor.samplingRate))
                }
            })
    }
}
