import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// data2vec, ARMHuBERT and STaRHuBERT: what each computes, and its settings.
@Suite(.serialized) struct BaselineMethodTests {
    private func student(_ family: TinyFamily) -> any SpeechEncoder {
        let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 3)
        student.parameters.setTrainable(true)
        return student
    }

    private func teacher(_ family: TinyFamily) -> any SpeechEncoder {
        family.encoder(layers: 4, width: 24, seed: 1)
    }

    /// The masked frames of the only utterance of `firstBatch`.
    private func masked(_ masking: SpanMasking, _ frames: Int, stream: UInt64) -> [Int] {
        var generator = SeededGenerator(seed: 7, stream: stream, 0, 0)
        return masking.sample(lengths: [frames], using: &generator)[0]
    }

    private func squares(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }

    // MARK: data2vec

    /// Means of normalised features at masked frames: squares summed over channels, over √D.
    @Test(arguments: TinyFamily.allCases)
    func data2VecEqualsPlainLoops(_ family: TinyFamily) throws {
        var settings = Data2VecSettings()
        settings.topLayers = 3
        let objective = try Data2Vec(
            settings, teachers: [teacher(family)], student: student(family), seed: 3)
        let batch = family.batch(frames: [50])
        let input = batch.utterance(0)
        let report = try objective.report(batch)
        let masked = masked(settings.layers.masking, 50, stream: 0x6432_7663)
        #expect(report.count == masked.count)
        let features = (2...4).map { layer -> [[Double]] in
            let rows = states(objective.teachers[0], input, layer: layer, feedForward: true)
            return rows.map { row in
                row.indices.map { channel in
                    let values = rows.map { $0[channel] }
                    let mean = values.reduce(0, +) / 50
                    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 50
                    return (row[channel] - mean) / (variance + 1e-5).squareRoot()
                }
            }
        }
        let heard = states(objective.student, input, layer: 2, masked: masked)
        let predictions = try objective.heads.map(heard, "heads.2-2-4")
        let expected = masked.reduce(0.0) { sum, frame in
            let target = (0..<24).map { channel in
                features.reduce(0) { $0 + $1[frame][channel] } / 3
            }
            return sum + squares(predictions[frame], target) / 24.0.squareRoot()
        }
        expectClose(report.sum.item(), expected, within: 1e-4 * expected)
        #expect(report.metrics.map(\.name).contains("2:2-4/pred_var"))
    }

    @Test func data2VecSettings() throws {
        func refuses(_ key: String, _ found: String, _ change: (inout Data2VecSettings) -> Void) {
            var settings = Data2VecSettings()
            settings.topLayers = 4
            change(&settings)
            expectError(ObjectiveError.self, containing: ["objective.\(key)", "found \(found)"]) {
                try Data2Vec(
                    settings, teachers: [teacher(.w2vBert)], student: student(.w2vBert), seed: 1)
            }
        }
        refuses("top_layers", "0") { $0.topLayers = 0 }
        refuses("top_layers", "8") { $0.topLayers = 8 }
        refuses("smooth_l1_beta", "-1.0") { $0.distance.smoothL1Beta = -1 }
        refuses("masking.length", "0") { $0.layers.masking.length = 0 }
        var settings = Data2VecSettings()
        settings.layers.masking.length = 5
        settings.distance.kind = .smoothL1
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(Data2VecSettings.self, from: json) == settings)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "cosine_weight", "frames", "head", "loss", "masking", "smooth_l1_beta",
                "teacher_weights", "top_layers",
            ])
    }

    // MARK: ARMHuBERT

    /// Masked frames predict the teacher that hears all, the others the one that hears as little as
    /// the student.
    @Test(arguments: TinyFamily.allCases)
    func armHuBERTEqualsPlainLoops(_ family: TinyFamily) throws {
        let settings = ARMHuBERTSettings()
        let objective = try ARMHuBERT(
            settings, teachers: [teacher(family)], student: student(family), seed: 3)
        let batch = family.batch(frames: [60])
        let input = batch.utterance(0)
        let masked = masked(settings.layers.masking, 60, stream: 0x6172_6d68)
        #expect((10..<55).contains(masked.count))
        func loss(_ masked: [Int]) throws -> Double {
            var sum = 0.0
            for (pair, weight) in [((1, 2), 0.1), ((2, 4), 1.0)] {
                let heard = states(objective.student, input, layer: pair.0, masked: masked)
                let predictions = try objective.heads.map(heard, "heads.\(pair.0)-\(pair.1)")
                let open = states(objective.teachers[0], input, layer: pair.1)
                let hidden = states(objective.teachers[0], input, layer: pair.1, masked: masked)
                for frame in 0..<60 {
                    let target = masked.contains(frame) ? open[frame] : hidden[frame]
                    sum += weight * squares(predictions[frame], target) / 24
                }
            }
            return sum
        }
        let report = try objective.report(batch)
        #expect(report.count == 60)
        expectClose(report.sum.item(), try loss(masked), within: 1e-4 * report.sum.item())
        // Without masks both teachers are one: that is how the loss is validated.
        let validation = try objective.loss(
            on: batch,
            LossContext(seed: firstBatch, step: 0, steps: 1, isValidation: true))
        expectClose(validation.sum.item(), try loss([]), within: 1e-4 * report.sum.item())
        #expect(abs(validation.sum.item() - report.sum.item()) > 1e-3)
    }

    /// With N layers, m = (N − i) / (N − i + 1) for layer i from 0: of a head's gradient m (1 − m)
    /// arrives at its layer, of what comes from later layers m.
    @Test(arguments: TinyFamily.allCases)
    func gradientsOfEarlyLayersAreHeldBack(_ family: TinyFamily) throws {
        func gradients(_ weights: [Double], scaled: Bool) throws -> [String: [Double]] {
            var settings = ARMHuBERTSettings()
            settings.layers.layerWeights = weights
            settings.scalesGradients = scaled
            let objective = try ARMHuBERT(
                settings, teachers: [teacher(family)], student: student(family), seed: 3)
            let report = try objective.report(family.batch(frames: [40]))
            report.sum.backward()
            return Dictionary(
                uniqueKeysWithValues: objective.student.parameters.trainable.compactMap {
                    name, tensor in tensor.gradient.map { (name, $0.doubles()) }
                })
        }
        func expect(_ weights: [Double], _ layer: Int, factor: Double) throws {
            let plain = try gradients(weights, scaled: false)
            let scaled = try gradients(weights, scaled: true)
            let names = plain.keys.filter { $0.hasPrefix("encoder.layers.\(layer).") }
            #expect(names.count > 5)
            for name in names {
                let expected = plain[name]!.map { $0 * factor }
                let largest = expected.reduce(1e-6) { max($0, abs($1)) }
                expectClose(scaled[name]!, expected, within: 1e-3 * largest, name)
            }
        }
        // The last layer from its head: m = 1/2.
        try expect([0, 1], 1, factor: 1.0 / 4)
        // The first from the head of the last: times its own m = 2/3.
        try expect([0, 1], 0, factor: 2.0 / 3 / 4)
        // The first from its own head.
        try expect([1, 0], 0, factor: 2.0 / 3 * 1 / 3)
        func sum(scaled: Bool) throws -> Double {
            var settings = ARMHuBERTSettings()
            settings.scalesGradients = scaled
            let objective = try ARMHuBERT(
                settings, teachers: [teacher(family)], student: student(family), seed: 3)
            return try objective.report(family.batch(frames: [40, 33])).sum.item()
        }
        // The loss itself is the same to the bit.
        #expect(try sum(scaled: true) == sum(scaled: false))
    }

    /// Teachers that hear the speech at another speed or rate are masked at the same moments.
    @Test func armHuBERTMasksTheSameMoments() throws {
        let family = TinyFamily.wav2Vec2
        var config = try #require(family.config(layers: 2, width: 24) as? Wav2Vec2Config)
        config.frontEnd.strides = [5, 2, 1]
        let fast = config.asStudent().makeEncoder(in: ParameterStore(seed: 1))
        var settings = ARMHuBERTSettings()
        settings.layers.masking = SpanMasking(probability: 0, length: 6, minimumSpans: 1)
        settings.layers.mapping = .last([2])
        let objective = try ARMHuBERT(
            settings, teachers: [fast], student: student(family), seed: 3)
        let batch = family.batch(frames: [40])
        let input = batch.utterance(0)
        // 79 frames of the teacher are 39 of the student's 40.
        let masked = masked(settings.layers.masking, 39, stream: 0x6172_6d68)
        let doubled = masked.flatMap { [2 * $0, 2 * $0 + 1] }
        let open = states(fast, input, layer: 2)
        let hidden = states(fast, input, layer: 2, masked: doubled)
        let heard = states(objective.student, input, layer: 2, masked: masked)
        let predictions = try objective.heads.map(heard, "heads.2-2")
        let expected = (0..<39).reduce(0.0) { sum, frame in
            let rows = masked.contains(frame) ? open : hidden
            let target = zip(rows[2 * frame], rows[2 * frame + 1]).map { ($0 + $1) / 2 }
            return sum + squares(predictions[frame], target) / 24
        }
        let report = try objective.report(batch)
        #expect(report.count == 39)
        expectClose(report.sum.item(), expected, within: 1e-4 * expected)
        // The student hears it a quarter faster.
        let slow = family.input(frames: [50])
        let faster = TrainingBatch(student: input, teachers: [slow], studentSpeeds: [1.25])
        let spedUp = try objective.report(faster)
        #expect(spedUp.count == 39 && spedUp.sum.item().isFinite)
    }

    @Test func armHuBERTSettings() throws {
        func refuses(_ fragments: [String], _ change: (inout ARMHuBERTSettings) -> Void) {
            var settings = ARMHuBERTSettings()
            change(&settings)
            expectError(ObjectiveError.self, containing: fragments) {
                try ARMHuBERT(
                    settings, teachers: [teacher(.w2vBert)], student: student(.w2vBert), seed: 1)
            }
        }
        refuses(["objective.hidden_weight", "found -0.1"]) { $0.hiddenWeight = -0.1 }
        refuses(["objective.cosine_weight", "found inf"]) { $0.distance.cosineWeight = .infinity }
        // A teacher that cannot be masked would hear everything both times.
        var config = W2VBertConfig()
        config.hiddenSize = 16
        config.outputHiddenSize = 16
        config.numHiddenLayers = 2
        config.numAttentionHeads = 2
        config.intermediateSize = 16
        config.inputDimension = 12
        config.maskTimeProbability = 0
        let open = config.makeEncoder(in: ParameterStore(seed: 1))
        var settings = ARMHuBERTSettings()
        expectError(
            ObjectiveError.self,
            containing: ["objective.masking.sampler", "teacher without masked_spec_embed"]
        ) { try ARMHuBERT(settings, teachers: [open], student: student(.w2vBert), seed: 1) }
        settings.layers.masking.sampler = .none
        _ = try ARMHuBERT(settings, teachers: [open], student: student(.w2vBert), seed: 1)
        settings.scalesGradients = true
        settings.hiddenWeight = 0.2
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(ARMHuBERTSettings.self, from: json) == settings)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "cosine_weight", "head", "hidden_weight", "layer_mapping", "layer_weights", "loss",
                "masking", "scale_gradients", "smooth_l1_beta", "target", "teacher_weights",
            ])
    }

    // MARK: STaRHuBERT

    /// Two frames of two channels: X Xᵀ / 2 = [[1/2, 0], [0, 2]].
    @Test func gramMatricesByHand() {
        let x = Tensor([1.0, 0, 0, 2], [1, 2, 2])
        let y = Tensor([1.0, 1, 1, 0, 0, 1], [1, 2, 3])
        expectClose(STaRHuBERT.gram(x, x).doubles(), [0.5, 0, 0, 2], within: 1e-12)
        expectClose(STaRHuBERT.gram(y, y).doubles(), [1, 1.0 / 3, 1.0 / 3, 1.0 / 3], within: 1e-12)
        // (1/4 + 1/9 + 1/9 + 25/9) / 2 frames
        let distance = STaRHuBERT.distance(
            STaRHuBERT.gram(x, x), STaRHuBERT.gram(y, y), frames: Tensor([2.0], [1]))
        expectClose(distance.item(), (0.25 + 27.0 / 9) / 2, within: 1e-12)
        let z = Tensor([0.0, 1, 3, 0], [1, 2, 2])
        expectClose(STaRHuBERT.gram(x, z).doubles(), [0, 1.5, 1, 0], within: 1e-12)
    }

    @Test(arguments: TinyFamily.allCases)
    func starHuBERTEqualsPlainLoops(_ family: TinyFamily) throws {
        var settings = STaRHuBERTSettings()
        settings.intraLayerGramWeight = 0.25
        let objective = try STaRHuBERT(
            settings, teachers: [teacher(family)], student: student(family), seed: 3)
        #expect(objective.heads.names.isEmpty)
        let frames = [17, 9]
        let batch = family.batch(frames: frames)
        func gram(_ x: [[Double]], _ y: [[Double]]) -> [[Double]] {
            x.map { row in
                y.map { zip(row, $0).reduce(0) { $0 + $1.0 * $1.1 } / Double(row.count) }
            }
        }
        var expected: [String: Double] = [:]
        for (clip, count) in frames.enumerated() {
            let input = batch.utterance(clip)
            for (own, other) in [(1, 2), (2, 4)] {
                for (name, offset) in [("layer_gram", 0), ("intra_layer_gram", 1)] {
                    let g = gram(
                        states(objective.student, input, layer: own - offset),
                        states(objective.student, input, layer: own))
                    let h = gram(
                        states(objective.teachers[0], input, layer: other - offset),
                        states(objective.teachers[0], input, layer: other))
                    let sum = zip(g, h).reduce(0) { $0 + squares($1.0, $1.1) }
                    expected["\(own):\(other)/\(name)", default: 0] += sum / Double(count)
                }
            }
        }
        let report = try objective.report(batch)
        #expect(report.count == 26 && report.metrics.count == 4)
        let total = expected.reduce(0) { sum, term in
            sum + term.value * (term.key.hasSuffix("/layer_gram") ? 0.5 : 0.125)
        }
        expectClose(report.sum.item(), total, within: 1e-4 * total)
        for (name, value) in report.metrics {
            let mean = try #require(expected[name]) / 26
            expectClose(value, mean, within: 1e-4 * mean, name)
        }
    }

    /// The same states, turned in the space of channels, have the same relations.
    @Test func relationsOfATeacherToItself() throws {
        let family = TinyFamily.w2vBert
        let objective = try STaRHuBERT(
            STaRHuBERTSettings(),
            teachers: [family.encoder(layers: 2, width: 16, heads: 2, seed: 3)],
            student: student(family), seed: 1)
        let report = try objective.report(family.batch(frames: [20, 14]))
        expectClose(report.sum.item(), 0, within: 1e-8)
    }

    @Test func starHuBERTSettings() throws {
        func refuses(_ key: String, _ found: String, _ change: (inout STaRHuBERTSettings) -> Void) {
            var settings = STaRHuBERTSettings()
            change(&settings)
            expectError(ObjectiveError.self, containing: ["objective.\(key)", "found \(found)"]) {
                try settings.validate()
            }
        }
        refuses("layer_gram_weight", "-1.0") { $0.layerGramWeight = -1 }
        refuses("intra_layer_gram_weight", "nan") { $0.intraLayerGramWeight = .nan }
        refuses("layer_gram_weight", "0.0") {
            $0.layerGramWeight = 0
            $0.intraLayerGramWeight = 0
        }
        var settings = STaRHuBERTSettings()
        settings.layers.mapping = .sparse(2)
        settings.intraLayerGramWeight = 0
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(STaRHuBERTSettings.self, from: json) == settings)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "intra_layer_gram_weight", "layer_gram_weight", "layer_mapping", "layer_weights",
                "masking", "teacher_weights",
            ])
    }
}
