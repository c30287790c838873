import Foundation
import SpeechAudio
import SpeechCore

/// Goes through clips in batches of similar length, which are read ahead of the thread that computes.
struct ClipPass {
    /// Seconds of audio in a batch, padding included.
    let batchSeconds: Double
    let reporter: RunReporter

    /// Computes clips; one that cannot be read is reported and passed over.
    ///
    /// * `read`: makes of a clip what is computed with, on several threads.
    /// * `compute`: one output for each clip of a batch, each with its place among all clips.
    /// - Returns: the outputs in the order of the clips, and what was passed over.
    /// - Throws: what goes wrong beyond single clips.
    func run<Read: Sendable, Output>(
        _ clips: [EncodeClip], read: @escaping @Sendable (EncodeClip) throws -> Read,
        compute: ([(place: Int, value: Read)]) throws -> [Output]
    ) throws -> (outputs: [Output], skipped: [SkippedUtterance]) {
        var outputs: [Int: Output] = [:]
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
        let batches = EncodeLoader.plan(pending, batchSeconds: batchSeconds)
        let queue = Self.queue(of: batches, clips, read)
        defer { queue.stop() }
        let seconds = Dictionary(uniqueKeysWithValues: pending.map { ($0.clip, $0.seconds) })
        var progress = EncodeProgress(
            clips: 0, total: pending.count, audioSeconds: 0,
            totalAudioSeconds: pending.reduce(0) { $0 + $1.seconds }, skipped: skipped.count,
            seconds: 0)
        let start = ContinuousClock.now
        var lastLine = start
        for batch in batches {
            guard let read = try queue.take() else { break }
            for (place, error) in read.failed { skip(place, error) }
            for (clip, output) in zip(read.clips, try compute(read.clips)) {
                outputs[clip.place] = output
            }
            progress.clips += batch.count
            progress.audioSeconds += batch.reduce(0) { $0 + (seconds[$1] ?? 0) }
            progress.seconds = start.duration(to: .now) / .seconds(1)
            progress.skipped = skipped.count
            let isDue = lastLine.duration(to: .now) >= .seconds(10)
            if isDue { lastLine = .now }
            reporter.report(progress, isDue: isDue)
        }
        reporter.finish()
        return (
            outputs.sorted { $0.key < $1.key }.map(\.value),
            skipped.sorted { $0.key < $1.key }.map(\.value)
        )
    }

    private struct Batch<Read: Sendable>: Sendable {
        var clips: [(place: Int, value: Read)] = []
        var failed: [(place: Int, error: any ReportedError)] = []
    }

    private static func queue<Read: Sendable>(
        of batches: [[Int]], _ clips: [EncodeClip],
        _ read: @escaping @Sendable (EncodeClip) throws -> Read
    ) -> PrefetchQueue<Batch<Read>> {
        let threads = max(1, ProcessInfo.processInfo.activeProcessorCount - 1)
        return PrefetchQueue(range: 0..<batches.count, threads: threads, limit: 2 * threads) {
            index, isStopped in
            var batch = Batch<Read>()
            for place in batches[index] where !isStopped() {
                do {
                    batch.clips.append((place, try read(clips[place])))
                } catch let error as any ReportedError where error.exitStatus == .badInput {
                    batch.failed.append((place, error))
                }
            }
            return batch
        }
    }
}

extension EncodeClip {
    /// The clip's samples; none where it has none, for nothing is said in nothing.
    ///
    /// - Throws: `AudioError`.
    func samplesOrNone(samplingRate: Int) throws -> [Float] {
        do {
            return try read(samplingRate: samplingRate)
        } catch AudioError.empty {
            return []
        }
    }
}
