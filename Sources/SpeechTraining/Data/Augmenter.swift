internal import SpeechAudio
public import SpeechCore

/// Makes every hearing of a clip another one: speed, order, rooms, noise and masks.
///
/// What is done to a clip is a function of (seed, epoch, utterance) and of nothing else. Noises and
/// impulse responses are read when they are drawn; the latest stay in memory. Every function may be
/// called from several threads at once.
public struct Augmenter: Sendable {
    /// What is done and how often.
    public let config: AugmentConfig

    private let seed: UInt64
    private let noises: [Utterance]
    private let impulseResponses: [Utterance]
    private let noiseCache: ClipCache<[Float]>
    // Nil stands for a response of zeros, which is no room.
    private let roomCache: ClipCache<Reverberation?>

    /// Noises above this many seconds are read in parts and not kept.
    private static let longestKept = 30.0

    /// Collects what clips are augmented with; reads no audio.
    ///
    /// * `config`: valid settings.
    /// * `noises`: the utterances of a manifest of noise; may be empty where `noise_prob` is 0.
    /// * `impulseResponses`: the utterances of a manifest of impulse responses; may be empty where
    ///   `reverb_prob` is 0.
    /// * `seed`: of the run.
    /// * `cacheBytes`: the memory of what stays in memory, in all.
    /// - Throws: `AugmentError.nothingToDraw`.
    public init(
        config: AugmentConfig, noises: [Utterance] = [], impulseResponses: [Utterance] = [],
        seed: UInt64, cacheBytes: Int = 256 << 20
    ) throws {
        if config.noiseProb > 0, noises.isEmpty { throw AugmentError.nothingToDraw(.noise) }
        if config.reverbProb > 0, impulseResponses.isEmpty {
            throw AugmentError.nothingToDraw(.impulseResponse)
        }
        self.config = config
        self.noises = noises
        self.impulseResponses = impulseResponses
        self.seed = seed
        noiseCache = ClipCache(byteLimit: cacheBytes / 2)
        roomCache = ClipCache(byteLimit: cacheBytes / 2)
    }

    /// The speed that an utterance has in an epoch, for all encoders alike; 1 leaves it alone.
    public func speedFactor(epoch: Int, utterance: Int) -> Double {
        guard !config.speed.isEmpty else { return 1 }
        var generator = generator(Stream.speed, epoch, utterance)
        return config.speed[generator.uniform(below: config.speed.count)]
    }

    /// How many times faster than the teachers the student hears an utterance in an epoch.
    public func studentSpeedFactor(epoch: Int, utterance: Int) -> Double {
        guard !config.studentSpeed.isEmpty else { return 1 }
        var generator = generator(Stream.studentSpeed, epoch, utterance)
        return config.studentSpeed[generator.uniform(below: config.studentSpeed.count)]
    }

    /// The waveform [N] with its segments in another order, for all encoders alike.
    ///
    /// * `samplingRate`: of the waveform, in Hz.
    public func shuffle(
        _ waveform: [Float], samplingRate: Int, epoch: Int, utterance: Int
    ) -> [Float] {
        guard let shortest = config.shuffleSegments.first, let longest = config.shuffleSegments.last
        else { return waveform }
        var generator = generator(Stream.order, epoch, utterance)
        return SegmentShuffle.apply(
            waveform, samplingRate: samplingRate, seconds: shortest...longest, using: &generator)
    }

    /// The waveform [N] that the student hears: in a room, then with noise, each if drawn.
    ///
    /// Every sample keeps its place, so that frames stay beside the teacher's.
    ///
    /// * `waveform`: the clip at the speed that the student hears it at.
    /// * `samplingRate`: of the waveform, in Hz; noises and responses are resampled to it.
    /// - Throws: `AugmentError.unreadable`, which is the fault of a noise and not of the utterance.
    public func augment(
        _ waveform: [Float], samplingRate: Int, epoch: Int, utterance: Int
    ) throws -> [Float] {
        guard config.changesWaveforms else { return waveform }
        var generator = generator(Stream.waveform, epoch, utterance)
        // All numbers are drawn first and in one order.
        let isReverberated = generator.uniform() < config.reverbProb
        let isNoisy = generator.uniform() < config.noiseProb
        let (lowest, highest) = (config.noiseSNR[0], config.noiseSNR[1])
        let ratio = lowest + (highest - lowest) * generator.uniform()
        let roomPlace = generator.uniform()
        let noisePlace = generator.uniform()
        var result = waveform
        if isReverberated {
            let response = impulseResponses[Int(roomPlace * Double(impulseResponses.count))]
            if let room = try room(response, samplingRate: samplingRate) { result = room(result) }
        }
        if isNoisy {
            let noise = try noise(
                noises[Int(noisePlace * Double(noises.count))], samplingRate: samplingRate,
                seconds: Double(waveform.count) / Double(samplingRate), using: &generator)
            result = NoiseMixer.mix(noise, into: result, signalToNoise: ratio, using: &generator)
        }
        return result
    }

