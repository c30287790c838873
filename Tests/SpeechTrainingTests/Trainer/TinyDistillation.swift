import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import SpeechTraining
import Torch

extension TrainingStep {
    /// Makes one update of a long training.
    func callAsFunction(
        _ batches: [(TrainingBatch, BatchSeed)], learningRate: Double,
        withDiagnostics: Bool = false
    ) throws -> Report {
        try self(
            batches.map { batch, seed in
                let context = LossContext(
                    seed: seed, step: seed.step, steps: 1000, withDiagnostics: withDiagnostics)
                return (batch, context)
            }, learningRate: learningRate)
    }
}

/// A teacher, a student and a little speech, all made from seeds.
struct TinyDistillation {
    let teacher: any SpeechEncoder
    let student: any SpeechEncoder
    let objective: CoLLD

    init(
        _ settings: CoLLDSettings = CoLLDSettings(), teacher: String = "3x64",
        student: String = "2x64", precision: DType = .float32
    ) throws {
        let base = try EncoderFamily.w2vBert.largeConfig()
        let teacherConfig = try StudentDesign(teacher).config(like: base)
        self.teacher = teacherConfig.makeEncoder(in: ParameterStore(seed: 1, dtype: precision))
        let studentConfig = try StudentDesign(student).config(like: base)
        self.student = studentConfig.makeEncoder(in: ParameterStore(seed: 2))
        self.student.precision = precision
        objective = try CoLLD(settings, teachers: [self.teacher], student: self.student, seed: 3)
    }

    /// No masking: the student hears what it has to predict.
    static var unmasked: CoLLDSettings {
        var settings = CoLLDSettings()
        settings.layers.masking = SpanMasking(sampler: .none)
        settings.layers.target = TargetFeature(normalization: .instance)
        return settings
    }

    /// The features of voice-like tones of these lengths, as one padded batch.
    static func batch(_ seconds: [Double], first: Int = 0) throws -> TrainingBatch {
        let extractor = FeatureExtractorConfig(kind: .seamlessM4T).makeExtractor()
        let features = try extractor.extract(
            seconds.enumerated().map { tone(first + $0, seconds: $1) })
        let input = EncoderInput(features)
        return TrainingBatch(student: input, teachers: [input])
    }

    /// A harmonic tone whose pitch moves, other for each number.
    private static func tone(_ index: Int, seconds: Double) -> [Float] {
        let number = Double(index)
        var phase = 0.0
        return (0..<Int(seconds * 16_000)).map { sample in
            let time = Double(sample) / 16_000
            let slow = 1 + 0.5 * sin(2 * .pi * (0.7 + 0.1 * number) * time + number)
            let pitch = (100 + 20 * number) * slow * (1 + 0.3 * sin(2 * .pi * 3.1 * time))
            phase += 2 * .pi * pitch / 16_000
            return Float(0.3 * sin(phase) + 0.15 * sin(2 * phase + number) + 0.1 * sin(5 * phase))
        }
    }
}
