internal import SpeechCore

/// LibriSpeech and corpora laid out like it.
///
/// `<split>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt` has lines `id text`; the audio lies beside
/// it as `<id>.flac`, or `.wav`.
enum LibriSpeechLayout {
    private static let transcript = ".trans.txt"

    static func parts(_ source: CorpusSource) -> [CorpusPart] {
        source.folders(where: isSplit).map { folder in
            CorpusPart(split: CorpusFolder.name(folder)) {
                try read(folder, source.language ?? "en", $0)
            }
        }
    }

    /// Looks at a few speakers only.
    private static func isSplit(_ folder: String) -> Bool {
        CorpusFolder.names(in: folder).prefix(20).contains { speaker in
            CorpusFolder.names(in: "\(folder)/\(speaker)").prefix(5).contains { chapter in
                CorpusFolder.isFile(
                    "\(folder)/\(speaker)/\(chapter)/\(speaker)-\(chapter)\(transcript)")
            }
        }
    }

    private static func read(
        _ folder: String, _ language: String, _ receive: (CorpusItem) throws -> Void
    ) throws {
        for speaker in CorpusFolder.names(in: folder) {
            for chapter in CorpusFolder.names(in: "\(folder)/\(speaker)") {
                let place = "\(folder)/\(speaker)/\(chapter)"
                let names = CorpusFolder.names(in: place)
                let sounds = names.filter(AudioFormat.isAudio)
                guard let list = names.first(where: { $0.hasSuffix(transcript) }) else {
                    for sound in sounds {
                        try receive(
                            .leftOut(
                                LeftOutClip(
                                    id: sound, path: "\(place)/\(sound)", kind: .emptyText,
                                    reason: "'\(place)': expected a *\(transcript), found none")))
                    }
                    continue
                }
                let ending = sounds.contains { $0.hasSuffix(".flac") } ? ".flac" : ".wav"
                let path = "\(place)/\(list)"
                try ManifestLines.forEach(path: path) { number, bytes in
                    if bytes.isBlank { return }
                    try receive(
                        CorpusItem.row(path, number) {
                            guard let line = String(validating: bytes, as: UTF8.self) else {
                                throw RowFault(detail: "expected UTF-8, found other bytes")
                            }
                            let words = line.split(separator: " ", maxSplits: 1)
                            let id = String(words.first ?? "")
                            return .clip(
                                CorpusClip(
                                    id: id, audio: .file("\(place)/\(id)\(ending)"),
                                    text: words.count > 1 ? String(words[1]) : "",
                                    lang: language, speaker: speaker))
                        })
                }
            }
        }
    }
}
