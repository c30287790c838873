internal import Foundation
internal import SpeechCore

/// Shards of WebDataset: tar archives in which a sample is a run of members with one key.
///
/// A key is a member's name up to the first dot behind the last slash. A sample has one audio file and
/// `.json` (`text`, `lang`, `duration`, `speaker`, …) or `.txt` with the transcript. Nothing is copied:
/// the manifest names bytes of the archives. Shards are a folder of `*.tar`, one archive, or a path
/// with braces such as `train-{000000..000127}.tar`; a split is what their names have in common.
enum ShardLayout {
    static func parts(_ source: CorpusSource) throws -> [CorpusPart] {
        let paths = try shards(source)
        var splits: [String] = []
        var shards: [String: [String]] = [:]
        for path in paths {
            let split = split(of: path)
            if shards[split] == nil { splits.append(split) }
            shards[split, default: []].append(path)
        }
        return splits.map { split in
            let paths = shards[split] ?? []
            return CorpusPart(split: split) { receive in
                for path in paths { try ShardReader(path, source).read(receive) }
            }
        }
    }

    private static func shards(_ source: CorpusSource) throws -> [String] {
        if source.isFolder {
            return CorpusFolder.names(in: source.path).filter { $0.hasSuffix(".tar") }
                .map { source.path + "/" + $0 }
        }
        if source.path.hasSuffix(".tar.gz") || source.path.hasSuffix(".tgz") {
            throw ImportError.unsupported(
                path: source.path, expected: "shards that are not compressed",
                found: "a compressed one")
        }
        guard source.path.hasSuffix(".tar") else { return [] }
        let paths = try BraceExpansion.paths(source.path)
        for path in paths where !CorpusFolder.isFile(path) {
            throw ImportError.missingFile(path: path, expected: "a shard")
        }
        return paths
    }

    /// The name without the shard's number, or the folder's.
    private static func split(of path: String) -> String {
        let stem = CorpusFolder.name(path).dropLast(4)
        let end = stem.lastIndex { !$0.isNumber }
        let name = stem[..<(end.map { stem.index(after: $0) } ?? stem.startIndex)]
            .trimmingCharacters(in: CharacterSet(charactersIn: "_-."))
        return name.isEmpty ? CorpusFolder.name(CorpusFolder.parent(path)) : name
    }
}

/// Expands `{a,b}` and `{000..127}` as shells do.
enum BraceExpansion {
    /// More shards than any corpus has.
    private static let limit = 1_000_000

    /// All paths that a path with braces stands for, in order; the path itself without any.
    ///
    /// - Throws: `ImportError.unsupported` for braces that cannot be expanded.
    static func paths(_ path: String) throws -> [String] {
        guard let open = path.firstIndex(of: "{") else { return [path] }
        func failure(_ found: String) -> ImportError {
            .unsupported(
                path: path, expected: "braces as in {a,b} or {000..127}", found: found)
        }
        guard let close = path[open...].firstIndex(of: "}") else {
            throw failure("one that is not closed")
        }
        let inner = path[path.index(after: open)..<close]
        let choices: [String]
        if let range = inner.range(of: "..") {
            let (first, last) = (inner[..<range.lowerBound], inner[range.upperBound...])
            guard let start = Int(first), let end = Int(last), start >= 0, start <= end,
                end - start < limit
            else { throw failure("{\(inner)}") }
            let isPadded = first.hasPrefix("0") || last.hasPrefix("0")
            let width = isPadded ? max(first.count, last.count) : 0
            choices = (start...end).map { number in
                let digits = String(number)
                return String(repeating: "0", count: max(0, width - digits.count)) + digits
            }
        } else {
            choices = inner.split(separator: ",", omittingEmptySubsequences: false)
                .map(String.init)
            guard choices.count > 1 else { throw failure("{\(inner)}") }
        }
        let rest = try paths(String(path[path.index(after: close)...]))
        guard choices.count * rest.count <= limit else {
            throw failure("\(choices.count * rest.count) paths")
        }
        return choices.flatMap { choice in rest.map { path[..<open] + choice + $0 } }
    }
}

