import ArgumentParser
import Foundation
import SpeechModels
import SpeechObjectives
import SpeechTraining
import Torch

/// Where tensors live, for every command that computes.
struct DeviceOptions: ParsableArguments {
    @Option(help: "cpu, cuda or cuda:N.")
    var device = "cpu"

    @Option(help: "Threads of one operator on the CPU; 0 for one a core.")
    var threads = 0

    /// The device, with the threads set.
    ///
    /// - Throws: `RunError.noDevice`.
    func prepare() throws -> Device {
        try RunEnvironment.prepare(device: device, threads: threads)
    }
}

/// How a command works on many files and what it says, for all that do.
struct WorkOptions: ParsableArguments {
    @Option(help: "Files worked on at once; 0 for one a core.")
    var threads = 0

    @Flag(help: "Show no progress.")
    var noProgress = false

    @Flag(help: "Print JSON.")
    var json = false

    /// At least 1.
    var threadCount: Int {
        threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
    }

    func validate() throws {
        guard threads >= 0 else { throw ValidationError("--threads must be 0 or more") }
    }
}

/// A type to compute in, as flags spell it.
enum PrecisionOption: String, ExpressibleByArgument, CaseIterable {
    case fp32, bf16, fp16

    var dtype: DType {
        switch self {
        case .fp32: .float32
        case .bf16: .bfloat16
        case .fp16: .float16
        }
    }
}

/// A family of encoders, by `model_type` or as people say it.
struct FamilyOption: ExpressibleByArgument {
    let family: EncoderFamily

    init?(argument: String) {
        guard let family = EncoderFamily.called(argument) else { return nil }
        self.family = family
    }

    static var allValueStrings: [String] { ["w2v-bert"] + EncoderFamily.all.map(\.modelType) }

    var defaultValueDescription: String { family.modelType }
}
