internal import Foundation
internal import SpeechCore

/// A way in which corpora lie on disk.
public struct CorpusLayout: Sendable {
    /// The name that `--layout` takes.
    public let name: String
    /// What a place of this layout has, in words.
    public let sign: String
    /// Whether places are recognised without being told the name.
    let isRecognized: Bool
    /// The parts of a corpus; none when the place is of another layout.
    let parts: @Sendable (CorpusSource) throws -> [CorpusPart]

    private init(
        _ name: String, _ sign: String, isRecognized: Bool = true,
        _ parts: @escaping @Sendable (CorpusSource) throws -> [CorpusPart]
    ) {
        self.name = name
        self.sign = sign
        self.isRecognized = isRecognized
        self.parts = parts
    }

    /// All layouts, those that are told by more before those that are told by less; a new one is one
    /// more line.
    public static let all = [
        CorpusLayout("kaldi", "wav.scp", KaldiLayout.parts),
        CorpusLayout("covost", "covost_v2.<source>_<target>.tsv", CoVoSTLayout.parts),
        CorpusLayout("common-voice", "clips/ and train.tsv", CommonVoiceLayout.parts),
        CorpusLayout("voxpopuli", "asr_<split>.tsv and folders of years", VoxPopuliLayout.parts),
        CorpusLayout("mls", "<split>/transcripts.txt and <split>/audio/", MLSLayout.parts),
        CorpusLayout("fleurs", "<split>.tsv without header and audio/", FLEURSLayout.parts),
        CorpusLayout(
            "lhotse", "cuts.jsonl.gz, recordings and supervisions, or Shar", LhotseLayout.parts),
        CorpusLayout("audio-folder", "metadata.csv or metadata.jsonl", AudioFolderLayout.parts),
        CorpusLayout("webdataset", "shards such as train-{000000..000127}.tar", ShardLayout.parts),
        CorpusLayout(
            "librispeech", "<split>/<speaker>/<chapter>/*.trans.txt", LibriSpeechLayout.parts),
        CorpusLayout("fairseq", "<split>.tsv that begins with a folder", FairseqLayout.parts),
        // Without its name it would take any folder, and drop texts of a layout that is not known.
        CorpusLayout(
            "audio-files", "audio files without texts", isRecognized: false,
            AudioFilesLayout.parts),
    ]

    /// Finds the layout of a place, or checks that it is of the one named.
    ///
    /// - Throws: `ImportError`, and what reading the place throws.
    static func find(
        _ source: CorpusSource, named name: String?
    ) throws -> (layout: CorpusLayout, parts: [CorpusPart]) {
        let hasBraces = source.path.contains("{")
        guard hasBraces || CorpusFolder.exists(source.path) else {
            throw FileSystemError.cannotRead(path: source.path, code: ENOENT)
        }
        let found =
            source.isFolder
            ? CorpusFolder.names(in: source.path)
            : CorpusFolder.exists(source.path) ? [CorpusFolder.name(source.path)] : []
        guard let name else {
            for layout in all where layout.isRecognized {
                let parts = try layout.parts(source)
                if !parts.isEmpty { return (layout, parts) }
            }
            throw ImportError.unknownLayout(
                path: source.path, expected: all.map { "\($0.name): \($0.sign)" }, found: found)
        }
        guard let layout = all.first(where: { $0.name == name }) else {
            throw ImportError.unknownLayoutName(name, known: all.map(\.name))
        }
        let parts = try layout.parts(source)
        guard !parts.isEmpty else {
            throw ImportError.otherLayout(
                path: source.path, layout: name, expected: layout.sign, found: found)
        }
        return (layout, parts)
    }
}

/// What a corpus has of one split in one language; several may have the same split.
struct CorpusPart: Sendable {
    let split: String
    /// Whether the part is imported when nobody asks for its split.
    var isUsual = true
    /// Goes through the clips in order.
    let read: @Sendable (_ receive: (CorpusItem) throws -> Void) throws -> Void
}
