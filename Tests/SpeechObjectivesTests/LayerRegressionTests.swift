import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Regression from layer to layer: what it computes, and its heads.
@Suite(.serialized) struct LayerRegressionTests {
    private func objective(
        _ family: TinyFamily, teachers: [any SpeechEncoder]? = nil,
        _ change: (inout LayerRegressionSettings) -> Void
    ) throws -> LayerRegression {
        var settings = LayerRegressionSettings()
        settings.layers.masking.sampler = .none
        change(&settings)
        let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 3)
        student.parameters.setTrainable(true)
        return try LayerRegression(
            settings, teachers: teachers ?? [family.encoder(layers: 4, width: 24, seed: 1)],
            student: student, seed: 3)
    }

    private static func gelu(_ x: Double) -> Double { x * 0.5 * (1 + erf(x / 2.0.squareRoot())) }

    private static let cases: [(LayerMapping, PredictionHeadKind, RegressionLoss.Kind)] = [
        (.uniform, .linear, .mse), (.sparse(2), .mlp, .l1Cosine),
        (.last([4, 1]), .mlpGELU, .l1RawCosine),
        (.pairs([LayerPair(student: 1, teachers: 2...4)]), .linear, .smoothL1),
    ]

    /// Everything computed again, frame by frame, each utterance for itself.
    @Test(arguments: TinyFamily.allCases, LayerRegressionTests.cases.indices)
    func equalsPlainLoops(_ family: TinyFamily, _ index: Int) throws {
        let (mapping, head, kind) = Self.cases[index]
        let objective = try objective(family) {
            $0.layers.mapping = mapping
            $0.layers.head = head
            $0.layers.target.feature = .layerOutput
            $0.distance.kind = kind
        }
        let frames = [14, 9]
        let batch = family.batch(frames: frames)
        let report = try objective.report(batch)
        #expect(report.count == frames.reduce(0, +))
        var expected = 0.0
        for pair in objective.matching.pairs {
            var cosines: [Double] = []
            var losses: [Double] = []
            for clip in frames.indices {
                let path =
                    "heads.\(pair.layers.student)-\("\(pair.layers)".split(separator: ":")[1])"
                let input = batch.utterance(clip)
                let heard = states(objective.student, input, layer: pair.layers.student)
                let predictions =
                    switch head {
                    case .mlp:
                        try objective.heads.map(
                            objective.heads.map(heard, "\(path).0").map { $0.map { max(0, $0) } },
                            "\(path).2")
                    case .mlpGELU:
                        try objective.heads.map(
                            objective.heads.map(heard, "\(path).0").map { $0.map(Self.gelu) },
                            "\(path).2")
                    default: try objective.heads.map(heard, path)
                    }
                let layers = pair.layers.teachers.map {
                    states(objective.teachers[0], input, layer: $0)
                }
                for frame in 0..<frames[clip] {
                    let target = layers[0][frame].indices.map { channel in
                        layers.reduce(0) { $0 + $1[frame][channel] } / Double(layers.count)
                    }
                    let prediction = predictions[frame]
                    let distances = zip(prediction, target).map { abs($0 - $1) }
                    let width = Double(target.count)
                    let cosine = Matrix.cosine(prediction, target)
                    let l1 = distances.reduce(0, +) / width
                    cosines.append(cosine)
                    let loss: Double =
                        switch kind {
                        case .mse: distances.reduce(0) { $0 + $1 * $1 } / width
                        case .l1Cosine: l1 + log(1 + exp(-cosine))
                        case .l1RawCosine: l1 - cosine
                        default:
                            distances.reduce(0) { $0 + ($1 < 1 ? $1 * $1 / 2 : $1 - 0.5) } / width
                        }
                    losses.append(loss)
                }
            }
            expected += losses.reduce(0, +) * pair.weight
            let metrics = Dictionary(
                uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
            let count = Double(losses.count)
            expectClose(
                try #require(metrics["\(pair.name)/loss"]), losses.reduce(0, +) / count,
                within: 1e-4)
            expectClose(
                try #require(metrics["\(pair.name)/positive_cosine"]),
                cosines.reduce(0, +) / count, within: 1e-4)
        }
        expectClose(report.sum.item(), expected, within: 1e-3)
        #expect(report.metrics.count == 9 * objective.matching.pairs.count)
        let plain = try objective.loss(on: batch, context(firstBatch))
        #expect(plain.metrics.isEmpty && plain.sum.item() == report.sum.item())
    }

    /// Exact predictions: what the diagnostics then say, and the least loss there is.
    @Test func exactPredictionsHaveTheMinimum() throws {
        let family = TinyFamily.w2vBert
        let teacher = family.encoder(layers: 2, width: 16, heads: 2, seed: 1)
        for kind in RegressionLoss.Kind.allCases {
            var settings = LayerRegressionSettings()
            settings.layers.masking.sampler = .none
            settings.layers.target.feature = .layerOutput
            settings.distance = RegressionLoss(kind, cosineWeight: 0.3)
            let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 1)
            let objective = try LayerRegression(
                settings, teachers: [teacher], student: student, seed: 1)
            withoutGradients {
                for (_, tensor) in objective.heads.all {
                    tensor.assign(
                        tensor.rank == 2 ? .identity(16, dtype: .float32) : .zeros([16]))
                }
            }
            let report = try objective.report(family.batch(frames: [20, 1]))
            expectClose(
                report.sum.item() / Double(report.count), objective.minimumLoss, within: 1e-5)
            let metrics = Dictionary(
                uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
            #expect(metrics["1:1/accuracy"] == 1)
            expectClose(try #require(metrics["2:2/positive_cosine"]), 1, within: 1e-5)
            let negative = try #require(metrics["2:2/negative_cosine"])
            expectClose(negative, try #require(metrics["2:2/target_cosine"]), within: 1e-5)
            #expect(negative < 0.9)
            let deviation = try #require(metrics["1:1/target_var"])
            expectClose(deviation, try #require(metrics["1:1/pred_var"]), within: 1e-5)
            #expect(deviation > 0.1)
        }
    }

    /// √(variance + 1e-6) of each channel over all predicted frames, averaged over channels.
    @Test func deviationsAreThoseOfTheFrames() throws {
        let family = TinyFamily.wav2Vec2
        let objective = try objective(family) { $0.layers.mapping = .last([3]) }
        let batch = family.batch(frames: [11, 4, 7])
        let metrics = try objective.report(batch).metrics
        let rows = (0..<3).flatMap {
            states(objective.teachers[0], batch.utterance($0), layer: 3, feedForward: true)
        }
        let deviations = rows[0].indices.map { channel -> Double in
            let values = rows.map { $0[channel] }
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (squares / Double(values.count - 1) + 1e-6).squareRoot()
        }
        let found = try #require(metrics.first { $0.name == "2:3/target_var" }).value
        expectClose(found, deviations.reduce(0, +) / Double(deviations.count), within: 1e-5)
    }

    /// DistilHuBERT maps to n · D channels, GELU, then each group of channels by a weight of its own:
    /// its one head is one for each prediction.
    @Test func groupedHeadsAreSeparateOnes() throws {
        let objective = try objective(.wav2Vec2) {
            $0.layers.mapping = .last([1, 2, 4])
            $0.layers.head = .mlpGELU
            $0.distance = RegressionLoss(.l1)
        }
        let batch = TinyFamily.wav2Vec2.batch(frames: [12])
        let paths = ["heads.2-1", "heads.2-2", "heads.2-4"]
        func stacked(_ name: String) throws -> [Tensor] {
            try paths.map { try #require(objective.heads["\($0).\(name)"]) }
        }
        let trunk = (
            Tensor.concatenate(try stacked("0.weight"), 0),
            Tensor.concatenate(try stacked("0.bias"), 0)
        )
        let grouped = Tensor.stack(try stacked("2.weight")).transpose(1, 2)  // [n, in, out]
        let bias = Tensor.stack(try stacked("2.bias"))  // [n, out]
        let request = LayerRequest(hiddenStates: [2], feedForward: [1, 2, 4])
        let heard = objective.student.encode(batch.student, request: request).hiddenStates[2]!
        let taught = objective.teachers[0].encode(batch.student, request: request).feedForward
        let hidden = (heard.flatten(0, 1).matmul(trunk.0.transpose(0, 1)) + trunk.1).gelu()
        let split = hidden.unflatten(1, [3, -1]).transpose(0, 1)  // [n, T, in]
        let predictions = split.batchedMatmul(grouped) + bias.unsqueeze(1)
        let targets = Tensor.stack([1, 2, 4].map { taught[$0]!.select(0, 0) })
        let expected = (predictions - targets).abs().mean([2]).sum().item() / 3
        expectClose(try objective.report(batch).sum.item(), expected, within: 1e-4)
    }

    /// A transposed convolution of stride 2 to the rate of a teacher twice as fast; of an odd number of
    /// teacher frames the last is left out.
    @Test(arguments: [40, 41])
    func slowStudentsArePredictedFromUpsampled(_ frames: Int) throws {
        let family = TinyFamily.wav2Vec2
        let slow = try #require(
            family.config(layers: 2, width: 16, heads: 2) as? Wav2Vec2Config)
        var config = slow
        config.frontEnd.strides = [5, 2, 4]
        config.frontEnd.kernels = [10, 3, 4]
        let student = config.asStudent().makeEncoder(in: ParameterStore(seed: 2))
        student.parameters.setTrainable(true)
        let teacher = family.encoder(layers: 2, width: 24, seed: 1)
        var settings = LayerRegressionSettings()
        settings.layers.masking.sampler = .none
        settings.layers.mapping = .last([2])
        settings.layers.head = .upsample
        settings.layers.target.feature = .layerOutput
        settings.distance = RegressionLoss(.mse)
        let objective = try LayerRegression(
            settings, teachers: [teacher], student: student, seed: 1)
        let batch = family.batch(frames: [frames])
        let input = batch.utterance(0)
        let report = try objective.report(batch)
        let heard = states(student, input, layer: 2)
        let targets = states(teacher, input, layer: 2)
        #expect(targets.count == frames && report.count == 2 * heard.count)
        #expect((frames - 2...frames).contains(report.count))
        // Output channel o of tap f: the rows f · D … of the first weight.
        let taps = try objective.heads.map(heard, "heads.2-2.0")
        let upsampled = taps.flatMap { [Array($0[..<16]), Array($0[16...])] }
        let predictions = try objective.heads.map(upsampled, "heads.2-2.1")
        let expected = zip(predictions, targets).reduce(0.0) { sum, rows in
            sum + zip(rows.0, rows.1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 24
        }
        expectClose(report.sum.item(), expected, within: 1e-3)
        report.sum.backward()
        #expect(objective.heads.all.allSatisfy { $0.tensor.gradient?.isAllFinite() == true })
        // Where frames are masked, both predictions of a masked one are wanted.
        settings.layers.masking = SpanMasking(probability: 0, length: 4, minimumSpans: 1)
        let masked = try LayerRegression(settings, teachers: [teacher], student: student, seed: 1)
        #expect(try masked.report(batch).count == 8)
        // Nothing is to be made longer for a teacher at the student's rate.
        expectError(ObjectiveError.self, containing: ["objective.head", "found upsample"]) {
            try LayerRegression(settings, teachers: [student], student: student, seed: 1)
        }
    }

    /// Two teachers: the sum of both, each with heads and weight of its own.
    @Test func severalTeachers() throws {
        let family = TinyFamily.w2vBert
        let teachers = [
            family.encoder(layers: 4, width: 24, seed: 1),
            family.encoder(layers: 6, width: 12, seed: 2),
        ]
        let objective = try objective(family, teachers: teachers) {
            $0.layers.mapping = .sparse(2)
            $0.layers.head = .mlp
            $0.layers.teacherWeights = [0.5, 0.25]
        }
        #expect(objective.matching.pairs.map(\.name) == ["0/1:2", "0/2:4", "1/1:3", "1/2:6"])
        let input = family.input(frames: [15, 12])
        let report = try objective.report(
            TrainingBatch(student: input, teachers: [input, input]))
        let losses = report.metrics.filter { $0.name.hasSuffix("/loss") }.map(\.value)
        let expected = zip(losses, [0.25, 0.25, 0.125, 0.125]).reduce(0) { $0 + $1.0 * $1.1 }
        expectClose(report.sum.item() / Double(report.count), expected, within: 1e-5)
        expectClose(objective.minimumLoss, 0.75 * log(1 + exp(-1)), within: 1e-12)
    }

    @Test func settingsAreCheckedReadAndWritten() throws {
        func refuses(
            _ key: String, _ found: String, _ change: (inout LayerRegressionSettings) -> Void
        ) {
            expectError(ObjectiveError.self, containing: ["objective.\(key)", "found \(found)"]) {
                try objective(.w2vBert, change)
            }
        }
        refuses("cosine_weight", "-1.0") { $0.distance.cosineWeight = -1 }
        refuses("cosine_weight", "nan") { $0.distance.cosineWeight = .nan }
        refuses("smooth_l1_beta", "0.0") { $0.distance.smoothL1Beta = 0 }
        refuses("smooth_l1_beta", "inf") { $0.distance.smoothL1Beta = .infinity }
        refuses("layer_mapping", "top:5") { $0.layers.mapping = .top(5) }
        refuses("layer_weights", "1") { $0.layers.layerWeights = [1] }
        var settings = LayerRegressionSettings()
        settings.layers.mapping = .sparse(4)
        settings.layers.head = .mlpGELU
        settings.layers.layerWeights = [1, 0.5]
        settings.distance = RegressionLoss(.smoothL1, cosineWeight: 0.5, smoothL1Beta: 2)
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(LayerRegressionSettings.self, from: json) == settings)
        let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "cosine_weight", "frames", "head", "layer_mapping", "layer_weights", "loss",
                "masking", "smooth_l1_beta", "target", "teacher_weights",
            ])
    }
}
