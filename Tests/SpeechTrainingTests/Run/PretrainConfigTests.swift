import SpeechCore
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing

/// The run file of training without a teacher.
@Suite struct PretrainConfigTests {
    private func read(_ overrides: [String]) throws -> PretrainConfig {
        try ConfigDocument.readRun(PretrainConfig(), file: nil, overrides: overrides)
    }

    @Test("the objective's name decides which keys there are")
    func variants() throws {
        guard case .w2vBert(let both) = try read(["objective.contrastive_layer=3"]).objective else {
            Issue.record("not w2v_bert")
            return
        }
        #expect(both.contrastiveLayer == 3 && both.contrast == Wav2Vec2Settings())
        let contrastive = try read([
            "objective.name=wav2vec2", "objective.distractors=all",
            "objective.quantizer.entries=64",
        ])
        guard case .wav2vec2(let settings) = contrastive.objective else {
            Issue.record("not wav2vec2")
            return
        }
        #expect(settings.distractors == .all && settings.quantizer.entries == 64)
        #expect(settings.quantizer.groups == 2)
        let codes = try read(["objective.name=random_projection", "objective.codes.books=4"])
        guard case .randomProjection(let own) = codes.objective else {
            Issue.record("not random_projection")
            return
        }
        #expect(own.codes.books == 4)
        expectError(ConfigError.self, containing: ["objective.quantizer"]) {
            try read(["objective.name=random_projection", "objective.quantizer.groups=1"])
        }
        expectError(
            ConfigError.self, containing: ["'objective.distractor'", "'objective.distractors'"]
        ) { try read(["objective.name=wav2vec2", "objective.distractor=10"]) }
        expectError(
            ConfigError.self,
            containing: ["objective.name", "wav2vec2, random_projection, w2v_bert", "'colld'"]
        ) { try read(["objective.name=colld"]) }
    }

    @Test("what is written is read again", arguments: PretrainObjectiveConfig.Name.allCases)
    func text(_ name: PretrainObjectiveConfig.Name) throws {
        let config = try read([
            "objective.name=\(name.rawValue)", "model.design={layers: 3, width: 48, heads: 2}",
            "model.family=xls-r",
        ])
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("run.yaml")
            try AtomicFile.write(ConfigDocument.text(config), to: file)
            let again = try ConfigDocument.readRun(PretrainConfig(), file: file.path)
            #expect(again == config)
        }
    }

    @Test(
        "a value that cannot be names its key",
        arguments: [
            ("model.family=bert", "one of auto"), ("model.design=12x", "layers x width"),
            ("objective.contrastive_layer=-1", "0 for a third"),
            ("objective.masking.sampler=none", "fairseq2 or fairseq"),
            ("objective.targets=kmeans", "random_projection"),
            ("objective.quantizer.width=255", "a multiple of 2"),
            ("objective.codes.width=0", "1 …"), ("objective.width=0", "1 …"),
            ("objective.penalty_weight=-1", "0 or more"), ("regime.steps=0", "1 or more"),
        ])
    func refused(_ override: String, _ expected: String) throws {
        let key = String(override.prefix { $0 != "=" })
        let error = #expect(throws: (any Error).self) { try read([override]) }
        #expect((error as? any ReportedError)?.exitStatus == .badInput)
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("\(key): expected "), "\(text)")
        #expect(text.contains(expected) && text.contains("found "), "\(text)")
    }
}
