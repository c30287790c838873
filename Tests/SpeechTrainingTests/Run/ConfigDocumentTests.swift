import Foundation
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing

/// Run files and overrides laid over the defaults.
@Suite struct ConfigDocumentTests {
    private func read(_ overrides: String...) throws -> DistillConfig {
        try ConfigDocument.read(DistillConfig(), file: nil, overrides: overrides)
    }

    /// Reads a run file with this text.
    private func read(
        file text: String, overrides: [String] = []
    ) throws -> DistillConfig {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("run.yaml")
            try Data(text.utf8).write(to: url)
            return try ConfigDocument.read(DistillConfig(), file: url.path, overrides: overrides)
        }
    }

    /// Writes a configuration and reads it back.
    private func again(_ config: DistillConfig) throws -> DistillConfig {
        try read(file: ConfigDocument.text(config))
    }

    /// A configuration that differs from the defaults in every part.
    private static func changed() throws -> DistillConfig {
        var config = DistillConfig()
        config.teacher.precision = .fp32
        config.student.design = StudentDesign(layers: 6, width: 256, heads: 8, feedForward: 512)
        config.student.initialization = .copyFirst
        config.objective.colld.layers.mapping = .pairs([
            LayerPair(student: 1, teacher: 2), LayerPair(student: 6, teacher: 24),
        ])
        config.objective.colld.layers.target = TargetFeature(
            feature: .layerOutput, normalization: .instance)
        config.objective.colld.layers.masking = SpanMasking(
            sampler: .fairseq, probability: 0.5, length: 7, minimumSpans: 1, equalizes: true)
        config.objective.colld.layers.head = .mlp
        config.objective.colld.layers.frames = .all
        config.objective.colld.temperature = 0.07
        config.objective.colld.distractors = .all
        config.objective.colld.sharesDistractors = false
        config.objective.colld.excludeRadius = 2
        config.dataset.maxSeconds = 33.5
        config.dataset.shuffle = false
        config.dataset.prefetch = 3
        config.optimizer.lr = 1.25e-7
        config.optimizer.betas = [0.8, 0.95]
        config.scheduler.name = .triStage
        config.scheduler.warmup = 1000
        config.trainer.precision = .bf16
        config.trainer.accumulation = 4
        config.regime.steps = 800_000
        config.common.seed = .max
        return config
    }

    @Test func theDefaultsHoldAndComeBack() throws {
        let defaults = DistillConfig()
        try defaults.validate()
        #expect(try read() == defaults)
        #expect(try again(defaults) == defaults)
        #expect(try read(file: "") == defaults)
        #expect(try read(file: "# nothing but a comment\n") == defaults)
    }

    @Test func everyValueComesBack() throws {
        let config = try Self.changed()
        try config.validate()
        #expect(try again(config) == config)
        // Also through the text once more: what is written is stable.
        let text = try ConfigDocument.text(config)
        #expect(try ConfigDocument.text(again(config)) == text)
    }

    @Test func theTextNamesEverySection() throws {
        let text = try ConfigDocument.text(DistillConfig())
        let sections = text.split(separator: "\n").filter { !$0.hasPrefix(" ") }
        #expect(
            Set(sections) == [
                "teacher:", "student:", "objective:", "dataset:", "augment:", "optimizer:",
                "lr_scheduler:",
                "trainer:", "regime:", "common:",
            ])
        // One level for the objective's name and its settings.
        #expect(text.contains("objective:\n  name: colld\n  target:\n"))
        #expect(text.contains("\n  layer_mapping: uniform\n"))
        #expect(text.contains("  masking:\n    sampler: fairseq2\n"))
        #expect(text.contains("  design: 12x384\n"))
        // Numbers as people write them.
        #expect(text.contains("  probability: 0.65\n"))
        #expect(text.contains("  lr: 0.0005\n"))
        #expect(text.contains("  eps: 1e-06\n"))
        #expect(text.contains("  max_seconds: 60.0\n"))
        #expect(text.contains("  steps: 200000\n"))
    }

    @Test func aFileChangesOnlyWhatItNames() throws {
        var expected = DistillConfig()
        expected.optimizer.lr = 0.001
        expected.optimizer.betas = [0.9, 0.999]
        expected.objective.colld.layers.masking.length = 5
        expected.scheduler.name = .cosine
        let text = """
            optimizer:
              lr: 1e-3
              betas: [0.9, 0.999]
            objective: {masking: {length: 5}}
            lr_scheduler:
              name: cosine
            """
        #expect(try read(file: text) == expected)
        expected.optimizer.lr = 2e-4
        expected.objective.colld.layers.masking.length = 6
        let overrides = ["optimizer.lr=2e-4", "objective.masking.length=6"]
        #expect(try read(file: text, overrides: overrides) == expected)
    }

    @Test func aSectionWithoutKeysChangesNothing() throws {
        #expect(
            try read(file: "optimizer:\n  # lr: 1e-3\nobjective: {masking: }\n") == DistillConfig())
    }

    @Test func overridesAreYAML() throws {
        let config = try read(
            "regime.steps=800_000", "optimizer.betas=[0.5, 0.6]", "dataset.shuffle=false",
            "optimizer.lr=1e-4", "dataset.max_seconds=40", "objective.distractors=all",
            "objective.layer_mapping=last:4,8,12", "objective.masking={length: 3, sampler: none}",
            "common.seed=18446744073709551615", "teacher.precision=fp32")
        #expect(config.regime.steps == 800_000)
        #expect(config.optimizer.betas == [0.5, 0.6])
        #expect(!config.dataset.shuffle)
        #expect(config.optimizer.lr == 1e-4)
        #expect(config.dataset.maxSeconds == 40)
        #expect(config.objective.colld.distractors == .all)
        #expect(config.objective.colld.layers.mapping == .last([4, 8, 12]))
        #expect(config.objective.colld.layers.masking == SpanMasking(sampler: .none, length: 3))
        #expect(config.common.seed == .max)
        #expect(config.teacher.precision == .fp32)
    }

    @Test func theLastOverrideHolds() throws {
        let config = try read("optimizer.lr=1", "optimizer={lr: 2, eps: 1e-8}", "optimizer.lr=3")
        #expect(config.optimizer.lr == 3)
        #expect(config.optimizer.eps == 1e-8)
    }

    @Test func underscoresGroupDigits() throws {
        #expect(try read(file: "regime:\n  steps: 1_000_000\n").regime.steps == 1_000_000)
        #expect(try read("dataset.max_seconds=1_200.5").dataset.maxSeconds == 1200.5)
        #expect(try read("lr_scheduler.warmup=8_000").scheduler.warmup == 8000)
        #expect(try read("common.seed=12_345").common.seed == 12345)
    }

    @Test func aDesignIsAWordOrItsParts() throws {
        let six = StudentDesign(layers: 6, width: 64)
        #expect(try read("student.design=6x64").student.design == six)
        let parts = StudentDesign(layers: 4, width: 96, heads: 3)
        let file = "student:\n  design: {layers: 4, width: 96, heads: 3}\n"
        #expect(try read("student.design={layers: 4, width: 96, heads: 3}").student.design == parts)
        #expect(try read(file: file).student.design == parts)
        #expect(parts.feedForward == 384)
        // A word laid over parts, parts over parts, and parts over a word.
        let word = try read(file: file, overrides: ["student.design=2x32"])
        #expect(word.student.design == StudentDesign(layers: 2, width: 32))
        let wider = try read(file: file, overrides: ["student.design.feed_forward=100"])
        #expect(
            wider.student.design
                == StudentDesign(layers: 4, width: 96, heads: 3, feedForward: 100))
        let spelled = try read(
            file: "student: {design: 2x32}", overrides: ["student.design={layers: 1, width: 8}"])
        #expect(spelled.student.design == StudentDesign(layers: 1, width: 8))
    }

    @Test func differencesNameTheKeys() throws {
        var other = DistillConfig()
        other.optimizer.lr = 0.25
        other.objective.colld.layers.masking.length = 3
        other.student.design = StudentDesign(layers: 2, width: 64, heads: 4)
        let changes = try ConfigDocument.differences(DistillConfig(), other)
        #expect(
            changes.map(\.key) == [
                "objective.masking.length", "optimizer.lr", "student.design",
                "student.design.feed_forward", "student.design.heads", "student.design.layers",
                "student.design.width",
            ])
        let length = try #require(changes.first { $0.key == "objective.masking.length" })
        #expect(length.first == "10" && length.second == "3")
        #expect(try ConfigDocument.differences(other, other).isEmpty)
    }
}

extension ObjectiveConfig {
    /// The settings of CoLLD.
    fileprivate var colld: CoLLDSettings {
        get {
            guard case .colld(let settings) = self else { preconditionFailure("not CoLLD") }
            return settings
        }
        set { self = .colld(newValue) }
    }
}
