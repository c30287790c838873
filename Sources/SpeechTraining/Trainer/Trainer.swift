import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// The loop of a training run: batches in, updates, validation, checkpoints.
///
/// It runs on one thread from start to end, because OpenMP keeps a pool of threads for each thread
/// that calls into LibTorch.
final class Trainer {
    /// What a finished run reached.
    struct Outcome {
        var step: Int
        var finalLoss: Double
        var firstValidation: Double?
        /// The loss of the best validation, and the figure that it was chosen by, if not by the loss.
        var bestValidation: Double?
        var bestFigure: Double?
        var bestStep: Int?
        /// All figures of that validation, or of one after the last step, by name.
        var figures: [String: Double]

        /// The updates of the model that is written.
        var chosenStep: Int { bestStep ?? step }
    }

    private let config: any TrainingConfig
    private let training: TrainingStep
    private let data: TrainingData
    private let validation: TrainingData?
    private let directory: RunDirectory
    private let reporter: RunReporter
    private let schedule: LearningRateSchedule
    private let trainLog: MetricLog
    private let validLog: MetricLog
    private let events: TensorBoardLog
    private let similarity: SimilarityLog?
    private var watch: CollapseWatch
    private var state: TrainingCheckpoint
    private var nonfinite = 0
    private var firstValidation: Double?

    /// - Parameter state: nil for a new run; its tensors are restored already.
    init(
        _ config: any TrainingConfig, _ training: TrainingStep, data: TrainingData,
        validation: TrainingData?, directory: RunDirectory, reporter: RunReporter,
        resuming state: TrainingCheckpoint?
    ) throws {
        self.config = config
        self.training = training
        self.data = data
        self.validation = validation
        self.directory = directory
        self.reporter = reporter
        self.state =
            state
            ?? TrainingCheckpoint(
                step: 0, optimizerStep: 0, skipped: [])
        schedule = config.scheduler.schedule(steps: config.regime.steps)
        // A new run keeps nothing of one that was killed before its first checkpoint.
        let kept = state?.step ?? -1
        trainLog = try MetricLog(directory.metrics("train"), keepingUpTo: kept)
        validLog = try MetricLog(directory.metrics("valid"), keepingUpTo: kept)
        similarity =
            validation == nil
            ? nil
            : try SimilarityLog(training.objective, directory: directory, keepingUpTo: kept)
        watch = CollapseWatch(
            warmup: schedule.warmup,
            chanceLevel: training.objective.chanceLevel)
        events = try TensorBoardLog(
            folder: directory.url.appendingPathComponent("metrics"), keepingUpTo: kept)
    }

    /// Runs to the last step.
    ///
    /// - Throws: `RunError`, `DatasetError`, and what cannot be written. Checkpoints written before
    ///   stay whole.
    func run() throws -> Outcome {
        try linkBest()
        if state.step == 0 { try validate() }
        var window = Window()
        while state.step < config.regime.steps {
            let isLogged =
                (state.step + 1).isMultiple(of: config.trainer.logEvery)
                || state.step + 1 == config.regime.steps
            let rate =
                config.optimizer.lr
                * schedule.factor(step: state.step, total: config.regime.steps)
            let report = try update(learningRate: rate, withDiagnostics: isLogged, &window)
            state.step += 1
            state.optimizerStep = training.optimizer.step
            window.add(report)
            reporter.progress(window.progress(state.step, config, rate), isDue: isLogged)
            if isLogged {
                try log(report, rate, window)
                window = Window()
            }
            try afterUpdate()
        }
        reporter.finish()
        return Outcome(
            step: state.step, finalLoss: lastLoss, firstValidation: firstValidation,
            bestValidation: state.bestLoss, bestFigure: state.bestFigure,
            bestStep: state.bestStep,
            figures: validLog.values(atStep: state.bestStep ?? state.step))
    }

    private var lastLoss = Double.nan

