internal import SpeechAudio
internal import SpeechCore

/// Turns the batches of a sampler into features; every function may be called from several threads.
struct BatchDecoder: Sendable {
    let utterances: [Utterance]
    let sampler: BatchSampler
    let extractors: [any FeatureExtractor]
    let minimumSamples: Int

    /// Loading was stopped in the middle of a batch; nobody sees this error.
    struct Stopped: Error {}

    /// Reads and computes a batch.
    ///
    /// - Throws: What goes wrong beyond single utterances, such as a lack of memory.
    func batch(_ index: Int, isStopped: () -> Bool) throws -> LoadedBatch {
        let batch = sampler.batch(index)
        var clips: [[ClipFeatures]] = Array(repeating: [], count: extractors.count)
        var used: [Utterance] = []
        var lengths: [Double] = []
        var skipped: [SkippedUtterance] = []
        for segment in batch.segments {
            if isStopped() { throw Stopped() }
            let utterance = utterances[segment.utterance]
            do {
                let (seconds, features) = try clip(segment, of: utterance)
                for (extractor, clip) in features.enumerated() { clips[extractor].append(clip) }
                used.append(utterance)
                lengths.append(seconds)
            } catch let error as any ReportedError where error.exitStatus == .badInput {
                skipped.append(SkippedUtterance(utterance, reason: error.description))
            }
        }
        return LoadedBatch(
            index: index, epoch: batch.epoch, position: batch.position,
            features: used.isEmpty
                ? [] : try zip(extractors, clips).map { try $0.collate($1) },
            utterances: used, seconds: lengths.reduce(0, +),
            paddedSeconds: Double(used.count) * (lengths.max() ?? 0), skipped: skipped)
    }

    /// The features of one clip by extractor, and its length in seconds.
    private func clip(
        _ segment: BatchSampler.Segment, of utterance: Utterance
    ) throws -> (seconds: Double, features: [ClipFeatures]) {
        var waveforms: [Int: [Float]] = [:]
        var seconds = 0.0
        let features = try extractors.enumerated().map { number, extractor in
            let rate = extractor.samplingRate
            let waveform =
                try waveforms[rate]
                ?? AudioReader.read(
                    utterance.audioPath, bytes: utterance.byteRange,
                    offset: utterance.offset + segment.offset, duration: segment.duration,
                    samplingRate: rate)
            waveforms[rate] = waveform
            if number == 0 {
                seconds = Double(waveform.count) / Double(rate)
                guard waveform.count >= minimumSamples else {
                    throw FeatureError.clipTooShort(
                        clip: nil, samples: waveform.count, minimum: minimumSamples)
                }
            }
            return try extractor.clipFeatures(waveform)
        }
        return (seconds, features)
    }
}
