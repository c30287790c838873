import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct CTCLossTests {
    /// Values relative to the larger of 1 and the expected one.
    private func expectEqual(
        _ found: [Double], _ expected: [Double], within tolerance: Double, _ what: String
    ) {
        #expect(found.count == expected.count, "\(what)")
        for (a, b) in zip(found, expected) where a != b {
            #expect(abs(a - b) <= tolerance * max(1, abs(b)), "\(what): expected \(b), found \(a)")
        }
    }

    /// Values and gradients of the reference in float64, a clip without labels and one that cannot be
    /// aligned among them.
    @Test(arguments: [CTCReduction.sum, .mean], [false, true])
    func equalsTheReference(_ reduction: CTCReduction, zeroesInfinity: Bool) throws {
        let file = try Fixtures.safetensors("losses/ctc.safetensors")
        let shape = try #require(file.entry("logits")).shape  // [T, B, V]
        let logits = Tensor(try file.doubles("logits"), shape)
        logits.requiresGradient = true
        let padded = try file.integers("targets_padded")
        let width = padded.count / shape[1]
        let labels = (0..<shape[1]).map { Array(padded[($0 * width)..<(($0 + 1) * width)]) }
        let loss = CTCLoss(
            blank: try file.integers("blank")[0], reduction: reduction,
            zeroesInfinity: zeroesInfinity)
        let value = loss(
            logits.transpose(0, 1), inputLengths: try file.integers("input_lengths"),
            labels: labels)
        #expect(value.dtype == .float64)
        let name = "zero_infinity_\(zeroesInfinity).\(reduction.rawValue)"
        expectEqual(value.doubles(), try file.doubles("loss.\(name)"), within: 1e-9, name)
        guard zeroesInfinity else { return }
        value.backward()
        expectEqual(
            try #require(logits.gradient).doubles(), try file.doubles("grad.\(name)"),
            within: 1e-9, "gradient of \(name)")
    }

    /// Blanks among the labels are left out like padding.
    @Test func blanksAreNoLabels() {
        let logits = Tensor.normal([2, 6, 4], generator: RandomGenerator(seed: 5))
        let loss = CTCLoss(blank: 1)
        let plain = loss(logits, inputLengths: [6, 4], labels: [[2, 2, 3], [0]]).item()
        let padded = loss(
            logits, inputLengths: [6, 4], labels: [[2, 1, 2, 3, -100], [1, 1, 0, -100, -100]]
        ).item()
        #expect(plain == padded && plain > 0)
    }

    /// Three alignments of one label with two frames, each of probability 1/4.
    @Test func equalsTheSumOverAlignments() {
        let logits = Tensor.zeros([1, 2, 2])
        let loss = CTCLoss(blank: 0)(logits, inputLengths: [2], labels: [[1]]).item()
        expectClose(loss, -log(0.75), within: 1e-6)
        let impossible = CTCLoss(blank: 0)(logits, inputLengths: [2], labels: [[1, 1]])
        #expect(impossible.item() == .infinity)
        let zeroed = CTCLoss(blank: 0, zeroesInfinity: true)
        #expect(zeroed(logits, inputLengths: [2], labels: [[1, 1]]).item() == 0)
    }

    /// Half-precision logits are scored in float32.
    @Test func halfPrecision() {
        let logits = Tensor.normal([1, 9, 5], generator: RandomGenerator(seed: 6)).to(.bfloat16)
        let loss = CTCLoss(blank: 0)
        let half = loss(logits, inputLengths: [9], labels: [[1, 2, 3]])
        #expect(half.dtype == .float32)
        let full = loss(logits.to(.float32), inputLengths: [9], labels: [[1, 2, 3]])
        #expect(half.item() == full.item())
    }

    @Test func takesItsSettingsFromTheModel() throws {
        func config(_ name: String) throws -> CTCConfig {
            try CTCConfig(ModelDirectory(Fixtures.model(name).path))
        }
        #expect(try config("wav2vec2_ctc") == CTCConfig(vocabularySize: 32))
        // Classes whose losses are means.
        #expect(try config("store_bin_legacy_pickle").reduction == .mean)
        #expect(try config("store_bin_weight_g").reduction == .sum)
        #expect(CTCLoss(try config("sew")).reduction == .mean)
    }

    /// The reference's loss of a whole recogniser and its gradient of the head's weight.
    @Test(
        arguments: [
            ("wav2vec2_ctc", nil), ("w2vbert_adapter_ctc", nil),
            ("store_safetensors_weight_g", nil), ("wav2vec2_mms_ctc", nil),
            ("wav2vec2_mms_ctc", "fra"),
        ] as [(String, String?)], [CTCReduction.sum, .mean])
    func trainsHeads(_ fixture: (String, String?), _ reduction: CTCReduction) throws {
        let (name, language) = fixture
        let model = try ModelLoader.load(Fixtures.model(name).path, language: language)
        let expected = try Fixtures.expected(name)
        let prefix = language.map { "ctc.\($0)" } ?? "ctc"
        let input = model.featureExtractor.inputName.rawValue
        let shape = try #require(expected.entry(input)).shape
        let mask = try expected.integers("attention_mask")
        let lengths = (0..<shape[0]).map { clip in
            mask[(clip * shape[1])..<((clip + 1) * shape[1])].reduce(0, +)
        }
        let head = try model.loadHead()
        head.parameters.setTrainable(true)
        let output = withoutGradients { () -> EncoderOutput in
            let values = Tensor(expectedFloats(expected, input), shape)
            return model.encoder.encode(
                EncoderInput(values: values, lengths: lengths, padding: .reference))
        }
        let padded = try expected.integers("\(prefix).labels")
        let width = padded.count / shape[0]
        let labels = (0..<shape[0]).map { Array(padded[($0 * width)..<(($0 + 1) * width)]) }
        let loss = CTCLoss(
            blank: head.config.blank, reduction: reduction, zeroesInfinity: true)(
                head(try #require(output.lastHiddenState)), inputLengths: output.outputLengths,
                labels: labels)
        let key = reduction.rawValue
        expectEqual(
            loss.doubles(), try expected.doubles("\(prefix).loss.\(key)"), within: 1e-4,
            "loss.\(key)")
        loss.backward()
        let gradient = try #require(head.parameters["lm_head.weight"]?.gradient)
        expectEqual(
            gradient.doubles(), try expected.doubles("\(prefix).grad_lm_head_weight.\(key)"),
            within: 1e-4, "gradient of lm_head.weight, \(key)")
    }

    private func expectedFloats(_ file: SafetensorsFile, _ name: String) -> [Float] {
        (try? file.floats(name)) ?? []
    }
}
