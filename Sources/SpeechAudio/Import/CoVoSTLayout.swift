internal import Foundation
internal import SpeechCore

/// The tables of CoVoST and CoVoST 2: translations of clips of Common Voice.
///
/// Either `covost_v2.<source>_<target>.<split>.tsv` with `path`, `sentence`, `translation` and
/// `client_id`, as the authors' script makes them, or `covost_v2.<source>_<target>.tsv` as downloaded,
/// with `path`, `translation` and `split`; the sentences then come from `validated.tsv`. In these
/// tables a backslash stands before characters that are meant as they are. The clips lie in the folder
/// of Common Voice that is the source's `root`, or else beside the tables.
/// Source: facebookresearch/covost, get_covost_splits.py.
enum CoVoSTLayout {
    /// What the name of a table says.
    private struct Table {
        let path: String
        let source: String
        let target: String
        /// nil for the table as downloaded.
        let split: String?

        init?(_ path: String) {
            let parts = CorpusFolder.name(path).split(separator: ".").map(String.init)
            guard parts.count == 3 || parts.count == 4, parts[0].hasPrefix("covost"),
                parts.last == "tsv"
            else { return nil }
            let languages = parts[1].split(separator: "_").map(String.init)
            guard languages.count == 2 else { return nil }
            self.path = path
            source = languages[0]
            target = languages[1]
            split = parts.count == 4 ? parts[2] : nil
        }

        var pair: String { "\(source)_\(target)" }
    }

    static func parts(_ source: CorpusSource) throws -> [CorpusPart] {
        let paths =
            source.isFolder
            ? CorpusFolder.names(in: source.path).map { source.path + "/" + $0 } : [source.path]
        let all = paths.filter(CorpusFolder.isFile).compactMap { Table($0) }
        let tables = all.filter { table in
            source.targetLanguage.map { $0 == table.target } ?? true
        }
        let pairs = Set(all.map(\.pair)).sorted()
        guard Set(tables.map(\.pair)).count == 1, let first = tables.first else {
            if pairs.isEmpty { return [] }
            throw ImportError.ambiguous(
                path: source.path, expected: "one table, or one pair for --target-language",
                found: pairs)
        }
        let folder = try clips(first, source)
        if tables.contains(where: { $0.split != nil }) {
            return tables.compactMap { table in
                table.split.map { split in
                    CorpusPart(split: split) { try read(table, folder, source, $0) }
                }
            }
        }
        return ["train", "dev", "test"].map { split in
            CorpusPart(split: split) { try join(first, split, folder, source, $0) }
        }
    }

    /// The folder of Common Voice, which holds `clips/`.
    private static func clips(_ table: Table, _ source: CorpusSource) throws -> String {
        let own = CorpusFolder.parent(table.path)
        let root = source.root?.standardizedFileURL.path ?? own
        let found = [root, "\(root)/\(table.source)"].first {
            CorpusFolder.isFolder($0 + "/clips")
        }
        guard let found else {
            throw ImportError.missingFile(
                path: root + "/clips",
                expected: "the clips of Common Voice, whose folder --root names")
        }
        return found
    }

    private static func read(
        _ table: Table, _ folder: String, _ source: CorpusSource,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        let rows = try DelimitedTable(path: table.path, dialect: .escapedTSV)
        let file = try rows.required("path")
        let sentence = try rows.required("sentence")
        let translation = try rows.required("translation")
        let speaker = rows.column("client_id")
        let durations = try CommonVoiceLayout.ClipDurations(folder: folder)
        try rows.forEachItem(receive) { row in
            guard let name = row.text(file) else {
                throw RowFault(detail: "expected a path, found nothing")
            }
            return clip(
                name, text: row.text(sentence), speaker: row.text(speaker),
                translation: row.text(translation), table, folder, durations, source)
        }
    }

    /// Takes the sentences of a table as downloaded from Common Voice, in the order there.
    private static func join(
        _ table: Table, _ split: String, _ folder: String, _ source: CorpusSource,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        let rows = try DelimitedTable(path: table.path, dialect: .escapedTSV)
        let file = try rows.required("path")
        let translation = try rows.required("translation")
        let name = try rows.required("split")
        // The clips that CoVoST adds to Common Voice's own split.
        let wanted = split == "train" ? ["train", "train_covost"] : [split]
        var translations: [String: String] = [:]
        try rows.forEachRow { row in
            switch row {
            case .failure(let fault): try receive(.badRow(table.path, fault))
            case .success(let row):
                guard let found = row.text(name), wanted.contains(found) else { return }
                guard let path = row.text(file) else {
                    let detail = "expected a path, found nothing"
                    return try receive(
                        .badRow(table.path, .init(line: row.line, detail: detail)))
                }
                translations[path] = row.text(translation) ?? ""
            }
        }
        let validated = folder + "/validated.tsv"
        guard CorpusFolder.isFile(validated) else {
            throw ImportError.missingFile(
                path: validated, expected: "the table of Common Voice with the sentences")
        }
        let sentences = try DelimitedTable(path: validated, dialect: .tsv)
        let clipFile = try sentences.required("path")
        let sentence = try sentences.required("sentence")
        let speaker = sentences.column("client_id")
        let durations = try CommonVoiceLayout.ClipDurations(folder: folder)
        try sentences.forEachRow { row in
            // Rows of other clips may be what they are.
            guard case .success(let row) = row, let path = row.text(clipFile),
                let translated = translations.removeValue(forKey: path)
            else { return }
            try receive(
                clip(
                    path, text: row.text(sentence), speaker: row.text(speaker),
                    translation: translated, table, folder, durations, source))
        }
        for path in translations.keys.sorted() {
            try receive(
                .leftOut(
                    LeftOutClip(
                        id: CommonVoiceLayout.ClipName(path).id, path: "\(folder)/clips/\(path)",
                        kind: .badRow,
                        reason: "'\(validated)': expected a row with the path '\(path)', found none"
                    )))
        }
    }

    private static func clip(
        _ name: String, text: String?, speaker: String?, translation: String?, _ table: Table,
        _ folder: String, _ durations: CommonVoiceLayout.ClipDurations, _ source: CorpusSource
    ) -> CorpusItem {
        let clip = CommonVoiceLayout.ClipName(name)
        return .clip(
            CorpusClip(
                id: clip.id, audio: .file("\(folder)/clips/\(clip.file)"),
                length: durations.length(of: clip.file), text: text ?? "",
                lang: source.language ?? table.source, speaker: speaker,
                targetText: translation ?? "", targetLang: table.target))
    }
}
