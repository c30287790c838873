import ArgumentParser
import SpeechTraining

/// How much audio is computed at once, for every command that writes what is said.
struct ComputingOptions: ParsableArguments {
    @Option(help: "Seconds of a chunk; longer clips are cut.")
    var chunkSeconds = 30.0

    @Option(help: "Seconds of audio computed at once, padding included.")
    var batchSeconds = 60.0

    @Option(help: "The type to compute in: fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    func validate() throws {
        guard (1...3600).contains(chunkSeconds) else {
            throw ValidationError("--chunk-seconds must be from 1 to 3600")
        }
        guard batchSeconds > 0, batchSeconds.isFinite else {
            throw ValidationError("--batch-seconds must be above 0")
        }
    }

    /// Reads a translation model.
    ///
    /// * `beams`, `lengthPenalty`: of the search; nil for what the model says.
    func makeTranslateTask(
        _ model: String, beams: Int?, lengthPenalty: Double?, _ deviceOptions: DeviceOptions,
        reporter: RunReporter
    ) throws -> TranslateTask {
        let device = try deviceOptions.prepare()
        var settings = TranslateTask.Settings()
        settings.beams = beams
        settings.lengthPenalty = lengthPenalty
        settings.chunkSeconds = chunkSeconds
        settings.batchSeconds = batchSeconds
        return TranslateTask(
            try Translator(model, dtype: precision.dtype, device: device), settings: settings,
            reporter: reporter)
    }
}
