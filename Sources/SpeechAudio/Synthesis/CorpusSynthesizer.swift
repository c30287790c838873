public import Foundation
internal import SpeechCore

/// Makes a speech corpus with manifests: made-up sentences spoken by espeak-ng.
///
/// Writes `audio/<language>/<id>.flac` (16 kHz, mono) and `train.jsonl`, `valid.jsonl` and `test.jsonl`
/// with the text and its English translation. The bytes depend on the design and the version of
/// espeak-ng, not on the number of threads. A run that was stopped goes on where it ended.
public struct CorpusSynthesizer: Sendable {
    /// How far a run is.
    public struct Progress: Sendable, Equatable {
        /// Utterances that are ready.
        public let utterances: Int
        /// Seconds of speech that are ready and will be part of the corpus.
        public let seconds: Double
        /// Seconds of speech that the design asks for.
        public let targetSeconds: Double
    }

    /// What a run made.
    public struct Summary: Sendable, Equatable {
        /// One manifest.
        public struct Part: Sendable, Equatable {
            /// The file.
            public let manifest: URL
            /// The number of its utterances.
            public let utterances: Int
            /// The seconds of its speech.
            public let seconds: Double
        }

        /// The manifests; a split with share 0 has none.
        public let parts: [CorpusDesign.Split: Part]
        /// The utterances that an earlier run had left ready.
        public let keptUtterances: Int
    }

    /// What the corpus contains.
    public let design: CorpusDesign
    /// Where the corpus goes.
    public let folder: URL
    /// How many sentences are spoken at once.
    public let threads: Int
    private let program: EspeakProgram
    private let variants: [EspeakProgram.Variant]

    /// The file that tells of which design a folder is.
    static let recordName = "synthesis.json"
    static let samplingRate = 16_000

    /// Checks the design and finds espeak-ng.
    ///
    /// - Parameters:
    ///   - design: What the corpus contains.
    ///   - folder: The output folder; made when missing.
    ///   - threads: How many sentences are spoken at once, at least 1.
    ///   - searchPath: The folders where espeak-ng is looked for, separated by colons.
    /// - Throws: `CorpusError`.
    public init(
        design: CorpusDesign, folder: URL,
        threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        searchPath: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
    ) throws {
        try design.validate()
        guard threads >= 1 else {
            throw CorpusError.invalidDesign(
                key: "threads", expected: "a number from 1", found: "\(threads)")
        }
        program = try EspeakProgram(searchPath: searchPath)
        let voices = try program.voices()
        let silent = design.languages.filter { code in
            LanguageProfile.named(code).map { !voices.contains($0.voice) } ?? true
        }
        guard silent.isEmpty else {
            let available = LanguageProfile.all.filter { voices.contains($0.voice) }
            throw CorpusError.unknownLanguages(silent, available: available.map(\.code))
        }
        variants = try program.installedVariants()
        guard variants.count >= design.splits.count else {
            throw CorpusError.speakerFailed(
                program: program.path, request: "--voices=variant",
                reason: "\(design.splits.count) splits need as many voices, found "
                    + "\(variants.map(\.name)) of \(EspeakProgram.variants.map(\.name))")
        }
        self.design = design
        self.folder = folder.absoluteURL.standardizedFileURL
        self.threads = threads
    }

