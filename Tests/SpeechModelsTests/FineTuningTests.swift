import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What encoders do only while they are fine-tuned.
@Suite(.serialized) struct FineTuningTests {
    private func encoder(_ name: String) throws -> (any SpeechEncoder, EncoderInput) {
        let model = try ModelLoader.load(Fixtures.model(name).path)
        let noise = Tensor.normal([2, 9_000], generator: RandomGenerator(seed: 3)).floats()
        let features = try model.featureExtractor.extract(
            [Array(noise[..<9_000]), Array(noise[9_000..<16_000])])
        return (model.encoder, EncoderInput(features))
    }

    @Test(arguments: ["w2vbert", "wav2vec2_xlsr", "wavlm_base", "sew"])
    func layersAndChannelsCanBeLeftOut(_ name: String) throws {
        let (encoder, input) = try encoder(name)
        let layers = encoder.layerCount
        var request = LayerRequest.all(layers: layers)
        request.wantsProjectedFeatures = true
        let whole = encoder.encode(input, request: request)
        request.droppedLayers = [1]
        let without = encoder.encode(input, request: request)
        let (first, input0) = (without.hiddenStates[1]!, without.hiddenStates[0]!)
        #expect(first.floats() == input0.floats())
        #expect(without.feedForward[1] == nil && without.feedForward[2] != nil)
        #expect(
            try #require(without.lastHiddenState).floats()
                != #require(whole.lastHiddenState).floats())
        request.droppedLayers = []
        request.maskedChannels = [[0, 3], []]
        let masked = try #require(encoder.encode(input, request: request).projectedFeatures)
        let plain = try #require(whole.projectedFeatures)
        let width = encoder.width
        let rows = masked.size(1)
        let (found, expected) = (masked.floats(), plain.floats())
        for index in found.indices {
            let (row, channel) = (index / masked.size(2), index % masked.size(2))
            // SEW joins frames, each with all its channels.
            let isMasked = row < rows && [0, 3].contains(channel % width)
            #expect(found[index] == (isMasked ? 0 : expected[index]), "\(row) \(channel)")
        }
    }

    @Test func settingsOfTrainingAreReplacedAndOthersKept() throws {
        for name in ["w2vbert", "hubert_large", "data2vec_audio", "wav2vec2_conformer_rotary"] {
            let config = try ModelLoader.load(Fixtures.model(name).path).encoder.config
            let changed = try config.with(
                [("hidden_dropout", .number(0.25)), ("no_such_key", .number(1))], path: name)
            let before = try JSONValue(parsing: ModelWriter.configData(config))
            let after = try JSONValue(parsing: ModelWriter.configData(changed))
            guard case .object(var expected) = before else { continue }
            expected["hidden_dropout"] = .number(0.25)
            #expect(after == .object(expected), "\(name)")
            #expect {
                try config.with([("hidden_dropout", .number(2))], path: name)
            } throws: {
                "\($0)".contains("hidden_dropout")
            }
        }
    }
}
