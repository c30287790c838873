public import Foundation
public import SpeechCore

/// The usable utterances of a manifest, and what was found in it.
public struct Dataset: Sendable {
    /// What a manifest holds.
    public struct Report: Sendable, Equatable {
        /// The utterances of one language.
        public struct Language: Sendable, Hashable {
            /// The manifest's code; nil for utterances without one.
            public let code: String?
            /// The number of utterances.
            public let utterances: Int
            /// Hours of audio.
            public let hours: Double
        }

        /// The number of usable utterances.
        public let utterances: Int
        /// Hours of usable audio, at full length.
        public let hours: Double
        /// The languages of the usable utterances, most hours first.
        public let languages: [Language]
        /// The utterances that were dropped, in the order of the manifest.
        public let dropped: [SkippedUtterance]
    }

    /// The utterances that are long enough, in the order of the manifest.
    public let utterances: [Utterance]
    /// Hours, languages and what was dropped.
    public let report: Report

    /// The length of each utterance in seconds, as `BatchSampler` takes it.
    public var durations: [Double] { utterances.map(\.duration) }

    /// Reads a manifest and drops the utterances that are too short.
    ///
    /// Files are looked for only until one is found: a wrong root folder is noticed at once, single
    /// missing files when they are read.
    ///
    /// * `minimumSamples`: The samples, at `samplingRate` hertz, of the shortest clip that the models
    ///   and the objective can use; it counts besides `config.minDuration`.
    /// - Throws: `FileSystemError` or `ManifestError` when the manifest cannot be read or is empty,
    ///   `DatasetError.allMissing` or `.nothingLeft`.
    public init(
        manifest: URL, config: DatasetConfig, minimumSamples: Int = 0, samplingRate: Int = 16_000
    ) throws {
        let all = try ManifestFormat.read(manifest)
        guard all.contains(where: { FileManager.default.fileExists(atPath: $0.audioPath) }) else {
            throw DatasetError.allMissing(
                manifest: manifest.path, count: all.count, first: all.prefix(3).map(\.audioPath))
        }
        let needed = Double(minimumSamples) / Double(samplingRate)
        let minimum = max(config.minDuration, needed)
        let origin =
            needed > config.minDuration
            ? "what the models and the objective need" : "dataset.min_duration"
        var kept: [Utterance] = []
        var dropped: [SkippedUtterance] = []
        for utterance in all {
            if utterance.duration >= minimum {
                kept.append(utterance)
            } else {
                let reason =
                    "too short: expected at least \(minimum) s (\(origin)), "
                    + "found \(utterance.duration) s"
                dropped.append(SkippedUtterance(utterance, reason: reason))
            }
        }
        guard !kept.isEmpty else {
            throw DatasetError.nothingLeft(manifest: manifest.path, dropped: dropped)
        }
        utterances = kept
        report = Report(kept, dropped: dropped)
    }
}

extension Dataset.Report {
    init(_ kept: [Utterance], dropped: [SkippedUtterance]) {
        var totals: [String?: (utterances: Int, seconds: Double)] = [:]
        var seconds = 0.0
        for utterance in kept {
            totals[utterance.lang, default: (0, 0)].utterances += 1
            totals[utterance.lang, default: (0, 0)].seconds += utterance.duration
            seconds += utterance.duration
        }
        utterances = kept.count
        hours = seconds / 3600
        languages = totals.map {
            Language(code: $0.key, utterances: $0.value.utterances, hours: $0.value.seconds / 3600)
        }
        .sorted { ($1.hours, $0.code ?? "") < ($0.hours, $1.code ?? "") }
        self.dropped = dropped
    }
}
