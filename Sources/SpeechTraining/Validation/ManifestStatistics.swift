public import Foundation
internal import SpeechCore

/// How much a manifest holds, by language: hours, lengths, characters, speakers.
public struct ManifestStatistics: Sendable, Encodable {
    /// How long clips are, in seconds.
    public struct Lengths: Sendable, Equatable, Encodable {
        /// The shortest.
        public var minimum = 0.0
        /// Half are no longer.
        public var median = 0.0
        /// All divided by their number.
        public var mean = 0.0
        /// 95 % are no longer.
        public var percentile95 = 0.0
        /// The longest.
        public var maximum = 0.0

        private enum CodingKeys: String, CodingKey {
            case median, mean
            case minimum = "min"
            case percentile95 = "p95"
            case maximum = "max"
        }
    }

    /// What texts are made of; white space is not counted.
    public struct Characters: Sendable, Equatable, Encodable {
        /// Unicode scalars of all texts.
        public var total = 0
        /// Different ones.
        public var distinct = 0
        /// Scalars in a second of the clips that have a text.
        public var perSecond = 0.0

        private enum CodingKeys: String, CodingKey {
            case total, distinct
            case perSecond = "per_second"
        }
    }

    /// One language, or all together.
    public struct Part: Sendable, Encodable {
        /// The manifest's code; nil for utterances without one and for all together.
        public let language: String?
        /// The number of utterances.
        public let utterances: Int
        /// Hours of audio.
        public let hours: Double
        /// How long the clips are.
        public let lengths: Lengths
        /// What the texts are made of.
        public let characters: Characters
        /// Different speakers; 0 where none is named.
        public let speakers: Int
        /// The share of utterances with a text, 0 to 1.
        public let textShare: Double
        /// The share of utterances with a translation, 0 to 1.
        public let targetTextShare: Double
        /// Clips by length, `histogramSeconds` each; the last is for all that are longer.
        public let histogram: [Int]

        private enum CodingKeys: String, CodingKey {
            case language, utterances, hours, characters, speakers, histogram
            case lengths = "durations"
            case textShare = "text_share"
            case targetTextShare = "target_text_share"
        }
    }

    /// The number of steps of a histogram.
    public static let histogramSteps = 20

    /// The manifests' paths.
    public let manifests: [String]
    /// By code; utterances without one last.
    public let languages: [Part]
    /// All languages together.
    public let total: Part
    /// Seconds of one step of the histograms.
    public let histogramSeconds: Double
    /// Lines that cannot be read and are not counted.
    public let badLines: Int

    private enum CodingKeys: String, CodingKey {
        case manifests, languages, total
        case histogramSeconds = "histogram_seconds"
        case badLines = "bad_lines"
    }

    /// Reads manifests as one; no audio is read.
    ///
    /// * `threads`: Threads that read; 0 for one a core.
    /// - Throws: `FileSystemError`, or `ManifestError` where not one line can be read.
    public init(of manifests: [URL], threads: Int = 0) throws {
        precondition(!manifests.isEmpty && threads >= 0)
        let threads = threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount
        var counts = StatisticsCount()
        for manifest in manifests {
            var own = StatisticsCount()
            let blocks = try ManifestBlocks(manifest, ofBytes: 256 << 10)
            let queue = PrefetchQueue(
                range: 0..<blocks.count, threads: threads, limit: 2 * threads
            ) { index, _ in StatisticsCount(blocks.lines(ofBlock: index)) }
            defer { queue.stop() }
            while let block = try queue.take() { own.add(block) }
            guard !own.parts.isEmpty else {
                throw ManifestError.badLines(path: manifest.path, faults: own.faults)
            }
            counts.add(own)
        }
        self.manifests = manifests.map(\.path)
        badLines = counts.badLines
        var all = StatisticsCount.Part()
        for part in counts.parts.values { all.add(part) }
        all.durations.sort()
        let step = Self.step(for: all.durations)
        histogramSeconds = step
        total = Part(nil, all, step: step)
        languages = counts.parts.map { language, part in
            var part = part
            part.durations.sort()
            return Part(language, part, step: step)
        }
        .sorted {
            ($0.language == nil ? 1 : 0, $0.language ?? "")
                < ($1.language == nil ? 1 : 0, $1.language ?? "")
        }
    }

