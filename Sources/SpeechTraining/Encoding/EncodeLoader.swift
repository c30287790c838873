import Foundation
import SpeechCore

/// Clips that are computed together, decoded and turned into features.
struct DecodedClips: Sendable {
    /// A clip that could be used.
    struct Row: Sendable {
        /// Its place among all clips.
        let clip: Int
        /// Samples at the extractor's rate.
        let samples: Int
        /// What the encoder takes.
        let features: ClipFeatures
    }

    /// Longest first.
    var rows: [Row] = []
    /// The others, by their place among all clips, each with the reason.
    var skipped: [(clip: Int, error: any ReportedError)] = []
}

/// Decodes clips ahead of the thread that computes, in batches of similar length, the longest first.
package final class EncodeLoader {
    /// The clips of each batch, by their place among all clips.
    let batches: [[Int]]
    private let queue: PrefetchQueue<DecodedClips>

    /// Starts to decode.
    ///
    /// * `pending`: places of the clips to be decoded and their lengths in seconds.
    /// * `batchSeconds`: seconds of a batch, padding included; a longer clip is alone.
    /// * `minimumSamples`: shorter clips are passed over.
    init(
        _ clips: [EncodeClip], pending: [(clip: Int, seconds: Double)],
        extractor: any FeatureExtractor, minimumSamples: Int, batchSeconds: Double
    ) {
        // Whisper computes its whole window, however short the clip.
        let window = Double(extractor.maximumSamples ?? 0) / Double(extractor.samplingRate)
        let batches = Self.plan(
            pending.map { ($0.clip, max($0.seconds, window)) }, batchSeconds: batchSeconds)
        self.batches = batches
        // An hour of decoded audio, with its features, is half a gigabyte.
        let longest = max(batchSeconds, pending.map(\.seconds).max() ?? 0)
        let limit = max(1, Int(min(4, 3600 / longest)))
        let threads = min(limit, max(1, ProcessInfo.processInfo.activeProcessorCount - 1))
        queue = PrefetchQueue(range: 0..<batches.count, threads: threads, limit: limit) {
            index, isStopped in
            var result = DecodedClips()
            for clip in batches[index] where !isStopped() {
                do {
                    let rate = extractor.samplingRate
                    let samples = try clips[clip].read(samplingRate: rate)
                    guard samples.count >= minimumSamples else {
                        throw EncodeError.clipTooShort(
                            path: clips[clip].path, samples: samples.count,
                            minimum: minimumSamples, samplingRate: rate)
                    }
                    result.rows.append(
                        .init(
                            clip: clip, samples: samples.count,
                            features: try extractor.clipFeatures(samples)))
                } catch let error as any ReportedError where error.exitStatus == .badInput {
                    result.skipped.append((clip, error))
                }
            }
            return result
        }
    }

    deinit { queue.stop() }

    /// Waits for the next batch; nil behind the last one.
    ///
    /// - Throws: what goes wrong beyond single clips.
    func next() throws -> DecodedClips? { try queue.take() }

    /// Neighbours by length until a batch is full: no other order needs less padding.
    package static func plan(_ pending: [(clip: Int, seconds: Double)], batchSeconds: Double)
        -> [[Int]]
    {
        var batches: [[Int]] = []
        var longest = 0.0
        for (clip, seconds) in pending.sorted(by: { ($1.seconds, $0.clip) < ($0.seconds, $1.clip) })
        {
            if let count = batches.last?.count, Double(count + 1) * longest <= batchSeconds {
                batches[batches.count - 1].append(clip)
            } else {
                batches.append([clip])
                longest = seconds
            }
        }
        return batches
    }

    /// The lengths of clips in seconds, or why a clip has none, measured on several threads.
    ///
    /// - Returns: nil where a signal asked for an end meanwhile.
    static func measure(
        _ clips: [EncodeClip], _ places: [Int]
    ) throws -> [Result<Double, any Error>]? {
        let block = 64
        let count = (places.count + block - 1) / block
        let queue = PrefetchQueue<[Result<Double, any Error>]>(
            range: 0..<count, threads: ProcessInfo.processInfo.activeProcessorCount, limit: 64
        ) { index, isStopped in
            places[(index * block)..<min(places.count, (index + 1) * block)].map { place in
                Result { isStopped() ? 0 : try clips[place].seconds() }
            }
        }
        defer { queue.stop() }
        var lengths: [Result<Double, any Error>] = []
        while let part = try queue.take() {
            if StopSignal.pending != nil { return nil }
            lengths += part
        }
        return lengths
    }
}
