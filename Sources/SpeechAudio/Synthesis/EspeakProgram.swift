internal import Foundation

/// The program espeak-ng, run once for every sentence.
struct EspeakProgram: Sendable {
    /// A voice and how it speaks.
    struct Manner: Sendable, Equatable {
        /// A language's voice and its variant, such as `es+f2`.
        let voice: String
        /// Words a minute.
        let speed: Int
        /// From 0 to 99.
        let pitch: Int
    }

    /// The path of the program.
    let path: String

    static let name = "espeak-ng"

    /// A way in which the voice of any language can sound.
    struct Variant: Sendable, Equatable {
        /// The name of its file.
        let name: String
        let isWoman: Bool
    }

    /// Variants that sound like people and not like one another: neither whispers, robots and echoes,
    /// nor voices whose long-term spectrum is that of another one.
    static let variants: [Variant] =
        """
        f1 f2 f3 f4 f5 Andrea Annie anika belinda grandma shelby steph
        """.split(separator: " ").map { Variant(name: String($0), isWoman: true) }
            + """
            m1 m2 m3 m4 m5 m6 m7 m8 Alex Andy Denis Gene Lee Mario Michael Mike benjamin boris david ed \
            grandpa max norbert quincy robert sandro travis victor
            """.split(separator: " ").map { Variant(name: String($0), isWoman: false) }

    /// Looks for the program in the folders of `searchPath`, separated by colons.
    init(searchPath: String) throws {
        let folders = searchPath.split(separator: ":").map(String.init)
        let paths = folders.map { ($0 as NSString).appendingPathComponent(Self.name) }
        let found = paths.first { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
                && !isFolder.boolValue && FileManager.default.isExecutableFile(atPath: path)
        }
        guard let found else { throw CorpusError.speakerMissing(searched: folders) }
        path = found
    }

    /// The line in which the program tells its version, without where its data lies.
    func version() throws -> String {
        let output = try run(["--version"], request: "--version")
        let line = String(decoding: output, as: UTF8.self)
        let end = line.range(of: "Data at")?.lowerBound ?? line.endIndex
        return line[..<end].trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The names of the voices that are installed.
    func voices() throws -> Set<String> {
        Set(try rows("--voices").compactMap { $0.count > 1 ? $0[1] : nil })
    }

    /// The usable variants that are installed.
    func installedVariants() throws -> [Variant] {
        // An unknown variant would be spoken by the plain voice without a word about it.
        let files = try rows("--voices=variant").flatMap { row in
            row.filter { $0.hasPrefix("!v/") }.map { String($0.dropFirst(3)) }
        }
        return Self.variants.filter { files.contains($0.name) }
    }

    /// Columns: priority, language, age and gender, name, file, other languages.
    private func rows(_ argument: String) throws -> [[String]] {
        let output = try run([argument], request: argument)
        return String(decoding: output, as: UTF8.self).split(separator: "\n").dropFirst()
            .map { $0.split(separator: " ").map(String.init) }
    }

    /// Speaks a text; samples [N] of full scale ±1 and their rate in Hz.
    func speak(_ text: String, _ manner: Manner) throws -> (samples: [Float], rate: Int) {
        // "-b 1": the text is UTF-8, whatever the locale of the machine.
        let arguments = [
            "-v", manner.voice, "-s", String(manner.speed), "-p", String(manner.pitch), "-b", "1",
            "--stdout", "--", text,
        ]
        let request = "'\(text)' with the voice \(manner.voice)"
        let output = try run(arguments, request: request)
        guard let sound = Self.samples(of: output), !sound.samples.isEmpty else {
            throw CorpusError.speakerFailed(
                program: path, request: request,
                reason: "expected a WAV file with 16-bit samples, found \(output.count) bytes")
        }
        return sound
    }

    /// The samples of a WAV stream, whose header does not know its length.
    private static func samples(of wave: Data) -> (samples: [Float], rate: Int)? {
        let bytes = [UInt8](wave)
        guard bytes.count > 44, bytes[36..<40].elementsEqual("data".utf8),
            bytes[22] == 1, bytes[34] == 16
        else { return nil }
        let rate = bytes[24..<28].reversed().reduce(0) { $0 << 8 | Int($1) }
        let samples = stride(from: 44, to: bytes.count - 1, by: 2).map { index in
            Float(Int16(bitPattern: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8)) / 32768
        }
        return (samples, rate)
    }

    private func run(_ arguments: [String], request: String) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw CorpusError.speakerFailed(
                program: path, request: request, reason: error.localizedDescription)
        }
        // Messages are short, so the program never waits for them to be read.
        let data = output.fileHandleForReading.readDataToEndOfFile()
        let message = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let text = String(decoding: message, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            throw CorpusError.speakerFailed(
                program: path, request: request,
                reason: text.isEmpty ? "exit code \(process.terminationStatus)" : text)
        }
        return data
    }
}
