import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Families whose output does not depend on what a clip is batched with.
enum TinyFamily: String, CaseIterable, CustomTestStringConvertible {
    case w2vBert = "w2v-BERT"
    case wav2Vec2 = "wav2vec 2.0"

    var testDescription: String { rawValue }

    /// A configuration of a few thousand parameters.
    func config(layers: Int, width: Int, heads: Int = 4) -> any EncoderConfig {
        switch self {
        case .w2vBert:
            var config = W2VBertConfig()
            config.hiddenSize = width
            config.outputHiddenSize = width
            config.numHiddenLayers = layers
            config.numAttentionHeads = heads
            config.intermediateSize = 2 * width
            config.inputDimension = 12
            config.leftPositions = 5
            config.rightPositions = 2
            config.convolutionKernel = 5
            return config
        case .wav2Vec2:
            var config = Wav2Vec2Config()
            config.hiddenSize = width
            config.outputHiddenSize = width
            config.numHiddenLayers = layers
            config.numAttentionHeads = heads
            config.intermediateSize = 2 * width
            config.frontEnd.channels = [10, 10, 10]
            config.frontEnd.kernels = [10, 3, 2]
            config.frontEnd.strides = [5, 2, 2]
            config.frontEnd.hasBias = true
            config.frontEnd.norm = .layer
            config.positionalKernel = 6
            config.positionalGroups = 2
            config.isPreNorm = true
            return config
        }
    }

    /// A new encoder without dropout.
    func encoder(
        layers: Int, width: Int, heads: Int = 4, seed: UInt64
    ) -> any SpeechEncoder {
        config(layers: layers, width: width, heads: heads).asStudent()
            .makeEncoder(in: ParameterStore(seed: seed))
    }

    /// Noise of the given numbers of encoder frames; padding is zero.
    func input(frames: [Int], seed: UInt64 = 5) -> EncoderInput {
        let longest = frames.max() ?? 0
        let generator = RandomGenerator(seed: seed)
        switch self {
        case .w2vBert:
            let values = Tensor.normal([frames.count, longest, 12], generator: generator)
            let valid = Tensor.validFrames(frames, of: longest, device: .cpu)
            return EncoderInput(values: values * valid.unsqueeze(2).to(.float32), lengths: frames)
        case .wav2Vec2:
            // 30 samples give the first frame, 20 each further one.
            let lengths = frames.map { 10 + 20 * $0 }
            let padded = 10 + 20 * longest
            let values = Tensor.normal([frames.count, padded], generator: generator)
            let valid = Tensor.validFrames(lengths, of: padded, device: .cpu)
            return EncoderInput(values: values * valid.to(.float32), lengths: lengths)
        }
    }

    /// The same speech for both encoders.
    func batch(frames: [Int], seed: UInt64 = 5) -> TrainingBatch {
        let input = input(frames: frames, seed: seed)
        return TrainingBatch(student: input, teachers: [input])
    }

    /// A teacher of 4 layers, a student of 2, and what is between them.
    func objective(
        _ change: (inout CoLLDSettings) -> Void = { _ in }, seed: UInt64 = 3
    ) throws -> CoLLD {
        var settings = CoLLDSettings()
        change(&settings)
        let student = encoder(layers: 2, width: 16, heads: 2, seed: seed)
        student.parameters.setTrainable(true)
        return try CoLLD(
            settings, teachers: [encoder(layers: 4, width: 24, seed: 1)], student: student,
            seed: seed)
    }
}

/// The batch that most tests look at.
let firstBatch = BatchSeed(seed: 7, step: 0, batch: 0)

/// A batch of a training of a thousand updates.
func context(_ seed: BatchSeed, withDiagnostics: Bool = false) -> LossContext {
    LossContext(seed: seed, step: seed.step, steps: 1000, withDiagnostics: withDiagnostics)
}

extension CoLLD {
    /// The pairs of layers of the only teacher.
    var pairs: [LayerPair] { matching.pairs.map(\.layers) }
}

extension TrainingObjective {
    /// The loss of a batch, with diagnostics.
    func report(
        _ batch: TrainingBatch, _ seed: BatchSeed = firstBatch
    ) throws -> LossReport {
        try loss(on: batch, context(seed, withDiagnostics: true))
    }
}

/// A matrix [R, D] on the host, in `Double`.
struct Matrix {
    var rows: [[Double]]

    init(_ rows: [[Double]]) { self.rows = rows }

    /// Takes a tensor of rank 2.
    init(_ tensor: Tensor) {
        let values = tensor.doubles()
        let width = tensor.size(1)
        rows = (0..<tensor.size(0)).map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
    }

    static func cosine(_ a: [Double], _ b: [Double]) -> Double {
        func norm(_ x: [Double]) -> Double {
            max(x.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-8)
        }
        return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } / (norm(a) * norm(b))
    }
}

/// The contrastive loss as it is written in the literature: a list of distractors for every anchor,
/// cosines one by one.
struct NaiveLoss {
    var perFrame: [Double] = []
    var accuracy: [Double] = []
    var positiveCosine: [Double] = []
    var negativeCosine: [Double] = []
    var targetCosine: [Double] = []

    var sum: Double { perFrame.reduce(0, +) }

    /// One utterance.
    ///
    /// Anchors without distractors are left out; distractors with the anchor's own target count only
    /// in the cosine between targets.
    init(
        _ predictions: [[Double]], _ targets: [[Double]], distractors: [[Int]],
        temperature: Double
    ) {
        for (anchor, drawn) in distractors.enumerated() where !drawn.isEmpty {
            let positive = Matrix.cosine(predictions[anchor], targets[anchor])
            let others = drawn.filter { targets[$0] != targets[anchor] }
            let negatives = others.map { Matrix.cosine(predictions[anchor], targets[$0]) }
            let exponentials = negatives.map { exp($0 / temperature) }.reduce(0, +)
            let own = exp(positive / temperature)
            perFrame.append(-log(own / (own + exponentials)))
            accuracy.append(negatives.allSatisfy { positive > $0 } ? 1 : 0)
            positiveCosine.append(positive)
            let count = Double(max(1, negatives.count))
            negativeCosine.append(negatives.reduce(0, +) / count)
            let between = drawn.map { Matrix.cosine(targets[anchor], targets[$0]) }
            targetCosine.append(between.reduce(0, +) / Double(drawn.count))
        }
    }

    /// Adds the anchors of another utterance.
    mutating func add(_ other: NaiveLoss) {
        perFrame += other.perFrame
        accuracy += other.accuracy
        positiveCosine += other.positiveCosine
        negativeCosine += other.negativeCosine
        targetCosine += other.targetCosine
    }

    /// Means over anchors, in the order of `PairDiagnostics`, without the ranks.
    var diagnostics: [Double] {
        [perFrame, accuracy, positiveCosine, negativeCosine, targetCosine].map {
            $0.reduce(0, +) / Double(max(1, $0.count))
        }
    }
}
