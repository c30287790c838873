import ArgumentParser
import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import SpeechTraining
import Torch

/// `colld benchmark distill`: whole distillation steps.
struct BenchmarkDistillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill",
        abstract: "Time whole distillation steps on random weights and noise.")

    @Option(help: "YAML run file or preset: the objective and the kind of student.")
    var config: String?

    @Flag(help: "Every method on the same shapes.")
    var all = false

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

    @Flag(help: "Take the times of the parts of a step.")
    var profile = false

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard batch > 0, seconds >= 0.5, steps > 0 else {
            throw ValidationError("--batch and --steps must be positive, --seconds at least 0.5")
        }
        guard !all || config == nil else {
            throw ValidationError("--all takes every method; leave out --config")
        }
    }

    func run() throws {
        let device = try deviceOptions.prepare()
        if all {
            try compare(device)
            return
        }
        let config = try ConfigDocument.readRun(DistillConfig(), file: config)
        let result = try measure(.distill(config), device)
        if json {
            print(try Output.json(result))
            return
        }
        print(
            """
            \(family.family.modelType), \(config.objective.name.rawValue), teacher \(teacher), \
            student \(student), \(precision.rawValue), \(batch) x \(seconds) s, \
            \(result.threads) threads
            \(Output.number(result.audioSecondsPerSecond)) seconds of audio per second
            \(Output.number(result.stepMilliseconds)) ms a step (median of \(steps))
            \(Output.number(result.modelGflops)) of \(Output.number(result.matmulGflops)) \
            GFLOP/s of a plain matrix product (\(Output.number(100 * result.fractionOfMatmul)) %)
            \(Output.number(result.peakMemoryMegabytes)) MB at most
            """)
        if let parts = result.partsMilliseconds {
            let total = parts.values.reduce(0, +)
            for part in StepProfile.Part.allCases {
                let time = parts[part.rawValue] ?? 0
                let name = part.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
                print(
                    "  \(name) \(Output.number(time)) ms (\(Output.number(100 * time / total)) %)")
            }
        }
    }

    private func measure(
        _ method: DistillBenchmark.Method, _ device: Device
    ) throws -> DistillBenchmark.Result {
        try DistillBenchmark(
            .init(
                family: family.family, teacher: StudentDesign(teacher, key: "--teacher"),
                student: StudentDesign(student, key: "--student"), method: method,
                profiles: profile || all, precision: precision.dtype, batch: batch,
                seconds: seconds, steps: steps, warmup: 3, device: device)
        ).run()
    }

    /// A line for each method, those that the family or the shapes do not allow with the reason.
    private func compare(_ device: Device) throws {
        var rows: [Row] = []
        if !json { print("ms a step  loss %  audio-s/s  method") }
        for preset in Preset.all where [.method, .pretraining].contains(preset.kind) {
            var row = Row(method: preset.name)
            do {
                let method: DistillBenchmark.Method =
                    preset.kind == .method
                    ? .distill(try ConfigDocument.readRun(DistillConfig(), file: preset.name))
                    : .pretrain(try ConfigDocument.readRun(PretrainConfig(), file: preset.name))
                row.result = try measure(method, device)
            } catch let error as any ReportedError where error.exitStatus == .badInput {
                row.reason = "\(error)"
            }
            rows.append(row)
            if !json {
                print(row.line)
                fflush(nil)  // a line takes seconds, also into a file
            }
        }
        if json { print(try Output.json(rows)) }
    }

    private struct Row: Encodable {
        let method: String
        var result: DistillBenchmark.Result?
        var reason: String?

        var line: String {
            guard let result else {
                return "        -       -          -  \(method): \(reason ?? "")"
            }
            let parts = result.partsMilliseconds ?? [:]
            let total = parts.values.reduce(0, +)
            return String(
                format: "%9.1f  %6.1f  %9.1f  ", result.stepMilliseconds,
                100 * (parts["loss"] ?? 0) / max(1e-9, total), result.audioSecondsPerSecond)
                + method
        }
    }
}
