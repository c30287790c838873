import Foundation
import SpeechAudio
import SpeechCore
import SpeechTraining
import Synchronization
import TestSupport
import Testing

@Suite struct AugmenterTests {
    private let clip: [Float]

    init() {
        var generator = SeededGenerator(seed: 8)
        clip = (0..<8000).map { _ in Float(generator.uniform() - 0.5) }
    }

    private func config(_ change: (inout AugmentConfig) -> Void) -> AugmentConfig {
        var config = AugmentConfig()
        change(&config)
        return config
    }

    private func hear(_ augmenter: Augmenter, epoch: Int = 0, utterance: Int = 0) throws -> [Float]
    {
        try augmenter.augment(clip, samplingRate: 16_000, epoch: epoch, utterance: utterance)
    }

    private func ratio(_ heard: [Float]) -> Double {
        let added = zip(heard, clip).map { $0 - $1 }
        return 10 * log10(NoiseMixer.power(clip) / NoiseMixer.power(added))
    }

    /// A room with one echo after `delay` samples, as a file of 16 kHz.
    private func addRoom(_ folder: SpeechFolder, _ index: Int, delay: Int) throws {
        var response = [Float](repeating: 0, count: 1600)
        (response[10], response[10 + delay]) = (0.9, 0.4)
        let path = folder.utterances[index].audioPath
        try AudioWriter.write(response, to: URL(fileURLWithPath: path), format: .wav)
    }

    @Test func nothingIsDoneByDefault() throws {
        let augmenter = try Augmenter(config: AugmentConfig(), seed: 1)
        #expect(try hear(augmenter) == clip)
        #expect(augmenter.speedFactor(epoch: 3, utterance: 5) == 1)
        let features = try LogMelFilterbank().clipFeatures(clip)
        #expect(augmenter.mask(features, epoch: 0, utterance: 0) == features)
    }

    @Test func ratiosLieWithinTheRange() throws {
        // Shorter than the clip, longer, and read in parts.
        let folder = try SpeechFolder([0.2, 3, 31])
        let augmenter = try Augmenter(
            config: config {
                $0.noiseProb = 1
                $0.noiseSNR = [5, 15]
            }, noises: folder.utterances, seed: 1)
        let ratios = try (0..<60).map { try ratio(hear(augmenter, utterance: $0)) }
        #expect(ratios.allSatisfy { (4.999...15.001).contains($0) })
        #expect((ratios.min() ?? 9) < 7 && (ratios.max() ?? 9) > 13)
        // Another noise, place and ratio in the next epoch.
        #expect(try hear(augmenter, epoch: 1) != hear(augmenter, epoch: 0))
    }

    @Test func sharesAreThoseOfTheConfig() throws {
        let (noises, rooms) = (try SpeechFolder([0.5]), try SpeechFolder([0.1]))
        try addRoom(rooms, 0, delay: 300)
        let augmenter = try Augmenter(
            config: config {
                $0.noiseProb = 0.25
                $0.noiseSNR = [90, 90]
                $0.reverbProb = 0.5
            }, noises: noises.utterances, impulseResponses: rooms.utterances, seed: 4)
        // At 90 dB noise hardly counts beside an echo.
        var (clean, faint) = (0, 0)
        for utterance in 0..<400 {
            let heard = try hear(augmenter, utterance: utterance)
            if heard == clip { clean += 1 } else if ratio(heard) > 80 { faint += 1 }
        }
        expectClose(Double(clean) / 400, 0.375, within: 0.1)
        expectClose(Double(faint) / 400, 0.125, within: 0.07)
    }

    @Test func roomsAreDrawnAndKeepTime() throws {
        let folder = try SpeechFolder([0.1, 0.1])
        try addRoom(folder, 0, delay: 200)
        try addRoom(folder, 1, delay: 700)
        let augmenter = try Augmenter(
            config: config { $0.reverbProb = 1 }, impulseResponses: folder.utterances, seed: 4)
        var found: Set<Int> = []
        for utterance in 0..<20 {
            let heard = try hear(augmenter, utterance: utterance)
            expectClose(NoiseMixer.power(heard), NoiseMixer.power(clip), within: 1e-6)
            for (index, delay) in [200, 700].enumerated() {
                let expected = clip.indices.map {
                    0.9 * clip[$0] + ($0 < delay ? 0 : 0.4 * clip[$0 - delay])
                }
                let gain = (NoiseMixer.power(clip) / NoiseMixer.power(expected)).squareRoot()
                // 16 bits a sample.
                if zip(heard, expected).allSatisfy({ abs($0 - Float(gain) * $1) < 1e-4 }) {
                    found.insert(index)
                }
            }
        }
        #expect(found == [0, 1])
    }

