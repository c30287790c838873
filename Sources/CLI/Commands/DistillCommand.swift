import ArgumentParser
import Foundation
import SpeechTraining

/// `colld distill`: the main job.
struct DistillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill",
        abstract: "Distil a small student from a big speech encoder.",
        discussion: """
            Hyperparameters live in the run file and can be overridden by trailing key=value pairs:

              colld distill --teacher facebook/w2v-bert-2.0 --train train.jsonl --output run \\
                student.design=12x384 optimizer.lr=5e-4 regime.steps=100_000

            --dump-config prints the resolved file with every key and its value.
            """)

    @Option(
        help: """
            Model directory, or a repository name in the local Hugging Face cache; several with a \
            --teacher for each, the first of which decides the student's family.
            """)
    var teacher: [String] = []

    @Option(
        help: """
            Model directory to start the student from, instead of student.design and \
            student.initialization; heads that were trained with it are taken along where they fit.
            """)
    var student: String?

    @Option(
        help: "Manifest to train on: JSON Lines or fairseq TSV; several with a --train for each.")
    var train: [String] = []

    @Option(help: "Manifest to validate on.")
    var valid: String?

    @Option(
        help: ArgumentHelp(
            "Manifest of noise to add, with augment.noise_prob above 0.", valueName: "manifest"))
    var noiseManifest: String?

    @Option(
        help: ArgumentHelp(
            "Manifest of impulse responses of rooms, with augment.reverb_prob above 0.",
            valueName: "manifest"))
    var reverbManifest: String?

    @Option(help: "Run directory.")
    var output: String?

    @Option(help: "YAML run file, or the name of a preset (colld presets).")
    var config: String?

    @Option(help: "cpu, cuda or cuda:N.")
    var device = "cpu"

    @Flag(help: "Go on with the run in --output, or start it where there is none.")
    var resume = false

    @Flag(help: "Print the resolved run file and exit.")
    var dumpConfig = false

    @Flag(help: "No progress on standard error.")
    var noProgress = false

    @Argument(help: "key=value pairs laid over the run file.")
    var overrides: [String] = []

    func validate() throws {
        guard !dumpConfig else { return }
        for (flag, value) in [
            ("--teacher", teacher.first), ("--train", train.first), ("--output", output),
        ] where value == nil {
            throw ValidationError("Missing expected argument '\(flag) <\(flag.dropFirst(2))>'")
        }
    }

    func run() throws {
        let config = try ConfigDocument.readRun(
            DistillConfig(), file: config, overrides: overrides)
        if dumpConfig {
            print(try ConfigDocument.text(config), terminator: "")
            return
        }
        let model = try DistillTask(
            .init(
                teachers: teacher, student: student,
                training: TrainingPlaces(
                    train: train.map { URL(fileURLWithPath: $0) },
                    valid: valid.map { URL(fileURLWithPath: $0) },
                    noise: noiseManifest.map { URL(fileURLWithPath: $0) },
                    reverb: reverbManifest.map { URL(fileURLWithPath: $0) },
                    output: URL(fileURLWithPath: output!), device: device, resumes: resume,
                    command: CommandLine.arguments)),
            config, reporter: RunReporter(showsProgress: !noProgress)
        ).run()
        print(model.path)
    }
}
