public import SpeechCore
public import SpeechObjectives

/// A batch of features, ready for the encoders.
public struct LoadedBatch: Sendable {
    /// The number of the batch among those of its rank, from 0 over all epochs.
    public let index: Int
    /// The epoch, from 0.
    public let epoch: Int
    /// The place within the epoch, from 0 over all ranks.
    public let position: Int
    /// The features by extractor, rows in the order of `utterances`; empty when nothing of the batch
    /// could be used.
    public let features: [SpeechFeatures]
    /// The utterances of the rows.
    public let utterances: [Utterance]
    /// What the rows are to be turned into; empty for tasks without labels.
    public let targets: [ClipTarget]
    /// How many times faster than all others the first extractor heard each row.
    public let studentSpeeds: [Double]
    /// Seconds of audio without padding.
    public let seconds: Double
    /// Seconds of audio with padding: rows times the longest.
    public let paddedSeconds: Double
    /// The utterances that could not be used.
    public let skipped: [SkippedUtterance]
    /// Seconds that `BatchLoader.next` blocked for this batch.
    public internal(set) var waitSeconds = 0.0

    /// The ids of the rows.
    public var ids: [String] { utterances.map(\.id) }
    /// Whether nothing of the batch could be used, so that it has to be passed over.
    public var isEmpty: Bool { utterances.isEmpty }
}
