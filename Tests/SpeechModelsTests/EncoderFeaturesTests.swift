import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// What pre-training quantises: features in front of the projection.
@Suite struct EncoderFeaturesTests {
    private static let waveforms = [
        "wav2vec2_base", "wav2vec2_xlsr", "hubert_large", "hubert_posbn", "wavlm_base",
        "data2vec_audio", "unispeech_sat_base", "wav2vec2_conformer_rotary",
    ]

    @Test(arguments: waveforms) func areThoseOfTheReference(_ name: String) throws {
        let model = try ModelLoader.load(Fixtures.model(name).path)
        let expected = try Fixtures.expected(name)
        let shape = try #require(expected.entry("input_values")).shape
        let mask = try expected.integers("attention_mask")
        let lengths = (0..<shape[0]).map { clip in
            mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
        }
        let input = EncoderInput(
            values: Tensor(try expected.floats("input_values"), shape), lengths: lengths,
            padding: .reference)
        let output = withoutGradients {
            model.encoder.encode(input, request: LayerRequest(wantsFeatures: true))
        }
        for (name, found) in [
            ("mask.extract_features", output.features),
            ("mask.conv_features", output.frontEndFeatures),
        ] {
            let found = try #require(found)
            // Models of HuBERT do not tell the former.
            guard let entry = expected.entry(name) else { continue }
            #expect(found.size(2) == model.encoder.config.featureWidth)
            #expect(found.shape == entry.shape)
            expectClose(found.floats(), try expected.floats(name), within: 1e-3, name)
        }
        #expect(
            withoutGradients { model.encoder.encode(input, request: LayerRequest()) }.features
                == nil)
    }

    @Test func ofTheFilterbankAreItsNorms() throws {
        let model = try ModelLoader.load(Fixtures.model("w2vbert").path)
        let values = Tensor.normal([2, 30, 160], generator: RandomGenerator(seed: 4))
        let output = withoutGradients {
            model.encoder.encode(
                EncoderInput(values: values, lengths: [30, 20]),
                request: LayerRequest(wantsFeatures: true))
        }
        let norm = model.encoder.parameters
        let expected = values.layerNorm(
            norm["feature_projection.layer_norm.weight"],
            norm["feature_projection.layer_norm.bias"], epsilon: 1e-5)
        expectClose(
            try #require(output.features).floats(), expected.floats(), within: 1e-5, "features")
        #expect(output.frontEndFeatures == nil)
        #expect(model.encoder.config.featureWidth == 160)
    }

    /// At the rate of the hidden states.
    @Test func ofSEWAreSqueezed() throws {
        let model = try ModelLoader.load(Fixtures.model("sew").path)
        let values = Tensor.normal([1, 16_000], generator: RandomGenerator(seed: 4))
        let output = withoutGradients {
            model.encoder.encode(
                EncoderInput(values: values, lengths: nil),
                request: LayerRequest(hiddenStates: [1], wantsFeatures: true))
        }
        let states = try #require(output.hiddenStates[1])
        let features = try #require(output.features)
        #expect(features.size(1) == states.size(1))
        #expect(features.size(2) == model.encoder.config.featureWidth)
        #expect(output.frontEndFeatures?.shape == features.shape)
    }
}