    private func update(
        learningRate: Double, withDiagnostics: Bool, _ window: inout Window
    ) throws -> TrainingStep.Report {
        var batches: [(batch: TrainingBatch, context: LossContext)] = []
        var clips: [[Utterance]] = []
        var longest = 0.0
        for index in 0..<config.trainer.accumulation {
            let loaded = try data.next()
            window.seconds += loaded.seconds
            window.wait += loaded.waitSeconds
            longest = max(longest, loaded.paddedSeconds)
            try note(skipped: loaded.skipped)
            let inputs = try explained(seconds: longest) {
                try withTorchErrors { data.inputs(of: loaded) }
            }
            guard let batch = inputs else { continue }
            let context = LossContext(
                seed: BatchSeed(seed: config.common.seed, step: state.step, batch: index),
                step: state.step, steps: config.regime.steps,
                withDiagnostics: withDiagnostics && index == config.trainer.accumulation - 1)
            batches.append((batch, context))
            clips.append(loaded.utterances)
        }
        // Dropout and its like draw from here; the step alone decides what they draw.
        RandomGenerator.standard(of: training.objective.student.parameters.device)
            .seed(config.common.seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(state.step))
        let report = try explained(seconds: longest) {
            try training(batches, learningRate: learningRate)
        }
        try note(
            skipped: report.leftOut.map {
                SkippedUtterance(clips[$0.batch][$0.clip], reason: $0.reason)
            })
        nonfinite = report.isApplied || report.count == 0 ? 0 : nonfinite + 1
        if nonfinite > 0 {
            reporter.note("step \(state.step + 1): gradient is not finite; update left out")
        }
        if nonfinite >= config.trainer.maxNonfinite {
            throw RunError.notFinite(step: state.step + 1, updates: nonfinite)
        }
        if report.count > 0 { lastLoss = report.loss }
        return report
    }

    /// Says at which step an operator failed, and what helps where memory ran out.
    private func explained<Result>(
        seconds: Double, _ body: () throws -> Result
    ) throws -> Result {
        do {
            return try body()
        } catch let error as TorchError {
            if error.isOutOfMemory {
                throw RunError.outOfMemory(
                    step: state.step + 1, seconds: seconds, reason: error.message)
            }
            throw RunError.engine(step: state.step + 1, reason: error.message)
        }
    }

    private func afterUpdate() throws {
        let isLast = state.step == config.regime.steps
        if isLast || state.step.isMultiple(of: config.trainer.validateEvery) { try validate() }
        let stop = StopSignal.pending
        if isLast || stop != nil || state.step.isMultiple(of: config.trainer.saveEvery) {
            try save()
        }
        if let stop, !isLast {
            reporter.finish()
            throw RunError.stopped(
                signal: stop, step: state.step, path: directory.checkpoint(step: state.step).path)
        }
    }

    private func validate() throws {
        guard let validation else { return }
        var sum = 0.0
        var count = 0
        var metrics: [String: Double] = [:]
        var names: [String] = []
        validation.rewind()
        similarity?.start()
        var index = 0
        while let loaded = try validation.nextOfPass() {
            try note(skipped: loaded.skipped)
            guard let result = try loss(of: loaded, validation, index: index) else { continue }
            let report = result.report
            try note(
                skipped: report.leftOut.map {
                    SkippedUtterance(loaded.utterances[$0.clip], reason: $0.reason)
                })
            index += 1
            sum += result.sum
            count += report.count
            if names.isEmpty { names = report.metrics.map(\.name) }
            for (name, value) in report.metrics {
                metrics[name, default: 0] += value * Double(report.count)
            }
        }
        let summary = training.objective.finishValidation()
        guard count > 0 else { return }
        let loss = sum / Double(count)
        if firstValidation == nil { firstValidation = loss }
        let means = names.map { (name: $0, value: metrics[$0]! / Double(count)) }
        let values =
            [("loss", loss)] + (means + summary.metrics).map { ($0.name, $0.value) }
        try validLog.append([("step", Double(state.step))] + values)
        let alike = try explained(seconds: 0) { try similarity?.finish(step: state.step) ?? [] }
        try events.append(
            step: state.step,
            (values + alike.map { ($0.name, $0.value) }).map { ("valid/\($0)", $1) })
        reporter.note("step \(state.step)  validation loss \(String(format: "%.4f", loss))")
        for note in summary.notes { reporter.note(note) }
        for warning in watch.observe(step: state.step, loss: loss, metrics: means) {
            reporter.note("warning: \(warning)")
        }
        if state.step > 0, isBest(summary.selected, loss),
            training.objective.isSelectable(step: state.step, steps: config.regime.steps)
        {
            state.bestLoss = loss
            state.bestFigure = summary.selected
            state.bestStep = state.step
            try save()
        }
    }

