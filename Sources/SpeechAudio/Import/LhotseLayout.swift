internal import Foundation
internal import SpeechCore

/// Manifests of Lhotse, compressed or not: cuts, recordings with supervisions, and Shar.
///
/// A cut is one clip; the texts of its supervisions are joined in the order of time. With
/// `*recordings*.jsonl.gz` and `*supervisions*.jsonl.gz` every supervision is one clip. In Shar
/// `cuts.000000.jsonl.gz` goes with `recording.000000.tar`, whose members have the names of the cuts.
/// What a manifest computes rather than stores (mixes, padding, changed speed, one of several channels)
/// is left out. Source: lhotse-speech/lhotse, lhotse/shar and lhotse/audio.
enum LhotseLayout {
    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        guard source.isFolder else {
            guard CorpusFolder.isFile(source.path), isManifest(source.path, of: "cuts") else {
                return []
            }
            return [cuts(source.path, source)]
        }
        let own = parts(of: source.path, source)
        if !own.isEmpty { return own }
        return CorpusFolder.names(in: source.path).map { source.path + "/" + $0 }
            .filter(CorpusFolder.isFolder).flatMap { parts(of: $0, source) }
    }

    private static func parts(of folder: String, _ source: CorpusSource) -> [CorpusPart] {
        let paths = CorpusFolder.names(in: folder).map { folder + "/" + $0 }
        let cutPaths = paths.filter { isManifest($0, of: "cuts") }
        if !cutPaths.isEmpty { return cutPaths.map { cuts($0, source) } }
        let recordings = paths.filter { isManifest($0, of: "recordings") }
        return recordings.compactMap { path in
            let name = CorpusFolder.name(path)
                .replacingOccurrences(of: "recordings", with: "supervisions")
            let supervisions = folder + "/" + name
            guard CorpusFolder.isFile(supervisions) else { return nil }
            return CorpusPart(split: split(path, of: "recordings")) { receive in
                try LhotseReader(source, folder: folder)
                    .readSupervisions(supervisions, of: path, receive)
            }
        }
    }

    private static func cuts(_ path: String, _ source: CorpusSource) -> CorpusPart {
        CorpusPart(split: split(path, of: "cuts")) { receive in
            try LhotseReader(source, folder: CorpusFolder.parent(path)).readCuts(path, receive)
        }
    }

    /// The name without its endings.
    private static func stem(_ path: String) -> String? {
        let name = CorpusFolder.name(path)
        return [".jsonl.gz", ".jsonl"].first { name.hasSuffix($0) }.map {
            String(name.dropLast($0.count))
        }
    }

    private static func isManifest(_ path: String, of kind: String) -> Bool {
        guard let stem = stem(path) else { return false }
        return stem.split(whereSeparator: { "_.-".contains($0) }).contains { $0 == kind }
    }

    /// From `corpus_cuts_train.jsonl.gz` the part behind the kind, else the folder's name.
    private static func split(_ path: String, of kind: String) -> String {
        let stem = stem(path) ?? ""
        let marks = CharacterSet(charactersIn: "_.-")
        let end = stem.range(of: kind)?.upperBound ?? stem.endIndex
        let rest = stem[end...].trimmingCharacters(in: marks)
        // The number of a shard is no split.
        let isNumber = rest.allSatisfy(\.isNumber)
        return isNumber ? CorpusFolder.name(CorpusFolder.parent(path)) : rest
    }
}

/// Reads the manifests of one folder.
private struct LhotseReader {
    let source: CorpusSource
    let folder: String

    init(_ source: CorpusSource, folder: String) {
        self.source = source
        self.folder = folder
    }

    /// Calls `body` with every object of a file.
    private func forEachObject(
        _ path: String, _ receive: (CorpusItem) throws -> Void,
        _ body: (JSONFile) throws -> CorpusItem?
    ) throws {
        try ManifestLines.forEach(path: path) { number, bytes in
            if bytes.isBlank { return }
            var isItem = true
            let item = try CorpusItem.row(path, number) {
                guard case .object(let object) = try JSONValue(parsing: bytes) else {
                    throw RowFault(detail: "expected an object, found another value")
                }
                let file = JSONFile(path: path, object: object)
                if let item = try body(file) { return item }
                isItem = false
                return .badRow(path, .init(line: number, detail: ""))
            }
            if isItem { try receive(item) }
        }
    }

    // MARK: Cuts

    func readCuts(_ path: String, _ receive: (CorpusItem) throws -> Void) throws {
        let shard = try members(besides: path)
        try forEachObject(path, receive) { cut in
            let id = try text("id", cut)
            if let type = try cut.string("type"), type != "MonoCut", type != "MultiCut" {
                return unsupported(id, "a cut of the type \(type)")
            }
            guard let recording = try cut.file("recording") else {
                return unsupported(id, "a cut without a recording")
            }
            let start = try cut.number("start") ?? 0
            let length = ClipLength.segment(
                offset: start, duration: try cut.number("duration"),
                recording: try recording.number("duration"))
            var supervisions = try objects("supervisions", cut)
            supervisions = try supervisions.map { ($0, try $0.number("start") ?? 0) }
                .sorted { $0.1 < $1.1 }.map(\.0)
            return try clip(
                id, recording, length, supervisions: supervisions, shard: shard, cut: cut)
        }
    }

