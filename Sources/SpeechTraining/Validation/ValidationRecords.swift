internal import SpeechAudio
internal import SpeechCore

/// All lines of a manifest, each with what is kept of it, and the comparison of them.
struct ValidationRecords: Sendable {
    /// A line.
    struct Record: Sendable {
        let line: Int
        let bytes: Range<Int>
        /// The place in `languages`.
        let language: Int
        let duration: Double
        /// What is wrong, in the order of the reasons.
        var findings: [ValidationFinding]
        let id, audio, file: ContentHash?
        let longerFile: Double?
        let scripts: [ScriptProfile.Part]

        /// Whether nothing is wrong.
        var isFit: Bool { findings.isEmpty }
    }

    /// In the order of the manifest.
    private(set) var all: [Record] = []
    /// The manifest's codes in the order in which they first appear; nil for none.
    private(set) var languages: [String?] = []
    /// The scripts of languages that have no known ones: what most of their characters are in.
    private(set) var majorities: [Int: UnicodeScript] = [:]
    /// How often each character without a token occurs.
    private(set) var symbols: [Unicode.Scalar: Int] = [:]
    private var languageNumbers: [String?: Int] = [:]

    /// Adds the next line.
    mutating func append(_ line: CheckedLine) {
        let language: Int
        if let known = languageNumbers[line.lang] {
            language = known
        } else {
            language = languages.count
            languages.append(line.lang)
            languageNumbers[line.lang] = language
        }
        for symbol in line.result.unknown { symbols[symbol, default: 0] += 1 }
        all.append(
            Record(
                line: line.number, bytes: line.bytes, language: language, duration: line.duration,
                findings: line.result.findings, id: line.id, audio: line.audio, file: line.file,
                longerFile: line.result.longerFile, scripts: line.result.scripts))
    }

    /// Finds what is only seen beside other lines, and brings findings into order.
    mutating func compare(_ check: UtteranceCheck) {
        findMajorities()
        let segmented = segmentedFiles()
        for index in all.indices {
            let record = all[index]
            if let script = majorities[record.language],
                let finding = check.foreign(record.scripts, expected: [script])
            {
                all[index].findings.append(finding)
            }
            if let length = record.longerFile, let file = record.file, !segmented.contains(file),
                !check.settings.ignored.contains(.wrongDuration)
            {
                all[index].findings.append(
                    ValidationFinding(
                        .wrongDuration, expected: "\(plain(record.duration)) s",
                        found: "a file of \(plain(length)) s"))
            }
            all[index].findings.sort { $0.reason.rank < $1.reason.rank }
        }
        findDuplicates(check.settings.ignored)
    }

    /// The script that most characters of each language without known scripts are in.
    private mutating func findMajorities() {
        var counts: [Int: [UnicodeScript: Int]] = [:]
        for record in all {
            for part in record.scripts {
                counts[record.language, default: [:]][part.script, default: 0] += part.count
            }
        }
        majorities = counts.compactMapValues { counts in
            counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
        }
    }

    /// Files of which several lines take a part: what begins at their start need not be all of them.
    private func segmentedFiles() -> Set<ContentHash> {
        var seen: Set<ContentHash> = []
        var several: Set<ContentHash> = []
        // Only files whose length differs are asked about.
        let asked = Set(all.lazy.filter { $0.longerFile != nil }.compactMap(\.file))
        guard !asked.isEmpty else { return [] }
        for file in all.lazy.compactMap(\.file) where asked.contains(file) {
            if !seen.insert(file).inserted { several.insert(file) }
        }
        return several
    }

    /// Of utterances that are fit but for being there twice the first is kept.
    private mutating func findDuplicates(_ ignored: Set<ValidationReason>) {
        var lineOfID: [ContentHash: Int] = [:]
        var lineOfAudio: [ContentHash: Int] = [:]
        for index in all.indices where all[index].isFit {
            let record = all[index]
            if !ignored.contains(.duplicateID), let id = record.id, let line = lineOfID[id] {
                all[index].findings.append(
                    ValidationFinding(
                        .duplicateID, expected: "an id of its own", found: "that of line \(line)"))
            }
            if !ignored.contains(.duplicateAudio), let audio = record.audio,
                let line = lineOfAudio[audio]
            {
                all[index].findings.append(
                    ValidationFinding(
                        .duplicateAudio, expected: "audio of its own",
                        found: "that of line \(line)"))
            }
            guard all[index].isFit else { continue }
            if let id = record.id { lineOfID[id] = record.line }
            if let audio = record.audio { lineOfAudio[audio] = record.line }
        }
    }
}
