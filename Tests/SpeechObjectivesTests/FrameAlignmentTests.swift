import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Teachers at other rates, several of them, and students that hear another speed: what is
/// compared is what was said at the same moment.
@Suite struct FrameAlignmentTests {
    /// A tiny wav2vec 2.0 of `stride` times 20 samples a frame, with `receptive field` 30 or more.
    private func encoder(
        stride: Int, layers: Int = 2, width: Int = 16, seed: UInt64
    ) -> any SpeechEncoder {
        var config = TinyFamily.wav2Vec2.config(layers: layers, width: width, heads: 2)
        guard var own = config as? Wav2Vec2Config else { preconditionFailure("wav2vec 2.0") }
        own.frontEnd.strides = [5, 2, 2 * stride]
        own.frontEnd.kernels = [10, 3, 2 * stride]
        config = own
        return config.asStudent().makeEncoder(in: ParameterStore(seed: seed))
    }

    private func samples(_ count: Int, seed: UInt64 = 5) -> EncoderInput {
        EncoderInput(
            values: Tensor.normal([1, count], generator: RandomGenerator(seed: seed)), lengths: nil)
    }

    /// Unmasked, full distractors, output of the last layers: everything can be computed again.
    private func objective(
        _ student: any SpeechEncoder, _ teachers: [any SpeechEncoder],
        _ change: (inout CoLLDSettings) -> Void = { _ in }
    ) throws -> CoLLD {
        var settings = CoLLDSettings()
        settings.layers.masking.sampler = .none
        settings.layers.mapping = .last([2])
        settings.layers.target = TargetFeature(feature: .layerOutput)
        settings.distractors = .all
        change(&settings)
        student.parameters.setTrainable(true)
        return try CoLLD(settings, teachers: teachers, student: student, seed: 3)
    }

    private func rows(_ encoder: any SpeechEncoder, _ input: EncoderInput) -> [[Double]] {
        let output = withoutGradients {
            encoder.encode(input, request: LayerRequest(hiddenStates: [2]))
        }
        return Matrix(output.hiddenStates[2]!.select(0, 0)).rows
    }

