import ArgumentParser
import Foundation
import SpeechTraining

/// `colld finetune`: training for recognition or translation.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract:
            "Fine-tune an encoder for recognition with CTC, or for translation with a decoder.",
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

            --task translation learns from target_text and target_lang. The decoder is that of an \
            NLLB, M2M-100 or mBART checkpoint (--decoder), or a new one for a vocabulary of `colld \
            tokenizer train --task translation` (--tokenizer):

              colld finetune --model student --task translation --tokenizer vocabulary \\
                --config translation-small --train train.jsonl --valid valid.jsonl --output run

            BLEU and chrF++ of each pair of languages go to metrics/valid.jsonl; the model with the \
            highest mean of BLEU is written.
            """)

    /// What an encoder can be trained for.
    enum Task: String, ExpressibleByArgument, CaseIterable {
        case ctc
        case translation
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
            "Folder of a vocabulary to take: vocab.json and its like, or a text decoder's.",
            valueName: "folder"))
    var tokenizer: String?

    @Option(
        help: ArgumentHelp(
            "Checkpoint of NLLB, M2M-100 or mBART whose decoder translates; none for a new one.",
            valueName: "model"))
    var decoder: String?

    @OptionGroup var options: RunOptions

    func validate() throws {
        try options.require("--model", model)
        try options.require("--task", task?.rawValue)
        guard decoder == nil || task == .translation else {
            throw ValidationError("--decoder needs --task translation")
        }
    }

    func run() throws {
        let tokenizer = tokenizer.map { URL(fileURLWithPath: $0) }
        if task == .translation {
            return try options.run(TranslationConfig()) { places, config, reporter in
                try TranslationTask(
                    .init(model: model!, decoder: decoder, tokenizer: tokenizer, training: places),
                    config, reporter: reporter
                ).run()
            }
        }
        try options.run(FinetuneConfig()) { places, config, reporter in
            try FinetuneTask(
                .init(model: model!, tokenizer: tokenizer, training: places),
                config, reporter: reporter
            ).run()
        }
    }
}
