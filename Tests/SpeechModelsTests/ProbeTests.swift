import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// The small networks behind frozen encoders.
@Suite struct ProbeTests {
    private static let designs: [ProbeDesign] = [.mlSuperb, .superb]

    /// Wider than all bands of channels that are hidden in training.
    private func encoder() -> any SpeechEncoder {
        var config = W2VBertConfig()
        config.hiddenSize = 256
        config.outputHiddenSize = 256
        config.numHiddenLayers = 2
        config.numAttentionHeads = 2
        config.intermediateSize = 32
        config.inputDimension = 12
        config.convolutionKernel = 5
        return config.asStudent().makeEncoder(in: ParameterStore(seed: 1))
    }

    private func encoded(
        _ encoder: any SpeechEncoder, _ values: Tensor, _ lengths: [Int]?
    ) -> EncoderOutput {
        withoutGradients {
            encoder.encode(
                EncoderInput(values: values, lengths: lengths),
                request: LayerMixture.request(layers: encoder.layerCount))
        }
    }

    /// A clip has the same scores whatever it is batched with.
    @Test(arguments: ProbeTests.designs)
    func clipsAreScoredAsIfAlone(_ design: ProbeDesign) {
        let encoder = encoder()
        let probe = design.makeProbe(of: encoder, vocabularySize: 9, in: ParameterStore(seed: 2))
        let values = Tensor.normal([2, 40, 12], generator: RandomGenerator(seed: 5))
        var nobody: SeededGenerator?
        let batch = withoutGradients {
            probe(encoded(encoder, values, [40, 23]), using: &nobody)
        }
        let frames = probe.outputLength(frames: 40)
        #expect(batch.shape == [2, frames, 9])
        #expect(frames == (design == .superb ? 40 : 17))
        for (clip, length) in [40, 23].enumerated() {
            let own = values.narrow(0, clip, 1).narrow(1, 0, length)
            let alone = withoutGradients { probe(encoded(encoder, own, nil), using: &nobody) }
            let valid = probe.outputLength(frames: length)
            #expect(alone.size(1) == valid)
            expectClose(
                batch.narrow(0, clip, 1).narrow(1, 0, valid).floats(), alone.floats(),
                within: 1e-4)
        }
        let least = values.narrow(1, 0, probe.minimumFrames)
        let shortest = withoutGradients { probe(encoded(encoder, least, nil), using: &nobody) }
        #expect(shortest.size(1) == 1)
    }

    /// All layers count the same at first, and learn; the encoder does not.
    @Test(arguments: ProbeTests.designs)
    func onlyTheProbeLearns(_ design: ProbeDesign) {
        let encoder = encoder()
        let probe = design.makeProbe(of: encoder, vocabularySize: 9, in: ParameterStore(seed: 2))
        probe.parameters.setTrainable(true)
        expectClose(probe.layerShares.detached().floats(), [1 / 3, 1 / 3, 1 / 3], within: 1e-6)
        let values = Tensor.normal([2, 60, 12], generator: RandomGenerator(seed: 5))
        let output = encoded(encoder, values, [60, 51])
        func scores(_ seed: UInt64) -> Tensor {
            var generator: SeededGenerator? = SeededGenerator(seed: seed, stream: 1)
            return probe(output, using: &generator)
        }
        let logits = scores(1)
        #expect(logits.detached().floats() != scores(2).detached().floats())
        logits.power(2).sum().backward()
        for (name, parameter) in probe.parameters.all {
            // Scores do not change with what is added to all keys.
            if name.hasSuffix("k_proj.bias") { continue }
            #expect(parameter.gradient?.abs().sum().item() ?? 0 > 0, "\(name)")
        }
        #expect(encoder.parameters.all.allSatisfy { $0.tensor.gradient == nil })
    }

    /// Bands and stretches are hidden, time is moved by a few frames, and a clip's end stays its end.
    @Test func warpedFeatures() {
        var warp = FeatureWarp()
        let ramp = Tensor((0..<200).map { Float($0 + 1) }, [1, 200, 1]).expand([2, 200, 80])
        func warped(_ seed: UInt64) -> [[Float]] {
            var generator = SeededGenerator(seed: seed, stream: 1)
            let values = warp(ramp, lengths: [200, 100], using: &generator)
            #expect(values.shape == [2, 200, 80])
            return values.floats().chunks(of: 80)
        }
        let rows = warped(1)
        #expect(rows == warped(1) && rows != warped(2))
        #expect(rows[300...].allSatisfy { row in row.allSatisfy { $0 == 0 } })
        // A shown channel of the second clip: hidden frames, or near their own place.
        let shown = (0..<80).first { channel in rows[200..<300].contains { $0[channel] != 0 } }!
        for (frame, row) in rows[200..<300].enumerated() where row[shown] != 0 {
            expectClose(Double(row[shown]), Double(frame + 1), within: 7)
        }
        let hidden = (0..<80).filter { channel in rows[0..<200].allSatisfy { $0[channel] == 0 } }
        #expect(hidden.count <= 54)
        warp.window = 0
        warp.bands.count = 0
        warp.stretches.count = 0
        #expect(Array(warped(1)[0..<300].joined()).prefix(200 * 80) == ramp.floats().prefix(16000))
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
