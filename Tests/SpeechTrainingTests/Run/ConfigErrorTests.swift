import Foundation
import SpeechCore
import SpeechObjectives
import SpeechTraining
import TestSupport
import Testing

/// Run files and overrides that cannot be used.
@Suite struct ConfigErrorTests {
    /// What reading these overrides throws, which must say `fragments`.
    @discardableResult
    private func expectRefused(
        _ overrides: String..., saying fragments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> ConfigError? {
        let error = expectError(
            ConfigError.self, containing: fragments, sourceLocation: sourceLocation
        ) { try ConfigDocument.read(DistillConfig(), file: nil, overrides: overrides) }
        #expect(error?.exitStatus == .badInput, sourceLocation: sourceLocation)
        return error
    }

    /// What reading a file of these bytes throws; the error must begin with its path.
    @discardableResult
    private func expectRefused(
        file bytes: some Sequence<UInt8>, saying fragments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> ConfigError? {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("run.yaml")
            try Data(bytes).write(to: url)
            return expectError(
                ConfigError.self, containing: [url.path + ": "] + fragments,
                sourceLocation: sourceLocation
            ) { try ConfigDocument.read(DistillConfig(), file: url.path) }
        }
    }

    @Test(
        "an unknown key names the nearest one",
        arguments: [
            ("optimizer.lrr", "optimizer.lr"),
            ("objectve.temperature", "objective"),
            ("objective.masking.lenght", "objective.masking.length"),
            ("objective.temperatur", "objective.temperature"),
            ("dataset.maxSeconds", "dataset.max_seconds"),
            ("scheduler.warmup", "lr_scheduler"),
            ("trainer.keep-last", "trainer.keep_last"),
            ("regime.step", "regime.steps"),
        ])
    func unknownKeys(_ key: String, _ nearest: String) throws {
        let shown = key.hasPrefix("objectve") ? "objectve" : key
        let unknown = shown.hasPrefix("scheduler") ? "scheduler" : shown
        #expect(
            expectRefused("\(key)=1", saying: ["'\(unknown)'", "'\(nearest)'"])
                == .unknownKey(file: nil, key: unknown, nearest: nearest))
        let lines = key.split(separator: ".").enumerated().map { depth, part in
            String(repeating: "  ", count: depth) + part + ":"
        }
        try expectRefused(
            file: (lines.joined(separator: "\n") + " 1\n").utf8,
            saying: ["unknown key '\(unknown)'", "did you mean '\(nearest)'?"])
    }

