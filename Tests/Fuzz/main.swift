import FileMutation
import Foundation

// Damages files and reads them, in processes of their own with limits of time and memory:
//
//     FuzzReaders [--seed 1] [--count 100000] [--format NAME] [--show INDEX]
//
// --show prints one mutant's bytes instead, for a file to look at. Ends with 3 where a reader crashed,
// hung, took too much memory or read something wrongly.

do {
    let options = try FuzzOptions(Array(CommandLine.arguments.dropFirst()))
    switch options.mode {
    case .run: exit(try FuzzRun(options).report() ? 0 : 3)
    case .show(let index):
        let mutant = FileMutator(options.formats[0], seed: options.seed).mutant(index)
        FileHandle.standardOutput.write(Data(mutant))
    case .work(let first, let folder):
        try FuzzWorker(options, first: first, folder: URL(fileURLWithPath: folder)).run()
    }
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(error is FuzzOptions.UsageError ? 64 : 1)
}
