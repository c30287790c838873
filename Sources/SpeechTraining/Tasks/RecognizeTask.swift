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
        let (extractor, plan) = (recognizer.extractor, plan)
        let (outputs, skipped) = try ClipPass(
            batchSeconds: settings.batchSeconds, reporter: reporter
        ).run(clips, read: { try Self.read($0, extractor, plan) }) { batch in
            try recognize(batch.map(\.value), batch.map { clips[$0.place] })
        }
        return (outputs, skipped)
    }

    /// Recognises one clip chunk by chunk.
    ///
    /// * `onChunk`: is given what is recognised so far, and up to which second.
    /// - Throws: `AudioError`, `RunError`.
    public func stream(
        _ clip: EncodeClip, onChunk: (StreamingDecoder.Partial, Double) throws -> Void
    ) throws -> Result {
        let read = try Self.read(clip, recognizer.extractor, plan)
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
        let seconds: Double
        /// Nil for a clip without frames.
        let plan: ChunkPlan?
        /// One for each chunk.
        let features: [ClipFeatures]
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
        _ clip: EncodeClip, _ extractor: any FeatureExtractor, _ plan: (Int) -> ChunkPlan?
    ) throws -> ReadClip {
        let samples = try clip.samplesOrNone(samplingRate: extractor.samplingRate)
        let plan = plan(samples.count)
        return ReadClip(
            seconds: Double(samples.count) / Double(extractor.samplingRate), plan: plan,
            features: try plan?.chunks.map {
                try extractor.clipFeatures(Array(samples[$0.samples]))
            }
                ?? [])
    }

    // MARK: Computing

    private func recognize(
        _ read: [ReadClip], _ clips: [EncodeClip]
    ) throws -> [Result] {
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
            result(clips[index], clip.seconds, recognitions[index]!)
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
