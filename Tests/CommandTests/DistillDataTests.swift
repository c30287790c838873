import Foundation
import TestSupport
import Testing

extension Commands {
    /// Runs on shards, several manifests and augmented clips.
    @Suite("distill, what it hears") struct DistillDataTests {
        private static let settings = [
            "regime.steps=1_000_000", "trainer.save_every=5", "trainer.keep_last=10_000",
            "dataset.language_temperature=3", "dataset.corpus_weights=[2, 1]",
            "dataset.shuffle_shards=2", "augment.speed=[0.9, 1.0, 1.1]", "augment.noise_prob=0.5",
            "augment.noise_snr=[0, 10]", "augment.reverb_prob=0.5", "augment.mask_time_prob=0.1",
        ]

        /// Shards of all recordings, and the flags of a run on them and on the plain files.
        private func arguments(
            _ folder: DistillFolder, output: URL, resumes: Bool, threads: Int
        ) throws -> [String] {
            let shards = folder.url.appendingPathComponent("shards/train.jsonl")
            if !FileManager.default.fileExists(atPath: shards.path) {
                try expectColld(
                    [
                        "data", "shard", folder.train.path, "--output",
                        shards.deletingLastPathComponent().path, "--shard-size", "0.1",
                    ], exits: 0)
            }
            return folder.arguments(
                Self.settings + ["dataset.threads=\(threads)"], train: shards, resumes: resumes,
                output: output)
                + [
                    "--train", folder.train.path, "--noise-manifest", folder.valid.path,
                    "--reverb-manifest", folder.valid.path,
                ]
        }

        @Test("shards, weights and augmentation resume to the same bits on any number of threads")
        func resumed() throws {
            let folder = try DistillFolder()
            let run = RunFiles(folder.output)
            try killColld(
                arguments(folder, output: run.url, resumes: false, threads: 1), in: folder
            ) { run.linked("last").map { $0 >= 5 } ?? false }
            let names = try FileManager.default.contentsOfDirectory(
                atPath: folder.url.appendingPathComponent("shards").path)
            #expect(names.filter { $0.hasSuffix(".tar") }.count >= 3)
            let last = try #require(run.linked("last")) + 5
            try killColld(
                arguments(folder, output: run.url, resumes: true, threads: 2), in: folder
            ) { run.linked("last").map { $0 >= last } ?? false }
            let whole = RunFiles(folder.url.appendingPathComponent("whole"))
            try killColld(
                arguments(folder, output: whole.url, resumes: false, threads: 3), in: folder
            ) { whole.linked("last").map { $0 >= last } ?? false }
            expectSame(try run.checkpoint(last), try whole.checkpoint(last))
            #expect(try run.lines("metrics/train.jsonl").allSatisfy { $0["skipped"] as? Int == 0 })
        }

        @Test("what clips are augmented with is checked, and its faults are not the clips'")
        func faults() throws {
            let folder = try DistillFolder(training: 4, validation: 1)
            let noise = folder.url.appendingPathComponent("noise.jsonl")
            try Data().write(to: folder.url.appendingPathComponent("broken.wav"))
            try Data(
                #"{"audio_filepath": "broken.wav", "duration": 1, "id": "hum"}"#.utf8
            ).write(to: noise)
            func expectRefused(
                _ settings: [String], _ flags: [String] = [], _ words: [String]
            ) throws {
                let output = folder.url.appendingPathComponent(UUID().uuidString)
                try expectColld(
                    folder.arguments(["regime.steps=2"] + settings, output: output) + flags,
                    exits: 2, saying: words)
            }
            try expectRefused(
                ["augment.noise_prob=1"], [], ["augment.noise_prob", "--noise-manifest"])
            try expectRefused(
                ["augment.noise_prob=1"], ["--noise-manifest", noise.path],
                ["noise 'hum'", "broken.wav", "empty"])
            try expectRefused(["augment.noise_prob=2"], [], ["augment.noise_prob", "found 2"])
            try expectRefused(["augment.speed=[3]"], [], ["augment.speed", "0.5 to 2.0"])
            try expectRefused(
                ["dataset.corpus_weights=[1, 2]"], [], ["corpus_weights", "1 manifest", "found 2"])
        }
    }
}
