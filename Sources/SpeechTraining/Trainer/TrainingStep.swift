import Foundation
import SpeechModels
public import SpeechObjectives
public import Torch

/// One update of a student: losses of some batches, their gradients, clipping, AdamW.
///
/// The trainer and the benchmark run the same step.
public final class TrainingStep {
    /// What one update did.
    public struct Report {
        /// The loss summed over all predicted frames of the update.
        public var lossSum = 0.0
        /// Predicted frames.
        public var count = 0
        /// The norm of the mean gradient before clipping.
        public var gradientNorm = 0.0
        /// Whether parameters were changed; not with a gradient that is not finite.
        public var isApplied = false
        /// Diagnostics of the last batch, if they were asked for.
        public var metrics: [(name: String, value: Double)] = []
        /// Clips that the loss left out: the batch within the update, the row, the reason.
        public var leftOut: [(batch: Int, clip: Int, reason: String)] = []

        /// The mean loss.
        public var loss: Double { lossSum / Double(max(1, count)) }
    }

    /// The loss.
    public let objective: any TrainingObjective
    /// The optimiser over student and heads.
    public let optimizer: AdamW
    private let clipNorm: Double
    /// Whether anything of the student is trained, be it later only; else it need not be stored.
    let trainsStudent: Bool

    /// Makes the student, as far as the objective trains it, and the heads trainable, the teacher not.
    ///
    /// * `clipNorm`: 0 for no clipping.
    public init(
        _ objective: any TrainingObjective, settings: AdamW.Settings, clipNorm: Double
    ) {
        self.objective = objective
        self.clipNorm = clipNorm
        for teacher in objective.teachers { teacher.parameters.setTrainable(false) }
        objective.student.parameters.setTrainable(false)
        objective.student.parameters.setTrainable(true, where: objective.isTrained)
        trainsStudent = !objective.student.parameters.trainable.isEmpty
        objective.heads.setTrainable(true)
        optimizer = AdamW(
            objective.student.parameters.trainable + objective.heads.trainable, settings,
            isExempt: { $0 == "masked_spec_embed" },
            rateScale: { objective.learningRateScale(of: $0) })
    }

    /// Makes one update.
    ///
    /// * `batches`: each with its place in the run.
    /// - Throws: `TorchError` where an operator failed, or what the objective throws; parameters
    ///   are then as before.
    public func callAsFunction(
        _ batches: [(batch: TrainingBatch, context: LossContext)], learningRate: Double
    ) throws -> Report {
        var report = Report()
        objective.student.isTraining = true
        defer { objective.student.isTraining = false }
        do {
            for (index, (batch, context)) in batches.enumerated() {
                try withTorchErrors {
                    let loss = try objective.loss(on: batch, context)
                    report.lossSum += loss.sum.item()
                    report.count += loss.count
                    report.metrics = loss.metrics
                    report.leftOut += loss.leftOut.map { (index, $0.clip, $0.reason) }
                    context.measure(.backward) { loss.sum.backward() }
                }
            }
            try withTorchErrors {
                if let profile = batches.last?.context.profile {
                    profile.measure(.optimizer) { apply(&report, learningRate) }
                } else {
                    apply(&report, learningRate)
                }
            }
        } catch {
            clearGradients()
            throw error
        }
        clearGradients()
        return report
    }

    private func apply(_ report: inout Report, _ learningRate: Double) {
        guard report.count > 0 else { return }
        let count = Double(report.count)
        report.gradientNorm = optimizer.gradientNorm() / count
        guard report.gradientNorm.isFinite, report.lossSum.isFinite else { return }
        let isClipped = clipNorm > 0 && report.gradientNorm > clipNorm
        let scale = isClipped ? clipNorm / report.gradientNorm : 1
        optimizer.update(learningRate: learningRate, gradientDivisor: count / scale)
        report.isApplied = true
    }

    private func clearGradients() {
        objective.student.parameters.clearGradients()
        objective.heads.clearGradients()
    }
}