    private func predictions(
        _ objective: CoLLD, _ input: EncoderInput, head: String = "heads.2-2"
    ) throws -> [[Double]] {
        let weight = Matrix(try #require(objective.heads["\(head).weight"])).rows
        let bias = try #require(objective.heads["\(head).bias"]).doubles()
        return rows(objective.student, input).map { row in
            weight.enumerated().map { index, weights in
                zip(weights, row).reduce(bias[index]) { $0 + $1.0 * $1.1 }
            }
        }
    }

    private func mean(_ rows: [[Double]], _ count: Int) -> [[Double]] {
        (0..<(rows.count / count)).map { group in
            rows[0].indices.map { channel in
                (0..<count).reduce(0) { $0 + rows[group * count + $1][channel] } / Double(count)
            }
        }
    }

    private func contrastive(_ predictions: [[Double]], _ targets: [[Double]]) -> Double {
        let count = targets.count
        let distractors = (0..<count).map { anchor in (0..<count).filter { $0 != anchor } }
        return NaiveLoss(
            Array(predictions.prefix(count)), targets, distractors: distractors, temperature: 0.1
        ).sum
    }

    /// A slow teacher's frames are compared with means of predictions.
    @Test func slowTeachersArePredictedByMeans() throws {
        let objective = try objective(
            encoder(stride: 1, seed: 2), [encoder(stride: 3, width: 24, seed: 1)])
        let input = samples(1000)
        let report = try objective.report(TrainingBatch(student: input, teachers: [input]))
        let targets = rows(objective.teachers[0], input)
        #expect(report.count == targets.count && targets.count == 16)
        let predicted = mean(try predictions(objective, input), 3)
        expectClose(report.sum.item(), contrastive(predicted, targets), within: 1e-3)
    }

    /// A fast teacher's frames are averaged.
    @Test func fastTeachersAreAveraged() throws {
        let objective = try objective(
            encoder(stride: 2, seed: 2), [encoder(stride: 1, width: 24, seed: 1)])
        let input = samples(900)
        let report = try objective.report(TrainingBatch(student: input, teachers: [input]))
        let targets = mean(rows(objective.teachers[0], input), 2)
        let predicted = try predictions(objective, input)
        let count = min(targets.count, predicted.count)
        #expect(report.count == count && count == 22)
        expectClose(
            report.sum.item(), contrastive(predicted, Array(targets.prefix(count))), within: 1e-3)
    }

    /// Masked frames of a slow teacher are those all of whose student frames are masked.
    @Test func slowTeachersAreMaskedWhole() throws {
        let objective = try objective(
            encoder(stride: 1, seed: 2), [encoder(stride: 2, width: 24, seed: 1)]
        ) {
            $0.layers.masking = SpanMasking(probability: 0.5, length: 5)
        }
        let input = samples(2000)
        let report = try objective.report(TrainingBatch(student: input, teachers: [input]))
        var generator = SeededGenerator(seed: 7, stream: 0x636f_6c6c_64, 0, 0)
        let masked = Set(
            objective.settings.layers.masking.sample(lengths: [98], using: &generator)[0])
        let whole = (0..<49).filter { masked.contains(2 * $0) && masked.contains(2 * $0 + 1) }
        #expect(report.count == whole.count && !whole.isEmpty && 2 * whole.count < masked.count)
        report.sum.backward()
        #expect(objective.student.parameters["masked_spec_embed"]?.gradient != nil)
    }

    /// A student that hears speech 1.25 times as fast is compared with the frames of the same moments.
    @Test func otherSpeedsAreComparedByTheMoment() throws {
        let objective = try objective(
            encoder(stride: 1, seed: 2), [encoder(stride: 1, width: 24, seed: 1)])
        let heard = samples(410)  // 20 frames
        let taught = samples(510)  // 25 frames
        let report = try objective.report(
            TrainingBatch(student: heard, teachers: [taught], studentSpeeds: [1.25]))
        let all = rows(objective.teachers[0], taught)
        let targets = (0..<20).map { all[Int((Double($0) + 0.5) * 1.25)] }
        #expect(all.count == 25 && report.count == 20)
        expectClose(
            report.sum.item(), contrastive(try predictions(objective, heard), targets), within: 1e-3
        )
        // Slower: several of the student's frames have one of the teacher's.
        let slow = try objective.report(
            TrainingBatch(student: taught, teachers: [heard], studentSpeeds: [0.8]))
        #expect(slow.count == 25)
    }

    /// Rates of which none is a multiple of the other are refused.
    @Test func ratesThatDoNotFitAreRefused() throws {
        expectError(ObjectiveError.self, containing: ["--teacher", "multiple", "frames in 20 s"]) {
            _ = try objective(
                encoder(stride: 2, seed: 2), [encoder(stride: 3, width: 24, seed: 1)])
        }
    }

    /// Each teacher has heads of its own; weights decide how much it counts, and rates of its own
    /// do not.
    @Test func severalTeachersAreWeighed() throws {
        let teachers = [encoder(stride: 1, width: 24, seed: 1), encoder(stride: 2, seed: 4)]
        let input = samples(1210)
        func value(
            _ weights: [Double]
        ) throws -> (sum: Double, report: LossReport, objective: CoLLD) {
            let objective = try self.objective(encoder(stride: 1, seed: 2), teachers) {
                $0.layers.teacherWeights = weights
            }
            let report = try objective.report(
                TrainingBatch(student: input, teachers: [input, input]))
            return (report.sum.item(), report, objective)
        }
        let (first, report, objective) = try value([1, 0])
        #expect(
            objective.heads.all.map(\.name).sorted() == [
                "heads.0.2-2.bias", "heads.0.2-2.weight", "heads.1.2-2.bias", "heads.1.2-2.weight",
            ])
        #expect(Set(report.metrics.map(\.name)).isSuperset(of: ["0/2:2/loss", "1/2:2/loss"]))
        expectClose(
            first,
            contrastive(
                try predictions(objective, input, head: "heads.0.2-2"), rows(teachers[0], input)),
            within: 1e-3)
        let second = try value([0, 1]).sum
        let slow = contrastive(
            mean(try predictions(objective, input, head: "heads.1.2-2"), 2),
            rows(teachers[1], input))
        expectClose(second, slow * Double(report.count) / 30, within: 2e-3)
        expectClose(try value([0.25, 2]).sum, 0.25 * first + 2 * second, within: 2e-3)
        expectClose(try value([]).sum, (first + second) / 2, within: 2e-3)
        expectError(
            ObjectiveError.self, containing: ["objective.teacher_weights", "2 teachers", "3"]
        ) {
            _ = try value([1, 1, 1])
        }
    }
}
