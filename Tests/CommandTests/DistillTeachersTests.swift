import Foundation
import TestSupport
import Testing

extension Commands {
    /// More than one teacher, and a student that hears something else than they do.
    @Suite("distill, several teachers") struct DistillTeachersTests {
        /// A w2v-BERT beside a SEW, which hears samples and has half as many frames: each has heads and
        /// weights of its own.
        @Test("teachers of several families and rates")
        func severalTeachers() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let result = try runColld(
                folder.arguments(
                    [
                        "regime.steps=4", "objective.layer_mapping=last:1,2",
                        "objective.teacher_weights=[0.7, 0.3]",
                    ], validates: true) + ["--teacher", Fixtures.model("sew").path])
            try #require(result.status == 0, "\(result.errors)")
            #expect(
                result.errors.contains("teacher wav2vec2-bert")
                    && result.errors.contains("teacher sew"), "\(result.errors)")
            let line = try #require(try run.lines("metrics/valid.jsonl").last)
            for pair in ["0/2:1", "0/2:2", "1/2:1", "1/2:2"] {
                #expect(line["\(pair)/loss"] is Double, "\(line)")
            }
            let models =
                try #require(
                    try JSONSerialization.jsonObject(with: Data(contentsOf: run("run.json")))
                        as? [String: Any])["models"] as? [[String: Any]]
            #expect(models?.compactMap { $0["role"] as? String } == ["teacher", "teacher"])

            let config = try run.text("config.yaml")
            #expect(config.contains("teacher_weights:\n  - 0.7\n  - 0.3\n"), "\(config)")
            try expectColld(
                folder.arguments(
                    ["objective.teacher_weights=[1, 1, 1]"],
                    output: folder.url.appendingPathComponent("other")) + [
                        "--teacher", Fixtures.model("sew").path,
                    ], exits: 2,
                saying: ["objective.teacher_weights", "2 teachers", "found 3"])
        }

        /// Noise-robust distillation by other speeds: the losses are those of matched frames.
        @Test("a student that hears other speeds")
        func otherSpeeds() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            let result = try runColld(
                folder.arguments(
                    [
                        "regime.steps=4", "augment.student_speed=[0.9, 1.1]",
                        "objective.masking={warmup: 2, length: 5}",
                        "objective.learn_temperature=true",
                    ], validates: true))
            try #require(result.status == 0, "\(result.errors)")
            let lines = try run.lines("metrics/train.jsonl")
            let temperatures = lines.compactMap { $0["temperature"] as? Double }
            #expect(temperatures.count == 4 && Set(temperatures).count > 1, "\(temperatures)")
            // Nothing is masked at first: every frame is predicted.
            let frames = lines.compactMap { $0["frames"] as? Double }
            #expect(frames.count == 4 && frames[0] > 1.5 * frames[3], "\(frames)")
            #expect(try run.losses("valid").allSatisfy { $0.isFinite })
            try expectColld(
                folder.arguments(
                    ["augment.student_speed=[0.01]"],
                    output: folder.url.appendingPathComponent("other")), exits: 2,
                saying: ["augment.student_speed", "found [0.01]"])
        }
    }
}
