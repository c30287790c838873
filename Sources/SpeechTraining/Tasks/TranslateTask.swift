import SpeechCore
import SpeechModels

/// Translates clips of any length: in batches of similar length, long ones in pieces that end where it is
/// quiet.
public struct TranslateTask {
    /// How clips are computed.
    public struct Settings: Sendable {
        /// Texts that are followed at a time; nil for what the model says.
        public var beams: Int?
        /// The exponent of the length that scores are divided by; nil for what the model says.
        public var lengthPenalty: Double?
        /// Seconds of a piece at most.
        public var chunkSeconds = 30.0
        /// Seconds of audio in a batch, padding included.
        public var batchSeconds = 60.0

        /// The defaults.
        public init() {}
    }

    /// The translation of a part of a clip.
    public struct Segment: Sendable, Equatable {
        /// Where the part begins and ends, in seconds.
        public let start, end: Double
        /// Its translation.
        public let text: String
        /// log p of the text's tokens, divided by (their number)^penalty; nil where nothing is said.
        public let score: Double?
    }

    /// What was made of a clip.
    public struct Result: Sendable {
        /// The clip.
        public let clip: EncodeClip
        /// The length of the clip.
        public let seconds: Double
        /// The tokenizer's code of the language that it was translated into; nil where it has none.
        public let language: String?
        /// The translation.
        public let text: String
        /// Its parts; more than one of a long clip, none of one without audio.
        public let segments: [Segment]
    }

    /// The model.
    public let translator: Translator
    private let settings: Settings
    private let reporter: RunReporter

    /// Prepares to translate.
    public init(_ translator: Translator, settings: Settings = Settings(), reporter: RunReporter) {
        self.translator = translator
        self.settings = settings
        self.reporter = reporter
    }

    /// Translates clips; one that cannot be read is reported and passed over.
    ///
    /// A clip without a sample, or too short for a frame, gives an empty text.
    ///
    /// * `languages`: the target language of each clip; nil for the model's own.
    /// - Returns: the translations in the order of the clips, and what was passed over.
    /// - Throws: `TranslationError.unknownTarget`, or `RunError` where something fails that is not a
    ///   clip's fault.
    public func run(
        _ clips: [EncodeClip], into languages: [String?]
    ) throws -> (results: [Result], skipped: [SkippedUtterance]) {
        precondition(languages.count == clips.count, "\(languages.count) languages")
        let prefixes = try languages.map { language in
            guard let prefix = translator.prefix(into: language) else {
                throw TranslationError.unknownTarget(
                    found: language, known: translator.tokenizer.languages.keys.sorted())
            }
            return prefix
        }
        let read = reader
        let (outputs, skipped) = try ClipPass(
            batchSeconds: settings.batchSeconds, reporter: reporter
        ).run(clips, read: read) { batch in
            try translate(batch.map { ($0.value, prefixes[$0.place], clips[$0.place]) })
        }
        return (outputs, skipped)
    }

    // MARK: Reading

    /// A clip as the encoder takes it.
    private struct ReadClip: Sendable {
        let seconds: Double
        let pieces: [(range: Range<Int>, features: ClipFeatures)]
    }

    private var reader: @Sendable (EncodeClip) throws -> ReadClip {
        let extractor = translator.extractor
        let rate = extractor.samplingRate
        let minimum = translator.geometry.minimumSamples
        let longest = Int(settings.chunkSeconds * Double(rate))
        return { clip in
            let samples = try clip.samplesOrNone(samplingRate: rate)
            let pieces = QuietCuts.pieces(of: samples, longest: longest, window: rate / 5)
            return ReadClip(
                seconds: Double(samples.count) / Double(rate),
                pieces: try pieces.filter { $0.count >= minimum }.map {
                    ($0, try extractor.clipFeatures(Array(samples[$0])))
                })
        }
    }

    // MARK: Computing

    private func translate(
        _ batch: [(read: ReadClip, prefix: TargetPrefix, clip: EncodeClip)]
    ) throws -> [Result] {
        let rate = Double(translator.extractor.samplingRate)
        var search = translator.model.translator.search
        if let beams = settings.beams { search.beams = beams }
        if let penalty = settings.lengthPenalty { search.lengthPenalty = penalty }
        let all = batch.flatMap { clip in
            clip.read.pieces.map { (features: $0.features, prefix: clip.prefix, range: $0.range) }
        }
        let longest = Double(all.map(\.range.count).max() ?? 0) / rate
        let rows = max(1, Int(settings.batchSeconds / max(longest, 0.1)))
        var texts: [Segment] = []
        for first in stride(from: 0, to: all.count, by: rows) {
            let part = all[first..<min(all.count, first + rows)]
            let found = try translator.translate(
                part.map(\.features), prefixes: part.map(\.prefix), search: search)
            texts += zip(part, found).map { piece, best in
                Segment(
                    start: Double(piece.range.lowerBound) / rate,
                    end: Double(piece.range.upperBound) / rate,
                    text: translator.tokenizer.decode(best?.text ?? []), score: best?.score)
            }
        }
        var used = 0
        return batch.map { clip in
            let segments = Array(texts[used..<used + clip.read.pieces.count])
            used += segments.count
            let language = translator.language(of: clip.prefix)
            let isUnspaced = language.map(LanguageScripts.isWrittenWithoutSpaces) ?? false
            return Result(
                clip: clip.clip, seconds: clip.read.seconds, language: language,
                text: segments.map(\.text).filter { !$0.isEmpty }
                    .joined(separator: isUnspaced ? "" : " "),
                segments: segments)
        }
    }
}
