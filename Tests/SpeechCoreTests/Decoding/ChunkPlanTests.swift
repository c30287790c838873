import Foundation
import SpeechCore
import Testing

@Suite struct ChunkPlanTests {
    /// The frames of wav2vec 2.0: 400 samples each, 320 from one to the next.
    private static func frames(_ samples: Int) -> Int {
        samples < 400 ? 0 : (samples - 400) / 320 + 1
    }

    @Test func everyFrameOnce() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<3000 {
            let samples = random.uniform(below: 200_000)
            let chunk = 3000 + random.uniform(below: 40_000)
            let overlap = random.uniform(below: chunk)
            let plan = ChunkPlan(
                sampleCount: samples, chunkSamples: chunk, overlapSamples: overlap, hop: 320,
                frames: Self.frames)
            #expect(plan.frameCount == Self.frames(samples))
            var next = 0
            for item in plan.chunks {
                #expect(item.merged.lowerBound == next)
                #expect(!item.merged.isEmpty && item.merged.count == item.frames.count)
                next = item.merged.upperBound
                // A frame of the chunk is the frame of the clip at that place.
                #expect(item.samples.lowerBound % 320 == 0)
                #expect(
                    item.samples.lowerBound / 320 + item.frames.lowerBound
                        == item.merged.lowerBound)
                #expect(item.samples.upperBound <= samples)
                #expect(item.frames.upperBound <= Self.frames(item.samples.count))
                if plan.chunks.count > 1 {
                    let length = chunk / 320 * 320
                    #expect((length..<length + 320).contains(item.samples.count))
                }
            }
            #expect(next == plan.frameCount)
        }
    }

    @Test func seamsLieInTheMiddle() {
        let plan = ChunkPlan(
            sampleCount: 320 * 100 + 80, chunkSamples: 320 * 40, overlapSamples: 320 * 10, hop: 320,
            frames: Self.frames)
        // 40 hops are 39 frames, for a frame sees a little more than a hop.
        #expect(plan.frameCount == 100)
        #expect(plan.chunks.map(\.samples.lowerBound) == [0, 30 * 320, 60 * 320])
        #expect(plan.chunks.map(\.merged) == [0..<34, 34..<64, 64..<100])
        #expect(plan.chunks.map(\.frames) == [0..<34, 4..<34, 4..<40])
    }

    @Test func shortClipsAreOneChunk() {
        func plan(_ samples: Int) -> ChunkPlan {
            ChunkPlan(
                sampleCount: samples, chunkSamples: 16_000, overlapSamples: 3200, hop: 320,
                frames: Self.frames)
        }
        #expect(plan(0).chunks.isEmpty)
        #expect(plan(399).chunks.isEmpty)
        #expect(plan(16_000).chunks.count == 1)
        #expect(plan(16_000).chunks[0].samples == 0..<16_000)
        #expect(plan(16_100).chunks.count == 1 || plan(16_100).chunks.count == 2)
        #expect(plan(0).merge([], width: 7).isEmpty)
    }

    /// Frames that see some neighbours: with enough overlap the parts give what the whole gives.
    @Test func mergedFramesAreThoseOfTheWhole() {
        var random = SeededGenerator(seed: 9)
        let samples = (0..<90_000).map { _ in Float(random.uniform(below: 1000)) }
        func model(_ samples: ArraySlice<Float>) -> [Float] {
            let count = Self.frames(samples.count)
            let own = (0..<count).map { frame in
                samples[(samples.startIndex + frame * 320)...].prefix(400).reduce(0, +)
            }
            return (0..<count).flatMap { frame -> [Float] in
                let seen = own[max(0, frame - 5)...min(count - 1, frame + 5)]
                return [own[frame], seen.max()!]
            }
        }
        let plan = ChunkPlan(
            sampleCount: samples.count, chunkSamples: 16_000, overlapSamples: 13 * 320, hop: 320,
            frames: Self.frames)
        #expect(plan.chunks.count > 5)
        let merged = plan.merge(plan.chunks.map { model(samples[$0.samples]) }, width: 2)
        #expect(merged == model(samples[...]))
    }
}
