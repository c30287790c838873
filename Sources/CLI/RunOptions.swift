import ArgumentParser
import Foundation
import SpeechTraining

/// What every command that trains takes: data, the run directory, the run file.
struct RunOptions: ParsableArguments {
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
        try require("--train", train.first)
        try require("--output", output)
    }

    /// Checks that a flag is given where a run is to start.
    ///
    /// - Throws: `ValidationError`.
    func require(_ flag: String, _ value: String?) throws {
        guard dumpConfig || value != nil else {
            throw ValidationError("Missing expected argument '\(flag) <\(flag.dropFirst(2))>'")
        }
    }

    /// Resolves the run file, then prints it where that was asked for, else trains and prints where
    /// the model is.
    ///
    /// * `defaults`: the configuration without any file.
    func run<Config: TrainingConfig>(
        _ defaults: Config, _ train: (TrainingPlaces, Config, RunReporter) throws -> URL
    ) throws {
        let resolved = try ConfigDocument.readRun(defaults, file: config, overrides: overrides)
        if dumpConfig {
            print(try ConfigDocument.text(resolved), terminator: "")
            return
        }
        print(try train(places, resolved, RunReporter(showsProgress: !noProgress)).path)
    }

    private var places: TrainingPlaces {
        TrainingPlaces(
            train: train.map { URL(fileURLWithPath: $0) },
            valid: valid.map { URL(fileURLWithPath: $0) },
            noise: noiseManifest.map { URL(fileURLWithPath: $0) },
            reverb: reverbManifest.map { URL(fileURLWithPath: $0) },
            output: URL(fileURLWithPath: output!), device: device, resumes: resume,
            command: CommandLine.arguments)
    }
}