    /// A round number of seconds, so that the histogram's steps hold 99 % of the clips.
    private static func step(for durations: [Double]) -> Double {
        let long = durations.percentile(0.99)
        var scale = 0.01
        while true {
            for digit in [1.0, 2, 5] where digit * scale * Double(histogramSteps) >= long {
                // 0.05 and not 0.050000000000000003.
                return (digit * scale * 100).rounded() / 100
            }
            scale *= 10
        }
    }
}

extension ManifestStatistics.Part {
    /// * `part`: its durations ascending.
    fileprivate init(_ language: String?, _ part: StatisticsCount.Part, step: Double) {
        let durations = part.durations
        let seconds = durations.reduce(0, +)
        let count = Double(max(1, durations.count))
        self.language = language
        utterances = durations.count
        hours = seconds / 3600
        lengths = .init(
            minimum: durations.first ?? 0, median: durations.percentile(0.5),
            mean: seconds / count, percentile95: durations.percentile(0.95),
            maximum: durations.last ?? 0)
        characters = .init(
            total: part.characters, distinct: part.distinct.count,
            perSecond: part.textSeconds > 0 ? Double(part.characters) / part.textSeconds : 0)
        speakers = part.speakers.count
        textShare = Double(part.texts) / count
        targetTextShare = Double(part.targetTexts) / count
        var histogram = [Int](repeating: 0, count: ManifestStatistics.histogramSteps)
        for duration in durations {
            histogram[Int(min(duration / step, Double(histogram.count - 1)))] += 1
        }
        self.histogram = histogram
    }
}

/// What some lines add up to.
private struct StatisticsCount: Sendable {
    /// The utterances of one language.
    struct Part: Sendable {
        var durations: [Double] = []
        var characters = 0
        var distinct: Set<UInt32> = []
        /// Fingerprints of their names.
        var speakers: Set<UInt64> = []
        var texts = 0
        var textSeconds = 0.0
        var targetTexts = 0

        mutating func add(_ utterance: Utterance) {
            durations.append(utterance.duration)
            if utterance.targetText != nil { targetTexts += 1 }
            if let speaker = utterance.speaker {
                var name = Fingerprint()
                name.add(speaker.utf8)
                speakers.insert(name.value)
            }
            guard let text = utterance.text else { return }
            texts += 1
            textSeconds += utterance.duration
            for scalar in text.unicodeScalars where !scalar.properties.isWhitespace {
                characters += 1
                distinct.insert(scalar.value)
            }
        }

        mutating func add(_ other: Part) {
            durations += other.durations
            characters += other.characters
            distinct.formUnion(other.distinct)
            speakers.formUnion(other.speakers)
            texts += other.texts
            textSeconds += other.textSeconds
            targetTexts += other.targetTexts
        }
    }

    private(set) var parts: [String?: Part] = [:]
    private(set) var badLines = 0
    /// The first lines that cannot be read.
    private(set) var faults: [ManifestError.LineFault] = []

    init() {}

    init(_ lines: [ManifestLine]) {
        for line in lines {
            switch line.content {
            case .utterance(let utterance):
                parts[utterance.lang, default: Part()].add(utterance)
            case .fault(let fault):
                badLines += 1
                if faults.count < 5 {
                    faults.append(.init(line: line.number, detail: fault.detail))
                }
            }
        }
    }

    mutating func add(_ other: StatisticsCount) {
        for (language, part) in other.parts { parts[language, default: Part()].add(part) }
        badLines += other.badLines
        faults += other.faults.prefix(5 - faults.count)
    }
}

extension [Double] {
    /// The smallest value that a share of all does not exceed, of ascending ones; 0 of none.
    fileprivate func percentile(_ share: Double) -> Double {
        guard !isEmpty else { return 0 }
        return self[
            Swift.min(count - 1, Swift.max(0, Int((share * Double(count)).rounded(.up)) - 1))]
    }
}
