internal import SpeechCore

/// The transcribed part of VoxPopuli as the authors' script makes it.
///
/// `transcribed_data/<language>/asr_<split>.tsv` has the columns `id`, `raw_text`, `normalized_text`,
/// `speaker_id`, `split` and `gender`, without quotes; the audio is `<year>/<id>.ogg` beside it, and an id
/// begins with the year. Source: facebookresearch/voxpopuli, get_asr_data.py.
enum VoxPopuliLayout {
    private static let splits = ["train", "dev", "test"]

    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        var source = source
        if CorpusFolder.isFolder(source.path + "/transcribed_data") {
            let settings = source
            source = CorpusSource(path: source.path + "/transcribed_data")
            source.language = settings.language
            source.textColumn = settings.textColumn
        }
        let folders = source.folders { folder in
            splits.contains { CorpusFolder.isFile("\(folder)/asr_\($0).tsv") }
        }
        return folders.flatMap { folder in
            splits.filter { CorpusFolder.isFile("\(folder)/asr_\($0).tsv") }.map {
                [source] split in
                CorpusPart(split: split) { try read(split, folder, source, $0) }
            }
        }
    }

    private static func read(
        _ split: String, _ folder: String, _ source: CorpusSource,
        _ receive: (CorpusItem) throws -> Void
    ) throws {
        let path = "\(folder)/asr_\(split).tsv"
        let table = try DelimitedTable(path: path, dialect: .tsv)
        let name = try table.required("id")
        let text = try table.required(source.textColumn ?? "normalized_text")
        let speaker = table.column("speaker_id")
        try table.forEachItem(receive) { row in
            let id = row.text(name) ?? ""
            guard id.count > 4, Int(id.prefix(4)) != nil else {
                throw RowFault(
                    detail: "expected an id that begins with a year, found \"\(id)\"")
            }
            return .clip(
                CorpusClip(
                    id: id, audio: .file("\(folder)/\(id.prefix(4))/\(id).ogg"),
                    text: row.text(text) ?? "",
                    lang: source.language ?? CorpusFolder.name(folder),
                    speaker: row.text(speaker)))
        }
    }
}
