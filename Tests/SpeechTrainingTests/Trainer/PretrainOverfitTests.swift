import SpeechModels
import SpeechObjectives
import SpeechTraining
import Testing
import Torch

/// Whether what can be learned by heart without a teacher is learned.
@Suite struct PretrainOverfitTests {
    /// What updates on eight utterances of one to two seconds reach, with always the same frames
    /// hidden.
    private struct Course {
        /// Contrastive loss and prediction loss of each update, together.
        var losses: [Double] = []
        /// Of the last update.
        var metrics: [String: Double] = [:]

        /// Trains a student of w2v-BERT's family until the losses are a tenth of the first.
        ///
        /// In a process of its own: the number of threads belongs to the process.
        init(_ make: (any SpeechEncoder) throws -> any TrainingObjective) throws {
            Engine.threads = 1
            let config = try StudentDesign("2x64").config(
                like: EncoderFamily.w2vBert.largeConfig())
            let objective = try make(config.makeEncoder(in: ParameterStore(seed: 2)))
            let step = TrainingStep(objective, settings: AdamW.Settings(), clipNorm: 1)
            let batch = try TinyDistillation.batch((0..<8).map { 1 + 0.1 * Double($0) })
            let seed = BatchSeed(seed: 1, step: 0, batch: 0)
            while losses.count < 500 && losses.last ?? 1 >= 0.1 * (losses.first ?? 0) {
                let warmup = min(1, Double(losses.count + 1) / 20)
                let report = try step(
                    [(batch, seed)], learningRate: 4e-3 * warmup, withDiagnostics: true)
                metrics = Dictionary(
                    uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
                losses.append(
                    ["contrastive/loss", "prediction_loss"].compactMap { metrics[$0] }
                        .reduce(0, +))
            }
        }

        var isLearned: Bool { losses[losses.count - 1] < 0.1 * losses[0] }

        var text: String {
            let shown = stride(from: 0, to: losses.count, by: 50).map { losses[$0] }
            return "\(losses.count) updates: \(shown), \(losses[losses.count - 1]); \(metrics)"
        }
    }

    @Test func codesAreLearnedByHeart() async {
        await #expect(processExitsWith: .success) {
            var settings = RandomProjectionObjectiveSettings()
            settings.codes.entries = 256
            let course = try Course {
                try RandomProjectionObjective(settings, student: $0, seed: 3)
            }
            #expect(course.isLearned, "\(course.text)")
        }
    }

    @Test func quantizedFramesAreLearnedByHeart() async {
        await #expect(processExitsWith: .success) {
            let course = try Course {
                try Wav2Vec2Objective(Wav2Vec2Settings(), student: $0, seed: 3)
            }
            #expect(course.isLearned, "\(course.text)")
            // Not by using one entry for all frames, which leaves nothing to tell apart.
            #expect(course.metrics["code_perplexity"] ?? 0 > 10, "\(course.text)")
        }
    }

    @Test func bothAreLearnedByHeart() async {
        await #expect(processExitsWith: .success) {
            let course = try Course {
                try W2VBertObjective(W2VBertSettings(), student: $0, seed: 3)
            }
            #expect(course.isLearned, "\(course.text)")
            #expect(course.metrics["code_perplexity"] ?? 0 > 10, "\(course.text)")
        }
    }
}
