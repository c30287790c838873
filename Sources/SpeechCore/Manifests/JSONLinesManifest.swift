public import Foundation

/// Manifests as NeMo writes them: one JSON object a line.
///
/// Keys: `audio_filepath` and `duration` are required; `offset`, `text`, `lang`, `id`, `speaker`,
/// `target_text`, `target_lang` and `num_samples` are optional, others are ignored. `byte_offset` and
/// `byte_size` together say which bytes of the file are the recording, for members of a tar. Paths are
/// relative to the manifest. An utterance without `id` is named by its path as written, and by its
/// offsets if it has some.
public enum JSONLinesManifest {
    /// Reads a manifest.
    ///
    /// - Throws: `FileSystemError`, or `ManifestError` listing every line at fault.
    public static func read(_ url: URL) throws -> [Utterance] {
        try scan(url).validated(path: url.path)
    }

    /// Reads what can be read of a manifest and lists the lines at fault.
    ///
    /// - Throws: `FileSystemError` when the file cannot be read at all.
    public static func scan(_ url: URL) throws -> ManifestContents {
        let lines = try ManifestLines(path: url.path)
        let folder = ManifestPath.folder(of: url)
        var contents = ManifestContents()
        lines.forEach { number, bytes in
            if bytes.isBlank { return }
            switch utterance(bytes, folder: folder) {
            case .success(let utterance):
                contents.utterances.append(utterance)
                contents.lines.append(number)
            case .failure(let fault):
                contents.faults.append(.init(line: number, detail: fault.detail))
            }
        }
        return contents
    }

    /// What is wrong with a line.
    struct Fault: Error {
        let detail: String
    }

    /// The utterance of one line that is not blank, in a manifest that lies in `folder`.
    static func utterance(
        _ bytes: UnsafeRawBufferPointer, folder: URL
    ) -> Result<Utterance, Fault> {
        do {
            return .success(try parse(bytes, folder: folder))
        } catch let fault as Fault {
            return .failure(fault)
        } catch let error as JSONSyntaxError {
            return .failure(
                Fault(detail: "malformed JSON at column \(error.column): \(error.detail)"))
        } catch let error as JSONFileError {
            return .failure(Fault(detail: detail(of: error)))
        } catch {
            return .failure(Fault(detail: "\(error)"))
        }
    }

    private static func detail(of error: JSONFileError) -> String {
        switch error {
        case .malformed(_, _, let column, let detail): return "column \(column): \(detail)"
        case .missingKey(_, let key, let expected):
            return "missing '\(key)': expected \(expected)"
        case .wrongValue(_, let key, let expected, let found):
            return "wrong '\(key)': expected \(expected), found \(found)"
        }
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, folder: URL
    ) throws -> Utterance {
        let value = try JSONValue(parsing: bytes)
        guard case .object(let object) = value else {
            throw Fault(detail: "expected an object, found \(value.summary)")
        }
        let line = JSONFile(path: "", object: object)
        guard let path = try text("audio_filepath", line) else {
            throw Fault(detail: "missing 'audio_filepath': expected a path, found nothing")
        }
        guard let duration = try line.number("duration") else {
            throw Fault(detail: "missing 'duration': expected seconds, found nothing")
        }
        guard duration > 0 else {
            throw Fault(detail: "wrong 'duration': expected seconds above 0, found \(duration)")
        }
        let offset = try line.number("offset")
        if let offset, offset < 0 {
            throw Fault(detail: "wrong 'offset': expected seconds from 0, found \(offset)")
        }
        let bytes = try byteRange(line)
        let places = [bytes.map { "@byte \($0.lowerBound)" }, offset.map { "@\($0)" }]
        return Utterance(
            id: try identifier(line) ?? path + places.compactMap { $0 }.joined(),
            audioPath: ManifestPath.resolve(path, in: folder), byteRange: bytes,
            offset: offset ?? 0, duration: duration,
            text: try text("text", line), lang: try text("lang", line),
            speaker: try identifier(line, key: "speaker"),
            targetText: try text("target_text", line), targetLang: try text("target_lang", line),
            samples: try line.integer("num_samples", in: 1...Int.max))
    }

    private static func byteRange(_ line: JSONFile) throws -> Range<Int>? {
        // No file comes near the limit, and the sum of both cannot overflow.
        let first = try line.integer("byte_offset", in: 0...Int.max / 4)
        let count = try line.integer("byte_size", in: 1...Int.max / 4)
        switch (first, count) {
        case (nil, nil): return nil
        case (let first?, let count?): return first..<first + count
        case (_?, nil): throw Fault(detail: "missing 'byte_size' beside 'byte_offset'")
        case (nil, _?): throw Fault(detail: "missing 'byte_offset' beside 'byte_size'")
        }
    }

    /// A text that, where it is given, has at least one character besides white space.
    private static func text(_ key: String, _ line: JSONFile) throws -> String? {
        guard let text = try line.string(key) else { return nil }
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw Fault(
                detail: "wrong '\(key)': expected some text, found zero length (\"\(text)\")")
        }
        return text
    }

    /// An id may be a text or a whole number.
    private static func identifier(_ line: JSONFile, key: String = "id") throws -> String? {
        if case .integer(let number)? = line.value(key) { return String(number) }
        return try text(key, line)
    }

    /// Writes a manifest, beside and renamed; paths below its folder become relative to it.
    ///
    /// - Throws: `FileSystemError.cannotWrite`, or `ManifestError.empty` for no utterances.
    public static func write(_ utterances: [Utterance], to url: URL) throws {
        guard !utterances.isEmpty else { throw ManifestError.empty(path: url.path) }
        let folder = ManifestPath.folder(of: url)
        try AtomicFile.write(to: url) { sink in
            for utterance in utterances {
                try sink.write(line(utterance, folder: folder) + "\n")
            }
        }
    }

    /// A line with the path, and the name where it came from that, of an utterance that was read from it,
    /// for a manifest in another folder; everything else stays as it is.
    ///
    /// - Throws: `JSONSyntaxError`.
    package static func moved(
        _ bytes: UnsafeRawBufferPointer, _ utterance: Utterance, to folder: URL
    ) throws -> String {
        guard case .object(var object) = try JSONValue(parsing: bytes) else {
            preconditionFailure("an utterance was read from no object")
        }
        object["audio_filepath"] = .string(ManifestPath.relative(utterance.audioPath, to: folder))
        if object["id"].map({ $0 == .null }) ?? true { object["id"] = .string(utterance.id) }
        return JSONValue.object(object).text()
    }

    /// An utterance as a line of a manifest in `folder`, without the line's end.
    package static func line(_ utterance: Utterance, folder: URL) -> String {
        var object = JSONObject()
        let path = ManifestPath.relative(utterance.audioPath, to: folder)
        object["audio_filepath"] = .string(path)
        if let bytes = utterance.byteRange {
            object["byte_offset"] = .integer(bytes.lowerBound)
            object["byte_size"] = .integer(bytes.count)
        }
        if utterance.offset != 0 { object["offset"] = .number(utterance.offset) }
        object["duration"] = .number(utterance.duration)
        object["text"] = utterance.text.map(JSONValue.string)
        object["lang"] = utterance.lang.map(JSONValue.string)
        object["id"] = .string(utterance.id)
        object["speaker"] = utterance.speaker.map(JSONValue.string)
        object["target_text"] = utterance.targetText.map(JSONValue.string)
        object["target_lang"] = utterance.targetLang.map(JSONValue.string)
        object["num_samples"] = utterance.samples.map(JSONValue.integer)
        return JSONValue.object(object).text()
    }
}
