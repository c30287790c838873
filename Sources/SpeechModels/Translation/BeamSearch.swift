import Foundation
import Torch

/// What a translation starts with.
public struct TargetPrefix: Equatable, Sendable {
    /// Tokens that the decoder is given: its start token, and the target language where that starts a
    /// text.
    public var start: [Int]
    /// The token that follows whatever its score is, as NLLB and mBART-50 say the target language
    /// (`forced_bos_token_id`); it counts as the first of the text.
    public var forced: Int?

    /// Joins the tokens.
    public init(start: [Int], forced: Int? = nil) {
        self.start = start
        self.forced = forced
    }
}

/// A text that a search found.
public struct TranslationHypothesis: Equatable, Sendable {
    /// All tokens, with prefix and end.
    public let tokens: [Int]
    /// log p of the tokens behind the start, divided by (their number)^penalty; of a search with one
    /// beam also.
    public let score: Double
    /// The tokens without prefix and end.
    public let text: [Int]
}

/// Beam search over texts: the most likely continuations are followed, finished ones are compared by
/// log p / length^penalty.
///
/// It finds what `generate` of `transformers` 5 finds. With one beam it takes the best token each time
/// and stops at the first end. Clips do not see each other; those that are finished are computed no
/// further.
public struct BeamSearch: Equatable, Sendable {
    /// Texts that are followed for each clip.
    public var beams = 5
    /// The exponent of the length: above 0 longer texts are preferred, below 0 shorter ones.
    public var lengthPenalty = 1.0
    /// The most tokens of a text, the prefix included; a decoder's own limit may be lower.
    public var maximumLength = 200
    /// Whether a clip is done once as many texts are finished as there are beams
    /// (`early_stopping: true`), not only once none that is followed could become better.
    public var stopsEarly = false
    /// What texts of the greatest length end with whatever its score is (`forced_eos_token_id`).
    public var forcedEnd: Int?

    /// Five beams.
    public init() {}

    /// Finds the best texts of each clip, the best first, at most as many as there are beams.
    ///
    /// * `prefixes`: of each clip; all starts have one length, less than the greatest.
    public func callAsFunction(
        _ decoder: TextDecoder, _ speech: EncodedSpeech, prefixes: [TargetPrefix]
    ) -> [[TranslationHypothesis]] {
        let clips = speech.lengths.count
        let startLength = prefixes.first?.start.count ?? 0
        let limit = min(maximumLength, decoder.config.maximumLength ?? .max)
        precondition(
            prefixes.count == clips && startLength > 0 && beams > 0
                && prefixes.allSatisfy { $0.start.count == startLength } && startLength < limit,
            "starts of \(prefixes.map(\.start.count)) tokens for \(clips) clips and texts of up to "
                + "\(limit)")
        return withoutGradients {
            let wasTraining = decoder.isTraining
            decoder.isTraining = false
            defer { decoder.isTraining = wasTraining }
            return search(decoder, speech, prefixes, limit: limit)
        }
    }

    private func search(
        _ decoder: TextDecoder, _ speech: EncodedSpeech, _ prefixes: [TargetPrefix], limit: Int
    ) -> [[TranslationHypothesis]] {
        var clips = prefixes.map { ClipSearch($0, beams: beams) }
        var active = Array(clips.indices)
        let cache = decoder.makeCache()
        var speech = speech
        while !active.isEmpty {
            // What the decoder has not seen yet of every beam.
            let fed = active.flatMap { clip in
                clips[clip].running.flatMap { $0.tokens[cache.length...].map { Int64($0) } }
            }
            let tokens = Tensor(
                fed, [active.count * beams, fed.count / (active.count * beams)],
                device: speech.states.device)
            let states = decoder.decode(tokens, speech, cache: cache)
            let last = states.narrow(1, states.size(1) - 1, 1).squeeze(1)  // [R, D]
            let candidates = candidates(
                decoder.logits(last), active.map { clips[$0] }, limit: limit)

            var rows: [Int] = []
            var kept: [Int] = []
            for (position, clip) in active.enumerated() {
                let origins = clips[clip].advance(
                    candidates[position], by: self, end: decoder.config.end, limit: limit)
                if let origins {
                    rows += origins.map { position * beams + $0 }
                    kept.append(position)
                }
            }
            if !kept.isEmpty {
                let hasLeft = kept.count < active.count
                cache.reorder(rows: rows, clips: hasLeft ? kept : nil)
                if hasLeft { speech = speech.selecting(kept) }
            }
            active = kept.map { active[$0] }
        }
        return clips.map { $0.result(end: decoder.config.end) }
    }

