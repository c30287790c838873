import ArgumentParser
import Foundation
import SpeechObjectives
import SpeechTraining

/// `colld subnet`: one of the students that a once-for-all run has trained.
struct SubnetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subnet",
        abstract: "Choose a sub-network of a once-for-all student and write it as a model.",
        discussion: """
            Without --output, lists the sub-networks that the flags allow. With it, writes the one \
            with the lowest loss on --valid, or without --valid the largest.
            """)

    @Option(
        name: .customLong("run"),
        help: "Run directory of a finished run with objective.name=once_for_all.")
    var folder: String

    @Option(help: "Layers x width.")
    var design: String?

    @Option(help: "Attention heads of a layer.")
    var heads: Int?

    @Option(help: "Feed-forward units of a layer.")
    var feedForward: Int?

    @Option(help: "The most parameters.")
    var maxParameters: Int?

    @Option(help: "Manifest to measure the sub-networks on.")
    var valid: String?

    @Option(help: "Model directory to write.")
    var output: String?

    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let task = try SubnetTask(
            run: URL(fileURLWithPath: folder), device: deviceOptions.device,
            threads: deviceOptions.threads)
        var choice = SubnetTask.Choice()
        choice.shape = try design.map {
            let design = try StudentDesign($0, key: "--design")
            return (design.layers, design.width)
        }
        choice.heads = heads
        choice.feedForward = feedForward
        choice.maxParameters = maxParameters
        var candidates = try task.candidates(choice)
        if let valid {
            let reporter = RunReporter(showsProgress: true)
            candidates = try task.measured(candidates, on: URL(fileURLWithPath: valid)) {
                reporter.note("\($0.sizes): loss \(Output.number($0.loss ?? .nan))")
            }
        }
        guard let output else {
            if json { return print(try Output.json(candidates)) }
            for candidate in candidates {
                let loss = candidate.loss.map { ", loss \(Output.number($0))" } ?? ""
                print("\(candidate.sizes): \(candidate.parameters) parameters\(loss)")
            }
            return
        }
        try task.write(candidates[0], to: URL(fileURLWithPath: output))
        print(json ? try Output.json(candidates[0]) : output)
    }
}
