import ArgumentParser
import Foundation
import SpeechModels
import SpeechObjectives
import SpeechTraining

/// `colld benchmark encode`: the forward pass of an encoder.
struct BenchmarkEncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Time the forward pass of an encoder on noise.",
        discussion: """
            Measures the model of --model, or random weights of --family in the shape of --design. \
            Audio is turned into features before time is taken.
            """)

    @Option(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String?

    @Option(help: "The family of an encoder with random weights.")
    var family: FamilyOption?

    @Option(help: "The shape of an encoder with random weights, layers x width.")
    var design = "12x384"

    @Option(help: "fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    @Option(help: "Clips of a batch.")
    var batch = 1

    @Option(help: "Seconds of each clip.")
    var seconds = 10.0

    @Option(help: "Passes that count.")
    var repeats = 10

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (model == nil) != (family == nil) else {
            throw ValidationError("give either --model or --family")
        }
        guard batch > 0, seconds > 0, seconds <= 86_400, repeats > 0 else {
            throw ValidationError(
                "--batch and --repeats must be positive, --seconds above 0 and at most a day")
        }
    }

    func run() throws {
        let subject: EncodeBenchmark.Subject =
            if let family {
                .random(family.family, try StudentDesign(design, key: "--design"))
            } else {
                .directory(model ?? "")
            }
        let device = try deviceOptions.prepare()
        let result = try EncodeBenchmark(
            .init(
                subject: subject, precision: precision.dtype, batch: batch, seconds: seconds,
                repeats: repeats, warmup: 2, device: device)
        ).run()
        if json {
            print(try Output.json(result))
            return
        }
        let millions = Output.number(Double(result.parameters) / 1e6)
        print(
            """
            \(result.family) \(result.layers)x\(result.width), \(millions) M parameters, \
            \(precision.rawValue), \(batch) x \(seconds) s, \(result.threads) threads
            \(Output.number(result.audioSecondsPerSecond)) seconds of audio per second \
            (real-time factor \(String(format: "%.4f", result.realTimeFactor)))
            \(Output.number(result.medianMilliseconds)) ms a pass (median of \(repeats); shortest \
            \(Output.number(result.minimumMilliseconds)) ms)
            \(Output.number(result.modelGflops)) of \(Output.number(result.matmulGflops)) \
            GFLOP/s of a plain matrix product (\(Output.number(100 * result.fractionOfMatmul)) %)
            \(Output.number(Double(result.peakMemoryBytes) / 1_048_576)) MB at most
            """)
    }
}
