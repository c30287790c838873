internal import SpeechCore

/// Common Voice as it is downloaded, any release.
///
/// A language's folder holds `clips/` and tables with the columns `client_id`, `path`, `sentence`,
/// `locale` and others that changed over the years; all are found by name. Nothing in the tables is
/// quoted. `clip_durations.tsv` of later releases states lengths in milliseconds, which spares opening
/// every MP3.
enum CommonVoiceLayout {
    /// The splits that do not overlap.
    private static let usual: Set<String> = ["train", "dev", "test"]
    private static let all = ["train", "dev", "test", "validated", "invalidated", "other"]

    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        let folders = source.folders { folder in
            CorpusFolder.isFolder(folder + "/clips")
                && all.contains { CorpusFolder.isFile("\(folder)/\($0).tsv") }
        }
        return folders.flatMap { folder in
            all.filter { CorpusFolder.isFile("\(folder)/\($0).tsv") }.map { split in
                CorpusPart(split: split, isUsual: usual.contains(split)) { receive in
                    try read("\(folder)/\(split).tsv", folder, source, receive)
                }
            }
        }
    }

    private static func read(
        _ path: String, _ folder: String, _ source: CorpusSource,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        let table = try DelimitedTable(path: path, dialect: .tsv)
        let file = try table.required("path")
        let sentence = try table.required(source.textColumn ?? "sentence")
        let speaker = table.column("client_id")
        let locale = table.column("locale")
        let durations = try ClipDurations(folder: folder)
        try table.forEachItem(receive) { row in
            guard let name = row.text(file) else {
                throw RowFault(detail: "expected a path, found nothing")
            }
            let clip = ClipName(name)
            return .clip(
                CorpusClip(
                    id: clip.id, audio: .file("\(folder)/clips/\(clip.file)"),
                    length: durations.length(of: clip.file),
                    text: row.text(sentence) ?? "",
                    lang: source.language ?? row.text(locale)
                        ?? CorpusFolder.name(folder),
                    speaker: row.text(speaker)))
        }
    }

    /// A clip as tables name it, which in old releases lack the ending.
    struct ClipName {
        let file: String
        let id: String

        init(_ written: String) {
            file = AudioFormat.isAudio(written) ? written : written + ".mp3"
            let name = CorpusFolder.name(file)
            id = String(name[..<(name.lastIndex(of: ".") ?? name.endIndex)])
        }
    }

    /// The lengths that `clip_durations.tsv` states.
    struct ClipDurations {
        // A hash instead of the name: the largest language has millions of clips.
        private var milliseconds: [UInt128: Int32] = [:]

        init(folder: String) throws {
            let path = folder + "/clip_durations.tsv"
            guard CorpusFolder.isFile(path) else { return }
            let table = try DelimitedTable(path: path, dialect: .tsv)
            let clip = try table.required("clip")
            let duration = try table.required("duration[ms]", "duration")
            // A row that cannot be read states no length; that clip is measured.
            try table.forEachRow { row in
                guard case .success(let row) = row, let name = row.text(clip),
                    let value = row.text(duration).flatMap(Int32.init), value > 0
                else { return }
                milliseconds[KeyHash.value(name)] = value
            }
        }

        func length(of file: String) -> ClipLength {
            milliseconds[KeyHash.value(file)].map { .stated(seconds: Double($0) / 1000) }
                ?? .unknown
        }
    }
}
