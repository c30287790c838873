import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// The objectives that regress teachers' layers, as the tests that all of them share make them.
enum Baseline: String, CaseIterable, CustomTestStringConvertible {
    case masked = "masked L1-cos"
    case usad = "USAD"
    case distilHuBERT = "DistilHuBERT"
    case data2Vec = "data2vec"
    case armHuBERT = "ARMHuBERT"
    case starHuBERT = "STaRHuBERT"

    var testDescription: String { rawValue }

    /// Whether masks are drawn.
    var masks: Bool { [.masked, .data2Vec, .armHuBERT].contains(self) }

    /// The objective between two models.
    ///
    /// * `masking`: in place of its own, where it masks at all.
    func objective(
        teachers: [any SpeechEncoder], student: any SpeechEncoder, masking: SpanMasking? = nil,
        seed: UInt64 = 3
    ) throws -> any TrainingObjective {
        switch self {
        case .masked, .usad, .distilHuBERT:
            var settings = LayerRegressionSettings()
            if let masking { settings.layers.masking = masking }
            if self != .masked { settings.layers.masking.sampler = .none }
            if self == .usad {
                settings.layers.mapping = .sparse(2)
                settings.layers.head = .mlp
            }
            if self == .distilHuBERT {
                settings.layers.mapping = .last([1, 2, teachers[0].layerCount])
                settings.layers.target.feature = .layerOutput
                settings.layers.head = .mlpGELU
            }
            return try LayerRegression(settings, teachers: teachers, student: student, seed: seed)
        case .data2Vec:
            var settings = Data2VecSettings()
            if let masking { settings.layers.masking = masking }
            settings.topLayers = 2
            return try Data2Vec(settings, teachers: teachers, student: student, seed: seed)
        case .armHuBERT:
            var settings = ARMHuBERTSettings()
            if let masking { settings.layers.masking = masking }
            return try ARMHuBERT(settings, teachers: teachers, student: student, seed: seed)
        case .starHuBERT:
            return try STaRHuBERT(
                STaRHuBERTSettings(), teachers: teachers, student: student, seed: seed)
        }
    }

    /// The objective between a teacher of 4 layers and a student of 2.
    func objective(
        _ family: TinyFamily, masking: SpanMasking? = nil
    ) throws -> any TrainingObjective {
        let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 3)
        student.parameters.setTrainable(true)
        return try objective(
            teachers: [family.encoder(layers: 4, width: 24, seed: 1)], student: student,
            masking: masking)
    }
}

/// A whole number of rows of one utterance, computed alone.
func states(
    _ encoder: any SpeechEncoder, _ input: EncoderInput, layer: Int, masked: [Int] = [],
    feedForward: Bool = false
) -> [[Double]] {
    let frames = encoder.frameCount(inputLength: input.values.size(1))
    let mask =
        masked.isEmpty
        ? nil : Tensor((0..<frames).map { masked.contains($0) }, [1, frames])
    let request = LayerRequest(hiddenStates: [layer], feedForward: layer > 0 ? [layer] : [])
    let output = withoutGradients { encoder.encode(input, masked: mask, request: request) }
    let states = feedForward ? output.feedForward[layer]! : output.hiddenStates[layer]!
    return Matrix(states.select(0, 0)).rows
}

extension TrainingBatch {
    /// One utterance without the others and without its padding.
    func utterance(_ clip: Int) -> EncoderInput {
        let length = student.lengths?[clip] ?? student.values.size(1)
        return EncoderInput(
            values: student.values.narrow(0, clip, 1).narrow(1, 0, length), lengths: nil)
    }
}

extension ParameterStore {
    /// A linear map of rows by the names of its parameters.
    func map(_ rows: [[Double]], _ path: String) throws -> [[Double]] {
        let weight = Matrix(try #require(self["\(path).weight"], "\(path)")).rows
        let bias = self["\(path).bias"]?.doubles() ?? weight.map { _ in 0 }
        return rows.map { row in
            weight.enumerated().map { index, weights in
                zip(weights, row).reduce(bias[index]) { $0 + $1.0 * $1.1 }
            }
        }
    }
}