    @Test func speedsAreDrawnEqually() throws {
        let augmenter = try Augmenter(
            config: config { $0.speed = [0.9, 1, 1.1] }, seed: 1)
        var counts: [Double: Int] = [:]
        for utterance in 0..<600 {
            counts[augmenter.speedFactor(epoch: 1, utterance: utterance), default: 0] += 1
        }
        #expect(Set(counts.keys) == [0.9, 1, 1.1] && counts.values.allSatisfy { $0 > 150 })
        let epochs = Set((0..<30).map { augmenter.speedFactor(epoch: $0, utterance: 5) })
        #expect(epochs.count == 3)
    }

    /// Whatever was heard before, and on however many threads; with hardly any memory, too.
    @Test(arguments: [256 << 20, 20_000, 0])
    func onlySeedEpochAndUtteranceCount(cacheBytes: Int) throws {
        let (noises, rooms) = (try SpeechFolder([0.1, 0.3, 31]), try SpeechFolder([0.1, 0.1]))
        try addRoom(rooms, 0, delay: 200)
        try addRoom(rooms, 1, delay: 700)
        let config = config {
            $0.noiseProb = 0.8
            $0.reverbProb = 0.5
            $0.maskTimeProb = 0.1
        }
        func make(seed: UInt64, cacheBytes: Int) throws -> Augmenter {
            try Augmenter(
                config: config, noises: noises.utterances, impulseResponses: rooms.utterances,
                seed: seed, cacheBytes: cacheBytes)
        }
        let reference = try make(seed: 6, cacheBytes: 1 << 30)
        let expected = try (0..<24).map { try hear(reference, epoch: $0 / 8, utterance: $0 % 8) }
        #expect(Set(expected).count > 18)
        let augmenter = try make(seed: 6, cacheBytes: cacheBytes)
        let clip = clip
        let found = Mutex<[Int: [Float]]>([:])
        DispatchQueue.concurrentPerform(iterations: 24) { index in
            let index = 23 - index
            let heard = try? augmenter.augment(
                clip, samplingRate: 16_000, epoch: index / 8, utterance: index % 8)
            found.withLock { $0[index] = heard }
        }
        #expect(found.withLock { found in (0..<24).compactMap { found[$0] } } == expected)
        #expect(try hear(make(seed: 7, cacheBytes: cacheBytes)) != expected[0])
        let features = try LogMelFilterbank().clipFeatures(clip)
        let masked = augmenter.mask(features, epoch: 2, utterance: 3)
        #expect(masked == reference.mask(features, epoch: 2, utterance: 3) && masked != features)
        #expect(masked != reference.mask(features, epoch: 3, utterance: 2))
    }

    @Test func otherRatesAreResampled() throws {
        let folder = try SpeechFolder([0.5], rate: 44_100)
        let augmenter = try Augmenter(
            config: config {
                $0.noiseProb = 1
                $0.noiseSNR = [10, 10]
            }, noises: folder.utterances, seed: 1)
        expectClose(ratio(try hear(augmenter)), 10, within: 1e-3)
    }

    @Test func emptyClipsAndSilenceStay() throws {
        let folder = try SpeechFolder([0.5])
        let augmenter = try Augmenter(
            config: config {
                $0.noiseProb = 1
                $0.reverbProb = 1
            }, noises: folder.utterances, impulseResponses: folder.utterances, seed: 1)
        for waveform in [[], [Float](repeating: 0, count: 500)] {
            let heard = try augmenter.augment(
                waveform, samplingRate: 16_000, epoch: 0, utterance: 0)
            #expect(heard == waveform)
        }
    }

