public import SpeechCore

/// How samples become frames in a feature extractor and the encoder behind it.
///
/// Everything is found by asking the two for lengths, so it holds for any family.
public struct FrameGeometry: Sendable {
    private let config: any EncoderConfig
    private let extractor: any FeatureExtractor

    /// Looks at the configuration of an encoder and the extractor of its input.
    public init(_ config: any EncoderConfig, _ extractor: any FeatureExtractor) {
        self.config = config
        self.extractor = extractor
    }

    /// Samples per second of the clips.
    public var samplingRate: Int { extractor.samplingRate }

    /// Valid frames of hidden states for a clip of `samples` samples.
    public func frameCount(samples: Int) -> Int {
        max(0, config.frameCount(inputLength: extractor.validLength(samples: samples)))
    }

    /// Valid frames of the last hidden state, on which a head scores, for a clip of `samples` samples.
    public func outputCount(samples: Int) -> Int {
        max(0, config.outputLength(inputLength: extractor.validLength(samples: samples)))
    }

    /// The shortest clip, in samples, that the extractor takes and that gives a frame of output, also
    /// behind an adapter.
    public var minimumSamples: Int {
        let needed = firstSamples { samples in
            let frames = frameCount(samples: samples)
            return frames > 0 && config.outputLength(frames: frames) > 0
        }
        return max(extractor.minimumSamples, needed)
    }

    /// Samples from one frame to the next.
    public var hop: Int { samples(forFrames: 12) - samples(forFrames: 11) }

    /// Samples from one frame of the last hidden state to the next; more than `hop` behind an adapter.
    public var outputHop: Int {
        firstSamples { outputCount(samples: $0) >= 12 }
            - firstSamples { outputCount(samples: $0) >= 11 }
    }

    /// Samples that one frame sees, before anything that looks at other frames.
    public var receptiveField: Int {
        // Where clips are padded, lengths do not tell: Whisper's convolutions see five frames.
        if extractor.config.kind == .whisper {
            return extractor.config.fftLength + 4 * extractor.config.hopLength
        }
        return samples(forFrames: 11) - 10 * hop
    }

    /// Frames of one second.
    public var framesPerSecond: Double { Double(extractor.samplingRate) / Double(hop) }

    /// The fewest samples that give that many frames.
    private func samples(forFrames frames: Int) -> Int {
        firstSamples { frameCount(samples: $0) >= frames }
    }

    /// The first number for which `holds`, which then holds for all larger ones.
    private func firstSamples(_ holds: (Int) -> Bool) -> Int {
        var upper = 1
        // Far beyond any frame: a front end that never gives one cannot be built.
        while !holds(upper) && upper < 1 << 40 { upper *= 2 }
        var lower = upper / 2  // does not hold
        while upper - lower > 1 {
            let middle = (lower + upper) / 2
            if holds(middle) { upper = middle } else { lower = middle }
        }
        return upper
    }
}
