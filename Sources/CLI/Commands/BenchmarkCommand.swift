import ArgumentParser
import Foundation
import SpeechModels
import SpeechObjectives
import SpeechTraining

/// `colld benchmark`: throughput, latency, memory.
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark", abstract: "Measure throughput, latency and memory here.",
        subcommands: [
            BenchmarkCheckpointCommand.self, BenchmarkDistillCommand.self,
            BenchmarkEncodeCommand.self, BenchmarkFeaturesCommand.self, BenchmarkLoadCommand.self,
            BenchmarkManifestCommand.self,
        ])
}

/// `colld benchmark distill`: whole distillation steps.
struct BenchmarkDistillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill",
        abstract: "Time whole distillation steps on random weights and noise.")

    @Option(help: "The family of both encoders.")
    var family = FamilyOption(argument: "w2v-bert")!

    @Option(help: "Teacher, layers x width.")
    var teacher = "12x512"

    @Option(help: "Student, layers x width.")
    var student = "6x256"

    @Option(help: "fp32 or bf16.")
    var precision = PrecisionOption.bf16

    @Option(help: "Clips of a step.")
    var batch = 4

    @Option(help: "Seconds of each clip.")
    var seconds = 8.0

    @Option(help: "Steps that count.")
    var steps = 10

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard batch > 0, seconds >= 0.5, steps > 0 else {
            throw ValidationError("--batch and --steps must be positive, --seconds at least 0.5")
        }
    }

    func run() throws {
        let device = try deviceOptions.prepare()
        let result = try DistillBenchmark(
            .init(
                family: family.family, teacher: StudentDesign(teacher, key: "--teacher"),
                student: StudentDesign(student, key: "--student"), precision: precision.dtype,
                batch: batch, seconds: seconds, steps: steps, warmup: 3, device: device)
        ).run()
        if json {
            print(try Output.json(result))
            return
        }
        print(
            """
            \(family.family.modelType), teacher \(teacher), student \(student), \
            \(precision.rawValue), \(batch) x \(seconds) s, \(result.threads) threads
            \(Output.number(result.audioSecondsPerSecond)) seconds of audio per second
            \(Output.number(result.stepMilliseconds)) ms a step (median of \(steps))
            \(Output.number(result.modelGflops)) of \(Output.number(result.matmulGflops)) \
            GFLOP/s of a plain matrix product (\(Output.number(100 * result.fractionOfMatmul)) %)
            \(Output.number(result.peakMemoryMegabytes)) MB at most
            """)
    }
}
