/// Where spans of masked positions begin; each way is that of one implementation.
public enum SpanSampler: Sendable, CaseIterable {
    /// ⌊p / span · (N − 1)⌋ spans, starts drawn with replacement from 0 … N − span.
    case fairseq2
    /// ⌊p · N / span + u⌋ spans, u ~ U(0, 1), starts drawn without replacement.
    case fairseq
    /// ⌊p · N / span + u⌋ spans, u ~ U(0, 1), but no more than fit beside each other, starts drawn
    /// without replacement from 0 … N − span: `_compute_mask_indices` of `transformers`.
    case transformers
    /// ⌊p · N / span + u⌋ spans, u ~ U(0, 1), of lengths drawn from 0 … 2 · span, that neither overlap
    /// nor touch: each, the longest first, at one of all starts that leave a position between spans;
    /// those without such a start are left out (fairseq's `uniform` lengths with `no_overlap`).
    case uniform

    /// Draws spans.
    ///
    /// * `count`: N, the number of positions.
    /// * `span`: positions of a span, at least 1 and at most N; with `fairseq` less than N; with
    ///   `uniform` their mean.
    /// * `probability`: p, the share of positions that spans would cover if they did not overlap.
    /// * `minimumSpans`: at least this many, as far as there is room.
    /// - Returns: whether each of the N positions is masked.
    public func mask(
        count: Int, span: Int, probability: Double, minimumSpans: Int,
        using generator: inout SeededGenerator
    ) -> [Bool] {
        precondition(span >= 1 && span <= count, "spans of \(span) in \(count) positions")
        var isMasked = [Bool](repeating: false, count: count)
        let spans = spans(
            count: count, span: span, probability: probability, minimumSpans: minimumSpans,
            using: &generator)
        for positions in spans {
            for position in positions.clamped(to: 0..<count) { isMasked[position] = true }
        }
        return isMasked
    }

    private func spans(
        count: Int, span: Int, probability: Double, minimumSpans: Int,
        using generator: inout SeededGenerator
    ) -> [Range<Int>] {
        func spans(_ starts: some Sequence<Int>) -> [Range<Int>] {
            starts.map { $0..<($0 + span) }
        }
        switch self {
        case .fairseq2:
            let drawn = Int(probability / Double(span) * Double(count - 1))
            let starts = (0..<max(minimumSpans, drawn)).map { _ in
                generator.uniform(below: count - span + 1)
            }
            return spans(starts)
        case .fairseq:
            let drawn = Int(probability * Double(count) / Double(span) + generator.uniform())
            let wanted = min(max(minimumSpans, drawn), count - 1)
            // Shorter spans at the end where there are more spans than places for whole ones.
            let places = count - min(span, count - wanted - 1)
            return spans(generator.permutation(places).prefix(wanted))
        case .transformers:
            let drawn = Int(probability * Double(count) / Double(span) + generator.uniform())
            let wanted = min(max(minimumSpans, drawn), count / span)
            return spans(generator.permutation(count - span + 1).prefix(wanted))
        case .uniform:
            let drawn = Int(probability * Double(count) / Double(span) + generator.uniform())
            let lengths = (0..<max(minimumSpans, drawn)).map { _ in
                generator.uniform(below: 2 * span + 1)
            }
            return Self.separated(lengths, count: count, using: &generator)
        }
    }

    /// Spans of these lengths with a position between any two, as far as there is room.
    private static func separated(
        _ lengths: [Int], count: Int, using generator: inout SeededGenerator
    ) -> [Range<Int>] {
        var gaps = [0..<count]
        var spans: [Range<Int>] = []
        for length in lengths.sorted(by: >) where length > 0 {
            let starts = gaps.map { max(0, $0.count - length + 1) }
            let total = starts.reduce(0, +)
            guard total > 0 else { continue }
            var place = generator.uniform(below: total)
            var index = 0
            while place >= starts[index] {
                place -= starts[index]
                index += 1
            }
            let gap = gaps.remove(at: index)
            let span = (gap.lowerBound + place)..<(gap.lowerBound + place + length)
            spans.append(span)
            if span.lowerBound - 1 > gap.lowerBound {
                gaps.append(gap.lowerBound..<(span.lowerBound - 1))
            }
            if span.upperBound + 1 < gap.upperBound {
                gaps.append((span.upperBound + 1)..<gap.upperBound)
            }
        }
        return spans
    }
}
