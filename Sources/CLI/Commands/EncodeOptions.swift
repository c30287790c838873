public import ArgumentParser
import Foundation
public import SpeechTraining

/// How `colld encode` stores its results.
struct EncodeStorageOptions: ParsableArguments {
    @Option(help: "Files to write: safetensors or npy; what the output's ending says, if any.")
    var format: EncodeOutput.Format?

    @Option(help: "The type of stored values: float32, float16 or bfloat16.")
    var dtype = EncodeOutput.ElementType.float32

    /// The choices, with the format that the name of the output asks for.
    func output(for path: String) -> EncodeOutput {
        let ending = URL(fileURLWithPath: path).pathExtension
        return EncodeOutput(
            format: format ?? EncodeOutput.Format(rawValue: ending) ?? .safetensors,
            elementType: dtype)
    }
}

/// What `colld encode` needs to know of a folder that it writes.
struct EncodeFolderOptions: ParsableArguments {
    @Option(
        help: """
            Folders: seconds of audio computed together, padding included; 10 on a CPU, which gains \
            little from more, else 240.
            """)
    var batchSeconds: Double?

    @Flag(help: "Folders: end at the first clip that cannot be used.")
    var strict = false

    @Flag(help: "Folders: remove what another run left there, and start over.")
    var overwrite = false

    @Flag(help: "No progress on standard error.")
    var noProgress = false

    func validate() throws {
        guard batchSeconds.map({ $0 > 0 && $0 <= 86_400 }) ?? true else {
            throw ValidationError("--batch-seconds must be above 0 and at most a day")
        }
    }
}

extension EncodeOutput.Format: ExpressibleByArgument {}
extension EncodeOutput.ElementType: ExpressibleByArgument {}
