public import Foundation
internal import SpeechAudio
internal import SpeechCore

/// Times how fast audio becomes features, for every format that corpora come in.
///
/// Clips are written in all formats into a temporary folder, at the rate of the encoder and at one
/// that has to be resampled. What the system has at hand is measured, not the disk.
public struct LoadBenchmark {
    /// What is measured.
    public struct Settings: Sendable {
        /// Seconds of audio, cut into clips of at most ten seconds.
        public var seconds: Double
        /// A manifest whose clips are taken; nil makes sound that is like speech.
        public var manifest: URL?
        /// A model directory or a name in the local Hugging Face cache, whose features are computed;
        /// nil computes those of w2v-BERT 2.0.
        public var model: String?
        /// Threads of the loader; 0 takes one for every core.
        public var threads: Int

        /// All values.
        public init(seconds: Double, manifest: URL? = nil, model: String? = nil, threads: Int = 0) {
            self.seconds = seconds
            self.manifest = manifest
            self.model = model
            self.threads = threads
        }
    }

    /// What was measured of one format; all figures are seconds of audio in a second.
    public struct Row: Codable, Sendable {
        /// The container and codec.
        public var format: String
        /// The rate of the files, in Hz.
        public var samplingRate: Int
        /// Whether the clips lie in one file, as in a tar shard, and are read by their bytes.
        public var isSharded: Bool
        /// Decoding, on one core.
        public var decode: Double
        /// Decoding and resampling, on one core; nil where the rate is the encoder's.
        public var resample: Double?
        /// Decoding, resampling and features, on one core.
        public var features: Double
        /// What `BatchLoader` delivers with all its threads.
        public var loader: Double

        private enum CodingKeys: String, CodingKey {
            case format, decode, resample, features, loader
            case samplingRate = "sampling_rate"
            case isSharded = "sharded"
        }
    }

    /// What was measured.
    public struct Result: Codable, Sendable {
        /// The number of clips.
        public var clips: Int
        /// Seconds of audio in all of them.
        public var seconds: Double
        /// The `feature_extractor_type`.
        public var extractor: String
        /// Threads of the loader.
        public var threads: Int
        /// Seconds of audio whose features one core computes in a second, from memory.
        public var featuresAlone: Double
        /// One for each format and rate.
        public var rows: [Row]
        /// Formats that could not be written here, with the reason.
        public var unavailable: [String]

        private enum CodingKeys: String, CodingKey {
            case clips, seconds, extractor, threads, rows, unavailable
            case featuresAlone = "features_alone"
        }
    }

    private static let clipSeconds = 10.0

    private let settings: Settings

    /// Prepares nothing; `run` does everything.
    public init(_ settings: Settings) {
        self.settings = settings
    }

    /// Writes the files, measures, and removes them.
    ///
    /// - Throws: what the model's directory, the manifest or its audio are refused for, and
    ///   `FileSystemError` where the temporary folder cannot be written.
    public func run() throws -> Result {
        let extractor = try BenchmarkExtractor.make(model: settings.model)
        let target = extractor.samplingRate
        let threads =
            settings.threads > 0
            ? settings.threads : ProcessInfo.processInfo.activeProcessorCount
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-load-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let clips = try self.clips(samplingRate: target, for: extractor)
        let seconds = clips.reduce(0) { $0 + Double($1.count) } / Double(target)
        var rows: [Row] = []
        var unavailable: [String] = []
        for (rate, formats) in Self.kinds(target) {
            let waveforms =
                rate == target ? clips : try self.clips(samplingRate: rate, for: extractor)
            for format in formats {
                let files: BenchmarkFiles
                do {
                    files = try BenchmarkFiles(
                        waveforms, samplingRate: rate, format: format, in: folder)
                } catch AudioError.encodingFailed(_, let reason) {
                    unavailable.append("\(format.rawValue): \(reason)")
                    continue
                }
                for isSharded in format == .flac && rate == target ? [false, true] : [false] {
                    let utterances = try isSharded ? files.sharded() : files.utterances
                    rows.append(
                        try row(
                            utterances, format: format, rate: rate, isSharded: isSharded,
                            extractor: extractor, seconds: seconds, threads: threads))
                }
                try files.remove()
            }
        }
        let alone = try pace(seconds) {
            for clip in clips { _ = try extractor.clipFeatures(clip) }
        }
        return Result(
            clips: clips.count, seconds: seconds, extractor: extractor.config.kind.rawValue,
            threads: threads, featuresAlone: alone, rows: rows, unavailable: unavailable)
    }

    /// The rates with the formats that have them: the encoder's own, and what music is sold at.
    private static func kinds(_ target: Int) -> [(rate: Int, formats: [AudioWriter.Format])] {
        // Opus has 48 kHz in place of 44.1 kHz.
        [
            (target, [.wav, .flac, .mp3, .opus]), (44_100, [.wav, .flac, .mp3]), (48_000, [.opus]),
        ]
    }

