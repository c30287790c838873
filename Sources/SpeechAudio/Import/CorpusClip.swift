internal import SpeechCore

/// Where the audio of a clip is.
enum AudioPlace: Hashable, Sendable {
    case file(String)
    /// The bytes of a tar archive.
    case member(path: String, bytes: Range<Int>)
    /// The output of a command, kept under the recording's name.
    case command(String, recording: String)

    /// The path for lists and messages.
    var path: String {
        switch self {
        case .file(let path), .member(let path, _): return path
        case .command(let command, _): return command
        }
    }
}

/// How long a clip is, as far as the corpus says.
enum ClipLength: Sendable {
    /// The whole recording, which has to be measured.
    case unknown
    /// The whole recording; the corpus measured it.
    case stated(seconds: Double)
    /// A part from `offset`, to the end where there is no duration; seconds. It has to lie within the
    /// recording, whose length the corpus may state.
    case segment(offset: Double, duration: Double?, recording: Double?)
}

/// A clip as a corpus lists it.
struct CorpusClip: Sendable {
    var id: String
    var audio: AudioPlace
    var length = ClipLength.unknown
    /// The samples of the whole recording, where the corpus states them.
    var samples: Int?
    /// nil where the corpus has no transcripts; without a single letter it is a fault.
    var text: String?
    var lang: String?
    var speaker: String?
    var targetText: String?
    var targetLang: String?
}

/// A clip, or something that cannot become one.
enum CorpusItem: Sendable {
    case clip(CorpusClip)
    case leftOut(LeftOutClip)

    /// A row that cannot be read.
    static func badRow(_ path: String, _ fault: ManifestError.LineFault) -> CorpusItem {
        .leftOut(
            LeftOutClip(
                id: "\(CorpusFolder.name(path)):\(fault.line)", path: path, kind: .badRow,
                reason: "\(path):\(fault.line): \(fault.detail)"))
    }

    /// Runs `body` for the row, and turns what it throws about the row into something left out.
    static func row(
        _ path: String, _ line: Int, id: String? = nil, _ body: () throws -> CorpusItem
    ) throws -> CorpusItem {
        let detail: String
        do {
            return try body()
        } catch let error as JSONFileError {
            detail = error.description
        } catch let error as JSONSyntaxError {
            detail = "malformed JSON at column \(error.column): \(error.detail)"
        } catch let error as RowFault {
            detail = error.detail
        }
        let place = "\(CorpusFolder.name(path)):\(line)"
        return .leftOut(
            LeftOutClip(
                id: id ?? place, path: path, kind: .badRow, reason: "\(path):\(line): \(detail)"))
    }
}

extension DelimitedTable {
    /// Passes on what `body` makes of every row, and the rows at fault as left out.
    func forEachItem(
        _ receive: (CorpusItem) throws -> Void, _ body: (Row) throws -> CorpusItem
    ) throws {
        try forEachRow { row in
            switch row {
            case .failure(let fault): try receive(.badRow(path, fault))
            case .success(let row):
                try receive(CorpusItem.row(path, row.line) { try body(row) })
            }
        }
    }
}

/// What is wrong with a row beyond its syntax.
struct RowFault: Error {
    let detail: String
}

/// Why clips are left out, in kinds that are counted.
public enum LeftOutKind: String, Sendable, CaseIterable, Codable {
    case missingFile = "missing_file"
    case unreadableAudio = "unreadable_audio"
    case badSegment = "bad_segment"
    case emptyText = "empty_text"
    case badRow = "bad_row"
    case duplicateID = "duplicate_id"
    case commandFailed = "command_failed"
    case unsupported

    /// The kind in words.
    public var words: String {
        switch self {
        case .missingFile: "no such file"
        case .unreadableAudio: "audio that cannot be read"
        case .badSegment: "segment outside its recording"
        case .emptyText: "no text"
        case .badRow: "row that cannot be read"
        case .duplicateID: "id that was there already"
        case .commandFailed: "command that failed"
        case .unsupported: "something that cannot be expressed"
        }
    }
}

/// Something of a corpus that is not imported.
struct LeftOutClip: Error, Sendable, Equatable {
    let id: String
    let path: String
    let kind: LeftOutKind
    let reason: String
}
