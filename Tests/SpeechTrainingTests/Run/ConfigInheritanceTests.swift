import Foundation
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing

/// Run files that take presets and other files as their starting point.
@Suite struct ConfigInheritanceTests {
    /// Reads `run.yaml` of a folder with these files.
    private func read(
        _ files: [String: String], named name: String = "run.yaml", overrides: [String] = []
    ) throws -> DistillConfig {
        try withFiles(files) { folder in
            try ConfigDocument.readRun(
                DistillConfig(), file: folder.appendingPathComponent(name).path,
                overrides: overrides)
        }
    }

    private func withFiles<Result>(
        _ files: [String: String], _ body: (URL) throws -> Result
    ) throws -> Result {
        try withTemporaryDirectory { folder in
            for (name, text) in files {
                let url = folder.appendingPathComponent(name)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
            return try body(folder)
        }
    }

    private func expectRefused(
        _ files: [String: String], saying fragments: [String], overrides: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try withFiles(files) { folder in
            let file = folder.appendingPathComponent("run.yaml").path
            let error = expectError(
                ConfigError.self, containing: fragments, sourceLocation: sourceLocation
            ) {
                try ConfigDocument.readRun(DistillConfig(), file: file, overrides: overrides)
            }
            #expect(error?.exitStatus == .badInput, sourceLocation: sourceLocation)
        }
    }

    @Test func laterOnesWin() throws {
        let files = [
            "run.yaml": "defaults: [a.yaml, b.yaml]\nregime: {steps: 3}\n",
            "a.yaml": "regime: {steps: 1}\noptimizer: {lr: 0.1, eps: 0.1}\ncommon: {seed: 5}\n",
            "b.yaml": "regime: {steps: 2}\noptimizer: {lr: 0.2}\n",
        ]
        let config = try read(files)
        #expect(config.regime.steps == 3)
        #expect(config.optimizer.lr == 0.2)
        #expect(config.optimizer.eps == 0.1)
        #expect(config.common.seed == 5)
        #expect(try read(files, overrides: ["optimizer.lr=0.4"]).optimizer.lr == 0.4)
    }

    @Test func whatSeveralInheritIsLaidOnce() throws {
        // base: left changes it, right does not: right must not bring base's value back.
        let config = try read([
            "run.yaml": "defaults: [left.yaml, right.yaml]\n",
            "left.yaml": "defaults: [base.yaml]\noptimizer: {lr: 0.2}\n",
            "right.yaml": "defaults: [base.yaml]\nregime: {steps: 7}\n",
            "base.yaml": "optimizer: {lr: 0.1}\nregime: {steps: 1}\n",
        ])
        #expect(config.optimizer.lr == 0.2)
        #expect(config.regime.steps == 7)
    }

    @Test func pathsStandBesideTheFileThatNamesThem() throws {
        let files = [
            "run.yaml": "defaults: [deep/a.yaml]\n",
            "deep/a.yaml": "defaults: [../b.yml]\noptimizer: {lr: 0.5}\n",
            "b.yml": "regime: {steps: 9}\n",
        ]
        let config = try read(files)
        #expect(config.optimizer.lr == 0.5)
        #expect(config.regime.steps == 9)
        try withFiles(files) { folder in
            let absolute = folder.appendingPathComponent("b.yml").path
            let file = folder.appendingPathComponent("other.yaml")
            try Data("defaults:\n  - \(absolute)\n".utf8).write(to: file)
            let config = try ConfigDocument.read(DistillConfig(), file: file.path)
            #expect(config.regime.steps == 9)
        }
    }

    @Test func aPresetAndAFileCompose() throws {
        let config = try read([
            "run.yaml": "defaults: [w2v-bert-2.0-12x512, colld]\noptimizer: {lr: 0.001}\n"
        ])
        #expect(config.student.design == StudentDesign(layers: 12, width: 512))
        #expect(config.objective.name == .colld)
        #expect(config.optimizer.lr == 0.001)
        #expect(config.regime.steps == 200_000)
        // By its name alone.
        let alone = try ConfigDocument.readRun(DistillConfig(), file: "w2v-bert-2.0-12x512")
        #expect(alone.student == config.student)
    }

    @Test func theResolvedTextInheritsNothing() throws {
        let config = try read(["run.yaml": "defaults: [colld-unmasked]\n"])
        let text = try ConfigDocument.text(config)
        #expect(!text.contains("defaults"))
        #expect(try read(["run.yaml": text]) == config)
    }

    @Test func emptyListsInheritNothing() throws {
        #expect(try read(["run.yaml": "defaults:\n"]) == DistillConfig())
        #expect(try read(["run.yaml": "defaults: []\n"]) == DistillConfig())
    }

    @Test func aCircleIsNamed() throws {
        try expectRefused(
            [
                "run.yaml": "defaults: [a.yaml]\n", "a.yaml": "defaults: [colld, b.yaml]\n",
                "b.yaml": "defaults: [./run.yaml]\n",
            ], saying: ["b.yaml: defaults[0]", "circle", "run.yaml -> ", "a.yaml -> "])
        try expectRefused(
            ["run.yaml": "defaults: [run.yaml]\n"], saying: ["defaults[0]", "circle"])
    }

    @Test func unknownNamesAndMissingFiles() throws {
        try expectRefused(
            ["run.yaml": "defaults: [colld, coldl]\n"],
            saying: ["run.yaml: defaults[1]", "'coldl'", "did you mean 'colld'?", "colld presets"])
        try expectRefused(
            ["run.yaml": "defaults: [none.yaml]\n"],
            saying: ["run.yaml: defaults[0]", "none.yaml', which is no file"])
        try expectRefused(
            ["run.yaml": "defaults: [./]\n"], saying: ["run.yaml: defaults[0]", "a folder"])
        try expectRefused(
            ["run.yaml": "defaults: colld\n"], saying: ["run.yaml: defaults", "a list", "'colld'"])
        try expectRefused(
            ["run.yaml": "defaults: [{a: 1}]\n"], saying: ["run.yaml: defaults[0]", "no name"])
        try expectRefused(
            ["run.yaml": ""], saying: ["unknown key 'defaults'"], overrides: ["defaults=[colld]"])
        expectError(ConfigError.self, containing: ["--config", "'coldl'", "'colld'"]) {
            try ConfigDocument.read(DistillConfig(), file: "coldl")
        }
    }

    @Test func errorsNameTheFileOfTheKey() throws {
        let run = "defaults: [base.yaml]\nregime: {steps: 3}\n"
        try expectRefused(
            ["run.yaml": run, "base.yaml": "optimizer: {lrr: 1}\n"],
            saying: ["base.yaml: unknown key 'optimizer.lrr'", "'optimizer.lr'"])
        try expectRefused(
            ["run.yaml": run, "base.yaml": "optimizer: {lr: fast}\n"],
            saying: ["base.yaml: optimizer.lr: expected a number", "'fast'"])
        try expectRefused(
            ["run.yaml": run, "base.yaml": "student: {design: 12x}\n"],
            saying: ["base.yaml: student.design"])
        // Values that are only wrong in themselves.
        for (text, key) in [
            ("optimizer: {lr: -1}", "optimizer.lr"), ("dataset: {buckets: 0}", "dataset.buckets"),
            ("objective: {masking: {length: 0}}", "objective.masking.length"),
        ] {
            try expectRefused(
                ["run.yaml": run, "base.yaml": text + "\n"], saying: ["base.yaml: \(key): expected"]
            )
        }
        // The file above wins, and so it is the one that is named.
        try expectRefused(
            ["run.yaml": run + "optimizer: {lr: -2}\n", "base.yaml": "optimizer: {lr: -1}\n"],
            saying: ["run.yaml: optimizer.lr", "-2"])
        try withFiles(["run.yaml": run, "base.yaml": "optimizer: {lr: 1}\n"]) { folder in
            let file = folder.appendingPathComponent("run.yaml").path
            let error = expectError(ConfigError.self, containing: ["optimizer.lr"]) {
                try ConfigDocument.readRun(
                    DistillConfig(), file: file, overrides: ["optimizer.lr=-1"])
            }
            #expect(error.map { "\($0)" }?.hasPrefix("optimizer.lr: ") == true)
        }
    }
}