    /// The clips at a rate, none too short for the extractor.
    private func clips(
        samplingRate: Int, for extractor: any FeatureExtractor
    ) throws -> [[Float]] {
        guard let manifest = settings.manifest else {
            let whole = Int(settings.seconds / Self.clipSeconds)
            let rest = settings.seconds - Double(whole) * Self.clipSeconds
            let lengths =
                Array(repeating: Self.clipSeconds, count: whole) + (rest >= 0.5 ? [rest] : [])
            return lengths.enumerated().map { index, length in
                SpeechLikeSignal.make(
                    seconds: length, samplingRate: samplingRate, seed: UInt64(index))
            }
        }
        let dataset = try Dataset(
            manifests: [manifest], config: DatasetConfig(),
            minimumSamples: extractor.minimumSamples, samplingRate: extractor.samplingRate)
        var clips: [[Float]] = []
        var seconds = 0.0
        for number in dataset.table.usable.sorted() where seconds < settings.seconds {
            let utterance = try dataset.utterance(Int(number))
            let length = min(utterance.duration, Self.clipSeconds)
            clips.append(
                try AudioReader.read(
                    utterance.audioPath, bytes: utterance.byteRange, offset: utterance.offset,
                    duration: length, samplingRate: samplingRate))
            seconds += length
        }
        return clips
    }

    private func row(
        _ utterances: [Utterance], format: AudioWriter.Format, rate: Int, isSharded: Bool,
        extractor: any FeatureExtractor, seconds: Double, threads: Int
    ) throws -> Row {
        func read(_ utterance: Utterance, at rate: Int) throws -> [Float] {
            try AudioReader.read(
                utterance.audioPath, bytes: utterance.byteRange, samplingRate: rate)
        }
        let target = extractor.samplingRate
        let decode = try pace(seconds) {
            for utterance in utterances { _ = try read(utterance, at: rate) }
        }
        let resample =
            try rate == target
            ? nil
            : pace(seconds) {
                for utterance in utterances { _ = try read(utterance, at: target) }
            }
        let features = try pace(seconds) {
            for utterance in utterances {
                _ = try extractor.clipFeatures(read(utterance, at: target))
            }
        }
        return Row(
            format: format.rawValue, samplingRate: rate, isSharded: isSharded, decode: decode,
            resample: resample, features: features,
            loader: try loaderPace(utterances, extractor: extractor, threads: threads))
    }

    private func loaderPace(
        _ utterances: [Utterance], extractor: any FeatureExtractor, threads: Int
    ) throws -> Double {
        var config = DatasetConfig()
        config.threads = threads
        // Small batches: what is half done at the end is not counted.
        config.maxSeconds = 2 * Self.clipSeconds
        let manifest = URL(fileURLWithPath: utterances[0].audioPath)
            .deletingLastPathComponent().appendingPathComponent("clips.jsonl")
        let dataset = try Dataset([UtteranceIndex(utterances, of: manifest)], config: config)
        let sampler = BatchSampler(dataset.table, config: config, seed: 1)
        let start = ContinuousClock.now
        let loader = BatchLoader(
            dataset, sampler: sampler, extractors: [extractor], config: config)
        var seconds = 0.0
        var elapsed = 0.0
        while elapsed < 4 * leastSeconds, let batch = try loader.next() {
            seconds += batch.seconds
            elapsed = start.duration(to: .now) / .seconds(1)
        }
        return seconds / elapsed
    }

    /// The time that a figure takes at least; little audio is measured for a short time.
    private var leastSeconds: Double { min(0.25, settings.seconds / 200) }

    /// Seconds of audio over the median time of several passes, of which the first does not count.
    private func pace(_ seconds: Double, _ pass: () throws -> Void) rethrows -> Double {
        try pass()
        var times: [Double] = []
        while times.count < 3 || (times.count < 99 && times.reduce(0, +) < leastSeconds) {
            let start = ContinuousClock.now
            try pass()
            times.append(start.duration(to: .now) / .seconds(1))
        }
        return seconds / times.sorted()[times.count / 2]
    }
}

/// Clips written in one format.
private struct BenchmarkFiles {
    let utterances: [Utterance]
    private let folder: URL

    init(
        _ waveforms: [[Float]], samplingRate: Int, format: AudioWriter.Format, in folder: URL
    ) throws {
        self.folder = folder
        utterances = try waveforms.enumerated().map { index, samples in
            let file = folder.appendingPathComponent("\(index).\(format.rawValue)")
            try AudioWriter.write(samples, to: file, samplingRate: samplingRate, format: format)
            return Utterance(
                id: "\(index)", audioPath: file.path,
                duration: Double(samples.count) / Double(samplingRate))
        }
    }

    /// The same clips as members of one file, each between a header and padding as in a tar.
    func sharded() throws -> [Utterance] {
        let block = 512
        let shard = folder.appendingPathComponent("shard.tar")
        var bytes = Data()
        var members: [Utterance] = []
        for utterance in utterances {
            let content = try Data(contentsOf: URL(fileURLWithPath: utterance.audioPath))
            bytes.append(Data(count: block))
            var member = utterance
            member.audioPath = shard.path
            member.byteRange = bytes.count..<bytes.count + content.count
            members.append(member)
            bytes.append(content)
            bytes.append(Data(count: (block - content.count % block) % block))
        }
        try AtomicFile.write(bytes, to: shard)
        return members
    }

    func remove() throws {
        for utterance in utterances {
            try FileManager.default.removeItem(atPath: utterance.audioPath)
        }
    }
}
