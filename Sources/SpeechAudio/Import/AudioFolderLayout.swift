internal import SpeechCore

/// Folders of audio with `metadata.csv` or `metadata.jsonl`, as Hugging Face's `audiofolder` reads them.
///
/// The column `file_name` names a file relative to the metadata; the transcript is `transcription`,
/// `sentence` or `text`. Columns for language, speaker, id and translation are taken where they are
/// there. Metadata in sub-folders makes each of them a split; metadata above them gives every row the
/// split of the sub-folder that its file is in, if that is called as splits are.
enum AudioFolderLayout {
    private static let names = ["metadata.jsonl", "metadata.csv"]
    private static let splits: Set<String> = [
        "train", "valid", "validation", "dev", "test", "eval",
    ]

    static func parts(_ source: CorpusSource) throws -> [CorpusPart] {
        guard source.isFolder else {
            guard names.contains(CorpusFolder.name(source.path)),
                CorpusFolder.isFile(source.path)
            else { return [] }
            return try parts(of: source.path, source)
        }
        return try source.folders { table(in: $0) != nil }
            .compactMap { table(in: $0) }.flatMap { try parts(of: $0, source) }
    }

    private static func table(in folder: String) -> String? {
        names.map { "\(folder)/\($0)" }.first(where: CorpusFolder.isFile)
    }

    /// A part for each split that the files' folders name, or one for all.
    private static func parts(of path: String, _ source: CorpusSource) throws -> [CorpusPart] {
        let folder = CorpusFolder.parent(path)
        let inner = CorpusFolder.names(in: folder).filter {
            splits.contains($0) && CorpusFolder.isFolder("\(folder)/\($0)")
        }
        let reader = AudioFolderReader(path: path, folder: folder, source: source)
        guard !inner.isEmpty else {
            return [
                CorpusPart(split: CorpusFolder.name(folder)) {
                    try reader.read(where: { _ in true }, reportsFaults: true, $0)
                }
            ]
        }
        func split(of file: String) -> String? {
            inner.first { file.hasPrefix($0 + "/") }
        }
        var parts = inner.enumerated().map { index, name in
            CorpusPart(split: name) {
                // A row that cannot be read has no split; the first part tells of it.
                try reader.read(
                    where: { $0.hasPrefix(name + "/") }, reportsFaults: index == 0, $0)
            }
        }
        var hasOthers = false
        try reader.forEachFile { if split(of: $0) == nil { hasOthers = true } }
        if hasOthers {
            parts.append(
                CorpusPart(split: CorpusFolder.name(folder)) { receive in
                    try reader.read(
                        where: { file in !inner.contains { file.hasPrefix($0 + "/") } },
                        reportsFaults: false, receive)
                })
        }
        return parts
    }
}

/// Reads one file of metadata, whatever its format.
private struct AudioFolderReader: Sendable {
    let path: String
    let folder: String
    let source: CorpusSource

    private var texts: [String] {
        source.textColumn.map { [$0] } ?? ["transcription", "sentence", "text"]
    }

    /// What a row says, by the name of the column.
    private typealias Field = (_ names: [String]) throws -> String?

    func forEachFile(_ body: (String) throws -> Void) throws {
        try forEachRow { _, field in
            if case .success(let field) = field, let file = try? field(["file_name"]) {
                try body(Self.plain(file))
            }
        }
    }

    /// Goes through the rows whose files are wanted.
    ///
    /// * `reportsFaults`: whether rows without a file are passed on as left out.
    func read(
        where isWanted: (_ file: String) -> Bool, reportsFaults: Bool,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        try forEachRow { line, field in
            let item = try CorpusItem.row(path, line) {
                let field = try field.get()
                guard let file = try field(["file_name"]).map(Self.plain) else {
                    throw RowFault(detail: "expected a file_name, found nothing")
                }
                return .clip(
                    CorpusClip(
                        id: try field(["id"]) ?? file,
                        audio: .file(source.resolve(file, in: folder)),
                        text: try field(texts) ?? "",
                        lang: try source.language ?? field(["lang", "language", "locale"]),
                        speaker: try field(["speaker", "speaker_id", "client_id"]),
                        targetText: try field(["target_text", "translation"]),
                        targetLang: try source.targetLanguage ?? field(["target_lang"])))
            }
            switch item {
            case .clip(let clip):
                var file = ""
                if case .success(let field) = field { file = try field(["file_name"]) ?? "" }
                guard isWanted(Self.plain(file)) else { return }
                // The language of a translation that is not there says nothing.
                var kept = clip
                if kept.targetText == nil { kept.targetLang = nil }
                try receive(.clip(kept))
            case .leftOut: if reportsFaults { try receive(item) }
            }
        }
    }

    private static func plain(_ file: String) -> String {
        file.hasPrefix("./") ? String(file.dropFirst(2)) : file
    }

    private func forEachRow(
        _ body: (_ line: Int, _ field: Result<Field, any Error>) throws -> Void
    ) throws {
        if path.hasSuffix(".jsonl") {
            var hasText = false
            var rows = 0
            try ManifestLines.forEach(path: path) { number, bytes in
                if bytes.isBlank { return }
                rows += 1
                let row: Result<Field, any Error> = Result {
                    guard case .object(let object) = try JSONValue(parsing: bytes) else {
                        throw RowFault(detail: "expected an object, found another value")
                    }
                    if texts.contains(where: { object[$0] != nil }) { hasText = true }
                    let file = JSONFile(path: path, object: object)
                    return { names in
                        try names.lazy.compactMap { try file.string($0) }.first {
                            !$0.allSatisfy(\.isWhitespace)
                        }
                    }
                }
                try body(number, row)
            }
            if rows > 0, !hasText {
                throw ManifestError.missingColumn(path: path, expected: texts, found: [])
            }
            return
        }
        let table = try DelimitedTable(path: path, dialect: .csv)
        _ = try table.required("file_name")
        guard texts.contains(where: table.columns.contains) else {
            throw ManifestError.missingColumn(
                path: path, expected: texts, found: table.columns)
        }
        try table.forEachRow { row in
            switch row {
            case .failure(let fault):
                try body(fault.line, .failure(RowFault(detail: fault.detail)))
            case .success(let row):
                try body(
                    row.line,
                    .success { names in
                        let found = names.first(where: table.columns.contains)
                        return row.text(found.flatMap { table.columns.firstIndex(of: $0) })
                    })
            }
        }
    }
}
