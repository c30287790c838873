/// Cuts a long recording where it is quiet, so that each piece can be understood by itself.
///
/// For systems that write a whole text at a time, whose outputs cannot be put together frame by frame as
/// `ChunkPlan` does it.
public enum QuietCuts {
    /// Pieces that cover the recording, in order; none for an empty one.
    ///
    /// A piece ends in the quietest window of the second half of what it could be at most, of equal ones
    /// in the last, and not so late that next to nothing remains.
    ///
    /// * `samples`: the recording.
    /// * `longest`: the most samples of a piece.
    /// * `window`: samples that loudness is measured over; far less than `longest`.
    public static func pieces(
        of samples: [Float], longest: Int, window: Int
    ) -> [Range<Int>] {
        precondition(window > 0 && longest >= 4 * window, "pieces of \(longest) samples")
        guard !samples.isEmpty else { return [] }
        var pieces: [Range<Int>] = []
        var start = 0
        while samples.count - start > longest {
            let last = min(start + longest, samples.count - longest / 4)
            let cut = quietest(samples, from: start + longest / 2, to: last, window: window)
            pieces.append(start..<cut)
            start = cut
        }
        pieces.append(start..<samples.count)
        return pieces
    }

    /// The middle of the window with the least energy that lies between two places.
    private static func quietest(
        _ samples: [Float], from first: Int, to last: Int, window: Int
    ) -> Int {
        var best = (energy: Double.infinity, place: last)
        for start in stride(from: first, through: last - window, by: max(1, window / 4)) {
            var energy = 0.0
            for sample in samples[start..<start + window] {
                energy += Double(sample) * Double(sample)
            }
            if energy <= best.energy { best = (energy, start + window / 2) }
        }
        return best.place
    }
}