    @Test func brokenNoisesAreNamed() throws {
        let folder = try SpeechFolder([0.5])
        try folder.overwrite(0, with: Array("no audio".utf8))
        let path = folder.utterances[0].audioPath
        let noisy = try Augmenter(
            config: config { $0.noiseProb = 1 }, noises: folder.utterances, seed: 1)
        let error = expectError(AugmentError.self, containing: ["noise", "u0", path]) {
            try hear(noisy)
        }
        #expect(error?.exitStatus == .badInput)
        try folder.remove(0)
        let room = try Augmenter(
            config: config { $0.reverbProb = 1 }, impulseResponses: folder.utterances, seed: 1)
        expectError(AugmentError.self, containing: ["impulse response", path, "not exist"]) {
            try hear(room)
        }
    }

    @Test func manifestsAreNeeded() {
        expectError(
            AugmentError.self, containing: ["augment.noise_prob", "--noise-manifest"]
        ) { try Augmenter(config: config { $0.noiseProb = 0.1 }, seed: 1) }
        expectError(
            AugmentError.self, containing: ["augment.reverb_prob", "--reverb-manifest"]
        ) { try Augmenter(config: config { $0.reverbProb = 0.1 }, seed: 1) }
    }

    @Test func settingsAreChecked() throws {
        func refuses(_ key: String, _ found: String, _ change: (inout AugmentConfig) -> Void) {
            let error = expectError(
                DatasetError.self, containing: ["augment.\(key)", "found \(found)"]
            ) { try config(change).validate() }
            #expect(error?.exitStatus == .badInput)
        }
        try AugmentConfig().validate()
        try config {
            $0.speed = [0.5, 2]
            $0.noiseProb = 1
            $0.noiseSNR = [-5, -5]
        }.validate()
        refuses("speed", "[0.1]") { $0.speed = [0.1] }
        refuses("speed", "[1.0, nan]") { $0.speed = [1, .nan] }
        refuses("noise_prob", "1.5") { $0.noiseProb = 1.5 }
        refuses("noise_prob", "nan") { $0.noiseProb = .nan }
        refuses("reverb_prob", "-0.1") { $0.reverbProb = -0.1 }
        refuses("noise_snr", "[20.0, 5.0]") { $0.noiseSNR = [20, 5] }
        refuses("noise_snr", "[5.0]") { $0.noiseSNR = [5] }
        refuses("student_speed", "[0.01]") { $0.studentSpeed = [0.01] }
        refuses("shuffle_segments", "[0.1]") { $0.shuffleSegments = [0.1] }
        refuses("shuffle_segments", "[0.2, 0.1]") { $0.shuffleSegments = [0.2, 0.1] }
        refuses("shuffle_segments", "[0.0, 0.1]") { $0.shuffleSegments = [0, 0.1] }
        refuses("noise_snr", "[-inf, 5.0]") { $0.noiseSNR = [-.infinity, 5] }
        refuses("mask_time_prob", "2.0") { $0.maskTimeProb = 2 }
        refuses("mask_time_length", "0") { $0.maskTimeLength = 0 }
        refuses("mask_time_min_masks", "-1") { $0.maskTimeMinMasks = -1 }
        refuses("mask_feature_prob", "-1.0") { $0.maskFeatureProb = -1 }
        refuses("mask_feature_length", "\(Int.max)") { $0.maskFeatureLength = .max }
        refuses("mask_feature_min_masks", "-1") { $0.maskFeatureMinMasks = -1 }
    }

    @Test func keysAreThoseOfTheRunFile() throws {
        let text = #"{"speed": [0.9], "noise_snr": [0, 10], "mask_feature_prob": 0.5}"#
        let config = try JSONDecoder().decode(AugmentConfig.self, from: Data(text.utf8))
        let expected = self.config {
            $0.speed = [0.9]
            $0.noiseSNR = [0, 10]
            $0.maskFeatureProb = 0.5
        }
        #expect(config == expected && config.masksFeatures && !config.changesWaveforms)
        let written = try JSONEncoder().encode(AugmentConfig())
        let keys = try #require(JSONSerialization.jsonObject(with: written) as? [String: Any]).keys
        #expect(keys.count == 12)
        #expect(try JSONDecoder().decode(AugmentConfig.self, from: written) == AugmentConfig())
    }
}
