internal import SpeechCore

/// What a manifest holds and what of it is not fit, by language.
public struct ValidationSummary: Sendable, Encodable {
    /// Some utterances.
    public struct Amount: Sendable, Equatable, Encodable {
        /// Their number.
        public internal(set) var utterances = 0
        /// Hours of audio as the manifest has it.
        public internal(set) var hours = 0.0

        mutating func add(seconds: Double) {
            utterances += 1
            hours += seconds / 3600
        }
    }

    /// One language, or all together.
    public struct Part: Sendable, Encodable {
        /// The manifest's code; nil for utterances without one and for all together.
        public let language: String?
        /// The scripts that texts are expected in, by ISO 15924; empty where any will do.
        public internal(set) var scripts: [String] = []
        /// All lines.
        public internal(set) var all = Amount()
        /// The fit ones.
        public internal(set) var kept = Amount()
        /// The others, each counted for the first of its reasons.
        public internal(set) var lost: [ValidationReason: Amount] = [:]

        private enum CodingKeys: String, CodingKey {
            case language, scripts, all, kept, lost
        }

        mutating func add(_ record: ValidationRecords.Record) {
            all.add(seconds: record.duration)
            if let reason = record.findings.first?.reason {
                lost[reason, default: Amount()].add(seconds: record.duration)
            } else {
                kept.add(seconds: record.duration)
            }
        }
    }

    /// A character that the vocabulary lacks.
    public struct Symbol: Sendable, Equatable, Encodable {
        /// The character.
        public let symbol: String
        /// `U+00E9`.
        public let codePoint: String
        /// How often it occurs.
        public let count: Int

        private enum CodingKeys: String, CodingKey {
            case symbol, count
            case codePoint = "code_point"
        }
    }

    /// The manifest's path.
    public let manifest: String
    /// What utterances had to be like.
    public let settings: ValidationSettings
    /// By code; utterances without one last.
    public let languages: [Part]
    /// All languages together.
    public let total: Part
    /// What the vocabulary lacks, the most frequent first.
    public let symbols: [Symbol]

    private enum CodingKeys: String, CodingKey {
        case manifest, settings, languages, total
        case symbols = "unknown_symbols"
    }

    init(manifest: String, settings: ValidationSettings, records: ValidationRecords) {
        self.manifest = manifest
        self.settings = settings
        var parts = records.languages.enumerated().map { number, code in
            var part = Part(language: code)
            let known = code.flatMap(LanguageScripts.scripts(of:))
            part.scripts = (known ?? records.majorities[number].map { [$0] } ?? []).map(\.rawValue)
            return part
        }
        var total = Part(language: nil)
        for record in records.all {
            parts[record.language].add(record)
            total.add(record)
        }
        languages = parts.sorted {
            ($0.language == nil ? 1 : 0, $0.language ?? "")
                < ($1.language == nil ? 1 : 0, $1.language ?? "")
        }
        self.total = total
        symbols = records.symbols.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { Symbol(symbol: String($0.key), codePoint: $0.key.codePoint, count: $0.value) }
    }

    /// The reasons that cost something, in their order.
    public var reasons: [ValidationReason] {
        ValidationReason.allCases.filter { total.lost[$0] != nil }
    }
}