    @Test func aKeyThatIsLikeNoOtherNamesNone() {
        #expect(
            expectRefused("optimizer.xyzzyplugh=1", saying: ["'optimizer.xyzzyplugh'"])
                == .unknownKey(file: nil, key: "optimizer.xyzzyplugh", nearest: nil))
    }

    @Test func wrongTypesNameKeyExpectedAndFound() throws {
        for (override, expected) in [
            ("optimizer.lr=fast", "a number"), ("regime.steps=many", "a whole number"),
            ("regime.steps=1.5", "a whole number"), ("common.seed=-1", "a whole number"),
            ("dataset.shuffle=7", "true or false"), ("trainer.accumulation=[1]", "a whole number"),
            ("regime.steps=", "a whole number"), ("regime.steps=1e30", "a whole number"),
        ] {
            let parts = override.split(separator: "=", omittingEmptySubsequences: false)
            let found = parts[1] == "[1]" ? "a list" : "'\(parts[1])'"
            #expect(
                expectRefused(override, saying: [])
                    == .invalidValue(
                        file: nil, key: String(parts[0]), expected: expected, found: found),
                "\(override)")
        }
        expectRefused(
            "optimizer.betas=[0.9, high]", saying: ["optimizer.betas[1]", "a number", "'high'"])
        expectRefused("optimizer.betas=0.9", saying: ["optimizer.betas", "a list", "'0.9'"])
        expectRefused(
            "regime.steps={a: 1}", saying: ["regime.steps", "a whole number", "keys"])
        try expectRefused(
            file: "optimizer:\n  lr: fast\n".utf8,
            saying: ["optimizer.lr", "expected a number", "found 'fast'"])
    }

    @Test func wrongChoicesListAll() throws {
        expectRefused(
            "lr_scheduler.name=sine",
            saying: [
                "lr_scheduler.name", "constant", "linear", "cosine", "polynomial", "tri_stage",
                "'sine'",
            ])
        expectRefused(
            "student.initialization=copy",
            saying: [
                "student.initialization", "auto", "random", "copy_every", "copy_first",
                "front_end_only", "'copy'",
            ])
        expectRefused(
            "objective.masking.sampler=spans",
            saying: ["objective.masking.sampler", "fairseq2", "none", "'spans'"])
        expectRefused("teacher.precision=fp8", saying: ["auto", "fp32", "bf16", "'fp8'"])
        expectRefused("objective.name=mse", saying: ["objective.name", "colld", "'mse'"])
        expectRefused(
            "objective.layer_mapping=every",
            saying: ["objective.layer_mapping", "uniform", "every_teacher", "'every'"])
        expectRefused(
            "objective.distractors=some", saying: ["objective.distractors", "'all'", "'some'"])
    }

    @Test func wrongDesigns() throws {
        for design in ["12x", "x", "12", "0x64", "12x0", "-3x64", "12x64x2", "twelve"] {
            expectRefused(
                "student.design=\(design)",
                saying: ["student.design", "layers x width", "'\(design)'"])
        }
        expectRefused(
            "student.design={layers: 2, width: 64, hedas: 2}",
            saying: ["student.design", "layers, width, heads, feed_forward", "'hedas'"])
        expectRefused(
            "student.design={layers: 2}", saying: ["student.design", "'width'"])
        expectRefused(
            "student.design={layers: two, width: 64}",
            saying: ["student.design.layers", "a whole number", "'two'"])
        expectRefused("student.design=[2, 64]", saying: ["student.design"])
    }

    @Test(
        "an override is key=value",
        arguments: ["optimizer.lr", "=1", "", "optimizer.betas=[0.9", "--steps"])
    func malformedOverrides(_ text: String) {
        #expect(
            expectRefused(text, saying: ["'\(text)'", "key=value"]) == .malformedOverride(text))
    }

    @Test func sectionsAreNoValues() throws {
        expectRefused("optimizer=fast", saying: ["optimizer", "a section with keys", "'fast'"])
        expectRefused("optimizer=[1, 2]", saying: ["optimizer", "a section with keys", "a list"])
        expectRefused(
            "objective.masking=10", saying: ["objective.masking", "a section with keys", "'10'"])
        try expectRefused(
            file: "optimizer: 1e-4\n".utf8, saying: ["optimizer", "a section with keys", "'1e-4'"])
        expectRefused("optimizer.lr.peak=1", saying: ["optimizer.lr", "a number"])
    }

    @Test func filesThatAreNoRunFiles() throws {
        let folder = FileManager.default.temporaryDirectory
        let missing = folder.appendingPathComponent("none-\(UUID().uuidString).yaml").path
        expectError(ConfigError.self, containing: [missing, "no such file"]) {
            try ConfigDocument.read(DistillConfig(), file: missing)
        }
        expectError(ConfigError.self, containing: [folder.path, "a folder"]) {
            try ConfigDocument.read(DistillConfig(), file: folder.path)
        }
        try expectRefused(file: [0xff, 0xfe, 0x00, 0xc3], saying: ["not UTF-8"])
        try expectRefused(file: "optimizer: {lr: 1".utf8, saying: ["YAML"])
        try expectRefused(file: "optimizer:\n\tlr: 1\n".utf8, saying: ["YAML"])
        try expectRefused(file: "- a\n- b\n".utf8, saying: ["without keys"])
        try expectRefused(file: "just a sentence".utf8, saying: ["without keys"])
        try expectRefused(
            file: "optimizer: {lr: 1}\noptimizer: {lr: 2}\n".utf8, saying: ["optimizer"])
    }
}
