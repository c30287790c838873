import Foundation
public import SpeechCore
public import SpeechModels

/// How far an encoder's activations are from those that a file holds.
///
/// The file is safetensors with `input_values` [B, N] or `input_features` [B, T, F], optionally
/// `attention_mask`, and any of `hidden_states.<i>`, `ffn.<i>` and `last_hidden_state` [B, T, D] as
/// `colld encode` writes them. fairseq's `layer_results.<i>` (the output of layer i, from 0) counts as
/// `hidden_states.<i + 1>`, its `x` as `last_hidden_state`. With a mask only valid frames are compared.
public struct ActivationComparison: Encodable, Sendable {
    /// One tensor.
    public struct Difference: Encodable, Sendable {
        /// Its name in the file.
        public let tensor: String
        /// The largest absolute difference; infinite for what is not a number.
        public let largest: Double
        /// Where it is: clip, frame, dimension.
        public let position: [Int]

        /// Writes an infinite difference, for which JSON has no number, as null.
        public func encode(to encoder: any Encoder) throws {
            var c = encoder.container(keyedBy: CodingKeys.self)
            try c.encode(tensor, forKey: .tensor)
            try c.encode(largest.isFinite ? largest : nil, forKey: .largest)
            try c.encode(position, forKey: .position)
        }

        private enum CodingKeys: CodingKey { case tensor, largest, position }
    }

    /// Every tensor that was compared, in the order of the file's names.
    public let differences: [Difference]

    /// The largest of all differences.
    public var largest: Double { differences.map(\.largest).max() ?? 0 }

    /// Runs the encoder and compares.
    ///
    /// - Throws: `EncodeError`, `SafetensorsError`, `FileSystemError`, or `TorchError`.
    public init(_ model: LoadedModel, with path: String) throws {
        let input = try EncoderInputFile(path: path, for: model)
        let file = try SafetensorsFile(path: path)
        let layers = model.encoder.layerCount
        let stored = file.names.compactMap { name in Activation(name).map { (name, $0) } }
        guard !stored.isEmpty else {
            throw EncodeError.invalidInput(
                path: path, tensor: "last_hidden_state",
                expected: "it or hidden_states.<i> or ffn.<i> to compare with",
                found: file.names.joined(separator: ", "))
        }
        let numbers = stored.compactMap { $0.1.number }
        if let (name, activation) = stored.first(where: { ($0.1.number ?? 0) > $0.1.last(layers) })
        {
            throw EncodeError.invalidInput(
                path: path, tensor: name, expected: "a number up to \(activation.last(layers))",
                found: "\(activation.number ?? 0)")
        }
        let batch = try EncodeTask(
            model, layers: .chosen(numbers), feedForward: true, padding: .reference
        )
        .encode(input.values, input.shape, lengths: input.lengths)
        differences = try stored.map { name, activation in
            guard let part = batch.parts.first(where: { $0.name == activation.ourName }) else {
                preconditionFailure("\(activation.ourName) was asked for")
            }
            let shape = file.entry(name)?.shape ?? []
            guard shape == part.shape else {
                throw EncodeError.invalidInput(
                    path: path, tensor: name, expected: "the shape \(part.shape)",
                    found: "\(shape)")
            }
            let lengths = activation.isLast ? batch.outputLengths : batch.lengths
            return Self.difference(name, part, try file.floats(name), lengths)
        }
    }

    private static func difference(
        _ name: String, _ part: EncodedBatch.Part, _ expected: [Float], _ lengths: [Int]
    ) -> Difference {
        let (frames, width) = (part.shape[1], part.shape[2])
        var largest = -1.0
        var place = 0
        for (clip, length) in lengths.enumerated() {
            let start = clip * frames * width
            for index in start..<start + length * width {
                let distance = abs(Double(part.values[index]) - Double(expected[index]))
                // Written so that NaN is the largest.
                let difference = distance <= .infinity ? distance : .infinity
                if difference > largest { (largest, place) = (difference, index) }
            }
        }
        return Difference(
            tensor: name, largest: max(0, largest),
            position: [place / (frames * width), place / width % frames, place % width])
    }

    /// What a name in the file stands for.
    private enum Activation {
        case hiddenState(Int), feedForward(Int), last

        init?(_ name: String) {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            switch (parts.first, parts.dropFirst().first.flatMap { Int($0) }, parts.count) {
            case ("hidden_states", let number?, 2) where number >= 0: self = .hiddenState(number)
            case ("layer_results", let number?, 2) where (0..<1 << 20).contains(number):
                self = .hiddenState(number + 1)
            case ("ffn", let number?, 2) where number >= 0: self = .feedForward(number)
            case ("last_hidden_state", nil, 1), ("x", nil, 1): self = .last
            default: return nil
            }
        }

        var number: Int? {
            switch self {
            case .hiddenState(let number), .feedForward(let number): number
            case .last: nil
            }
        }

        /// The highest number that an encoder of `layers` layers has.
        func last(_ layers: Int) -> Int {
            if case .feedForward = self { return layers - 1 }
            return layers
        }

        var isLast: Bool {
            if case .last = self { return true }
            return false
        }

        var ourName: String {
            switch self {
            case .hiddenState(let number): "hidden_states.\(number)"
            case .feedForward(let number): "ffn.\(number)"
            case .last: "last_hidden_state"
            }
        }
    }
}

/// Activations that lie further apart than they may.
public struct ActivationGateError: ReportedError {
    /// The largest difference.
    public let largest: Double
    /// The tensor that has it.
    public let tensor: String
    /// What was allowed.
    public let tolerance: Double

    /// Fails where the comparison exceeds the tolerance.
    ///
    /// - Throws: itself.
    public static func check(_ comparison: ActivationComparison, tolerance: Double) throws {
        guard let worst = comparison.differences.max(by: { $0.largest < $1.largest }),
            !(worst.largest <= tolerance)
        else { return }
        throw ActivationGateError(
            largest: worst.largest, tensor: worst.tensor, tolerance: tolerance)
    }

    /// What was expected and what was found.
    public var description: String {
        "'\(tensor)': expected activations within \(tolerance) of the stored ones, found a difference "
            + "of \(largest); nothing was written"
    }

    /// A gate that did not hold.
    public var exitStatus: ExitStatus { .gateFailed }
}
