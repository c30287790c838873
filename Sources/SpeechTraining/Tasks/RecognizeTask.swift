import Foundation
import SpeechAudio
public import SpeechCore
import SpeechModels
import Synchronization

/// Recognises clips of any length: in batches of similar length, long ones in overlapping chunks whose
/// frames are put together before they are decoded.
public struct RecognizeTask {
    /// How clips are computed.
    public struct Settings: Sendable {
        /// Seconds of a chunk.
        public var chunkSeconds = 30.0
        /// Seconds that neighbouring chunks share.
        public var overlapSeconds = 4.0
        /// Seconds of audio in a batch, padding included.
        public var batchSeconds = 60.0

        /// The defaults.
        public init() {}
    }

    /// What was recognised in a clip.
    public struct Result: Sendable {
        /// The clip.
        public let clip: EncodeClip
        /// The length of the clip.
        public let seconds: Double
        /// The language that a tag names; nil without one.
        public let language: String?
        /// The text with its words.
        public let recognition: Recognition
    }

    /// The recogniser.
    public let recognizer: Recognizer
    private let decoder: RecognitionDecoder
    private let settings: Settings
    private let reporter: RunReporter

    /// Prepares to recognise.
    public init(
        _ recognizer: Recognizer, decoder: RecognitionDecoder, settings: Settings = Settings(),
        reporter: RunReporter
    ) {
        self.recognizer = recognizer
        self.decoder = decoder
        self.settings = settings
        self.reporter = reporter
    }

    /// Recognises clips; one that cannot be read is reported and passed over.
    ///
    /// A clip without a sample, or too short for a frame, gives an empty text.
    ///
    /// - Returns: what was recognised, in the order of the clips, and what was passed over.
    /// - Throws: `RunError` where something fails that is not a clip's fault.
    public func run(
        _ clips: [EncodeClip]
    ) throws -> (results: [Result], skipped: [SkippedUtterance]) {
        var results: [Int: Result] = [:]
        var skipped: [Int: SkippedUtterance] = [:]
        func skip(_ place: Int, _ error: any ReportedError) {
            let clip = clips[place]
            skipped[place] = SkippedUtterance(
                id: clip.id, path: clip.path, reason: error.description)
            reporter.note("skipped \(skipped[place]!)")
        }
        let lengths = try EncodeLoader.measure(clips, Array(clips.indices)) ?? []
        var pending: [(clip: Int, seconds: Double)] = []
        for (place, length) in lengths.enumerated() {
            switch length {
            case .success(let seconds): pending.append((place, seconds))
            case .failure(AudioError.empty): pending.append((place, 0))
            case .failure(let error as any ReportedError): skip(place, error)
            case .failure(let error): throw error
            }
        }
        let batches = EncodeLoader.plan(pending, batchSeconds: settings.batchSeconds)
        let queue = queue(of: batches, clips)
        defer { queue.stop() }
        var progress = EncodeProgress(
            clips: 0, total: pending.count, audioSeconds: 0,
            totalAudioSeconds: pending.reduce(0) { $0 + $1.seconds }, skipped: skipped.count,
            seconds: 0)
        let start = ContinuousClock.now
        var lastLine = start
        for batch in batches {
            guard let read = try queue.take() else { break }
            for (place, error) in read.failed { skip(place, error) }
            for (place, result) in try recognize(read.clips, clips) { results[place] = result }
            progress.clips += batch.count
            progress.audioSeconds += read.clips.reduce(0) { $0 + $1.seconds }
            progress.seconds = start.duration(to: .now) / .seconds(1)
            progress.skipped = skipped.count
            let isDue = lastLine.duration(to: .now) >= .seconds(10)
            if isDue { lastLine = .now }
            reporter.report(progress, isDue: isDue)
        }
        reporter.finish()
        return (
            results.sorted { $0.key < $1.key }.map(\.value),
            skipped.sorted { $0.key < $1.key }.map(\.value)
        )
    }

    /// Recognises one clip chunk by chunk.
    ///
    /// * `onChunk`: is given what is recognised so far, and up to which second.
    /// - Throws: `AudioError`, `RunError`.
    public func stream(
        _ clip: EncodeClip, onChunk: (StreamingDecoder.Partial, Double) throws -> Void
    ) throws -> Result {
        let read = try Self.read(clip, place: 0, recognizer.extractor, plan)
        let stream = decoder.stream()
        let width = recognizer.vocabulary.size
        for (chunk, features) in zip(read.plan?.chunks ?? [], read.features) {
            let values = try recognizer.logProbabilities([features])[0]
            stream.append(
                Array(values[chunk.frames.lowerBound * width..<chunk.frames.upperBound * width]))
            let seconds = Double(chunk.merged.upperBound) / recognizer.framesPerSecond
            try onChunk(stream.partial, seconds)
        }
        return result(clip, read.seconds, stream.finish()[0])
    }