    /// Makes the corpus, or what is missing of it.
    ///
    /// Stopping the task, or the process, leaves only whole files, which the next run keeps.
    ///
    /// - Parameter progress: Called from one task after each utterance.
    /// - Throws: `CorpusError`, `AudioError`, `FileSystemError` (for example when the disk is full) or
    ///   `CancellationError`.
    public func run(
        progress: @Sendable (Progress) -> Void = { _ in }
    ) async throws -> Summary {
        let scripts = try design.languages.compactMap { code in
            try LanguageProfile.named(code).map {
                try CorpusScript($0, design, variants: variants)
            }
        }
        try prepareFolder(scripts)
        var parts = scripts.flatMap { script in
            design.splits.map {
                Part(script: script, split: $0, target: design.seconds(of: $0))
            }
        }
        let target = parts.reduce(0) { $0 + $1.target }
        var kept = 0
        // The number of sentences that fill a part is known only once they are spoken: each round
        // speaks about as many as are missing, and what a round has too many is removed.
        while parts.contains(where: { !$0.isFull }) {
            var jobs: [(part: Int, line: ScriptLine)] = []
            for index in parts.indices {
                jobs += try parts[index].nextLines().map { (index, $0) }
            }
            let before = parts
            var ready = parts.reduce(0) { $0 + $1.durations.count }
            var seconds = before.reduce(0) { $0 + min($1.seconds, $1.target) }
            let results = try await speakAll(jobs.map(\.line)) { result in
                ready += 1
                seconds += result.duration
                progress(
                    Progress(
                        utterances: ready, seconds: min(seconds, target), targetSeconds: target))
            }
            for (job, result) in zip(jobs, results) {
                parts[job.part].add(job.line, result.frames)
                kept += result.wasThere ? 1 : 0
            }
        }
        try removeSurplus(parts)
        return Summary(parts: try writeManifests(parts), keptUtterances: kept)
    }

    /// A split of a language on its way.
    private struct Part {
        let script: CorpusScript
        let split: CorpusDesign.Split
        let target: Double
        private(set) var lines: [ScriptLine] = []
        private(set) var durations: [Double] = []
        private(set) var frames: [Int] = []
        private(set) var seconds = 0.0
        private var characters = 0
        private var unused: [ScriptLine] = []

        init(script: CorpusScript, split: CorpusDesign.Split, target: Double) {
            self.script = script
            self.split = split
            self.target = target
        }

        var isFull: Bool { seconds >= target }
        /// Lines spoken in vain.
        var surplus: [ScriptLine] { unused }

        /// About as many lines as the rest needs.
        func nextLines() throws -> [ScriptLine] {
            // A first guess of the seconds that a character takes.
            let rate = characters == 0 ? 0.08 : seconds / Double(characters)
            var estimate = seconds
            var lines: [ScriptLine] = []
            while estimate < target {
                let line = try script.next(split)
                estimate += rate * Double(line.sentence.text.count)
                lines.append(line)
            }
            return lines
        }

        mutating func add(_ line: ScriptLine, _ count: Int) {
            guard !isFull else {
                unused.append(line)
                return
            }
            lines.append(line)
            frames.append(count)
            let duration = Double(count) / Double(CorpusSynthesizer.samplingRate)
            durations.append(duration)
            seconds += duration
            characters += line.sentence.text.count
        }
    }
}

extension CorpusSynthesizer {
    private struct Spoken: Sendable {
        let frames: Int
        let wasThere: Bool

        var duration: Double { Double(frames) / Double(CorpusSynthesizer.samplingRate) }
    }

    /// Speaks lines, `threads` at a time; the results are in the order of the lines.
    private func speakAll(
        _ lines: [ScriptLine], _ each: (Spoken) -> Void
    ) async throws -> [Spoken] {
        try await withThrowingTaskGroup(of: (Int, Spoken).self) { group in
            var results = [Spoken?](repeating: nil, count: lines.count)
            var next = 0
            func start() {
                guard next < lines.count else { return }
                let (index, line) = (next, lines[next])
                next += 1
                group.addTask {
                    try Task.checkCancellation()
                    return (index, try speak(line))
                }
            }
            for _ in 0..<threads { start() }
            while let (index, result) = try await group.next() {
                results[index] = result
                each(result)
                start()
            }
            return results.compactMap { $0 }
        }
    }

    private func speak(_ line: ScriptLine) throws -> Spoken {
        let url = folder.appendingPathComponent(line.file)
        // Files are renamed into place, so one that can be read is whole.
        if let info = try? AudioReader.info(url.path), info.samplingRate == Self.samplingRate {
            return Spoken(frames: info.frames, wasThere: true)
        }
        let sound = try program.speak(line.sentence.text, line.manner)
        let dry = try Resampler.resample(sound.samples, from: sound.rate, to: Self.samplingRate)
        let samples = line.conditions.apply(dry, samplingRate: Self.samplingRate)
        try AudioWriter.write(
            samples, to: url, samplingRate: Self.samplingRate, format: design.format)
        return Spoken(frames: samples.count, wasThere: false)
    }

