/// One of several processes that share the batches of a run.
///
/// Process r of n takes the batches r, n + r, 2n + r, …, so every process has the same number of
/// batches, and all together have those that a single one would have.
public struct LoaderRank: Sendable, Hashable {
    /// From 0.
    public let number: Int
    /// How many there are, at least 1.
    public let count: Int

    /// The only process.
    public static let single = LoaderRank(0, of: 1)

    /// Process `number` of `count`.
    public init(_ number: Int, of count: Int) {
        precondition(count > 0 && (0..<count).contains(number), "rank \(number) of \(count)")
        self.number = number
        self.count = count
    }
}
