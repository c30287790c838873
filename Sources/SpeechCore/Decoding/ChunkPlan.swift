/// How a long clip is cut into overlapping chunks so that their frames, put together, are those of one
/// long clip, each exactly once.
///
/// Chunks begin on whole frames. Of two neighbours each gives the frames up to the middle of what they
/// share, so that every frame that is kept has half the overlap as context at the seam. All chunks but
/// a single one have the same length: the last one begins earlier instead of being short.
public struct ChunkPlan: Sendable, Equatable {
    /// A part of the clip.
    public struct Chunk: Sendable, Equatable {
        /// Its samples in the clip.
        public let samples: Range<Int>
        /// Those of its own frames that are kept.
        public let frames: Range<Int>
        /// Where these stand among the frames of the clip.
        public let merged: Range<Int>
    }

    /// The chunks in order; none for a clip without frames.
    public let chunks: [Chunk]
    /// The number of frames of the clip.
    public let frameCount: Int

    /// Plans the chunks of a clip.
    ///
    /// * `sampleCount`: samples of the clip.
    /// * `chunkSamples`: samples of a chunk; rounded down to whole frames.
    /// * `overlapSamples`: samples that neighbours share at least; rounded up to whole frames, and at
    ///   most half a chunk.
    /// * `hop`: samples from one frame of the output to the next.
    /// * `frames`: the number of frames that a clip of so many samples has.
    public init(
        sampleCount: Int, chunkSamples: Int, overlapSamples: Int, hop: Int, frames: (Int) -> Int
    ) {
        precondition(hop > 0 && overlapSamples >= 0, "chunks of frames of \(hop) samples")
        let length = max(2, chunkSamples / hop) * hop
        let full = frames(length)
        // A chunk has fewer frames than hops, because a frame sees more than a hop of samples.
        let missing = max(0, length / hop - full)
        let wanted = min((overlapSamples + hop - 1) / hop, length / hop / 2)
        let overlap = max(wanted, missing) * hop
        precondition(overlap < length, "chunks of \(length) samples without frames")
        guard sampleCount > length else {
            frameCount = max(0, frames(sampleCount))
            chunks =
                frameCount == 0
                ? []
                : [Chunk(samples: 0..<sampleCount, frames: 0..<frameCount, merged: 0..<frameCount)]
            return
        }
        // The last one begins on the last whole frame from which there is a chunk.
        let lastStart = (sampleCount - length) / hop * hop
        let starts = Array(stride(from: 0, to: lastStart, by: length - overlap)) + [lastStart]
        let lastCount = frames(sampleCount - lastStart)
        frameCount = lastStart / hop + lastCount
        var chunks: [Chunk] = []
        var first = 0
        for (index, start) in starts.enumerated() {
            let offset = start / hop
            let isLast = index == starts.count - 1
            var end = offset + (isLast ? lastCount : full)
            if !isLast {
                // The middle of the frames that both have.
                end = (starts[index + 1] / hop + end) / 2
            }
            chunks.append(
                Chunk(
                    samples: start..<(isLast ? sampleCount : start + length),
                    frames: first - offset..<end - offset, merged: first..<end))
            first = end
        }
        self.chunks = chunks
    }

    /// Puts together what was computed for the frames of each chunk.
    ///
    /// * `outputs`: for each chunk [T, V], row by row, all of its frames or more.
    /// * `width`: V.
    public func merge(_ outputs: [[Float]], width: Int) -> [Float] {
        precondition(outputs.count == chunks.count, "\(outputs.count) of \(chunks.count) chunks")
        var merged: [Float] = []
        merged.reserveCapacity(frameCount * width)
        for (chunk, output) in zip(chunks, outputs) {
            precondition(
                output.count >= chunk.frames.upperBound * width,
                "\(output.count / width) frames of a chunk of \(chunk.frames.upperBound)")
            merged += output[chunk.frames.lowerBound * width..<chunk.frames.upperBound * width]
        }
        return merged
    }
}
