import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining

/// `colld benchmark features`: filterbanks and their like.
struct BenchmarkFeaturesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Time the features of recordings on one core.",
        discussion: "The recordings are read before time is taken.")

    @Option(parsing: .upToNextOption, help: "Recordings.", completion: .file())
    var audio: [String]

    @Option(
        help: """
            A model directory, or a repository in the local Hugging Face cache, whose features are \
            computed; those of w2v-BERT 2.0 by default.
            """)
    var model: String?

    @Option(help: "Passes over all recordings that count.")
    var repeats = 10

    @Option(help: "Writes the features, padded to the longest recording, as a .npy file.")
    var output: String?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard repeats > 0 else { throw ValidationError("--repeats must be positive") }
    }

    func run() throws {
        let benchmark = try FeatureBenchmark(audio: audio, model: model)
        let result = try benchmark.run(repeats: repeats)
        if let output {
            let features = try benchmark.features()
            try NumpyWriter.write(
                SafetensorsEntry(
                    name: features.inputName.rawValue, shape: features.shape,
                    floats: features.values), to: URL(fileURLWithPath: output))
        }
        if json {
            print(try Output.json(result))
            return
        }
        print(
            """
            \(result.extractor), \(Output.number(result.seconds)) s of audio
            \(Output.number(result.audioSecondsPerSecond)) seconds of audio per second
            \(Output.number(result.medianMilliseconds)) ms a pass (median of \(repeats); shortest \
            \(Output.number(result.minimumMilliseconds)) ms)
            """)
    }
}
