import ArgumentParser

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
}
