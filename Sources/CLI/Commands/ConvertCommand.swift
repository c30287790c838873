import ArgumentParser
import Foundation
import SpeechModels
import SpeechTraining

/// `colld convert`: checkpoints of other programs as model directories.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a fairseq or pickled checkpoint as a Hugging Face model directory.",
        discussion: """
            Takes fairseq's wav2vec 2.0 (XLS-R, XLSR-53 and MMS among them), HuBERT and data2vec \
            audio, pre-trained or fine-tuned with CTC, and pickled weights under Hugging Face's \
            names with a config.json beside them. No code in a checkpoint is run. What only \
            training needs (quantizers, projections, the optimizer's state) is left out and listed.

            --verify takes a safetensors file with input_values, optionally attention_mask, and \
            activations: hidden_states.<i>, ffn.<i>, last_hidden_state, or fairseq's \
            layer_results.<i> and x. If the result computes anything else, nothing is written and \
            the exit code is 3.
            """)

    @Option(help: ArgumentHelp("The checkpoint.", valueName: "file"))
    var checkpoint: String

    @Option(help: "The directory to write.")
    var output: String

    @Option(
        help: ArgumentHelp(
            "The symbols of a CTC model (dict.ltr.txt), for its tokenizer.", valueName: "file"))
    var dictionary: String?

    @Option(help: "fp32, bf16 or fp16 for all weights; by default each keeps its type.")
    var precision: PrecisionOption?

    @Option(
        help: ArgumentHelp("Activations to compare the result with.", valueName: "file"))
    var verify: String?

    @Option(help: "The largest difference that --verify allows.")
    var tolerance = 1e-4

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard tolerance >= 0 else {
            throw ValidationError("--tolerance: expected 0 or more, found \(tolerance)")
        }
    }

    func run() throws {
        let task = try ConvertTask(path: checkpoint, dictionary: dictionary)
        _ = try task.write(
            to: URL(fileURLWithPath: output), precision: precision?.dtype, verification: verify
        ) { report in
            print(json ? try Output.json(report) : text(report))
            for part in report.leftOut {
                let line =
                    "left out: \(part.part) (\(part.tensors) tensors, \(part.values) values)\n"
                FileHandle.standardError.write(Data(line.utf8))
            }
            if let verification = report.verification {
                try ActivationGateError.check(verification, tolerance: tolerance)
            }
        }
    }

    private func text(_ report: ConvertTask.Report) -> String {
        var rows = [
            ["class", report.architecture],
            ["tensors", "\(report.tensors), \(report.values) values"],
        ]
        if let verification = report.verification {
            rows += verification.differences.map {
                [$0.tensor, String(format: "%.3g", $0.largest)]
            }
            rows.append(["largest difference", String(format: "%.3g", verification.largest)])
        }
        return TextTable(rows, alignment: [.left, .left]).text
    }
}
