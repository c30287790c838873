internal import Foundation
internal import SpeechCore

/// Data folders of Kaldi, and of ESPnet and others that kept them.
///
/// `wav.scp` (recording, then a file or a command that ends with `|`), and where they are there `segments`
/// (utterance, recording, start, end; -1 for the end of the recording), `text`, `utt2spk`, `utt2lang`,
/// `utt2dur` and `reco2dur`. Files of features and archives are not read.
enum KaldiLayout {
    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        source.folders { CorpusFolder.isFile($0 + "/wav.scp") }.map { folder in
            CorpusPart(split: CorpusFolder.name(folder)) { receive in
                try KaldiReader(folder, source).read(receive)
            }
        }
    }
}

/// Reads one data folder.
private struct KaldiReader {
    let folder: String
    let source: CorpusSource
    private let recordings: KeyedLines
    private let texts, speakers, languages, durations, recordingDurations: KeyedLines?

    init(_ folder: String, _ source: CorpusSource) throws {
        self.folder = folder
        self.source = source
        func lines(_ name: String) throws -> KeyedLines? {
            let path = "\(folder)/\(name)"
            guard CorpusFolder.isFile(path) else { return nil }
            return try KeyedLines(path: path, endsAtSpace: true)
        }
        recordings = try KeyedLines(path: folder + "/wav.scp", endsAtSpace: true)
        texts = try lines("text")
        speakers = try lines("utt2spk")
        languages = try lines("utt2lang")
        durations = try lines("utt2dur")
        recordingDurations = try lines("reco2dur")
    }

    func read(_ receive: (CorpusItem) throws -> Void) throws {
        let segments = folder + "/segments"
        let isCut = CorpusFolder.isFile(segments)
        let path = isCut ? segments : folder + "/wav.scp"
        try ManifestLines.forEach(path: path) { number, bytes in
            if bytes.isBlank { return }
            guard let line = String(validating: bytes, as: UTF8.self) else {
                let detail = "expected UTF-8, found other bytes"
                return try receive(.badRow(path, .init(line: number, detail: detail)))
            }
            try receive(
                CorpusItem.row(path, number) {
                    do {
                        return try isCut ? segment(line) : recording(line)
                    } catch let error as ManifestError {
                        // A line of another file of the folder.
                        throw RowFault(detail: error.description)
                    }
                })
        }
    }

    /// A line of `segments`.
    private func segment(_ line: String) throws -> CorpusItem {
        let fields = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count == 4 || fields.count == 5, let start = Double(fields[2]),
            let end = Double(fields[3])
        else {
            throw RowFault(
                detail: "expected utterance, recording, start and end, found \"\(line.prefix(80))\""
            )
        }
        guard let written = try recordings.value(fields[1]) else {
            throw RowFault(detail: "expected a recording of wav.scp, found '\(fields[1])'")
        }
        let length = ClipLength.segment(
            offset: start, duration: end == -1 ? nil : end - start,
            recording: try recordingDurations?.value(fields[1]).flatMap(Double.init))
        return try clip(fields[0], recording: fields[1], written, length)
    }

    /// A line of `wav.scp` without `segments`.
    private func recording(_ line: String) throws -> CorpusItem {
        let parts = line.split(maxSplits: 1, whereSeparator: \.isWhitespace).map(String.init)
        guard parts.count == 2 else {
            throw RowFault(detail: "expected a recording and its file, found \"\(line)\"")
        }
        let seconds = try durations?.value(parts[0]).flatMap(Double.init)
        return try clip(
            parts[0], recording: parts[0], parts[1].trimmingCharacters(in: .whitespaces),
            seconds.map { .stated(seconds: $0) } ?? .unknown)
    }

    private func clip(
        _ id: String, recording: String, _ written: String, _ length: ClipLength
    ) throws -> CorpusItem {
        let audio: AudioPlace
        if written.hasSuffix("|") {
            let command = written.dropLast().trimmingCharacters(in: .whitespaces)
            guard source.allowsPipes else {
                throw ImportError.pipe(
                    path: folder + "/wav.scp", id: recording, command: command)
            }
            audio = .command(command, recording: recording)
        } else if written == "-" || Self.isArchive(written) {
            return .leftOut(
                LeftOutClip(
                    id: id, path: written, kind: .unsupported,
                    reason: "recording '\(recording)': expected a file or a command, found "
                        + "'\(written)'"))
        } else {
            audio = .file(source.resolve(written, in: folder))
        }
        return .clip(
            CorpusClip(
                id: id, audio: audio, length: length,
                text: try texts.map { try $0.value(id) ?? "" },
                lang: try source.language ?? languages?.value(id),
                speaker: try speakers?.value(id)))
    }

    /// Whether a path is a place in an archive, as in `wav.1.ark:123`.
    private static func isArchive(_ written: String) -> Bool {
        guard let colon = written.lastIndex(of: ":") else { return false }
        return written[..<colon].hasSuffix(".ark")
            && Int(written[written.index(after: colon)...]) != nil
    }
}
