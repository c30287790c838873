import Foundation
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Joint distillation and pruning: what it computes.
@Suite(.serialized) struct DPHuBERTTests {
    /// A teacher of 3 layers and its copy.
    static func objective(
        _ family: TinyFamily, width: Int = 24, _ change: (inout DPHuBERTSettings) -> Void = { _ in }
    ) throws -> DPHuBERT {
        var settings = DPHuBERTSettings()
        settings.targetSparsity = 0.5
        settings.sparsityRamp = 100
        change(&settings)
        let student = family.encoder(layers: 3, width: width, seed: 1)
        student.parameters.setTrainable(true)
        return try DPHuBERT(
            settings, teachers: [family.encoder(layers: 3, width: width, seed: 1)],
            student: student, seed: 3)
    }

    static func validation(step: Int = 0) -> LossContext {
        LossContext(
            seed: BatchSeed(seed: 99, step: 0, batch: 0), step: step, steps: 1000,
            isValidation: true, withDiagnostics: true)
    }

    @Test func theDistanceHasItsCheckValue() throws {
        let objective = try Self.objective(.w2vBert)
        let prediction = Tensor([1.0, 2, 0, 1], [2, 2])
        let target = Tensor([1.0, 1, 1, 1], [2, 2])
        let distance = objective.distance(prediction, target)
        expectClose(distance.mean().item(), -0.327895, within: 1e-6)
        let squares = try Self.objective(.w2vBert) {
            $0.l1Weight = 0
            $0.cosineWeight = 0
            $0.l2Weight = 2
        }
        expectClose(squares.distance(prediction, target).mean().item(), 1, within: 1e-12)
    }

