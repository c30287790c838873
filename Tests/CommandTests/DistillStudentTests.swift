import Foundation
import SpeechCore
import TestSupport
import Testing

extension Commands {
    /// Students that Hugging Face cannot express, and students that were models before.
    @Suite("distill, students") struct DistillStudentTests {
        private static let reduced =
            "student.design={layers: 2, width: 32, heads: 4, time_reduction: 2, "
            + "reuses_attention: true}"

        private func arguments(
            _ folder: DistillFolder, _ settings: [String], student: URL? = nil, to name: String,
            resumes: Bool = false
        ) -> [String] {
            folder.arguments(
                settings, teacher: Fixtures.model("hubert_base"), resumes: resumes,
                output: folder.url.appendingPathComponent(name))
                + (student.map { ["--student", $0.path] } ?? [])
        }

        private func config(_ model: URL) throws -> [String: Any] {
            let data = try Data(contentsOf: model.appendingPathComponent("config.json"))
            return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        }

        private func sources(_ run: RunFiles) throws -> [[String: Any]] {
            let record = try JSONSerialization.jsonObject(with: Data(contentsOf: run("run.json")))
            return try #require((record as? [String: Any])?["models"] as? [[String: Any]])
        }

        private func values(_ file: URL) throws -> [String: [Float]] {
            let file = try SafetensorsFile(path: file.path)
            return try Dictionary(
                uniqueKeysWithValues: file.names.map { ($0, try file.floats($0)) })
        }

        @Test("a student that Hugging Face cannot express is written, read and continued")
        func reduced() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let run = RunFiles(folder.url.appendingPathComponent("first"))
            let short = ["regime.steps=2", "trainer.save_every=1"]
            try expectColld(
                arguments(
                    folder, short + [Self.reduced, "student.front_end_gradient=0.1"], to: "first"),
                exits: 0)
            let model = run("model")
            let config = try config(model)
            #expect(config["model_type"] as? String == "colld")
            #expect(config["base_model_type"] as? String == "hubert")
            #expect((config["structure"] as? [String: Any])?["time_reduction"] as? Int == 2)
            #expect(try run.text("log.txt").contains("student 2x32"))
            let card = try run.text("model/README.md")
            #expect(card.contains("# hubert student, 2x32") && card.contains("library_name: colld"))
            #expect(try sources(run).count == 1)

            let report = try runColld(["inspect", model.path])
            #expect(report.status == 0, "\(report.errors)")
            for said in ["colld, layers of hubert", "time reduction", "4 4, each 8 wide"] {
                #expect(report.output.contains(said), "\(report.output)")
            }
            let json = try runColld(["inspect", model.path, "--json"])
            for said in [#""base_family" : "hubert""#, #""reuses_attention" : true"#] {
                #expect(json.output.contains(said), "\(json.output)")
            }
            let output = folder.url.appendingPathComponent("output.safetensors")
            try expectColld(
                [
                    "encode", "--model", model.path, "--audio", ModelFiles.speechFiles[1],
                    "--output", output.path,
                ], exits: 0)
            let export = folder.url.appendingPathComponent("export")
            try expectColld(
                ["export", "hf", "--model", model.path, "--output", export.path], exits: 2,
                saying: [
                    model.appendingPathComponent("config.json").path, "model_type",
                    "a family of Hugging Face's", "'colld'", "cannot express",
                ])
            #expect(!FileManager.default.fileExists(atPath: export.path))

            // Going on from the model, whose heads are those of the last checkpoint.
            let second = RunFiles(folder.url.appendingPathComponent("second"))
            let tiny = short + ["optimizer.lr=1e-12", "optimizer.weight_decay=0"]
            try expectColld(arguments(folder, tiny, student: model, to: "second"), exits: 0)
            let log = try second.text("log.txt")
            for said in ["from \(model.path)", "heads from ", "checkpoints/last"] {
                #expect(log.contains(said), "\(log)")
            }
            let models = try sources(second)
            #expect(models.map { $0["role"] as? String } == ["teacher", "student"])
            #expect(models[1]["name"] as? String == model.path)
            for (before, after) in [
                ("model/model.safetensors", "model/model.safetensors"),
                ("checkpoints/last/heads.safetensors", "checkpoints/last/heads.safetensors"),
            ] {
                let (old, new) = (try values(run(before)), try values(second(after)))
                #expect(old.keys == new.keys)
                for (name, numbers) in old {
                    expectClose(try #require(new[name]), numbers, within: 1e-6, name)
                }
            }
            #expect(try self.config(second("model")).keys == config.keys)
        }

        @Test("heads that do not fit start anew, and a note says why")
        func heads() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let run = RunFiles(folder.url.appendingPathComponent("first"))
            try expectColld(
                arguments(folder, ["regime.steps=1", "student.design=teacher"], to: "first"),
                exits: 0)
            #expect(try config(run("model"))["model_type"] as? String == "hubert")
            #expect(try config(run("model"))["num_hidden_layers"] as? Int == 3)
            let checkpoint = run("checkpoints/step_1")
            for (number, (settings, student, said)) in [
                (["objective.head=mlp"], checkpoint, "heads start anew: \(checkpoint.path)"),
                ([], Fixtures.model("w2vbert"), "no heads.safetensors"),
                ([], checkpoint, "heads from \(checkpoint.path)/heads.safetensors"),
            ].enumerated() {
                let name = "other\(number)"
                try expectColld(
                    arguments(
                        folder, ["regime.steps=1"] + settings, student: student, to: name),
                    exits: 0)
                let log = try RunFiles(folder.url.appendingPathComponent(name)).text("log.txt")
                #expect(log.contains(said), "\(log)")
            }
        }

        @Test("a continued student resumes, from the same model only")
        func resumes() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let student = try ModelFiles.copy("hubert_base", into: folder.url)
            let settings = ["regime.steps=100_000", "trainer.save_every=2"]
            let run = RunFiles(folder.url.appendingPathComponent("run"))
            try killColld(arguments(folder, settings, student: student, to: "run"), in: folder) {
                run.linked("last") != nil
            }
            let step = try #require(run.linked("last"))
            try killColld(
                arguments(folder, settings, student: student, to: "run", resumes: true), in: folder
            ) { run.linked("last").map { $0 > step } ?? false }
            #expect(try run.text("log.txt").contains("going on after step"))
            for other in [nil, Fixtures.model("w2vbert")] {
                try expectColld(
                    arguments(folder, settings, student: other, to: "run", resumes: true),
                    exits: 2, saying: ["run.json", "models"])
            }
        }

        @Test(
            "students that cannot be",
            arguments: [
                (
                    "student.design={layers: 2, width: 32, time_reduction: 0}",
                    "hubert_base", ["student.design.time_reduction", "1 or more"]
                ),
                (
                    "student.design={layers: 2, width: 32, heads: 4, reuses_attention: true}",
                    "w2vbert", ["student.design.reuses_attention", "conformer"]
                ),
                (
                    "student.design={layers: 2, width: 32, time_reductions: 2}", "hubert_base",
                    ["student.design", "'time_reductions'"]
                ),
                (
                    "student.front_end_gradient=0.1", "w2vbert",
                    ["student.front_end_gradient", "no convolutional front end"]
                ),
                ("student.front_end_gradient=-1", "hubert_base", ["0 or more", "-1"]),
            ])
        func refused(_ setting: String, _ teacher: String, _ said: [String]) throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            try expectColld(
                folder.arguments(
                    ["regime.steps=1", setting], teacher: Fixtures.model(teacher)),
                exits: 2, saying: said)
        }
    }
}