    // MARK: Reading

    /// A clip as the encoder takes it.
    private struct ReadClip: Sendable {
        let place: Int
        let seconds: Double
        /// Nil for a clip without frames.
        let plan: ChunkPlan?
        /// One for each chunk.
        let features: [ClipFeatures]
    }

    private struct ReadBatch: Sendable {
        var clips: [ReadClip] = []
        var failed: [(place: Int, error: any ReportedError)] = []
    }

    /// Decodes batches ahead of the thread that computes.
    private func queue(of batches: [[Int]], _ clips: [EncodeClip]) -> PrefetchQueue<ReadBatch> {
        let extractor = recognizer.extractor
        let plan = plan
        let threads = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        return PrefetchQueue(range: 0..<batches.count, threads: threads, limit: 2 * threads) {
            index, isStopped in
            var batch = ReadBatch()
            for place in batches[index] where !isStopped() {
                do {
                    batch.clips.append(try Self.read(clips[place], place: place, extractor, plan))
                } catch let error as any ReportedError where error.exitStatus == .badInput {
                    batch.failed.append((place, error))
                }
            }
            return batch
        }
    }

    /// The chunks of a clip of so many samples; nil where there is no frame.
    private var plan: @Sendable (Int) -> ChunkPlan? {
        let (geometry, settings) = (recognizer.geometry, settings)
        return { samples in
            guard samples >= geometry.minimumSamples else { return nil }
            let rate = Double(geometry.samplingRate)
            return ChunkPlan(
                sampleCount: samples, chunkSamples: Int(settings.chunkSeconds * rate),
                overlapSamples: Int(settings.overlapSeconds * rate), hop: geometry.outputHop
            ) { geometry.outputCount(samples: $0) }
        }
    }

    private static func read(
        _ clip: EncodeClip, place: Int, _ extractor: any FeatureExtractor,
        _ plan: (Int) -> ChunkPlan?
    ) throws -> ReadClip {
        var samples: [Float] = []
        do {
            samples = try clip.read(samplingRate: extractor.samplingRate)
        } catch AudioError.empty {
            // Nothing is said in nothing.
        }
        let plan = plan(samples.count)
        return ReadClip(
            place: place, seconds: Double(samples.count) / Double(extractor.samplingRate),
            plan: plan,
            features: try plan?.chunks.map {
                try extractor.clipFeatures(Array(samples[$0.samples]))
            }
                ?? [])
    }

    // MARK: Computing

    private func recognize(
        _ read: [ReadClip], _ clips: [EncodeClip]
    ) throws -> [(Int, Result)] {
        let chunks = read.flatMap(\.features)
        let longest = min(settings.chunkSeconds, read.map(\.seconds).max() ?? 0)
        let rows = max(1, Int(settings.batchSeconds / max(longest, 0.1)))
        var outputs: [[Float]] = []
        for first in stride(from: 0, to: chunks.count, by: rows) {
            outputs += try recognizer.logProbabilities(
                Array(chunks[first..<min(chunks.count, first + rows)]))
        }
        var merged: [[Float]] = []
        var used = 0
        for clip in read {
            guard let plan = clip.plan else {
                merged.append([])
                continue
            }
            let own = Array(outputs[used..<used + clip.features.count])
            used += clip.features.count
            merged.append(plan.merge(own, width: recognizer.vocabulary.size))
        }
        let (decoder, inputs) = (decoder, merged)
        let texts = Mutex<[Int: Recognition]>([:])
        DispatchQueue.concurrentPerform(iterations: inputs.count) { index in
            let recognition = decoder(inputs[index])
            texts.withLock { $0[index] = recognition }
        }
        let recognitions = texts.withLock { $0 }
        return read.enumerated().map { index, clip in
            (clip.place, result(clips[clip.place], clip.seconds, recognitions[index]!))
        }
    }

    private func result(
        _ clip: EncodeClip, _ seconds: Double, _ recognition: Recognition
    ) -> Result {
        let tag = recognition.tokens.lazy.compactMap { token in
            recognizer.tokenizer.language(ofTag: token.id)
        }.first
        return Result(clip: clip, seconds: seconds, language: tag, recognition: recognition)
    }
}
