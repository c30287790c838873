import ArgumentParser
import Foundation
import SpeechModels
import SpeechObjectives
import SpeechTraining

/// `colld initialize`: an encoder with random weights.
struct InitializeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "initialize",
        abstract: "Write an encoder with random weights as a Hugging Face model directory.",
        discussion: """
            Everything but the shape is as in the family's large public models, or as trailing \
            key=value pairs say, whose keys are those of config.json:

              colld initialize --design 3x384 --output model \\
                conv_depthwise_kernel_size=15 feature_projection_input_dim=320

            Useful for trials and as the start of training without a teacher. The filterbank of \
            w2v-BERT stacks as many frames of 80 bins as feature_projection_input_dim holds.
            """)

    @Option(help: "The family of the encoder.")
    var family = FamilyOption(argument: "w2v-bert")!

    @Option(help: "The shape, layers x width.")
    var design: String

    @Option(help: "The source of the weights.")
    var seed: UInt64 = 1

    @Option(help: "The directory to write.")
    var output: String

    @Argument(help: "key=value pairs laid over config.json.")
    var overrides: [String] = []

    func run() throws {
        let url = URL(fileURLWithPath: output)
        try InitializeTask(
            family: family.family, design: StudentDesign(design, key: "--design"),
            overrides: overrides, seed: seed
        ).write(to: url)
        print(url.path)
    }
}
