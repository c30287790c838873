import Foundation
import TestSupport
import Testing

extension Commands {
    /// A once-for-all run and the students that are cut out of it.
    @Suite("subnet") struct SubnetTests {
        @Test("sub-networks are listed, measured and written")
        func chosenAfterTraining() throws {
            let folder = try DistillFolder(training: 4, validation: 2)
            let settings = [
                "objective.name=once_for_all", "regime.steps=6", "objective.top_layers=2",
                "student.design={layers: 3, width: 32, heads: 4, feed_forward: 64}",
                "objective.space={layers: [2, 3], widths: [16, 32], heads: [2, 4]}",
                "objective.masking={length: 5}",
            ]
            try expectColld(folder.arguments(settings, validates: true), exits: 0)
            let run = RunFiles(folder.output)
            let line = try #require(try run.lines("metrics/valid.jsonl").last)
            for size in ["smallest", "middle", "largest"] {
                #expect(line["\(size)/loss"] is Double, "\(line)")
            }

            let flags = ["subnet", "--run", run.url.path]
            func list(_ more: [String]) throws -> [[String: Any]] {
                let result = try expectColld(flags + more + ["--json"], exits: 0)
                return try #require(
                    try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                        as? [[String: Any]])
            }
            let all = try list([])
            let sizes = all.compactMap { $0["parameters"] as? Int }
            #expect(all.count == 8 && sizes == sizes.sorted(by: >))
            let measured = try list(["--design", "2x16", "--valid", folder.valid.path])
            let losses = measured.compactMap { $0["loss"] as? Double }
            #expect(losses.count == 2 && losses == losses.sorted())

            // Written at its real size: plain where heads fill the width, else in our own form.
            for (heads, type) in [(2, "wav2vec2-bert"), (4, "colld")] {
                let output = folder.url.appendingPathComponent("small-\(heads)")
                try expectColld(
                    flags + [
                        "--design", "2x16", "--heads", "\(heads)", "--output", output.path,
                    ], exits: 0)
                let report = try expectColld(["inspect", output.path, "--json"], exits: 0).json()
                let expected = all.first {
                    $0["layers"] as? Int == 2 && $0["width"] as? Int == 16
                        && $0["heads"] as? Int == heads
                }
                #expect(report["parameters"] as? Int == expected?["parameters"] as? Int)
                let config = try #require(
                    try JSONSerialization.jsonObject(
                        with: Data(contentsOf: output.appendingPathComponent("config.json")))
                        as? [String: Any])
                #expect(config["model_type"] as? String == type)
                try expectColld(
                    [
                        "encode", "--model", output.path, "--audio", folder.recording(0).path,
                        "--output", output.path + ".safetensors",
                    ], exits: 0)
            }
            try expectColld(
                flags + ["--max-parameters", "10"], exits: 2,
                saying: ["sub-network", "trained", "--max-parameters"])
            try expectColld(
                flags + ["--output", run.url.path], exits: 2, saying: [run.url.path])
        }

        @Test("runs of other objectives have none")
        func otherObjectives() throws {
            let folder = try DistillFolder(training: 2, validation: 1)
            try expectColld(folder.arguments(["regime.steps=1"]), exits: 0)
            try expectColld(
                ["subnet", "--run", folder.output.path], exits: 2,
                saying: ["config.yaml", "objective.name", "once_for_all", "colld"])
        }
    }
}