    /// With nothing to prune a copy predicts its teacher exactly through heads that are the identity.
    @Test(arguments: TinyFamily.allCases) func itBeginsAsTheTeacher(_ family: TinyFamily) throws {
        let objective = try Self.objective(family) { $0.prunes = [] }
        #expect(objective.layers == [0, 1, 2, 3])
        #expect(
            objective.heads.names == [
                "heads.0.weight", "heads.0.bias", "heads.rest.weight", "heads.rest.bias",
            ])
        let report = try objective.loss(on: family.batch(frames: [20, 13]), Self.validation())
        #expect(report.count == 33)
        expectClose(report.sum.item() / 33, objective.minimumLoss, within: 1e-5)
        #expect(objective.isSelectable(step: 1, steps: 1000))
        #expect(objective.result().encoder === objective.student)
        #expect(objective.result().heads.count == 4)
    }

    /// Layer by layer, from states that the encoders give.
    @Test(arguments: TinyFamily.allCases)
    func theLossIsThatOfTheGatedStudent(_ family: TinyFamily) throws {
        let objective = try Self.objective(family) { $0.layers = [0, 2] }
        let batch = family.batch(frames: [14])
        let report = try objective.loss(on: batch, Self.validation())
        let student = try #require(objective.student as? any PrunableEncoder)
        #expect(student.gates == nil)
        student.gates = EncoderGates(
            PrunableUnits(student).groups.reduce(into: [:]) { factors, entry in
                let gate = HardConcrete(
                    logAlpha: objective.heads["gates.\(entry.group).log_alpha"]!)
                factors[entry.group] = Tensor(gate.evaluated().map(Float.init), [entry.count])
            })
        defer { student.gates = nil }
        let request = LayerRequest(
            hiddenStates: [2], wantsLastHiddenState: false, wantsProjectedFeatures: true)
        let (heard, taught) = withoutGradients {
            (
                student.encode(batch.student, request: request),
                objective.teachers[0].encode(batch.teachers[0], request: request)
            )
        }
        func distance(_ a: Tensor?, _ b: Tensor?) throws -> Double {
            objective.distance(try #require(a), try #require(b)).sum().item()
        }
        let expected =
            try distance(heard.projectedFeatures, taught.projectedFeatures)
            + distance(heard.hiddenStates[2], taught.hiddenStates[2])
        expectClose(report.sum.item(), expected / 2, within: 1e-4)
    }

    /// λ₁ (ŝ − s) + λ₂ (ŝ − s)², whose derivatives by the multipliers are the excess and its square.
    @Test func theSizeIsHeldByLagrangeMultipliers() throws {
        let family = TinyFamily.w2vBert
        let objective = try Self.objective(family)
        let names = ["lagrange.1", "lagrange.2"]
        let multipliers = try names.map { try #require(objective.heads[$0]) }
        #expect(multipliers.allSatisfy { $0.item() == 0 })
        let batch = family.batch(frames: [12, 10])
        func report(step: Int) throws -> LossReport {
            let context = LossContext(
                seed: firstBatch, step: step, steps: 1000, withDiagnostics: true)
            return try objective.loss(on: batch, context)
        }
        func metrics(_ report: LossReport) -> [String: Double] {
            Dictionary(uniqueKeysWithValues: report.metrics.map { ($0.name, $0.value) })
        }
        let plain = try report(step: 50)
        let found = metrics(plain)
        let sparsity = try #require(found["sparsity"])
        #expect(found["target_sparsity"] == 0.25)
        expectClose(plain.sum.item() / 22, try #require(found["distillation"]), within: 1e-5)
        let full = Double(objective.student.parameters.parameterCount)
        expectClose(try #require(found["size"]), (1 - sparsity) * full, within: 1e-6 * full)
        // Feed-forward units begin 83 % open, all others almost surely.
        expectClose(try #require(found["open/feed_forward"]), 0.832, within: 0.01)
        expectClose(try #require(found["open/heads"]), 0.998, within: 1e-3)
        #expect(found["open/convolution"] == nil)

        withoutGradients {
            multipliers[0].fill(-0.3)
            multipliers[1].fill(0.7)
        }
        let held = try report(step: 100)
        let excess = sparsity - 0.5
        expectClose(
            (held.sum.item() - plain.sum.item()) / 22, -0.3 * excess + 0.7 * excess * excess,
            within: 1e-5)
        held.sum.backward()
        expectClose(try #require(multipliers[0].gradient).item() / 22, excess, within: 1e-5)
        expectClose(
            try #require(multipliers[1].gradient).item() / 22, excess * excess, within: 1e-5)
        #expect(objective.learningRateScale(of: "lagrange.1") == -100)
        #expect(objective.learningRateScale(of: "gates.heads.0.log_alpha") == 100)
        #expect(objective.learningRateScale(of: "heads.rest.weight") == 1)
        #expect(objective.learningRateScale(of: "encoder.layers.0.ffn1.output_dense.bias") == 1)
    }

    @Test(arguments: TinyFamily.allCases)
    func gradientsReachStudentHeadsAndGates(_ family: TinyFamily) throws {
        let objective = try Self.objective(family)
        // Gates that are open for good only feel the size.
        try withoutGradients { try #require(objective.heads["lagrange.1"]).fill(-0.1) }
        let report = try objective.loss(
            on: family.batch(frames: [20, 13]), context(BatchSeed(seed: 1, step: 3, batch: 0)))
        report.sum.backward()
        for (name, tensor) in objective.heads.all {
            let gradient = try #require(tensor.gradient, "\(name)")
            #expect(gradient.isAllFinite())
            #expect(gradient.floats().contains { $0 != 0 }, "\(name)")
        }
        #expect(objective.teachers[0].parameters.all.allSatisfy { $0.tensor.gradient == nil })
        let unused = objective.student.parameters.all.filter { $0.tensor.gradient == nil }
        // Nothing is masked, and the norm of pre-norm models stands behind the last layer.
        #expect(
            unused.allSatisfy {
                $0.name == "masked_spec_embed" || $0.name.hasPrefix("encoder.layer_norm.")
            }, "\(unused.map(\.name))")
    }

    @Test func gatesAreAFunctionOfTheBatch() throws {
        let family = TinyFamily.w2vBert
        let objective = try Self.objective(family)
        let batch = family.batch(frames: [12])
        func loss(step: Int, batch index: Int) throws -> Double {
            let seed = BatchSeed(seed: 7, step: step, batch: index)
            let context = LossContext(seed: seed, step: 0, steps: 1000)
            return try objective.loss(on: batch, context).sum.item()
        }
        let first = try loss(step: 0, batch: 0)
        #expect(try loss(step: 0, batch: 0) == first)
        #expect(try loss(step: 1, batch: 0) != first)
        #expect(try loss(step: 0, batch: 1) != first)
        // Without chance, and without the terms of the size, in a validation.
        try withoutGradients { try #require(objective.heads["lagrange.1"]).fill(5) }
        let validation = try objective.loss(on: batch, Self.validation())
        #expect(
            try objective.loss(on: batch, Self.validation(step: 500)).sum.item()
                == validation.sum.item())
        #expect(
            validation.metrics.first { $0.name == "distillation" }?.value
                == validation.sum.item() / 12)
    }

    @Test func theTargetRises() throws {
        var settings = DPHuBERTSettings()
        #expect(settings.target(step: 0, steps: 50_000) == 0)
        #expect(settings.target(step: 2500, steps: 50_000) == 0.375)
        #expect(settings.target(step: 5000, steps: 50_000) == 0.75)
        #expect(settings.target(step: 49_999, steps: 50_000) == 0.75)
        settings.sparsityRamp = 0.2
        #expect(settings.target(step: 10, steps: 100) == 0.375)
        settings.sparsityRamp = 0
        #expect(settings.target(step: 0, steps: 100) == 0.75)
    }

    /// What the gates shut is gone, and the rest computes the same: exactly where no convolution in
    /// front of a norm is pruned.
    @Test(arguments: TinyFamily.allCases)
    func theResultIsPruned(_ family: TinyFamily) throws {
        let objective = try Self.objective(family) {
            if family == .wav2Vec2 { $0.prunes = [.heads, .feedForward] }
        }
        let generator = RandomGenerator(seed: 8)
        for (name, tensor) in objective.heads.all where name.hasPrefix("gates.") {
            withoutGradients {
                tensor.assign(
                    Tensor.normal(
                        tensor.shape, mean: -1, standardDeviation: 2, generator: generator))
            }
        }
        let batch = family.batch(frames: [20, 13])
        let before = try objective.loss(on: batch, Self.validation())
        let claimed = try #require(before.metrics.first { $0.name == "pruned_size" }).value
        let result = objective.result()
        #expect(Double(result.encoder.parameters.parameterCount) == claimed)
        #expect(
            result.encoder.parameters.parameterCount < objective.student.parameters.parameterCount)
        #expect(result.notes.count == 1)
        #expect(result.notes[0].contains("\(result.encoder.parameters.parameterCount) parameters"))

        var settings = objective.settings
        settings.prunes = []
        let second = try DPHuBERT(
            settings, teachers: objective.teachers, student: result.encoder, seed: 4)
        #expect(second.heads.names == result.heads.map(\.name))
        let after = try second.loss(on: batch, Self.validation())
        expectClose(after.sum.item(), before.sum.item(), within: 1e-3)
    }

    @Test func settingsAreChecked() throws {
        func refuses(_ parts: [String], _ change: (inout DPHuBERTSettings) -> Void) {
            let error = expectError(ObjectiveError.self, containing: parts) {
                try Self.objective(.w2vBert, change)
            }
            #expect(error?.exitStatus == .badInput)
        }
        refuses(["objective.layers", "0 to 3", "[0, 4]"]) { $0.layers = [0, 4] }
        refuses(["objective.layers", "different"]) { $0.layers = [1, 1] }
        refuses(["objective.l1_weight"]) { $0.l1Weight = -1 }
        refuses(["objective.cosine_weight"]) { $0.cosineWeight = .nan }
        refuses(["objective.l1_weight", "one of"]) {
            $0.l1Weight = 0
            $0.cosineWeight = 0
        }
        refuses(["objective.prunes", "once"]) { $0.prunes = [.heads, .heads] }
        refuses(["objective.target_sparsity", "below 1"]) { $0.targetSparsity = 1 }
        // More than there is to prune.
        refuses(["objective.target_sparsity", "at most 0.", "0.9"]) {
            $0.prunes = [.heads]
            $0.targetSparsity = 0.9
        }
        refuses(["objective.sparsity_ramp", "1.5"]) { $0.sparsityRamp = 1.5 }
        refuses(["objective.gate_rate"]) { $0.gateRate = 0 }
        refuses(["objective.multiplier_rate"]) { $0.multiplierRate = -1 }

        let family = TinyFamily.w2vBert
        let teacher = family.encoder(layers: 3, width: 24, seed: 1)
        for (layers, width) in [(2, 24), (3, 16)] {
            expectError(
                ObjectiveError.self, containing: ["student.design", "3 layers of width 24"]
            ) {
                try DPHuBERT(
                    DPHuBERTSettings(), teachers: [teacher],
                    student: family.encoder(layers: layers, width: width, seed: 2), seed: 1)
            }
        }
        expectError(ObjectiveError.self, containing: ["one teacher", "2"]) {
            try DPHuBERT(
                DPHuBERTSettings(), teachers: [teacher, teacher], student: teacher, seed: 1)
        }
    }

    @Test func settingsAreReadAndWritten() throws {
        var settings = DPHuBERTSettings()
        settings.layers = [0, 3]
        settings.prunes = [.heads, .conformerConvolution]
        settings.targetSparsity = 0.3
        settings.sparsityRamp = 0.1
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(DPHuBERTSettings.self, from: json) == settings)
        let object = try #require(
            try JSONSerialization.jsonObject(with: json) as? [String: Any])
        #expect(
            object.keys.sorted() == [
                "cosine_weight", "gate_rate", "l1_weight", "l2_weight", "layers",
                "multiplier_rate", "prunes", "sparsity_ramp", "target_sparsity",
            ])
        #expect(object["prunes"] as? [String] == ["heads", "conformer_convolution"])
    }
}
