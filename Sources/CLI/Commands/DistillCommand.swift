import ArgumentParser
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

    @OptionGroup var options: RunOptions

    func validate() throws { try options.require("--teacher", teacher.first) }

    func run() throws {
        try options.run(DistillConfig()) { places, config, reporter in
            try DistillTask(
                .init(teachers: teacher, training: places), config, reporter: reporter
            ).run()
        }
    }
}