    /// The members of the archive that goes with a shard of cuts, by the name without its ending; nil
    /// when there is none.
    private func members(
        besides path: String
    ) throws -> (path: String, ranges: [String: Range<Int>])? {
        let parts = CorpusFolder.name(path).split(separator: ".")
        guard parts.count >= 3, Int(parts[1]) != nil else { return nil }
        let archive = "\(folder)/recording.\(parts[1]).tar"
        guard CorpusFolder.isFile(archive) else { return nil }
        var ranges: [String: Range<Int>] = [:]
        try TarArchive.forEachMember(path: archive) { member in
            // Beside the audio lies what Lhotse knows about it, as JSON.
            guard AudioFormat.isAudio(member.name) else { return }
            ranges[(member.name as NSString).deletingPathExtension] = member.range
        }
        return (archive, ranges)
    }

    // MARK: Recordings and supervisions

    func readSupervisions(
        _ path: String, of recordings: String, _ receive: (CorpusItem) throws -> Void
    ) throws {
        var known: [String: JSONFile] = [:]
        try forEachObject(recordings, receive) { recording in
            known[try text("id", recording)] = recording
            return nil
        }
        try forEachObject(path, receive) { supervision in
            let id = try text("id", supervision)
            let name = try text("recording_id", supervision)
            guard let recording = known[name] else {
                throw RowFault(
                    detail: "expected a recording of '\(recordings)', found '\(name)'")
            }
            let length = ClipLength.segment(
                offset: try supervision.number("start") ?? 0,
                duration: try supervision.number("duration"),
                recording: try recording.number("duration"))
            return try clip(
                id, recording, length, supervisions: [supervision], shard: nil, cut: supervision)
        }
    }

    // MARK: Clips

    private func clip(
        _ id: String, _ recording: JSONFile, _ length: ClipLength, supervisions: [JSONFile],
        shard: (path: String, ranges: [String: Range<Int>])?, cut: JSONFile
    ) throws -> CorpusItem {
        let sources = try objects("sources", recording)
        guard sources.count == 1, let place = sources.first else {
            return unsupported(id, "a recording of \(sources.count) sources")
        }
        if case .array(let changes)? = recording.value("transforms"), !changes.isEmpty {
            return unsupported(id, "a recording that is changed while it is read")
        }
        if case .array(let channels)? = place.value("channels"), channels.count > 1 {
            return unsupported(id, "a recording of \(channels.count) channels")
        }
        let audio: AudioPlace
        switch try place.string("type") {
        case "file": audio = .file(source.resolve(try text("source", place), in: folder))
        case "command":
            let command = try text("source", place)
            let name = try text("id", recording)
            guard source.allowsPipes else {
                throw ImportError.pipe(path: recording.path, id: name, command: command)
            }
            audio = .command(command, recording: name)
        case "shar":
            guard let shard, let range = shard.ranges[id] else {
                let archive = shard.map { "'\($0.path)'" } ?? "a recording.<number>.tar"
                return .leftOut(
                    LeftOutClip(
                        id: id, path: shard?.path ?? folder, kind: .missingFile,
                        reason: "expected a member '\(id)' of \(archive), found none"))
            }
            return .clip(
                described(
                    CorpusClip(id: id, audio: .member(path: shard.path, bytes: range)),
                    try details(supervisions)))
        case let other: return unsupported(id, "a recording of the type \(other ?? "null")")
        }
        return .clip(
            described(
                CorpusClip(id: id, audio: audio, length: length), try details(supervisions)))
    }

    private struct Details {
        var text: String?
        var lang: String?
        var speaker: String?
    }

    private func details(_ supervisions: [JSONFile]) throws -> Details {
        let texts = try supervisions.compactMap { try $0.string("text") }
        let languages = Set(try supervisions.compactMap { try $0.string("language") })
        let speakers = Set(try supervisions.compactMap { try $0.string("speaker") })
        return Details(
            text: texts.isEmpty ? nil : texts.joined(separator: " "),
            lang: source.language ?? (languages.count == 1 ? languages.first : nil),
            speaker: speakers.count == 1 ? speakers.first : nil)
    }

    private func described(_ clip: CorpusClip, _ details: Details) -> CorpusClip {
        var clip = clip
        clip.text = details.text
        clip.lang = details.lang
        clip.speaker = details.speaker
        return clip
    }

    private func unsupported(_ id: String, _ found: String) -> CorpusItem {
        .leftOut(
            LeftOutClip(
                id: id, path: folder, kind: .unsupported,
                reason: "'\(id)': expected a stored recording, found \(found)"))
    }

    private func text(_ key: String, _ file: JSONFile) throws -> String {
        guard let text = try file.string(key), !text.isEmpty else {
            throw JSONFileError.missingKey(path: file.path, key: key, expected: "a text")
        }
        return text
    }

    private func objects(_ key: String, _ file: JSONFile) throws -> [JSONFile] {
        guard let value = file.value(key) else { return [] }
        guard case .array(let values) = value else {
            throw JSONFileError.wrongValue(
                path: file.path, key: key, expected: "an array", found: value.summary)
        }
        return try values.map { value in
            guard case .object(let object) = value else {
                throw JSONFileError.wrongValue(
                    path: file.path, key: key, expected: "objects", found: value.summary)
            }
            return JSONFile(path: file.path, object: object)
        }
    }
}
