public import Foundation
public import SpeechCore

/// The usable utterances of one or several manifests, and what was found in them.
///
/// Utterances are numbered through all manifests in the order given; what is not usable keeps its
/// number and is not in `usable`.
public struct Dataset: Sendable {
    /// The manifests.
    public let corpora: [UtteranceIndex]
    /// Hours, languages and what was dropped.
    public let report: Report
    /// Length, language, corpus and shard of every utterance, as `BatchSampler` takes them.
    public let table: SamplingTable

    /// The number of the first utterance of each manifest.
    private let starts: [Int]

    /// The number of usable utterances.
    public var count: Int { table.usable.count }

    /// Reads manifests and drops the utterances that are too short.
    ///
    /// Only some files are looked for: a wrong root folder is noticed at once, single missing files
    /// when they are read.
    ///
    /// * `minimumSamples`: The samples, at `samplingRate` hertz, of the shortest clip that the models
    ///   and the objective can use; it counts besides `config.minDuration`.
    /// * `objection`: why an utterance cannot be used, nil where it can; asked of all that are long
    ///   enough, in order.
    /// - Throws: `FileSystemError` or `ManifestError` when a manifest cannot be read or is empty,
    ///   `DatasetError.allMissing`, `.nothingLeft` or `.corpusWeights`.
    public init(
        manifests: [URL], config: DatasetConfig, minimumSamples: Int = 0,
        samplingRate: Int = 16_000, objection: ((Utterance) throws -> String?)? = nil
    ) throws {
        let corpora = try manifests.map { try UtteranceIndex.open($0) }
        for corpus in corpora { try Self.requireFiles(of: corpus) }
        try self.init(
            corpora, config: config, minimumSamples: minimumSamples, samplingRate: samplingRate,
            objection: objection)
    }

    /// Takes manifests that are open already; their files are not looked for.
    ///
    /// - Throws: as `init(manifests:config:minimumSamples:samplingRate:objection:)`.
    public init(
        _ corpora: [UtteranceIndex], config: DatasetConfig, minimumSamples: Int = 0,
        samplingRate: Int = 16_000, objection: ((Utterance) throws -> String?)? = nil
    ) throws {
        precondition(!corpora.isEmpty, "a data set of no manifest")
        guard config.corpusWeights.isEmpty || config.corpusWeights.count == corpora.count else {
            throw DatasetError.corpusWeights(
                manifests: corpora.count, found: config.corpusWeights.count)
        }
        let needed = Double(minimumSamples) / Double(samplingRate)
        let minimum = max(config.minDuration, needed)
        let origin =
            needed > config.minDuration
            ? "what the models and the objective need" : "dataset.min_duration"
        self.corpora = corpora
        var starts: [Int] = []
        var total = 0
        for corpus in corpora {
            starts.append(total)
            total += corpus.count
        }
        precondition(total < Int32.max, "\(total) utterances are more than can be counted")
        self.starts = starts
        var dropped: [SkippedUtterance] = []
        var excluded: Set<UInt32> = []
        if let objection {
            for number in 0..<total {
                let utterance = try Self.utterance(number, corpora, starts)
                guard utterance.duration >= minimum, let reason = try objection(utterance)
                else { continue }
                dropped.append(SkippedUtterance(utterance, reason: reason))
                excluded.insert(UInt32(number))
            }
        }
        let table = SamplingTable(corpora, minimumDuration: minimum, excluding: excluded)
        self.table = table
        dropped += try table.tooShort.map { number -> SkippedUtterance in
            let utterance = try Self.utterance(Int(number), corpora, starts)
            return SkippedUtterance(
                utterance,
                reason: "too short: expected at least \(minimum) s (\(origin)), "
                    + "found \(utterance.duration) s")
        }
        guard !table.usable.isEmpty else {
            throw DatasetError.nothingLeft(
                manifest: corpora.map(\.manifest.path).joined(separator: "', '"), dropped: dropped)
        }
        report = Report(table, dropped: dropped)
    }

    /// Reads an utterance by its number.
    ///
    /// - Throws: `FileSystemError` or `ManifestError.changed` when its manifest is written into.
    public func utterance(_ number: Int) throws -> Utterance {
        try Self.utterance(number, corpora, starts)
    }

    /// Reads all usable utterances, in the order of the manifests.
    ///
    /// - Throws: as `utterance(_:)`.
    public func utterances() throws -> [Utterance] {
        try table.usable.sorted().map { try utterance(Int($0)) }
    }

    private static func utterance(
        _ number: Int, _ corpora: [UtteranceIndex], _ starts: [Int]
    ) throws -> Utterance {
        guard let corpus = starts.lastIndex(where: { $0 <= number }) else {
            preconditionFailure("utterance \(number)")
        }
        return try corpora[corpus].utterance(number - starts[corpus])
    }

    /// Looks for audio files, evenly over the manifest, until one is there.
    private static func requireFiles(of corpus: UtteranceIndex) throws {
        let probes = min(corpus.count, 1000)
        var first: [String] = []
        for probe in 0..<probes {
            let path = try corpus.utterance(corpus.count * probe / probes).audioPath
            if FileManager.default.fileExists(atPath: path) { return }
            if first.count < 3 { first.append(path) }
        }
        throw DatasetError.allMissing(
            manifest: corpus.manifest.path, count: probes, first: first)
    }
}

extension Dataset {
    /// What manifests hold.
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
        /// The utterances that were dropped.
        public let dropped: [SkippedUtterance]

        init(_ table: SamplingTable, dropped: [SkippedUtterance]) {
            var counts = [Int](repeating: 0, count: table.groups.count)
            var seconds = [Double](repeating: 0, count: table.groups.count)
            for number in table.usable {
                let group = Int(table.groupNumbers[Int(number)])
                counts[group] += 1
                seconds[group] += table.durations[Int(number)]
            }
            var totals: [String?: (utterances: Int, seconds: Double)] = [:]
            for (number, group) in table.groups.enumerated() where counts[number] > 0 {
                totals[group.language, default: (0, 0)].utterances += counts[number]
                totals[group.language, default: (0, 0)].seconds += seconds[number]
            }
            utterances = table.usable.count
            hours = seconds.reduce(0, +) / 3600
            languages = totals.map {
                Language(
                    code: $0.key, utterances: $0.value.utterances, hours: $0.value.seconds / 3600)
            }
            .sorted { ($1.hours, $0.code ?? "") < ($0.hours, $1.code ?? "") }
            self.dropped = dropped
        }
    }
}
