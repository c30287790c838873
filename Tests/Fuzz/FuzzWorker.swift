import FileMutation
import Foundation

/// Reads mutants one after another; a crash or a hang ends the process, which notes what it was at.
struct FuzzWorker {
    /// The name of the note in the folder.
    static let noteName = "current"
    /// Seconds that one mutant may take.
    static let secondsLimit: UInt32 = 5
    /// Bytes of address space beyond what the process starts with: reading the largest tensor that a
    /// small file may ask for, as `Double`, takes 136 MiB.
    static let memoryLimit = 320 << 20

    private let options: FuzzOptions
    private let first: Int
    private let folder: URL

    init(_ options: FuzzOptions, first: Int, folder: URL) {
        self.options = options
        self.first = first
        self.folder = folder
    }

    /// Prints `accepted <n>`, `refused <kind> <n>`, `fault <index> <what>` and `peak <KiB>`.
    func run() throws {
        let format = options.formats[0]
        let mutator = FileMutator(format, seed: options.seed)
        let file = folder.appendingPathComponent("mutant").path
        let note = open(
            folder.appendingPathComponent(Self.noteName).path, O_WRONLY | O_CREAT, 0o600)
        var accepted = 0
        var refused: [String: Int] = [:]
        Self.limitMemory()
        for index in first..<first + options.count {
            var number = Int64(index)
            pwrite(note, &number, 8, 0)
            alarm(Self.secondsLimit)
            try write(mutator.mutant(index), to: file)
            do {
                try format.read(file)
                accepted += 1
            } catch {
                if let kind = format.refusal(error) {
                    refused[kind, default: 0] += 1
                } else {
                    print("fault \(index) \(error)")
                    // The next mutant may end the process.
                    fflush(nil)
                }
            }
        }
        alarm(0)
        print("accepted \(accepted)")
        for (kind, count) in refused { print("refused \(kind) \(count)") }
        var usage = rusage()
        getrusage(Self.processItself, &usage)
        print("peak \(usage.ru_maxrss)")
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(descriptor) }
        let written = bytes.withUnsafeBytes {
            Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
        guard descriptor >= 0, written == bytes.count else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    #if os(Linux)
        private static let processItself = Int32(RUSAGE_SELF.rawValue)

        private static func limitMemory() {
            let statistics =
                (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
            guard let pages = statistics.split(separator: " ").first.flatMap({ Int($0) }) else {
                return
            }
            let bytes = UInt(pages * Int(getpagesize()) + memoryLimit)
            var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
            setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        }
    #else
        private static let processItself = RUSAGE_SELF

        /// macOS does not keep to the limit; the peak that is printed still tells.
        private static func limitMemory() {}
    #endif
}
