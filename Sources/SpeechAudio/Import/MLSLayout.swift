internal import SpeechCore

/// Multilingual LibriSpeech as it is downloaded.
///
/// `mls_<language>/<split>/transcripts.txt` has lines `id<TAB>text`, `segments.txt` lines
/// `id<TAB>address<TAB>start<TAB>end` with the place in the book, and the audio is
/// `<split>/audio/<speaker>/<book>/<id>.flac` or, in the small edition, `.opus`. The id is
/// `<speaker>_<book>_<number>`.
enum MLSLayout {
    private static let splits = ["train", "dev", "test"]
    /// The languages by the names that folders have.
    private static let codes = [
        "english": "en", "german": "de", "dutch": "nl", "french": "fr", "spanish": "es",
        "italian": "it", "portuguese": "pt", "polish": "pl",
    ]

    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        let folders = source.folders { folder in splits.contains { isSplit("\(folder)/\($0)") } }
        return folders.flatMap { folder in
            splits.filter { isSplit("\(folder)/\($0)") }.map { split in
                CorpusPart(split: split) {
                    try read("\(folder)/\(split)", language(of: folder, source), $0)
                }
            }
        }
    }

    private static func isSplit(_ folder: String) -> Bool {
        CorpusFolder.isFile(folder + "/transcripts.txt")
            && CorpusFolder.isFolder(folder + "/audio")
    }

    private static func language(of folder: String, _ source: CorpusSource) -> String {
        let words = CorpusFolder.name(folder).split(separator: "_").map(String.init)
        return source.language ?? words.lazy.compactMap { codes[$0] }.first
            ?? CorpusFolder.name(folder)
    }

    private static func read(
        _ folder: String, _ language: String, _ receive: (CorpusItem) throws -> Void
    ) throws {
        let path = folder + "/transcripts.txt"
        let places = folder + "/segments.txt"
        let segments =
            CorpusFolder.isFile(places) ? try KeyedLines(path: places, endsAtSpace: false) : nil
        var ending: String?
        let table = DelimitedTable(path: path, dialect: .tsv, columns: ["id", "text"])
        try table.forEachItem(receive) { row in
            let id = row.text(0) ?? ""
            let parts = id.split(separator: "_")
            guard parts.count == 3 else {
                throw RowFault(
                    detail: "expected an id <speaker>_<book>_<number>, found \"\(id)\"")
            }
            let file = "\(folder)/audio/\(parts[0])/\(parts[1])/\(id)"
            // An edition has one of the two throughout.
            let known =
                ending ?? [".flac", ".opus"].first { CorpusFolder.isFile(file + $0) }
            ending = known
            return .clip(
                CorpusClip(
                    id: id, audio: .file(file + (known ?? ".flac")),
                    length: try length(segments?.value(id)), text: row.text(1) ?? "",
                    lang: language, speaker: String(parts[0])))
        }
    }

    /// From `address<TAB>start<TAB>end`.
    private static func length(_ segment: String?) -> ClipLength {
        let fields = segment?.split(separator: "\t").suffix(2).compactMap { Double($0) } ?? []
        guard fields.count == 2, fields[1] > fields[0] else { return .unknown }
        return .stated(seconds: fields[1] - fields[0])
    }
}
