import Torch

/// How many queries attend at a time, so that long inputs need no memory for all scores at once.
enum QueryBlocks {
    /// Scores beyond this many bytes are computed for a part of the queries at a time when no
    /// gradient is recorded.
    private static let scoreBudget = 64 << 20

    /// The number of queries of a block; all of them where that fits, and in training.
    static func rows(
        batch: Int, heads: Int, frames: Int, dtype: DType, isTraining: Bool
    ) -> Int {
        // Scores by distance are twice as wide as scores by key.
        let bytesPerRow = 3 * batch * heads * frames * dtype.byteCount
        if isTraining || bytesPerRow * frames <= scoreBudget { return frames }
        return max(1, min(frames, scoreBudget / bytesPerRow))
    }
}
