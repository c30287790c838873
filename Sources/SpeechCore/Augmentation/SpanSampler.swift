/// Where spans of masked positions begin; each way is that of one implementation.
public enum SpanSampler: Sendable, CaseIterable {
    /// ⌊p / span · (N − 1)⌋ spans, starts drawn with replacement from 0 … N − span.
    case fairseq2
    /// ⌊p · N / span + u⌋ spans, u ~ U(0, 1), starts drawn without replacement.
    case fairseq
    /// ⌊p · N / span + u⌋ spans, u ~ U(0, 1), but no more than fit beside each other, starts drawn
    /// without replacement from 0 … N − span: `_compute_mask_indices` of `transformers`.
    case transformers

    /// Draws spans.
    ///
    /// * `count`: N, the number of positions.
    /// * `span`: positions of a span, at least 1 and at most N; with `fairseq` less than N.
    /// * `probability`: p, the share of positions that spans would cover if they did not overlap.
    /// * `minimumSpans`: at least this many, as far as there is room.
    /// - Returns: whether each of the N positions is masked.
    public func mask(
        count: Int, span: Int, probability: Double, minimumSpans: Int,
        using generator: inout SeededGenerator
    ) -> [Bool] {
        precondition(span >= 1 && span <= count, "spans of \(span) in \(count) positions")
        var isMasked = [Bool](repeating: false, count: count)
        let starts = starts(
            count: count, span: span, probability: probability, minimumSpans: minimumSpans,
            using: &generator)
        for start in starts {
            for position in start..<min(count, start + span) { isMasked[position] = true }
        }
        return isMasked
    }

    private func starts(
        count: Int, span: Int, probability: Double, minimumSpans: Int,
        using generator: inout SeededGenerator
    ) -> [Int] {
        switch self {
        case .fairseq2:
            let drawn = Int(probability / Double(span) * Double(count - 1))
            return (0..<max(minimumSpans, drawn)).map { _ in
                generator.uniform(below: count - span + 1)
            }
        case .fairseq:
            let drawn = Int(probability * Double(count) / Double(span) + generator.uniform())
            let spans = min(max(minimumSpans, drawn), count - 1)
            // Shorter spans at the end where there are more spans than places for whole ones.
            let places = count - min(span, count - spans - 1)
            return Array(generator.permutation(places).prefix(spans))
        case .transformers:
            let drawn = Int(probability * Double(count) / Double(span) + generator.uniform())
            let spans = min(max(minimumSpans, drawn), count / span)
            return Array(generator.permutation(count - span + 1).prefix(spans))
        }
    }
}
