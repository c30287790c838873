import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing

@Suite struct SpanMaskingTests {
    private func sample(
        _ masking: SpanMasking, _ lengths: [Int], seed: UInt64 = 1
    ) -> [[Int]] {
        var generator = SeededGenerator(seed: seed)
        return masking.sample(lengths: lengths, using: &generator)
    }

    /// The expected share of masked frames, from the probability that no span covers a frame.
    private func expectedCoverage(_ masking: SpanMasking, frames: Int) -> Double {
        let (p, span) = (masking.probability, masking.length)
        var sum = 0.0
        for frame in 0..<frames {
            switch masking.sampler {
            case .none, .uniform:
                break
            case .fairseq2:
                let places = frames - span + 1
                let covering = min(frame, places - 1) - max(0, frame - span + 1) + 1
                let spans = max(
                    masking.minimumSpans, Int(p / Double(span) * Double(frames - 1)))
                sum += 1 - pow(1 - Double(covering) / Double(places), Double(spans))
            case .fairseq:
                let places = frames - span
                let covering = max(0, min(frame, places - 1) - max(0, frame - span + 1) + 1)
                let exact = p * Double(frames) / Double(span)
                for (spans, weight) in [
                    (Int(exact), 1 - exact.truncatingRemainder(dividingBy: 1)),
                    (Int(exact) + 1, exact.truncatingRemainder(dividingBy: 1)),
                ] {
                    let isMissed = (0..<max(masking.minimumSpans, spans)).reduce(1.0) {
                        $0 * Double(places - covering - $1) / Double(places - $1)
                    }
                    sum += weight * (1 - isMissed)
                }
            }
        }
        return sum / Double(frames)
    }

    /// Known shares of the defaults: 46 and 47 % for one sampler, 49 to 50 % for the other.
    @Test(
        arguments: [
            (SpanMasking.Sampler.fairseq2, 100, 0.46), (.fairseq2, 250, 0.47),
            (.fairseq2, 1000, 0.475), (.fairseq, 100, 0.495), (.fairseq, 250, 0.495),
            (.fairseq, 1000, 0.495),
        ])
    func coverage(_ sampler: SpanMasking.Sampler, _ frames: Int, _ known: Double) {
        let masking = SpanMasking(sampler: sampler)
        let clips = 200_000 / frames
        let shares = sample(masking, Array(repeating: frames, count: clips))
            .map { Double($0.count) / Double(frames) }
        let mean = shares.reduce(0, +) / Double(clips)
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(clips - 1)
        let error = (variance / Double(clips)).squareRoot()
        #expect(error < 0.003)
        expectClose(mean, expectedCoverage(masking, frames: frames), within: 4 * error)
        expectClose(mean, known, within: 0.01)
    }

    /// Spans of 0 … 20 frames with a frame between them: beside a plain search for free places.
    @Test(arguments: [(0.4, 1000, 0.395), (0.4, 100, 0.39), (0.8, 1000, 0.796), (0.8, 100, 0.736)])
    func coverageOfSeparatedSpans(_ probability: Double, _ frames: Int, _ known: Double) {
        let masking = SpanMasking(sampler: .uniform, probability: probability, minimumSpans: 1)
        let clips = 40_000 / frames
        let shares = sample(masking, Array(repeating: frames, count: clips))
            .map { Double($0.count) / Double(frames) }
        let mean = shares.reduce(0, +) / Double(clips)
        var generator = SeededGenerator(seed: 2)
        let searched = (0..<clips).map { _ -> Double in
            var isFree = [Bool](repeating: true, count: frames + 2)
            let spans = Int(probability * Double(frames) / 10 + generator.uniform())
            let lengths = (0..<spans).map { _ in generator.uniform(below: 21) }
            var covered = 0
            for length in lengths.sorted(by: >) where length > 0 && length <= frames {
                // With the frames before and behind it, of which one is outside at either end.
                let places = (0...(frames - length)).filter { start in
                    isFree[start..<(start + length + 2)].allSatisfy { $0 }
                }
                guard !places.isEmpty else { continue }
                let start = places[generator.uniform(below: places.count)]
                for frame in start..<(start + length) { isFree[frame + 1] = false }
                covered += length
            }
            return Double(covered) / Double(frames)
        }
        let expected = searched.reduce(0, +) / Double(clips)
        let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(clips - 1)
        let error = (2 * variance / Double(clips)).squareRoot()
        expectClose(mean, expected, within: 4 * error)
        expectClose(mean, known, within: 0.015)
    }

