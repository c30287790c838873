import ArgumentParser
import SpeechTraining

/// `colld benchmark checkpoint`: the loading of a checkpoint.
struct BenchmarkCheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Time the loading of a model beside the reading of its files.",
        discussion: """
            The files are read into memory once before they are read for the record, so both \
            figures are those of files that the system has at hand.
            """)

    @Option(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(help: "fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let device = try deviceOptions.prepare()
        let result = try CheckpointBenchmark(model: model, dtype: precision.dtype, device: device)
            .run()
        if json {
            print(try Output.json(result))
            return
        }
        let number = Output.number
        print(
            """
            \(number(result.fileMegabytes)) MB of weights
            \(number(result.readSeconds)) s to read, \(number(result.loadSeconds)) s to load \
            (\(number(result.timesReading)) times)
            \(number(result.peakMemoryMegabytes)) MB at most \
            (\(number(result.timesFileSize)) times the files)
            """)
    }
}
