/// An utterance laid out for a person to read: what was said above what was heard.
public struct UtteranceAlignment: Sendable, Hashable, Codable {
    /// A pair of units that stand for each other.
    public struct Step: Sendable, Hashable, Codable {
        /// The unit of the reference; nil for an insertion.
        public let reference: String?
        /// The unit of the hypothesis; nil for a deletion.
        public let hypothesis: String?

        /// S, D or I; a space for a hit.
        public var mark: String {
            guard let reference else { return "I" }
            guard let hypothesis else { return "D" }
            return reference.utf8.elementsEqual(hypothesis.utf8) ? " " : "S"
        }
    }

    /// What the utterance is called.
    public let id: String
    /// Its language.
    public let language: String?
    /// WER, or CER where the script has no spaces between words.
    public let metric: ScoreMetric
    /// The errors.
    public let errors: ErrorCounts
    /// The pairs, from the beginning.
    public let steps: [Step]

    /// Aligns an utterance by words, or by characters.
    public init(_ text: ScoredText, metric: ScoreMetric, characterUnit: CharacterUnit = .codePoint)
    {
        let rate = ErrorRate(unit: metric == .wer ? .word : .character(characterUnit))
        let (reference, hypothesis, operations) = rate.alignment(
            reference: text.references[0], hypothesis: text.hypothesis)
        var (first, second) = (reference.makeIterator(), hypothesis.makeIterator())
        id = text.id
        language = text.language
        self.metric = metric
        errors = ErrorCounts(operations)
        steps = operations.map { operation in
            Step(
                reference: operation == .insertion ? nil : first.next(),
                hypothesis: operation == .deletion ? nil : second.next())
        }
    }

    /// Three lines for each part of the utterance that fits: REF, HYP and the kinds of errors.
    ///
    /// Units that stand for each other begin in the same column; wide characters count as two. Gaps are
    /// asterisks.
    ///
    /// * `width`: columns of a line, where its units allow it.
    public func text(width: Int = 100) -> String {
        let gap = metric == .wer ? 1 : 0
        var blocks: [[String]] = []
        var lines = ["REF: ", "HYP: ", "     "]
        var used = 5
        var hasUnits = false
        for step in steps {
            let columns = max(
                1, step.reference.map(DisplayWidth.columns) ?? 0,
                step.hypothesis.map(DisplayWidth.columns) ?? 0)
            if hasUnits, used + columns > width {
                blocks.append(lines)
                lines = ["REF: ", "HYP: ", "     "]
                used = 5
            }
            let gapText = String(repeating: "*", count: columns)
            for (index, unit) in [step.reference, step.hypothesis, step.mark].enumerated() {
                let unit = unit ?? gapText
                let space = max(0, columns - DisplayWidth.columns(unit)) + gap
                lines[index] += unit + String(repeating: " ", count: space)
            }
            used += columns + gap
            hasUnits = true
        }
        blocks.append(lines)
        return blocks.map { block in
            block.map { line in
                var line = line
                while line.last == " " { line.removeLast() }
                return line
            }.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }
}

/// How many columns of a terminal a text takes.
public enum DisplayWidth {
    /// The columns: two for wide characters (Unicode's East Asian Width), none for marks.
    public static func columns(_ text: String) -> Int {
        text.reduce(0) { sum, character in
            let widths = character.unicodeScalars.map(columns)
            // What joins to a wide character, such as a second emoji, is drawn in its place.
            return sum + (widths.first == 2 ? 2 : widths.reduce(0, +))
        }
    }

    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        let value = scalar.value
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch value {
        // Vowels and finals of Hangul that follow a wide initial.
        case 0x1160...0x11FF: return 0
        case 0x1100...0x115F, 0x231A...0x231B, 0x2329...0x232A, 0x23E9...0x23EC, 0x2614...0x2615,
            0x2648...0x2653, 0x26AA...0x26AB, 0x26BD...0x26BE, 0x26C4...0x26C5, 0x2705,
            0x270A...0x270B, 0x2728, 0x274C, 0x2753...0x2755, 0x2757, 0x2795...0x2797,
            0x2B1B...0x2B1C, 0x2B50, 0x2B55, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18DFF,
            0x1AFF0...0x1B2FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