    /// By the figure that the objective chooses by, where it has one, and then by the loss.
    private func isBest(_ figure: Double?, _ loss: Double) -> Bool {
        if let figure, let best = state.bestFigure, figure != best { return figure < best }
        return loss < state.bestLoss ?? .infinity
    }

    /// Of one batch of a validation; nil where nothing of it could be read.
    private func loss(
        of loaded: LoadedBatch, _ validation: TrainingData, index: Int
    ) throws -> (sum: Double, report: LossReport)? {
        try explained(seconds: loaded.paddedSeconds) {
            try withTorchErrors {
                guard let batch = validation.inputs(of: loaded) else { return nil }
                // The same masks and distractors every time: only the student changes.
                let context = LossContext(
                    seed: BatchSeed(
                        seed: config.common.seed ^ 0x76616c6964, step: 0, batch: index),
                    step: state.step, steps: config.regime.steps, isValidation: true,
                    withDiagnostics: true)
                let report = try withoutGradients {
                    try training.objective.loss(on: batch, context)
                }
                similarity?.add(batch)
                return (report.sum.item(), report)
            }
        }
    }

    private func save() throws {
        let url = directory.checkpoint(step: state.step)
        if directory.linkedStep("last") != state.step {
            try state.write(to: url, training, featureExtractor: data.studentExtractor)
            try directory.link("last", to: state.step)
        }
        try linkBest()
        let best = state.bestStep
        let old = directory.checkpointSteps.filter { $0 <= state.step && $0 != best }
        for step in old.dropLast(config.trainer.keepLast) {
            try? FileManager.default.removeItem(at: directory.checkpoint(step: step))
        }
    }

    /// Also before a resumed run goes on: the one before may have ended between its two links.
    private func linkBest() throws {
        if let best = state.bestStep, directory.linkedStep("best") != best {
            try directory.link("best", to: best)
        }
    }

    private func log(
        _ report: TrainingStep.Report, _ rate: Double, _ window: Window
    ) throws {
        try trainLog.append(
            [
                ("step", Double(state.step)), ("loss", window.loss), ("lr", rate),
                ("grad_norm", report.gradientNorm),
                ("audio_seconds_per_second", window.pace),
                ("data_wait", window.waitShare), ("frames", Double(window.count)),
                ("skipped", Double(state.skipped.count)),
                ("time", Date().timeIntervalSince1970),
            ] + report.metrics)
        try events.append(
            step: state.step,
            [
                ("train/loss", window.loss), ("train/lr", rate),
                ("train/grad_norm", report.gradientNorm),
                ("train/seconds_per_second", window.pace),
            ] + report.metrics.map { ("train/\($0.name)", $0.value) })
    }

    private func note(skipped: [SkippedUtterance]) throws {
        let new = skipped.filter { !state.skipped.contains($0.id) }
        guard !new.isEmpty else { return }
        for utterance in new {
            state.skipped.append(utterance.id)
            reporter.note("skipped \(utterance.id): \(utterance.reason)")
        }
        try SkippedLog.append(new, to: directory.skipped)
    }
}

/// Sums since the last line of metrics.
private struct Window {
    private let start = ContinuousClock.now
    var seconds = 0.0
    var wait = 0.0
    var sum = 0.0
    var count = 0
    var updates = 0

    mutating func add(_ report: TrainingStep.Report) {
        sum += report.lossSum
        count += report.count
        updates += 1
    }

    /// Not a number where no frame was predicted.
    var loss: Double { sum / Double(count) }
    private var elapsed: Double { max(1e-9, start.duration(to: .now) / .seconds(1)) }
    var pace: Double { seconds / elapsed }
    var waitShare: Double { wait / elapsed }

    func progress(_ step: Int, _ config: any TrainingConfig, _ rate: Double) -> ProgressState {
        ProgressState(
            step: step, steps: config.regime.steps, loss: loss, audioSecondsPerSecond: pace,
            learningRate: rate,
            secondsLeft: elapsed / Double(max(1, updates)) * Double(config.regime.steps - step))
    }
}
