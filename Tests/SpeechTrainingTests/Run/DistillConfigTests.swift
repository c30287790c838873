import SpeechCore
import SpeechTraining
import TestSupport
import Testing
import Torch

/// Values that a run refuses, and what the values mean.
@Suite struct DistillConfigTests {
    @Test(
        "a value that cannot be names its key",
        arguments: [
            "optimizer.lr=0", "optimizer.lr=-1", "optimizer.lr=.nan", "optimizer.lr=.inf",
            "optimizer.betas=[0.9]", "optimizer.betas=[0.9, 1]", "optimizer.betas=[-0.1, 0.9]",
            "optimizer.betas=[0.9, .nan]", "optimizer.eps=0", "optimizer.eps=.inf",
            "optimizer.weight_decay=-0.1", "optimizer.weight_decay=.inf",
            "optimizer.clip_norm=-1", "optimizer.clip_norm=.nan",
            "lr_scheduler.warmup=-1", "lr_scheduler.warmup=1.5", "lr_scheduler.warmup=.inf",
            "lr_scheduler.warmup=1e300", "lr_scheduler.hold=.nan", "lr_scheduler.decay=2.5",
            "lr_scheduler.floor=-0.1", "lr_scheduler.floor=1.1", "lr_scheduler.start=2",
            "lr_scheduler.power=0", "lr_scheduler.power=.inf",
            "trainer.accumulation=0", "regime.steps=0", "regime.steps=-5", "trainer.log_every=0",
            "trainer.save_every=0", "trainer.validate_every=0", "trainer.keep_last=0",
            "trainer.max_nonfinite=0", "common.threads=-1",
            "objective.temperature=0", "objective.temperature=.inf", "objective.distractors=0",
            "objective.exclude_radius=-1", "objective.masking.probability=1.5",
            "objective.masking.probability=.nan", "objective.masking.length=0",
            "objective.masking.minimum_spans=-1",
            "dataset.max_seconds=0", "dataset.max_seconds=.inf", "dataset.min_duration=-1",
            "dataset.max_duration=0", "dataset.max_duration=0.1", "dataset.buckets=0",
            "dataset.threads=-1", "dataset.prefetch=0", "dataset.max_skipped=-1",
            "dataset.max_utterances=-1",
        ])
    func refusedValues(_ override: String) throws {
        let config = try ConfigDocument.read(DistillConfig(), file: nil, overrides: [override])
        let key = String(override.prefix { $0 != "=" })
        let error = #expect(throws: (any Error).self) { try config.validate() }
        #expect((error as? any ReportedError)?.exitStatus == .badInput)
        let text = error.map { "\($0)" } ?? ""
        #expect(text.hasPrefix("\(key): expected "), "\(text)")
        #expect(text.contains("found "), "\(text)")
    }

    @Test func anExponentialDecayNeedsAFloor() throws {
        let config = try ConfigDocument.read(
            DistillConfig(), file: nil,
            overrides: ["lr_scheduler.name=tri_stage", "lr_scheduler.floor=0"])
        expectError(ConfigError.self, containing: ["lr_scheduler.floor", "tri_stage"]) {
            try config.validate()
        }
        var other = config
        other.scheduler.name = .cosine
        try other.validate()
    }

    @Test func lengthsBelowOneAreShares() {
        var scheduler = DistillConfig().scheduler
        #expect(scheduler.schedule(steps: 1000) == .linear(warmup: 80))
        scheduler.warmup = 30
        #expect(scheduler.schedule(steps: 1000) == .linear(warmup: 30))
        scheduler.warmup = 0
        scheduler.name = .constant
        #expect(scheduler.schedule(steps: 1000) == .constant(warmup: 0))
        scheduler.name = .triStage
        scheduler.warmup = 0.1
        scheduler.decay = 300
        #expect(
            scheduler.schedule(steps: 1000)
                == .triStage(warmup: 100, hold: 400, decay: 300, start: 0.01, floor: 0.05))
        scheduler.name = .cosine
        #expect(scheduler.schedule(steps: 10) == .cosine(warmup: 1, floor: 0.05))
        scheduler.name = .polynomial
        scheduler.power = 2
        #expect(
            scheduler.schedule(steps: 10) == .polynomial(warmup: 1, power: 2, floor: 0.05))
    }

    @Test func precisionFollowsTheProcessor() {
        #expect(PrecisionChoice.fp32.dtype(on: .cpu) == .float32)
        #expect(PrecisionChoice.bf16.dtype(on: .cpu) == .bfloat16)
        let expected: DType = Processor.multipliesBFloat16(on: .cpu) ? .bfloat16 : .float32
        #expect(PrecisionChoice.automatic.dtype(on: .cpu) == expected)
        #expect(!Processor.name.isEmpty)
    }
}
