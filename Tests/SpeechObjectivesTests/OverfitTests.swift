import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// A method that has to learn eight utterances by heart.
struct OverfitCase: CustomTestStringConvertible, Sendable {
    /// What the loss must fall to.
    enum Goal: Sendable {
        /// A share of the excess over the least loss before the first update.
        case share(Double)
        /// A value.
        case value(Double)
    }

    let testDescription: String
    let goal: Goal
    let learningRate: Double
    let teacherWidth: Int
    /// The objective between a teacher and a student that are given.
    let make:
        @Sendable (_ teacher: any SpeechEncoder, _ student: any SpeechEncoder) throws
            -> any TrainingObjective

    init(
        _ name: String, goal: Goal = .share(0.1), learningRate: Double = 3e-3,
        teacherWidth: Int = 16,
        make:
            @escaping @Sendable (any SpeechEncoder, any SpeechEncoder) throws
            -> any TrainingObjective
    ) {
        testDescription = name
        self.goal = goal
        self.learningRate = learningRate
        self.teacherWidth = teacherWidth
        self.make = make
    }

    /// Every method, one line each.
    static let all: [OverfitCase] =
        Baseline.allCases.map { baseline in
            OverfitCase(baseline.rawValue) {
                try baseline.objective(teachers: [$0], student: $1)
            }
        } + [
            // A narrow teacher's features are too alike for 0.1.
            OverfitCase(
                "CoLLD", goal: .value(0.1), learningRate: 1e-2, teacherWidth: 64
            ) {
                try CoLLD(CoLLDSettings(), teachers: [$0], student: $1, seed: 3)
            },
            OverfitCase("once for all", learningRate: 1e-2) {
                var settings = OnceForAllSettings()
                settings.regression.topLayers = 2
                settings.space.widths = [48, 64]
                return try OnceForAll(settings, teachers: [$0], student: $1, seed: 3)
            },
        ]
}

/// Eight utterances and one draw of masks: a method that cannot learn these learns nothing.
@Suite(.serialized) struct OverfitTests {
    @Test(arguments: OverfitCase.all)
    func eightUtterancesAreLearned(_ method: OverfitCase) throws {
        let family = TinyFamily.w2vBert
        let teacher = family.encoder(layers: 4, width: method.teacherWidth, seed: 1)
        let student = family.encoder(layers: 2, width: 64, seed: 2)
        student.parameters.setTrainable(true)
        let objective = try method.make(teacher, student)
        let batch = family.batch(frames: [32, 30, 28, 27, 25, 24, 22, 21])
        let optimizer = AdamW(
            student.parameters.trainable + objective.heads.trainable,
            AdamW.Settings(), rateScale: { objective.learningRateScale(of: $0) })
        var first = 0.0
        var goal = 0.0
        var loss = Double.infinity
        var updates = 0
        while updates <= 500 {
            // Of the trained speech with its masks: what is asked is whether it is learned by heart.
            let report = try objective.loss(
                on: batch,
                LossContext(
                    seed: BatchSeed(seed: 7, step: 0, batch: 0), step: updates, steps: 500))
            loss = report.sum.item() / Double(report.count) - objective.minimumLoss
            if updates == 0 {
                first = loss
                switch method.goal {
                case .share(let share): goal = share * first
                case .value(let value): goal = value - objective.minimumLoss
                }
            }
            if loss < goal { break }
            report.sum.backward()
            let norm = optimizer.gradientNorm() / Double(report.count)
            // Up in 10 updates, down in the second half.
            let schedule = min(1, Double(updates + 1) / 10, Double(500 - updates) / 250)
            optimizer.update(
                learningRate: method.learningRate * schedule,
                gradientDivisor: Double(report.count) * max(1, norm))
            student.parameters.clearGradients()
            objective.heads.clearGradients()
            updates += 1
        }
        #expect(loss < goal, "\(first) to \(loss) in \(updates) updates")
        if ProcessInfo.processInfo.environment["COLLD_OVERFIT"] != nil {
            print("overfit: \(method.testDescription): \(first) to \(loss) in \(updates) updates")
        }
    }
}
