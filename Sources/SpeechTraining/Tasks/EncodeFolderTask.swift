public import Foundation
import SpeechCore
import SpeechModels
import Torch

/// Encodes any number of clips into a folder, one result for each, and goes on where it was stopped.
///
/// Clips are batched by length, decoded ahead on other threads and written as soon as they are
/// computed; nothing but the batches at work is held in memory. A clip that cannot be used is passed
/// over and listed with the reason.
public struct EncodeFolderTask {
    /// Everything besides the model and the clips.
    public struct Settings: Sendable {
        /// The folder.
        public var output: URL
        /// The model as the user named it, for the record.
        public var modelName: String
        /// How results are stored.
        public var storage = EncodeOutput()
        /// Seconds of audio of a batch, padding included.
        public var batchSeconds = 10.0
        /// Whether a clip that cannot be used ends the run.
        public var isStrict = false
        /// Whether results of another run are removed first.
        public var startsOver = false

        /// The folder and the model's name, everything else as usual.
        public init(output: URL, modelName: String) {
            self.output = output
            self.modelName = modelName
        }
    }

    private let task: EncodeTask
    private let settings: Settings
    private let reporter: RunReporter
    /// Its features of a clip depend on nothing else in the batch.
    private let extractor: any FeatureExtractor

    /// Plans what is computed; nothing is read or written yet.
    ///
    /// * `task`: says what of a clip is written; padding must be isolated, as batches are made here.
    public init(_ task: EncodeTask, _ settings: Settings, reporter: RunReporter) {
        precondition(settings.batchSeconds > 0)
        precondition(task.padding == .isolated, "a clip must not depend on its batch")
        self.task = task
        self.settings = settings
        self.reporter = reporter
        extractor = task.model.featureExtractor.following(.isolated)
    }

    /// Encodes what does not stand in the folder yet.
    ///
    /// - Throws: `EncodeError.differs`, `.busy`, or with `isStrict` what is wrong with a clip;
    ///   `DatasetError.allSkipped` where no clip could be used; `RunError.interrupted` after a
    ///   signal; `FileSystemError`. What was encoded before stays, listed in the folder.
    public func run(_ clips: [EncodeClip]) throws -> EncodeSummary {
        precondition(!clips.isEmpty, "there is nothing to encode")
        let start = ContinuousClock.now
        StopSignal.listen()
        let folder = try EncodeFolder(
            settings.output, settings: record, startsOver: settings.startsOver)
        let names = folder.names(for: clips.map(\.id), output: settings.storage)
        var run = Run(
            clips: clips,
            files: names.map { settings.storage.files(name: $0, tensors: task.tensorNames) },
            folder: folder)
        let open = clips.indices.filter { !folder.holds(clips[$0]) }
        run.kept = clips.count - open.count
        if run.kept > 0 { reporter.note("\(run.kept) of \(clips.count) clips are there already") }
        guard let lengths = try EncodeLoader.measure(clips, open) else { throw stopped(run) }
        var pending: [(clip: Int, seconds: Double)] = []
        for (clip, length) in zip(open, lengths) {
            switch length {
            case .success(let seconds): pending.append((clip, seconds))
            case .failure(let error as any ReportedError): try skip(clip, error, &run)
            case .failure(let error): throw error
            }
        }
        try encode(pending, &run)
        for place in run.skipped.keys { folder.remove(clips[place].id) }
        try folder.finish(clips.map(\.id))
        try SkippedLog.write(run.skippedUtterances, to: folder.skipped)
        guard run.encoded + run.kept > 0 else {
            throw DatasetError.allSkipped(skipped: run.skippedUtterances)
        }
        return EncodeSummary(
            output: settings.output.path, clips: clips.count, encoded: run.encoded,
            kept: run.kept, skipped: run.skipped.count, audioSeconds: run.audioSeconds,
            frames: run.frames, seconds: start.duration(to: .now) / .seconds(1))
    }

    /// What a run has done so far.
    private struct Run {
        let clips: [EncodeClip]
        let files: [[String: String]]
        let folder: EncodeFolder
        var encoded = 0
        var kept = 0
        var frames = 0
        var audioSeconds = 0.0
        var skipped: [Int: String] = [:]

