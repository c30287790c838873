internal import Foundation
internal import SpeechCore

/// Manifests of fairseq: a root folder, then paths and samples at 16 kHz, with labels beside.
///
/// See `TSVManifest`, which reads them. As labels belong to lines by their number, a fault in one line
/// refuses the file.
enum FairseqLayout {
    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        let paths =
            source.isFolder
            ? CorpusFolder.names(in: source.path).map { source.path + "/" + $0 } : [source.path]
        return paths.filter { $0.hasSuffix(".tsv") && isManifest($0) }.map { path in
            CorpusPart(split: String(CorpusFolder.name(path).dropLast(4))) { receive in
                let utterances = try TSVManifest.read(URL(fileURLWithPath: path))
                for utterance in utterances {
                    try receive(
                        .clip(
                            CorpusClip(
                                id: utterance.id, audio: .file(utterance.audioPath),
                                length: .stated(seconds: utterance.duration),
                                samples: utterance.samples, text: utterance.text,
                                lang: source.language ?? utterance.lang)))
                }
            }
        }
    }

    /// Whether the first line is a folder and the second has two columns.
    private static func isManifest(_ path: String) -> Bool {
        guard CorpusFolder.isFile(path),
            let format = try? ManifestFormat.detect(URL(fileURLWithPath: path)),
            format.name == ManifestFormat.fairseqTSV.name
        else { return false }
        return true
    }
}
