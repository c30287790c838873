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
            Everything but the shape is as in the family's large public models. Useful for trials \
            and as the start of training without a teacher.
            """)

    @Option(help: "The family of the encoder.")
    var family = FamilyOption(argument: "w2v-bert")!

    @Option(help: "The shape, layers x width.")
    var design: String

    @Option(help: "The source of the weights.")
    var seed: UInt64 = 1

    @Option(help: "The directory to write.")
    var output: String

    func run() throws {
        let url = URL(fileURLWithPath: output)
        try InitializeTask(
            family: family.family, design: StudentDesign(design, key: "--design"), seed: seed
        ).write(to: url)
        print(url.path)
    }
}