    /// The best continuations of each clip, the best first: twice as many as beams, so that enough
    /// remain where all beams could end.
    private func candidates(
        _ logits: Tensor, _ clips: [ClipSearch], limit: Int
    ) -> [[ClipSearch.Candidate]] {
        let vocabulary = logits.size(-1)
        let running = clips.flatMap { $0.running.map(\.score) }
        let scores =
            logits.to(.float32).logSoftmax(-1)
            + Tensor(running, [running.count, 1], device: logits.device)
        let count = min(2 * beams, beams * vocabulary)
        let (values, indices) = scores.unflatten(0, [clips.count, beams]).flatten(1, 2)
            .largest(count, 1)
        let (best, places) = (values.floats(), indices.integers())
        // Where an operator failed, nothing is found.
        guard best.count == clips.count * count else { return clips.map { _ in [] } }
        return clips.enumerated().map { index, clip in
            let length = clip.length
            let isFirst = length == clip.prefix.start.count
            let forced = length == limit - 1 ? forcedEnd : nil
            if let token = forced ?? (isFirst ? clip.prefix.forced : nil) {
                return clip.running.enumerated().map {
                    ClipSearch.Candidate(beam: $0.offset, token: token, score: $0.element.score)
                }
            }
            return (index * count..<(index + 1) * count).map {
                ClipSearch.Candidate(
                    beam: places[$0] / vocabulary, token: places[$0] % vocabulary,
                    score: best[$0])
            }
        }
    }
}

/// The search for the translation of one clip.
private struct ClipSearch {
    /// A text that is not finished.
    struct Beam {
        var tokens: [Int]
        /// log p of its tokens.
        var score: Float
    }

    /// A continuation of a beam by a token.
    struct Candidate {
        let beam: Int
        let token: Int
        let score: Float
    }

    let prefix: TargetPrefix
    private(set) var running: [Beam]
    /// The best first, at most as many as beams.
    private var finished: [Beam] = []

    /// The score of beams that are not there.
    private static let absent: Float = -1e9

    init(_ prefix: TargetPrefix, beams: Int) {
        self.prefix = prefix
        // All beams are the same at first: only one of them may be continued.
        running = (0..<beams).map {
            Beam(tokens: prefix.start, score: $0 == 0 ? 0 : Self.absent)
        }
    }

    /// Tokens of the running texts.
    var length: Int { running[0].tokens.count }

    /// Goes on by one token.
    ///
    /// - Returns: for each beam that runs on the one it continues; nil where the clip is done.
    mutating func advance(
        _ candidates: [Candidate], by search: BeamSearch, end: Int, limit: Int
    ) -> [Int]? {
        let length = length + 1
        let isFull = length >= limit
        let power = Float(pow(Double(length - prefix.start.count), search.lengthPenalty))
        func text(_ candidate: Candidate) -> [Int] {
            running[candidate.beam].tokens + [candidate.token]
        }
        func ends(_ candidate: Candidate) -> Bool { isFull || candidate.token == end }

        var all = finished
        for candidate in candidates.prefix(search.beams) where ends(candidate) {
            all.append(Beam(tokens: text(candidate), score: candidate.score / power))
        }
        // Of equal scores the earlier one stays ahead.
        let order = all.indices.sorted {
            all[$0].score == all[$1].score ? $0 < $1 : all[$0].score > all[$1].score
        }
        finished = order.prefix(search.beams).map { all[$0] }

        let next = candidates.filter { !ends($0) }.prefix(search.beams)
        running = next.map { Beam(tokens: text($0), score: $0.score) }
        if next.count < search.beams { return nil }
        if finished.count == search.beams {
            if search.beams == 1 || search.stopsEarly { return nil }
            // Could the best that runs, as long as it is now, still beat the worst that is finished?
            if !(running[0].score / power > finished[search.beams - 1].score) { return nil }
        }
        return next.map(\.beam)
    }

    func result(end: Int) -> [TranslationHypothesis] {
        finished.map { beam in
            let skipped = prefix.start.count + (prefix.forced == nil ? 0 : 1)
            var text = Array(beam.tokens.dropFirst(skipped))
            if text.last == end { text.removeLast() }
            return TranslationHypothesis(
                tokens: beam.tokens, score: Double(beam.score), text: text)
        }
    }
}