/// Reads the samples of one archive.
private struct ShardReader {
    let file: MappedFile
    let source: CorpusSource

    init(_ path: String, _ source: CorpusSource) throws {
        file = try MappedFile(path: path)
        self.source = source
    }

    func read(_ receive: (CorpusItem) throws -> Void) throws {
        var key: String?
        var members: [(ending: String, range: Range<Int>)] = []
        func finish() throws {
            if let key, !members.isEmpty { try receive(sample(key, members)) }
            members.removeAll(keepingCapacity: true)
        }
        try TarArchive.forEachMember(path: file.path) { member in
            let start = member.name.lastIndex(of: "/").map { member.name.index(after: $0) }
            let name = member.name[(start ?? member.name.startIndex)...]
            // Hidden files have no key: other systems leave such beside the real ones.
            guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return }
            let own = String(member.name[..<dot])
            if own != key {
                try finish()
                key = own
            }
            members.append((name[name.index(after: dot)...].lowercased(), member.range))
        }
        try finish()
    }

    private func sample(
        _ key: String, _ members: [(ending: String, range: Range<Int>)]
    ) throws -> CorpusItem {
        func leftOut(_ kind: LeftOutKind, _ reason: String) -> CorpusItem {
            .leftOut(
                LeftOutClip(
                    id: key, path: file.path, kind: kind,
                    reason: "'\(file.path)', sample '\(key)': \(reason)"))
        }
        let sounds = members.filter { AudioFormat.isAudio("x." + $0.ending) }
        guard sounds.count == 1, let sound = sounds.first else {
            let names = members.map { ".\($0.ending)" }.joined(separator: ", ")
            return leftOut(.unsupported, "expected one audio file, found \(names)")
        }
        guard !sound.range.isEmpty else {
            return leftOut(.unreadableAudio, "expected audio, found an empty member")
        }
        var clip = CorpusClip(
            id: key, audio: .member(path: file.path, bytes: sound.range), lang: source.language)
        do {
            for member in members {
                switch member.ending {
                case "json": try describe(&clip, member.range)
                case "txt":
                    let text = file.withBytes(member.range) {
                        String(validating: $0, as: UTF8.self)
                    }
                    guard let text else {
                        return leftOut(.badRow, "expected a .txt in UTF-8, found other bytes")
                    }
                    clip.text = text
                default: break
                }
            }
        } catch let error as JSONFileError {
            return leftOut(.badRow, error.description)
        } catch let error as JSONSyntaxError {
            return leftOut(
                .badRow,
                "malformed .json, line \(error.line), column \(error.column): \(error.detail)")
        }
        return .clip(clip)
    }

    private func describe(_ clip: inout CorpusClip, _ range: Range<Int>) throws {
        let value = try file.withBytes(range) { try JSONValue(parsing: $0) }
        guard case .object(let object) = value else {
            throw JSONFileError.malformed(
                path: file.path, line: 1, column: 1,
                detail: "expected an object, found \(value.summary)")
        }
        let json = JSONFile(path: file.path, object: object)
        func text(_ keys: String...) throws -> String? {
            try keys.lazy.compactMap { try json.string($0) }.first
        }
        let transcript =
            try source.textColumn.map { try json.string($0) }
            ?? text("text", "transcript", "transcription", "sentence")
        clip.text = transcript ?? clip.text
        clip.id = try text("id") ?? clip.id
        clip.lang = try source.language ?? text("lang", "language", "locale")
        clip.speaker = try text("speaker", "speaker_id")
        clip.targetText = try text("target_text", "translation")
        if clip.targetText != nil {
            clip.targetLang = try source.targetLanguage ?? text("target_lang")
        }
        clip.samples = try json.integer("num_samples", in: 1...Int.max)
        if let seconds = try json.number("duration"), seconds > 0 {
            clip.length = .stated(seconds: seconds)
        }
    }
}
