import ArgumentParser
import SpeechTraining

/// `colld benchmark loss`: CoLLD's loss alone.
struct BenchmarkLossCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loss",
        abstract: "Measure time and memory of CoLLD's loss alone, on random states.",
        discussion: """
            Every frame is predicted. The memory is what the process grew by at most while the loss and \
            its gradients were computed.
            """)

    @Option(help: "Clips.")
    var batch = 8

    @Option(help: "Predicted frames of each clip.")
    var frames = 360

    @Option(help: "Width of student and teacher.")
    var width = 1024

    @Option(help: "Pairs of layers.")
    var pairs = 12

    @Option(help: "fp32 or bf16: the type of the states.")
    var precision = PrecisionOption.fp32

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard batch > 0, frames > 1, width > 0, pairs > 0 else {
            throw ValidationError(
                "--batch, --width and --pairs must be positive, --frames at least 2")
        }
    }

    func run() throws {
        let device = try deviceOptions.prepare()
        let result = try LossBenchmark(
            .init(
                batch: batch, frames: frames, width: width, pairs: pairs,
                precision: precision.dtype, device: device)
        ).run()
        if json {
            print(try Output.json(result))
            return
        }
        print(
            """
            \(batch) x \(frames) frames, width \(width), \(pairs) pairs, \(precision.rawValue)
            \(Output.number(result.featureMegabytes)) MB of states
            \(Output.number(result.tensorMegabytes)) MB of tensors above them at most, of which \
            gradients of states \(Output.number(result.gradientMegabytes)), of heads \
            \(Output.number(result.headMegabytes))
            \(Output.number(result.lossMegabytes)) MB that the process grew by
            \(Output.number(result.milliseconds)) ms
            """)
    }
}
