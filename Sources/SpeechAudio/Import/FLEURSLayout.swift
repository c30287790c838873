internal import SpeechCore

/// FLEURS as its repository stores it, with the archives of audio unpacked where they lie.
///
/// A language's folder such as `de_de` holds `<split>.tsv` without a header and without quotes (id,
/// file_name, raw_transcription, transcription, characters, num_samples at 16 kHz, gender) and
/// `audio/<split>/*.wav`. The id is the sentence's, which several people read; a clip is named by its
/// file.
enum FLEURSLayout {
    private static let columns = [
        "id", "file_name", "raw_transcription", "transcription", "chars", "num_samples", "gender",
    ]
    private static let splits = ["train", "dev", "test"]

    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        // The repository keeps the languages in data/.
        var source = source
        if CorpusFolder.isFolder(source.path + "/data") {
            let (settings, inner) = (source, CorpusSource(path: source.path + "/data"))
            source = inner
            source.language = settings.language
            source.textColumn = settings.textColumn
        }
        let folders = source.folders { folder in
            CorpusFolder.isFolder(folder + "/audio")
                && splits.contains { isTable("\(folder)/\($0).tsv") }
        }
        return folders.flatMap { folder in
            splits.filter { CorpusFolder.isFile("\(folder)/\($0).tsv") }.map { [source] split in
                CorpusPart(split: split) { try read(split, folder, source, $0) }
            }
        }
    }

    /// Whether the first line is a row and no header.
    private static func isTable(_ path: String) -> Bool {
        guard CorpusFolder.isFile(path) else { return false }
        let table = try? DelimitedTable(path: path, dialect: .tsv)
        guard let first = table?.columns, first.count >= columns.count - 1 else { return false }
        return AudioFormat.isAudio(first[1])
    }

    private static func read(
        _ split: String, _ folder: String, _ source: CorpusSource,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        let path = "\(folder)/\(split).tsv"
        let audio = "\(folder)/audio/\(split)"
        if !CorpusFolder.isFolder(audio), CorpusFolder.isFile(audio + ".tar.gz") {
            throw ImportError.missingFile(
                path: audio, expected: "the folder that unpacking '\(audio).tar.gz' there makes")
        }
        // Rows may lack the last column, the gender.
        let table = DelimitedTable(
            path: path, dialect: .tsv, columns: Array(columns.dropLast()))
        let text = try table.required(source.textColumn ?? "transcription")
        try table.forEachItem(receive) { row in
            guard let name = row.text(1) else {
                throw RowFault(detail: "expected a file name, found nothing")
            }
            let samples = row.text(5).flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil }
            return .clip(
                CorpusClip(
                    id: "\(CorpusFolder.name(folder))/\(name)",
                    audio: .file("\(audio)/\(name)"),
                    length: samples.map { .stated(seconds: Double($0) / 16_000) }
                        ?? .unknown,
                    samples: samples, text: row.text(text) ?? "",
                    lang: source.language ?? CorpusFolder.name(folder)))
        }
    }
}
