import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("distill warns of runs that learn nothing") struct DistillDiagnosticsTests {
        private let settings = [
            "regime.steps=130", "trainer.log_every=50", "trainer.validate_every=10",
            "trainer.save_every=130", "lr_scheduler.warmup=20", "dataset.max_seconds=4",
            "objective.masking.sampler=none", "objective.target.normalization=instance",
        ]

        /// What a run says about itself.
        private func log(teacher: URL) throws -> String {
            let folder = try DistillFolder(training: 4, validation: 1)
            let arguments = folder.arguments(
                settings, teacher: teacher, validates: true)
            let result = try runColld(arguments)
            try #require(result.status == 0, "\(result.errors)")
            return try RunFiles(folder.output).text("log.txt")
        }

        @Test("a teacher that says the same of every frame")
        func constantTargets() throws {
            try withTemporaryDirectory { folder in
                let teacher = try ModelFiles.copy("w2vbert", into: folder)
                try ModelFiles.rewriteWeights(teacher) { values in
                    for index in values.indices
                    where values[index].name.contains("ffn2.output_dense.weight") {
                        values[index].floats = values[index].floats.map { _ in 0 }
                    }
                }
                let log = try log(teacher: teacher)
                let warnings = log.split(separator: "\n").filter { $0.contains("warning: ") }
                #expect(warnings.count == 1, "\(warnings)")
                #expect(warnings.first?.contains("the targets are all the same") == true)
            }
        }

        @Test("a run that learns is left alone")
        func healthy() throws {
            let log = try log(teacher: Fixtures.model("w2vbert"))
            #expect(!log.contains("warning"), "\(log)")
        }
    }
}
