public import Foundation
import SpeechCore

/// Times how long a manifest of any size takes from its name to the first batch's plan.
public struct ManifestBenchmark {
    /// What was measured.
    public struct Result: Codable, Sendable {
        /// Lines of the manifest.
        public var utterances: Int
        /// Whether an index was there, so that the manifest was not read.
        public var wasIndexed: Bool
        /// The index file, per utterance; nil for a manifest too small for one.
        public var indexBytesPerUtterance: Double?
        /// From the manifest's name to its utterances by number.
        public var openSeconds: Double
        /// From there to the division into batches.
        public var planSeconds: Double
        /// The first batch of an epoch, planned by a run that starts with it.
        public var firstBatchSeconds: Double
        /// The batch in the middle, planned by a run that resumes with it.
        public var middleBatchSeconds: Double
        /// The last batch, likewise.
        public var lastBatchSeconds: Double
        /// Of the process, at the end.
        public var peakMemoryMegabytes: Double

        private enum CodingKeys: String, CodingKey {
            case utterances
            case wasIndexed = "was_indexed"
            case indexBytesPerUtterance = "index_bytes_per_utterance"
            case openSeconds = "open_s"
            case planSeconds = "plan_s"
            case firstBatchSeconds = "first_batch_s"
            case middleBatchSeconds = "middle_batch_s"
            case lastBatchSeconds = "last_batch_s"
            case peakMemoryMegabytes = "peak_memory_mb"
        }
    }

    private let manifest: URL

    /// * `manifest`: audio files are not looked at.
    public init(manifest: URL) {
        self.manifest = manifest
    }

    /// Writes a manifest of made-up utterances in thirty languages, unless it is there.
    ///
    /// - Throws: `FileSystemError`.
    public func makeManifest(utterances count: Int) throws {
        guard !FileManager.default.fileExists(atPath: manifest.path) else { return }
        var generator = SeededGenerator(seed: 1)
        try AtomicFile.write(to: manifest) { sink in
            for number in 0..<count {
                let milliseconds = 1000 + generator.uniform(below: 19_000)
                // Some languages have a hundred times the speech of others.
                let share = generator.uniform()
                let language = Int(30 * share * share)
                try sink.write(
                    #"{"audio_filepath": "clips/\#(number % 1000)/\#(number).flac", "#
                        + #""duration": \#(Double(milliseconds) / 1000), "#
                        + #""text": "the words of utterance \#(number)", "lang": "l\#(language)"}"#
                        + "\n")
            }
        }
    }

    /// Opens the manifest and plans batches of it.
    ///
    /// - Throws: as `UtteranceIndex.open`.
    public func run() throws -> Result {
        let file = URL(fileURLWithPath: manifest.path + ".idx")
        let wasIndexed = FileManager.default.fileExists(atPath: file.path)
        let (index, open) = try Self.timed { try UtteranceIndex.open(manifest) }
        var config = DatasetConfig()
        config.languageTemperature = 2
        let ((sampler, table), plan) = try Self.timed {
            let dataset = try Dataset([index], config: config)
            return (BatchSampler(dataset.table, config: config, seed: 1), dataset.table)
        }
        let last = sampler.batchesPerEpoch - 1
        let (_, first) = Self.timed { sampler.batch(0) }
        // Samplers of their own, as a resumed run has one.
        func resumed(at position: Int) -> Double {
            let sampler = BatchSampler(table, config: config, seed: 1)
            return Self.timed { sampler.batch(position) }.seconds
        }
        let size = try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int
        return Result(
            utterances: index.count, wasIndexed: wasIndexed,
            indexBytesPerUtterance: size.map { Double($0) / Double(index.count) },
            openSeconds: open, planSeconds: plan, firstBatchSeconds: first,
            middleBatchSeconds: resumed(at: last / 2), lastBatchSeconds: resumed(at: last),
            peakMemoryMegabytes: ProcessMemory.peakMegabytes)
    }

    private static func timed<Value>(
        _ body: () throws -> Value
    ) rethrows -> (value: Value, seconds: Double) {
        let start = ContinuousClock.now
        let value = try body()
        return (value, start.duration(to: .now) / .seconds(1))
    }
}