        /// In the order of the clips.
        var skippedUtterances: [SkippedUtterance] {
            skipped.sorted { $0.key < $1.key }.map {
                SkippedUtterance(id: clips[$0.key].id, path: clips[$0.key].path, reason: $0.value)
            }
        }
    }

    private var record: EncodeSettings {
        EncodeSettings(
            model: settings.modelName, modelFingerprint: Fingerprint.ofOutputs(task.model),
            layers: "\(task.layers)", ffn: task.givesFeedForward, logits: task.givesLogits,
            language: task.model.language ?? "", precision: "\(task.model.encoder.precision)",
            format: settings.storage.format.rawValue,
            dtype: settings.storage.elementType.rawValue,
            samplingRate: extractor.samplingRate)
    }

    private func encode(_ pending: [(clip: Int, seconds: Double)], _ run: inout Run) throws {
        guard !pending.isEmpty else { return }
        let loader = EncodeLoader(
            run.clips, pending: pending, extractor: extractor,
            minimumSamples: FrameGeometry(task.model.encoder.config, extractor).minimumSamples,
            batchSeconds: settings.batchSeconds)
        let lengths = Dictionary(uniqueKeysWithValues: pending.map { ($0.clip, $0.seconds) })
        var progress = EncodeProgress(
            clips: 0, total: pending.count, audioSeconds: 0,
            totalAudioSeconds: pending.reduce(0) { $0 + $1.seconds }, skipped: run.skipped.count,
            seconds: 0)
        let start = ContinuousClock.now
        var lastLine = start
        for batch in loader.batches {
            guard StopSignal.pending == nil, let decoded = try loader.next() else { break }
            for (clip, error) in decoded.skipped { try skip(clip, error, &run) }
            try encode(decoded.rows[...], &run)
            progress.clips += batch.count
            progress.audioSeconds += batch.reduce(0) { $0 + (lengths[$1] ?? 0) }
            progress.skipped = run.skipped.count
            progress.seconds = start.duration(to: .now) / .seconds(1)
            let isDue = lastLine.duration(to: .now) >= .seconds(10)
            if isDue { lastLine = .now }
            reporter.report(progress, isDue: isDue)
        }
        reporter.finish()
        if StopSignal.pending != nil { throw stopped(run) }
    }

    /// Encodes rows together, or in halves where that fails, and writes each.
    private func encode(_ rows: ArraySlice<DecodedClips.Row>, _ run: inout Run) throws {
        guard let first = rows.first else { return }
        let result: EncodedBatch
        do {
            result = try task.encode(extractor.collate(rows.map(\.features)))
        } catch let error where error is TorchError || error is EncodeError {
            // What ran out of memory has left it to the allocator.
            Engine.releaseUnusedMemory()
            guard rows.count == 1 else {
                let middle = rows.startIndex + rows.count / 2
                try encode(rows[..<middle], &run)
                return try encode(rows[middle...], &run)
            }
            let reason = EncodeError.alone(
                error, path: run.clips[first.clip].path,
                seconds: Double(first.samples) / Double(extractor.samplingRate))
            return try skip(first.clip, reason, &run)
        }
        for (index, row) in rows.enumerated() {
            let files = run.files[row.clip]
            let clip = result.clip(index)
            do {
                try run.folder.prepare(files.values)
                try settings.storage.write(clip, files: files, below: settings.output)
            } catch let error as EncodeError {
                try skip(row.clip, error, &run)
                continue
            }
            try run.folder.add(
                EncodedClip(
                    run.clips[row.clip], files: files, samples: row.samples, result: clip))
            run.encoded += 1
            run.frames += clip.lengths[0]
            run.audioSeconds += Double(row.samples) / Double(extractor.samplingRate)
        }
    }

    private func skip(_ clip: Int, _ error: any ReportedError, _ run: inout Run) throws {
        if settings.isStrict { throw error }
        let utterance = SkippedUtterance(
            id: run.clips[clip].id, path: run.clips[clip].path, reason: error.description)
        run.skipped[clip] = utterance.reason
        reporter.note("skipped \(utterance)")
    }

    private func stopped(_ run: Run) -> RunError {
        RunError.interrupted(
            signal: StopSignal.pending ?? SIGTERM, done: run.encoded + run.kept,
            total: run.clips.count, path: settings.output.path)
    }
}