    @Test func separatedSpansAreOfAllLengths() {
        let masking = SpanMasking(sampler: .uniform, probability: 0.4, length: 3, minimumSpans: 1)
        var runs: [Int: Int] = [:]
        for frames in sample(masking, Array(repeating: 500, count: 200)) {
            let masked = Set(frames)
            var run = 0
            for frame in 0...500 {
                if masked.contains(frame) {
                    run += 1
                } else if run > 0 {
                    runs[run, default: 0] += 1
                    run = 0
                }
            }
        }
        // Spans never touch, so that runs are spans; each length from 1 to 6 is as frequent.
        #expect(runs.keys.sorted() == Array(1...6))
        let counts = runs.values.map(Double.init)
        let mean = counts.reduce(0, +) / 6
        #expect(counts.allSatisfy { abs($0 / mean - 1) < 0.08 }, "\(runs)")
    }

    @Test(arguments: [SpanMasking.Sampler.fairseq2, .fairseq], [0.0, 0.1, 0.65, 1])
    func spansAreWholeAndInsideTheUtterance(
        _ sampler: SpanMasking.Sampler, _ probability: Double
    ) {
        let masking = SpanMasking(sampler: sampler, probability: probability, length: 4)
        let lengths = (0..<300).map { 8 + $0 % 60 }
        for (frames, length) in zip(sample(masking, lengths), lengths) {
            #expect(frames == Set(frames).sorted())
            #expect(frames.allSatisfy { (0..<length).contains($0) })
            // Runs of masked frames are unions of whole spans.
            var run = 0
            for frame in 0...length {
                if frames.contains(frame) {
                    run += 1
                } else {
                    #expect(run == 0 || run >= 4)
                    run = 0
                }
            }
        }
    }

    @Test func probabilityZeroLeavesTheMinimum() {
        let lengths = Array(repeating: 200, count: 50)
        for spans in [1, 2, 5] {
            for sampler in [SpanMasking.Sampler.fairseq2, .fairseq] {
                let masking = SpanMasking(
                    sampler: sampler, probability: 0, length: 10, minimumSpans: spans)
                let counts = sample(masking, lengths).map(\.count)
                #expect(counts.allSatisfy { (10...(10 * spans)).contains($0) })
                #expect(counts.contains(10 * spans), "spans rarely overlap in 200 frames")
            }
        }
        // Starts without replacement differ, so two spans never fall together.
        let distinct = SpanMasking(sampler: .fairseq, probability: 0, length: 10)
        #expect(sample(distinct, Array(repeating: 20, count: 500)).allSatisfy { $0.count > 10 })
    }

    @Test func probabilityOneMasksAsMuchAsItCan() {
        let lengths = Array(repeating: 50, count: 20)
        // 49 different starts of one frame in 50 places.
        let single = SpanMasking(sampler: .fairseq, probability: 1, length: 1)
        #expect(sample(single, lengths).allSatisfy { $0.count == 49 })
        for sampler in [SpanMasking.Sampler.fairseq2, .fairseq] {
            let masking = SpanMasking(sampler: sampler, probability: 1)
            let clips = 4000
            let shares = sample(masking, Array(repeating: 100, count: clips)).map {
                Double($0.count) / 100
            }
            let mean = shares.reduce(0, +) / Double(clips)
            expectClose(mean, expectedCoverage(masking, frames: 100), within: 0.006)
            #expect(mean > 0.55)
        }
    }