    /// Makes the folders, after making sure that nothing else lies there and that there is room.
    private func prepareFolder(_ scripts: [CorpusScript]) throws {
        var record = design.record(speaker: try program.version(), variants: variants.map(\.name))
        let recordURL = folder.appendingPathComponent(Self.recordName)
        var known = JSONObject()
        func require(_ what: String, _ expected: JSONValue?, _ found: JSONValue?) throws {
            guard expected != found else { return }
            throw CorpusError.folderInUse(
                path: folder.path, expected: "a corpus with \(what) \(expected?.text() ?? "")",
                found: "one with \(found?.text() ?? "none")")
        }
        if FileManager.default.fileExists(atPath: recordURL.path) {
            let found = try JSONFile(path: recordURL.path).object
            for key in record.keys { try require("'\(key)'", record[key], found[key]) }
            if case .object(let scripts) = found["scripts"] { known = scripts }
        } else {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
            if let name = names.sorted().first {
                throw CorpusError.folderInUse(
                    path: folder.path, expected: "a corpus of this design", found: "'\(name)'")
            }
        }
        // By language, as a corpus may get more of them later.
        for script in scripts {
            let code = script.profile.code
            let fingerprint = JSONValue.string(try script.fingerprint())
            if let made = known[code] {
                try require("the script of '\(code)'", fingerprint, made)
            }
            known[code] = fingerprint
        }
        record["scripts"] = .object(known)
        try makeFolder(folder)
        try requireSpace()
        // Before any audio, so that a folder with audio always tells what it is.
        try AtomicFile.write(JSONValue.object(record).text(indent: 2) + "\n", to: recordURL)
        for code in design.languages {
            try makeFolder(folder.appendingPathComponent("audio/\(code)"))
        }
    }

    private func makeFolder(_ url: URL) throws {
        var path = ""
        for part in url.pathComponents {
            path = (path as NSString).appendingPathComponent(part)
            var status = stat()
            if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { continue }
            guard mkdir(path, 0o777) == 0 else {
                throw FileSystemError.cannotWrite(path: path, operation: "create", code: errno)
            }
        }
    }

    private func requireSpace() throws {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.doubleValue else { return }
        // FLAC of this speech takes a little over half of the 32,000 bytes a second of WAV.
        let bytesPerSecond = design.format == .wav ? 32_100.0 : 18_000.0
        let needed =
            design.minutesPerLanguage * 60 * Double(design.languages.count) * bytesPerSecond
        guard needed < free else {
            throw CorpusError.notEnoughSpace(
                path: folder.path, needed: Int(min(needed, 1e18)), available: Int(free))
        }
    }

    private func removeSurplus(_ parts: [Part]) throws {
        for line in parts.flatMap(\.surplus) {
            let path = folder.appendingPathComponent(line.file).path
            guard unlink(path) == 0 || errno == ENOENT else {
                throw FileSystemError.cannotWrite(path: path, operation: "remove", code: errno)
            }
        }
    }

    private func writeManifests(_ parts: [Part]) throws -> [CorpusDesign.Split: Summary.Part] {
        var summary: [CorpusDesign.Split: Summary.Part] = [:]
        for split in CorpusDesign.Split.allCases {
            let chosen = parts.filter { $0.split == split }
            guard !chosen.isEmpty else { continue }
            let utterances = chosen.flatMap { part in
                part.lines.indices.map { utterance(part, $0) }
            }
            let url = folder.appendingPathComponent("\(split.rawValue).jsonl")
            try JSONLinesManifest.write(utterances, to: url)
            summary[split] = Summary.Part(
                manifest: url, utterances: utterances.count,
                seconds: chosen.reduce(0) { $0 + $1.seconds })
        }
        return summary
    }

    private func utterance(_ part: Part, _ index: Int) -> Utterance {
        let line = part.lines[index]
        return Utterance(
            id: line.id, audioPath: folder.appendingPathComponent(line.file).path,
            duration: part.durations[index], text: line.sentence.text,
            lang: part.script.profile.code, speaker: line.speaker,
            targetText: line.sentence.translation, targetLang: LanguageProfile.english.code,
            samples: part.frames[index])
    }
}
