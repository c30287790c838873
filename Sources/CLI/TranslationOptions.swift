import ArgumentParser
import SpeechTraining

/// What only translation models take, for every command that translates.
struct TranslationOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: """
            The exponent of the length that scores of translations are divided by, above 0 for longer \
            texts; what the model says, if not given.
            """)
    var lengthPenalty: Double?

    func validate() throws {
        guard (lengthPenalty ?? 0).isFinite else {
            throw ValidationError("--length-penalty must be a number")
        }
    }

    /// Reads a translation model.
    ///
    /// * `beams`: texts that the search follows at a time; nil for what the model says.
    func makeTask(
        _ model: String, beams: Int?, _ computing: ComputingOptions,
        _ deviceOptions: DeviceOptions, reporter: RunReporter
    ) throws -> TranslateTask {
        let device = try deviceOptions.prepare()
        var settings = TranslateTask.Settings()
        settings.beams = beams
        settings.lengthPenalty = lengthPenalty
        settings.chunkSeconds = computing.chunkSeconds
        settings.batchSeconds = computing.batchSeconds
        return TranslateTask(
            try Translator(model, dtype: computing.precision.dtype, device: device),
            settings: settings, reporter: reporter)
    }
}
