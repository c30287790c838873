import Foundation

/// The program MeCab with its IPA dictionary, which takes Japanese apart into words.
struct MeCabProgram: Sendable {
    /// The words of the dictionary that sacreBLEU accepts.
    private static let dictionarySize = "392126"
    /// MeCab's own default; lines that do not fit are cut.
    private static let usualBuffer = 8192

    /// The program that this computer has, or why it has none.
    static let shared: Result<MeCabProgram, ScoreError> = Result { () throws(ScoreError) in
        try MeCabProgram()
    }

    private let path: String
    /// What sacreBLEU's signature says.
    let signature: String

    private init() throws(ScoreError) {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard
            let path = folders.map({ "\($0)/mecab" }).first(
                where: FileManager.default.isExecutableFile)
        else { throw .mecabMissing }
        self.path = path
        var values: [String: [String]] = [:]
        for line in try Self.run(path, ["-D"], input: nil).split(separator: UInt8(ascii: "\n")) {
            let parts = String(decoding: line, as: UTF8.self).split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            values[String(parts[0]), default: []].append(parts[1].trimmed)
        }
        guard values["size"] == [Self.dictionarySize],
            values["charset"]?.first?.uppercased().hasPrefix("UTF") == true
        else {
            let names = values["filename"] ?? ["none"]
            let size = values["size"]?.first ?? "no"
            let charset = values["charset"]?.first ?? "an unknown encoding"
            throw .mecabDictionary(
                program: path,
                found: "\(names.joined(separator: ", ")) with \(size) words in \(charset)")
        }
        let version = String(decoding: try Self.run(path, ["--version"], input: nil), as: UTF8.self)
        signature = "ja-mecab-\(version.trimmed.split(separator: " ").last ?? "unknown")-IPA"
    }

    /// The texts with spaces between words.
    func segmented(_ texts: [[UInt8]]) throws(ScoreError) -> [[UInt8]] {
        var input: [UInt8] = []
        for text in texts {
            // A text is a line.
            input.append(contentsOf: text.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
            input.append(0x0A)
        }
        let longest = texts.map(\.count).max() ?? 0
        let buffer = max(Self.usualBuffer, longest + 2)
        let output = try Self.run(path, ["-Owakati", "-b", String(buffer)], input: input)
        let lines = output.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).dropLast()
        guard lines.count == texts.count else {
            throw .mecabFailed(
                program: path, detail: "expected \(texts.count) lines, found \(lines.count)")
        }
        return lines.map { line in
            let bytes = Array(line)
            return Array(bytes[TextBytes.stripped(bytes)])
        }
    }

    private static func run(
        _ path: String, _ arguments: [String], input: [UInt8]?
    ) throws(ScoreError) -> [UInt8] {
        #if os(Linux) || os(macOS)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = arguments
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            process.standardInput = FileHandle.nullDevice
            let file = FileManager.default.temporaryDirectory
                .appendingPathComponent("colld-mecab-\(UUID().uuidString)")
            defer { unlink(file.path) }
            do {
                if let input {
                    // Not a pipe: both sides could wait for each other.
                    try Data(input).write(to: file)
                    process.standardInput = try FileHandle(forReadingFrom: file)
                }
                try process.run()
            } catch {
                throw .mecabFailed(program: path, detail: error.localizedDescription)
            }
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            guard process.terminationReason == .exit, process.terminationStatus == 0 else {
                throw .mecabFailed(
                    program: path,
                    detail: "expected exit code 0, found \(process.terminationStatus)")
            }
            return [UInt8](data)
        #else
            throw .mecabMissing
        #endif
    }
}
