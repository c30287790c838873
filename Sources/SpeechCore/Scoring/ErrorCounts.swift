/// How many units of a reference a hypothesis has right, and its errors by kind.
///
/// Which of several shortest alignments is counted is what jiwer counts: `hits` and the split of the
/// errors may differ between them, their sum does not.
public struct ErrorCounts: Sendable, Hashable, Codable {
    /// Units of the reference that are right.
    public var hits = 0
    /// Units that another one stands for.
    public var substitutions = 0
    /// Units of the reference that are missing.
    public var deletions = 0
    /// Units that the reference has not.
    public var insertions = 0

    /// Counts; of nothing, if none are given.
    public init(hits: Int = 0, substitutions: Int = 0, deletions: Int = 0, insertions: Int = 0) {
        self.hits = hits
        self.substitutions = substitutions
        self.deletions = deletions
        self.insertions = insertions
    }

    /// All errors.
    public var edits: Int { substitutions + deletions + insertions }
    /// Units of the reference.
    public var referenceLength: Int { hits + substitutions + deletions }
    /// Units of the hypothesis.
    public var hypothesisLength: Int { hits + substitutions + insertions }

    /// Errors for each unit of the reference; for an empty one the number of insertions, as in jiwer.
    public var rate: Double {
        referenceLength == 0
            ? Double(insertions) : Double(edits) / Double(referenceLength)
    }

    /// The match error rate (Morris et al., 2004): the share of errors among aligned units.
    public var matchErrorRate: Double {
        guard referenceLength > 0 else { return insertions == 0 ? 0 : 1 }
        return Double(edits) / Double(referenceLength + insertions)
    }

    /// Word information preserved (Morris et al., 2004): hits by the length of both sides.
    public var informationPreserved: Double {
        if referenceLength == 0 { return insertions == 0 ? 1 : 0 }
        if hypothesisLength == 0 { return 0 }
        let share = Double(hits) / Double(referenceLength)
        return share * (Double(hits) / Double(hypothesisLength))
    }

    /// Word information lost: what is not preserved.
    public var informationLost: Double { 1 - informationPreserved }

    /// Counts of two texts together.
    public static func + (a: ErrorCounts, b: ErrorCounts) -> ErrorCounts {
        ErrorCounts(
            hits: a.hits + b.hits, substitutions: a.substitutions + b.substitutions,
            deletions: a.deletions + b.deletions, insertions: a.insertions + b.insertions)
    }

    /// Adds the counts of another text.
    public static func += (a: inout ErrorCounts, b: ErrorCounts) { a = a + b }
}
