import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Every hidden state, feed-forward feature and output of every fixture against the reference.
@Suite(.serialized) struct ParityTests {
    /// Absolute tolerance on hidden states and outputs in float32.
    static let tolerance: Double = 1e-4

    /// Every model of the fixtures, so that none can be left out.
    static let models: [String] = {
        let folder = Fixtures.url("models").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }()

    /// A fixture with its inputs as tensors.
    struct Case {
        let model: LoadedModel
        let expected: SafetensorsFile
        let values: Tensor
        let lengths: [Int]

        init(_ name: String, language: String? = nil) throws {
            model = try ModelLoader.load(Fixtures.model(name).path, language: language)
            expected = try Fixtures.expected(name)
            let input = expected.entry("input_values") == nil ? "input_features" : "input_values"
            var shape = try #require(expected.entry(input)).shape
            let stored = Tensor(try expected.floats(input), shape)
            if model.featureExtractor.config.hasFramesLast {
                shape.swapAt(1, 2)
                values = stored.transpose(1, 2).contiguous()
            } else {
                values = stored
            }
            let mask = try expected.integers("attention_mask")
            lengths = (0..<shape[0]).map { clip in
                mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
            }
        }

        func run(masked: Tensor? = nil, useMask: Bool = true) -> EncoderOutput {
            withoutGradients {
                model.encoder.encode(
                    EncoderInput(
                        values: values, lengths: useMask ? lengths : nil, padding: .reference),
                    masked: masked, request: .all(layers: model.encoder.layerCount))
            }
        }

        func compare(_ tensor: Tensor?, _ name: String) throws {
            let tensor = try #require(tensor, "\(name)")
            #expect(tensor.shape == expected.entry(name)?.shape, "\(name)")
            expectClose(
                tensor.floats(), try expected.floats(name), within: ParityTests.tolerance, name)
        }

        func compareAll(_ output: EncoderOutput, _ prefix: String) throws {
            for layer in 0...model.encoder.layerCount {
                try compare(output.hiddenStates[layer], "\(prefix).hidden_states.\(layer)")
            }
            for layer in 0..<model.encoder.layerCount where prefix == "mask" {
                try compare(output.feedForward[layer + 1], "\(prefix).ffn.\(layer)")
            }
            if expected.entry("\(prefix).encoder_output") != nil {
                try compare(output.encoderOutput, "\(prefix).encoder_output")
            }
            try compare(output.lastHiddenState, "\(prefix).last_hidden_state")
        }
    }

    @Test(arguments: models)
    func reproducesTheReference(_ name: String) throws {
        let fixture = try Case(name)
        let masked = fixture.run()
        try fixture.compareAll(masked, "mask")
        try fixture.compareAll(fixture.run(useMask: false), "nomask")
        if fixture.expected.entry("frame_mask") != nil {
            let mask = try fixture.expected.integers("frame_mask")
            let frames = mask.count / masked.lengths.count
            let expected = masked.lengths.indices.map {
                mask[($0 * frames)..<(($0 + 1) * frames)].reduce(0, +)
            }
            // SEW's hidden states have fewer frames than its front end and output.
            let isSqueezed = masked.hiddenStates[0]?.size(1) != frames
            #expect((isSqueezed ? masked.outputLengths : masked.lengths) == expected)
        }
        if fixture.expected.entry("adapter_lengths") != nil {
            #expect(masked.outputLengths == (try fixture.expected.integers("adapter_lengths")))
        }
    }

    @Test(arguments: models)
    func reproducesMaskedPrediction(_ name: String) throws {
        let fixture = try Case(name)
        guard let entry = fixture.expected.entry("spec.mask_time_indices") else { return }
        let indices = try fixture.expected.integers("spec.mask_time_indices")
        let masked = Tensor(indices.map { $0 != 0 }, entry.shape)
        try fixture.compare(
            fixture.run(masked: masked).lastHiddenState, "spec.last_hidden_state")
    }

    @Test(arguments: models)
    func reproducesEachClipAlone(_ name: String) throws {
        let fixture = try Case(name)
        let extractor = fixture.model.featureExtractor
        for clip in fixture.lengths.indices {
            let waveform = try fixture.expected.floats("raw.\(clip)")
            let features = try extractor.extract([waveform])
            let output = withoutGradients {
                fixture.model.encoder.encode(EncoderInput(features))
            }
            let frames = output.outputLengths[0]
            let geometry = FrameGeometry(fixture.model.encoder.config, extractor)
            #expect(geometry.outputCount(samples: waveform.count) == frames)
            let last = try #require(output.lastHiddenState)
            #expect(last.size(1) >= frames)
            let name = "alone.\(clip).last_hidden_state"
            guard let expected = fixture.expected.entry(name) else {
                // Whisper hears the same alone and in a batch.
                let batch = try fixture.expected.floats("mask.last_hidden_state")
                let size = batch.count / fixture.lengths.count
                expectClose(
                    last.floats(), Array(batch[(clip * size)..<((clip + 1) * size)]),
                    within: ParityTests.tolerance, name)
                continue
            }
            expectClose(
                last.select(0, 0).narrow(0, 0, expected.shape[0]).floats(),
                try fixture.expected.floats(name), within: ParityTests.tolerance, name)
        }
    }
}
