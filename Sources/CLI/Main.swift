import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining
import Torch

/// The command `colld`: arguments in, library calls, exit code out.
@main struct Colld: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "colld",
        abstract: "Makes big multilingual speech encoders small: contrastive layer-to-layer "
            + "distillation.",
        version: "0.1.0",
        subcommands: [
            DoctorCommand.self,
            DataCommand.self,
            InspectCommand.self,
            ConvertCommand.self,
            TokenizerCommand.self,
            EncodeCommand.self,
            DistillCommand.self,
            PretrainCommand.self,
            FinetuneCommand.self,
            EvaluateCommand.self,
            TranscribeCommand.self,
            TranslateCommand.self,
            SubnetCommand.self,
            PresetsCommand.self,
            ExportCommand.self,
            InitializeCommand.self,
            ScoreCommand.self,
            LMCommand.self,
            BenchmarkCommand.self,
        ])

    static func main() {
        // A full disk must be an error, not the end of the process.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch {
            exit(error: error)
        }
    }

    /// Prints what went wrong and ends with the promised exit code.
    private static func exit(error: any Error) -> Never {
        let status: Int32
        switch error {
        case let error as RunError:
            status = error.exitCode
        case let error as any ReportedError:
            status = error.exitStatus.rawValue
        case is TorchError:
            status = ExitStatus.runtimeFailure.rawValue
        default:
            Self.exit(withError: error)
        }
        FileHandle.standardError.write(Data("error: \(error)\n".utf8))
        Foundation.exit(status)
    }
}

extension RunError {
    /// 128 + n after SIGINT and SIGTERM, else the status.
    var exitCode: Int32 {
        switch self {
        case .stopped(let signal, _, _), .interrupted(let signal, _, _, _):
            signal == SIGINT || signal == SIGTERM ? 128 + signal : exitStatus.rawValue
        default: exitStatus.rawValue
        }
    }
}
