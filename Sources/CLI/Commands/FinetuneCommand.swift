import ArgumentParser
import Foundation
import SpeechTraining

/// `colld finetune`: training for recognition.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Fine-tune an encoder for recognition with CTC, on transcripts of any languages.",
        discussion: """
            Labels are the characters of the training's transcripts, or those of a vocabulary \
            (--tokenizer); a recogniser goes on with its own. Hyperparameters live in the run file and \
            can be overridden by trailing key=value pairs:

              colld finetune --model student --task ctc --train train.jsonl --valid valid.jsonl \\
                --output run optimizer.lr=1e-4 regime.steps=10_000

            With tokenizer.language_tags=true every transcript begins with the tag of its language, so \
            that languages are identified, too. Error rates of each language go to \
            metrics/valid.jsonl; the model with the lowest character error rate is written.

            Presets such as ml-superb-10min and superb-asr (--config) leave the encoder as it is and \
            train a probe on the weighted sum of its layers. It is written with its figures and the \
            shares of the layers (results.json), without the encoder.
            """)

    /// What an encoder can be trained for.
    enum Task: String, ExpressibleByArgument, CaseIterable {
        case ctc
    }

    @Option(
        help:
            "Encoder or recogniser: a directory, or a repository name in the local Hugging Face cache."
    )
    var model: String?

    @Option(help: "What the encoder is trained for.")
    var task: Task?

    @Option(
        help: ArgumentHelp(
            "Folder of a vocabulary (vocab.json and its like) to take.", valueName: "folder"))
    var tokenizer: String?

    @OptionGroup var options: RunOptions

    func validate() throws {
        try options.require("--model", model)
        try options.require("--task", task?.rawValue)
    }

    func run() throws {
        try options.run(FinetuneConfig()) { places, config, reporter in
            try FinetuneTask(
                .init(
                    model: model!, tokenizer: tokenizer.map { URL(fileURLWithPath: $0) },
                    training: places),
                config, reporter: reporter
            ).run()
        }
    }
}
