import SpeechCore
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing

/// The objectives of `distill` in run files.
@Suite struct ObjectiveConfigTests {
    private func read(_ overrides: [String]) throws -> DistillConfig {
        try ConfigDocument.read(DistillConfig(), file: nil, overrides: overrides)
    }

    @Test(arguments: ObjectiveConfig.Name.allCases)
    func everyObjectiveHasDefaults(_ name: ObjectiveConfig.Name) throws {
        let config = try read(["objective.name=\(name.rawValue)"])
        #expect(config.objective == name.defaults && config.objective.name == name)
        try config.validate()
    }

    @Test func settingsAreThoseOfTheObjective() throws {
        let usad = try read([
            "objective.name=regression", "objective.layer_mapping=sparse:4", "objective.head=mlp",
            "objective.masking.sampler=none", "objective.cosine_weight=0.5",
        ])
        var regression = LayerRegressionSettings()
        regression.layers.mapping = .sparse(4)
        regression.layers.head = .mlp
        regression.layers.masking.sampler = .none
        regression.distance.cosineWeight = 0.5
        #expect(usad.objective == .regression(regression))
        var data2Vec = Data2VecSettings()
        data2Vec.topLayers = 4
        data2Vec.distance.kind = .smoothL1
        #expect(
            try read([
                "objective.name=data2vec", "objective.top_layers=4", "objective.loss=smooth_l1",
            ]).objective == .data2vec(data2Vec))
        var armHuBERT = ARMHuBERTSettings()
        armHuBERT.scalesGradients = true
        armHuBERT.layers.masking.probability = 0.4
        #expect(
            try read([
                "objective.name=armhubert", "objective.scale_gradients=true",
                "objective.masking.probability=0.4",
            ]).objective == .armhubert(armHuBERT))
        var star = STaRHuBERTSettings()
        star.intraLayerGramWeight = 0.5
        #expect(
            try read(["objective.name=star", "objective.intra_layer_gram_weight=0.5"]).objective
                == .star(star))
    }

    @Test(
        arguments: [
            ("regression", "cosine_weight=-1"), ("regression", "smooth_l1_beta=0"),
            ("regression", "masking.length=0"), ("data2vec", "top_layers=0"),
            ("armhubert", "hidden_weight=-1"), ("star", "layer_gram_weight=.nan"),
        ])
    func refusedValues(_ name: String, _ setting: String) throws {
        let config = try read(["objective.name=\(name)", "objective.\(setting)"])
        let key = String(setting.prefix { $0 != "=" })
        expectError(ObjectiveError.self, containing: ["objective.\(key): expected ", "found "]) {
            try config.validate()
        }
    }

    /// Settings that an objective has no use for are not among its keys.
    @Test(
        arguments: [
            ("regression", "temperature=0.2"), ("data2vec", "layer_mapping=uniform"),
            ("armhubert", "frames=masked"), ("star", "head=linear"), ("star", "loss=mse"),
        ])
    func otherKeysAreRefused(_ name: String, _ setting: String) {
        let key = String(setting.prefix { $0 != "=" })
        expectError(ConfigError.self, containing: ["objective.\(key)"]) {
            try read(["objective.name=\(name)", "objective.\(setting)"])
        }
    }
}
