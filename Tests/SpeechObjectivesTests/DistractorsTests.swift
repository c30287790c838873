import Foundation
import SpeechCore
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct DistractorsTests {
    /// Counts by clip, anchor and candidate.
    private func counts(_ distractors: Distractors) -> [[[Int]]] {
        let shape = distractors.logCounts.shape
        let values = distractors.logCounts.exp().doubles()
        return (0..<shape[0]).map { clip in
            (0..<shape[1]).map { row in
                (0..<shape[2]).map {
                    Int(values[(clip * shape[1] + row) * shape[2] + $0].rounded())
                }
            }
        }
    }

    private func draw(
        _ count: DistractorCount, _ frames: [[Int]], radius: Int = 0, seed: UInt64 = 1
    ) -> Distractors {
        var generator = SeededGenerator(seed: seed)
        return .draw(
            count, frames: frames, excludeRadius: radius, device: .cpu, using: &generator)
    }

    private let clips = [
        [0, 1, 2, 3, 10, 11, 12, 13, 14, 40], [5, 6, 7], [], [3], [8, 90], [20, 21, 22, 23],
    ]

    @Test(arguments: [0, 1, 3, 30]) func everyRowIsADrawFromTheAllowed(_ radius: Int) {
        let drawn = draw(.sampled(100), clips, radius: radius)
        let found = counts(drawn)
        #expect(drawn.logCounts.shape == [6, 10, 10] && drawn.weights.shape == [6, 10])
        let weights = drawn.weights.doubles()
        var active = 0
        for (clip, frames) in clips.enumerated() {
            for row in 0..<10 {
                let counts = found[clip][row]
                let allowed = frames.indices.filter {
                    row < frames.count && abs(frames[$0] - frames[row]) > radius
                }
                // The positive counts once, whatever was drawn.
                #expect(counts[row] == 1)
                #expect(weights[clip * 10 + row] == (allowed.isEmpty ? 0 : 1))
                #expect(counts.reduce(0, +) == (allowed.isEmpty ? 1 : 101))
                for column in counts.indices where column != row && counts[column] > 0 {
                    #expect(allowed.contains(column), "\(clip) \(row) \(column)")
                }
                if !allowed.isEmpty { active += 1 }
            }
        }
        #expect(drawn.anchorCount == active)
    }

    /// χ² of each anchor's draws, added up, against its mean and spread.
    @Test(arguments: [0, 2]) func everyAllowedFrameIsEquallyLikely(_ radius: Int) {
        let frames = [0, 1, 2, 4, 7, 8, 9, 13, 14, 20, 21]
        let draws = 20_000
        var statistic = 0.0
        var freedom = 0.0
        for (row, counts) in counts(draw(.sampled(draws), [frames], radius: radius))[0].enumerated()
        {
            let allowed = frames.indices.filter { abs(frames[$0] - frames[row]) > radius }
            let expected = Double(draws) / Double(allowed.count)
            for column in allowed {
                let distance = Double(counts[column]) - expected
                statistic += distance * distance / expected
            }
            freedom += Double(allowed.count - 1)
        }
        #expect(abs(statistic - freedom) < 4 * (2 * freedom).squareRoot())
    }

    @Test(arguments: [0, 1, 3]) func allTakesEveryOtherFrameOnce(_ radius: Int) {
        let drawn = draw(.all, clips, radius: radius)
        for (clip, rows) in counts(drawn).enumerated() {
            let frames = clips[clip]
            for (row, counts) in rows.enumerated() {
                let expected = counts.indices.map { column in
                    if column == row { return 1 }
                    guard row < frames.count, column < frames.count else { return 0 }
                    return abs(frames[column] - frames[row]) > radius ? 1 : 0
                }
                #expect(counts == expected)
            }
        }
        // Nothing is drawn, so the seed is of no account.
        #expect(counts(draw(.all, clips, radius: radius, seed: 2)) == counts(drawn))
    }

    @Test(arguments: [DistractorCount.sampled(100), .all])
    func fewFrames(_ count: DistractorCount) {
        let one = draw(count, [[17]])
        #expect(one.anchorCount == 0)
        #expect(one.weights.doubles() == [0])
        #expect(one.logCounts.doubles() == [0])
        let none = draw(count, [[], []])
        #expect(none.anchorCount == 0)
        #expect(none.logCounts.doubles() == [0, 0])
        let two = draw(count, [[3, 4]])
        let other = count == .all ? 1 : 100
        #expect(two.anchorCount == 2)
        #expect(counts(two) == [[[1, other], [other, 1]]])
        // Both lie in each other's excluded surroundings.
        #expect(draw(count, [[3, 4]], radius: 1).anchorCount == 0)
    }

    /// Only one side of the window, or both, or none are left.
    @Test func excludedSurroundingsMoveAlong() {
        let rows = counts(draw(.all, [[0, 1, 5, 6, 7, 100]], radius: 5))[0]
        #expect(
            rows == [
                [1, 0, 0, 1, 1, 1], [0, 1, 0, 0, 1, 1], [0, 0, 1, 0, 0, 1], [1, 0, 0, 1, 0, 1],
                [1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 1, 1],
            ])
    }

    @Test func theSeedDecides() {
        let first = counts(draw(.sampled(20), clips))
        #expect(first == counts(draw(.sampled(20), clips)))
        #expect(first != counts(draw(.sampled(20), clips, seed: 2)))
    }

    @Test func drawnElsewhere() {
        let given = Distractors(drawn: [[[1, 2, 1], [], [0]], [[1], [0]]], dtype: .float64)
        #expect(given.logCounts.dtype == .float64)
        #expect(
            counts(given) == [
                [[1, 2, 1], [0, 1, 0], [1, 0, 1]], [[1, 1, 0], [1, 1, 0], [0, 0, 1]],
            ])
        #expect(given.weights.doubles() == [1, 0, 1, 1, 1, 0])
        #expect(given.anchorCount == 4)
    }

    @Test func countsAreReadAndWritten() throws {
        let json = Data(#"[100, "all"]"#.utf8)
        let both = try JSONDecoder().decode([DistractorCount].self, from: json)
        #expect(both == [.sampled(100), .all])
        #expect(
            try JSONDecoder().decode([DistractorCount].self, from: JSONEncoder().encode(both))
                == both)
        expectError(DecodingError.self, containing: ["a number or 'all'"]) {
            try JSONDecoder().decode([DistractorCount].self, from: Data(#"["many"]"#.utf8))
        }
    }
}
