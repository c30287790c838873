import ArgumentParser
import SpeechTraining

/// `colld pretrain`: training without a teacher.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract:
            "Train a speech encoder without a teacher, from random weights or on from a model.",
        discussion: """
            objective.name is wav2vec2, random_projection (BEST-RQ) or w2v_bert. Hyperparameters live in \
            the run file and can be overridden by trailing key=value pairs:

              colld pretrain --train train.jsonl --valid valid.jsonl --output run \\
                model.design=12x512 objective.name=w2v_bert regime.steps=100_000

            With --model the encoder of a model is trained on, for instance on other languages:

              colld pretrain --model facebook/w2v-bert-2.0 --train train.jsonl --output run \\
                optimizer.lr=1e-4

            --dump-config prints the resolved file with every key and its value.
            """)

    @Option(
        help: """
            Model to go on from: a directory, or a repository name in the local Hugging Face cache. \
            Without it weights are random.
            """)
    var model: String?

    @OptionGroup var options: RunOptions

    func run() throws {
        try options.run(PretrainConfig()) { places, config, reporter in
            try PretrainTask(
                .init(model: model, training: places), config, reporter: reporter
            ).run()
        }
    }
}
