internal import SpeechCore

/// Any folder of audio files, which have no texts; for training that needs none.
enum AudioFilesLayout {
    static func parts(_ source: CorpusSource) throws -> [CorpusPart] {
        guard source.isFolder else { return [] }
        let files = try AudioFolder.files(in: source.path)
        guard !files.isEmpty else { return [] }
        return [
            CorpusPart(split: CorpusFolder.name(source.path)) { receive in
                for file in files {
                    try receive(
                        .clip(
                            CorpusClip(
                                id: file, audio: .file("\(source.path)/\(file)"),
                                lang: source.language)))
                }
            }
        ]
    }
}