    /// The features that a model in fine-tuning sees: with masks in time and across features.
    public func mask(_ features: ClipFeatures, epoch: Int, utterance: Int) -> ClipFeatures {
        guard config.masksFeatures else { return features }
        var generator = generator(Stream.masks, epoch, utterance)
        return config.specAugment(features, using: &generator)
    }

    private func room(_ response: Utterance, samplingRate: Int) throws -> Reverberation? {
        try roomCache.value(response, samplingRate) {
            let samples = try Self.read(.impulseResponse, response, samplingRate: samplingRate)
            let room = Reverberation(impulseResponse: samples)
            return (room, room?.byteCount ?? 0)
        }
    }

    /// A whole noise, or of a long one as much as a clip of `seconds` needs.
    private func noise(
        _ noise: Utterance, samplingRate: Int, seconds: Double,
        using generator: inout SeededGenerator
    ) throws -> [Float] {
        let place = generator.uniform()
        let part = max(seconds, 1)
        if noise.duration > Self.longestKept, noise.duration > part {
            var cut = noise
            cut.offset += place * (noise.duration - part)
            cut.duration = part
            return try Self.read(.noise, cut, samplingRate: samplingRate)
        }
        return try noiseCache.value(noise, samplingRate) {
            let samples = try Self.read(.noise, noise, samplingRate: samplingRate)
            return (samples, samples.count * MemoryLayout<Float>.size)
        }
    }

    private static func read(
        _ kind: AugmentError.Kind, _ clip: Utterance, samplingRate: Int
    ) throws -> [Float] {
        do {
            return try AudioReader.read(
                clip.audioPath, bytes: clip.byteRange, offset: clip.offset,
                duration: clip.duration, samplingRate: samplingRate)
        } catch let error as any ReportedError where error.exitStatus == .badInput {
            throw AugmentError.unreadable(
                kind, id: clip.id, path: clip.audioPath, reason: error.description)
        }
    }

    private func generator(_ stream: UInt64, _ epoch: Int, _ utterance: Int) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: stream, UInt64(epoch), UInt64(utterance))
    }

    private enum Stream {
        static let speed: UInt64 = 0x7370_6565_64
        static let studentSpeed: UInt64 = 0x7374_7564_656E_74
        static let order: UInt64 = 0x6F72_6465_72
        static let waveform: UInt64 = 0x6E6F_6973_65
        static let masks: UInt64 = 0x6D61_736B_73
    }
}

/// What is wrong with the clips that utterances are augmented with.
///
/// It is bad input, but not that of the utterance at hand: no utterance is skipped for it.
public enum AugmentError: ReportedError, Equatable {
    /// What clips are there for.
    public enum Kind: String, Sendable {
        /// Added to clips.
        case noise
        /// Of rooms that clips are played in.
        case impulseResponse = "impulse response"
    }

    /// Clips of this kind are asked for, and there are none.
    case nothingToDraw(Kind)
    /// A clip cannot be read.
    case unreadable(Kind, id: String, path: String, reason: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .nothingToDraw(let kind):
            let (key, flag) =
                kind == .noise
                ? ("noise_prob", "--noise-manifest") : ("reverb_prob", "--reverb-manifest")
            return "augment.\(key): expected a manifest of \(kind.rawValue)s (\(flag)) where it is "
                + "above 0; found none"
        case .unreadable(let kind, let id, let path, let reason):
            let place = reason.contains(path) ? "'\(id)'" : "'\(id)' ('\(path)')"
            return "\(kind.rawValue) \(place): \(reason)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