    @Test(arguments: [SpanMasking.Sampler.fairseq2, .fairseq])
    func shortUtterancesAreLeftAlone(_ sampler: SpanMasking.Sampler) {
        let masking = SpanMasking(sampler: sampler)
        #expect(masking.minimumFrames == 20)
        let counts = sample(masking, [0, 1, 10, 19, 20, 200, -3]).map(\.count)
        #expect(counts[..<4] == [0, 0, 0, 0] && counts[6] == 0)
        #expect(counts[4] >= 10 && counts[5] >= 10)
    }

    @Test(arguments: [SpanMasking.Sampler.fairseq2, .fairseq, .uniform])
    func theSeedDecides(_ sampler: SpanMasking.Sampler) {
        let masking = SpanMasking(sampler: sampler)
        let lengths = [100, 250, 33]
        let first = sample(masking, lengths, seed: 9)
        #expect(first == sample(masking, lengths, seed: 9))
        #expect(first != sample(masking, lengths, seed: 10))
        // Utterances of one batch are masked each for itself.
        let same = sample(masking, [100, 100])
        #expect(same[0] != same[1])
    }

    @Test(arguments: [SpanMasking.Sampler.fairseq2, .fairseq])
    func equalizingOnlyUnmasks(_ sampler: SpanMasking.Sampler) {
        let lengths = [100, 12, 250, 33, 180]
        let free = sample(SpanMasking(sampler: sampler), lengths)
        let equal = sample(SpanMasking(sampler: sampler, equalizes: true), lengths)
        #expect(Set(free.map(\.count)).count > 2)
        #expect(equal[1].isEmpty)
        let smallest = free.map(\.count).filter { $0 > 0 }.min()
        for (clip, frames) in equal.enumerated() where clip != 1 {
            #expect(frames.count == smallest)
            #expect(frames == frames.sorted() && Set(frames).isSubset(of: free[clip]))
        }
        // Frames are taken out anywhere, not from one end.
        let removed = free[2].filter { !equal[2].contains($0) }
        #expect(removed.contains { $0 < 80 } && removed.contains { $0 > 170 })
    }

    @Test func withoutSamplerNothingIsMaskedOrDrawn() {
        let masking = SpanMasking(sampler: .none, equalizes: true)
        var generator = SeededGenerator(seed: 4)
        #expect(masking.sample(lengths: [50, 1, 300], using: &generator) == [[], [], []])
        #expect(generator == SeededGenerator(seed: 4))
        #expect(masking.minimumFrames == 1)
    }

    @Test func settingsAreChecked() throws {
        func refuses(_ masking: SpanMasking, _ key: String, _ found: String) {
            let error = expectError(
                ObjectiveError.self, containing: ["objective.masking.\(key)", "found \(found)"]
            ) { try masking.validate() }
            #expect(error?.exitStatus == .badInput)
        }
        try SpanMasking().validate()
        try SpanMasking(probability: 0, length: 1, minimumSpans: 2).validate()
        try SpanMasking(probability: 1, length: 1 << 16, minimumSpans: 1).validate()
        try SpanMasking(sampler: .none, minimumSpans: 0).validate()
        refuses(SpanMasking(probability: -0.1), "probability", "-0.1")
        refuses(SpanMasking(probability: 1.5), "probability", "1.5")
        refuses(SpanMasking(probability: .nan), "probability", "nan")
        refuses(SpanMasking(length: 0), "length", "0")
        refuses(SpanMasking(length: .max), "length", "\(Int.max)")
        refuses(SpanMasking(minimumSpans: -1), "minimum_spans", "-1")
        // Utterances without masked frames would silently be left out of the loss.
        refuses(SpanMasking(minimumSpans: 0), "minimum_spans", "0")
        refuses(SpanMasking(length: 1, minimumSpans: 1), "minimum_spans", "1")
        refuses(SpanMasking(minimumSpans: .max), "minimum_spans", "\(Int.max)")
    }
}
