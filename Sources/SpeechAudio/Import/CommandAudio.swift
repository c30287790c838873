internal import Foundation
internal import SpeechCore

/// Runs commands that stand for audio files and keeps what they put out as FLAC files.
struct CommandAudio: Sendable {
    /// Where the files go.
    let folder: URL
    /// Where commands run; nil for where this process does.
    let workingFolder: URL?

    /// The file that a recording is kept as.
    func url(_ recording: String) -> URL {
        // No name leads out of the folder, hides or meets another.
        var name = recording.replacingOccurrences(of: "%", with: "%25")
            .replacingOccurrences(of: "/", with: "%2F")
        if name.hasPrefix(".") { name = "%2E" + name.dropFirst() }
        return folder.appendingPathComponent(name + ".flac")
    }

    /// Runs a command with the shell and stores the audio that it writes to its standard output.
    ///
    /// - Throws: `LeftOutClip`; `AudioError` for output that is no audio; `FileSystemError`.
    func fetch(_ command: String, recording: String) throws -> AudioInfo {
        try CorpusFolder.create(folder)
        let target = url(recording)
        let raw = URL(fileURLWithPath: target.path + ".raw")
        let messages = URL(fileURLWithPath: target.path + ".log")
        defer {
            unlink(raw.path)
            unlink(messages.path)
        }
        for file in [raw, messages]
        where !FileManager.default.createFile(
            atPath: file.path, contents: nil)
        {
            throw FileSystemError.cannotWrite(path: file.path, operation: "create", code: errno)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.currentDirectoryURL = workingFolder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: raw.path)
        process.standardError = FileHandle(forWritingAtPath: messages.path)
        do {
            try process.run()
        } catch {
            throw LeftOutClip(
                id: recording, path: command, kind: .commandFailed,
                reason: "the command \"\(command)\" cannot be run: \(error.localizedDescription)")
        }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let text = (try? String(contentsOf: messages, encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
            throw LeftOutClip(
                id: recording, path: command, kind: .commandFailed,
                reason: "expected exit code 0 of the command \"\(command)\", found "
                    + "\(process.terminationStatus)\(line)")
        }
        let rate = try AudioReader.info(raw.path).samplingRate
        let samples = try AudioReader.read(raw.path, samplingRate: rate)
        try AudioWriter.write(samples, to: target, samplingRate: rate, format: .flac)
        return AudioInfo(
            format: .flac, samplingRate: rate, channels: 1, frames: samples.count)
    }
}
