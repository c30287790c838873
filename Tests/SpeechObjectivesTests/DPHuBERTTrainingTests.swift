import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Joint distillation and pruning: what it learns.
@Suite(.serialized) struct DPHuBERTTrainingTests {
    /// Eight short utterances are learned by heart while half of the student goes.
    @Test(arguments: TinyFamily.allCases)
    func theStudentShrinksAndLearns(_ family: TinyFamily) throws {
        let objective = try DPHuBERTTests.objective(family, width: 48) {
            $0.gateRate = 50
            $0.multiplierRate = 20
        }
        let batch = family.batch(frames: [12, 14, 16, 18, 13, 15, 17, 19])
        let frames = 124.0
        let optimizer = AdamW(
            objective.student.parameters.trainable + objective.heads.trainable,
            AdamW.Settings(weightDecay: 0), rateScale: objective.learningRateScale)
        func validation(_ step: Int) throws -> [String: Double] {
            let report = try withoutGradients {
                try objective.loss(on: batch, DPHuBERTTests.validation(step: step))
            }
            var values = Dictionary(
                uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
            values["gap"] = report.sum.item() / frames - objective.minimumLoss
            return values
        }
        let start = try validation(0)
        var middle = start
        #expect(!objective.isSelectable(step: 0, steps: 1000))
        for step in 0..<300 {
            let report = try objective.loss(
                on: batch, context(BatchSeed(seed: 7, step: step, batch: 0)))
            report.sum.backward()
            let warmup = min(1, Double(step + 1) / 20)
            optimizer.update(learningRate: 2e-3 * warmup, gradientDivisor: frames)
            objective.student.parameters.clearGradients()
            objective.heads.clearGradients()
            if step == 99 { middle = try validation(100) }
        }
        let end = try validation(300)
        let sparsity = try #require(end["sparsity"])
        #expect(abs(sparsity - 0.5) < 0.03, "\(sparsity)")
        let size = try #require(end["pruned_size"])
        let share = size / Double(objective.student.parameters.parameterCount)
        #expect(abs(share - 0.5) < 0.05, "\(share)")
        #expect(try #require(end["gap"]) < #require(middle["gap"]))
        #expect(objective.isSelectable(step: 300, steps: 1000) == (sparsity > 0.49))
        let pruned = objective.result().encoder
        #expect(Double(pruned.parameters.parameterCount) == size)

        // The second stage goes on from there.
        var settings = objective.settings
        settings.prunes = []
        pruned.parameters.setTrainable(true)
        let second = try DPHuBERT(
            settings, teachers: objective.teachers, student: pruned, seed: 4)
        for (name, tensor) in objective.result().heads {
            withoutGradients { second.heads[name]!.assign(tensor) }
        }
        let finetuning = AdamW(
            pruned.parameters.trainable + second.heads.trainable, AdamW.Settings(weightDecay: 0))
        func gap() throws -> Double {
            try withoutGradients {
                try second.loss(on: batch, DPHuBERTTests.validation()).sum.item() / frames
                    - second.minimumLoss
            }
        }
        let before = try gap()
        for step in 0..<60 {
            let report = try second.loss(
                on: batch, context(BatchSeed(seed: 7, step: step, batch: 0)))
            report.sum.backward()
            finetuning.update(learningRate: 1e-3, gradientDivisor: frames)
            pruned.parameters.clearGradients()
            second.heads.clearGradients()
        }
        let after = try gap()
        #expect(after < 0.8 * before, "\(before) to \(after)")
    }
}
