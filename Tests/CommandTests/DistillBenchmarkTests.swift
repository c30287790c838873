import Foundation
import Testing

extension Commands {
    @Suite("benchmark distill") struct DistillBenchmarkTests {
        @Test(
            "every family is measured in every precision",
            arguments: [
                (["--precision", "fp32"], "wav2vec2-bert"), ([], "wav2vec2-bert"),
                (["--family", "hubert", "--seconds", "0.5", "--batch", "1"], "hubert"),
                (["--family", "whisper"], "whisper"),
            ])
        func figures(_ arguments: [String], _ family: String) throws {
            let small = [
                "benchmark", "distill", "--teacher", "2x64", "--student", "1x64", "--batch", "2",
                "--seconds", "1", "--steps", "3",
            ]
            let json = try runColld(small + arguments + ["--json"])
            try #require(json.status == 0, "\(json.errors)")
            let values = try json.json()
            for key in [
                "audio_seconds_per_second", "step_ms", "loss", "matmul_gflops", "model_gflops",
                "fraction_of_matmul", "peak_memory_mb",
            ] {
                let value = try #require(values[key] as? Double, "\(key) in \(values)")
                #expect(value > 0 && value.isFinite, "\(key) \(value)")
            }
            let step = try #require(values["step_ms"] as? Double)
            let pace = try #require(values["audio_seconds_per_second"] as? Double)
            let audio = arguments.contains("0.5") ? 0.5 : 2.0
            #expect(abs(pace - audio / step * 1000) < 1e-6 * pace)
            let model = try #require(values["model_gflops"] as? Double)
            let matmul = try #require(values["matmul_gflops"] as? Double)
            let share = try #require(values["fraction_of_matmul"] as? Double)
            #expect(abs(share - model / matmul) < 1e-9)
            // A loss between nothing learned in the first steps and nothing at all.
            let loss = try #require(values["loss"] as? Double)
            #expect(2..<6 ~= loss)

            let text = try runColld(small + arguments)
            #expect(text.status == 0)
            for said in [family, "seconds of audio per second", "ms a step", "GFLOP/s"] {
                #expect(text.output.contains(said), "\(text.output)")
            }
        }

        @Test("the parts of a step, and every method on the same shapes")
        func parts() throws {
            let small = [
                "benchmark", "distill", "--teacher", "3x64", "--student", "2x64", "--batch", "1",
                "--seconds", "1", "--steps", "2",
            ]
            let arguments = small + ["--config", "colld-unmasked", "--profile"]
            let values = try expectColld(arguments + ["--json"], exits: 0).json()
            let parts = try #require(values["parts_ms"] as? [String: Double])
            let names = ["data", "teacher", "student", "loss", "backward", "optimizer"]
            #expect(Set(parts.keys) == Set(names))
            for (name, time) in parts { #expect(time > 0, "\(name) \(time)") }
            let text = try expectColld(arguments, exits: 0).output
            for name in names { #expect(text.contains("\n  \(name) "), "\(text)") }
            #expect(try expectColld(small + ["--json"], exits: 0).json()["parts_ms"] == nil)

            let table = try expectColld(small + ["--all"], exits: 0).output
            for method in ["colld", "colld-unmasked"] {
                #expect(table.contains("  \(method)\n"), "\(table)")
            }
            try expectColld(small + ["--all", "--config", "colld"], exits: 64, saying: ["--all"])
            try expectColld(small + ["--config", "coldl"], exits: 2, saying: ["'colld'"])
        }

        @Test("the loss alone, with the memory that it takes")
        func loss() throws {
            let arguments = [
                "benchmark", "loss", "--batch", "2", "--frames", "60", "--width", "128", "--pairs",
                "3",
            ]
            let values = try expectColld(arguments + ["--json"], exits: 0).json()
            func value(_ key: String) throws -> Double {
                try #require(values[key] as? Double, "\(key)")
            }
            let states = 3 * 2 * 60 * 128 * 4 / 1_048_576.0
            #expect(abs(try value("features_mb") - 2 * states) < 1e-9)
            #expect(abs(try value("state_gradients_mb") - states) < 1e-9)
            #expect(abs(try value("head_gradients_mb") - 3 * 129 * 128 * 4 / 1_048_576.0) < 1e-9)
            // Gradients at least; what a run of this size takes is far below the engine's own noise.
            #expect(0..<200 ~= (try value("loss_mb")))
            let gradients = states + 3 * 129 * 128 * 4 / 1_048_576.0
            #expect(gradients..<(3 * gradients + 1) ~= (try value("loss_tensors_mb")))
            #expect(try value("loss_ms") > 0)
            // Random states: as good as chance.
            #expect(4..<6 ~= (try value("loss")))
            let text = try expectColld(arguments, exits: 0).output
            #expect(text.contains("MB of tensors above them at most"), "\(text)")
            try expectColld(
                ["benchmark", "loss", "--frames", "1"], exits: 64, saying: ["--frames"])
        }

        @Test("shapes that cannot be")
        func refused() throws {
            for (flag, value, status, said) in [
                ("--teacher", "12x", 2, "'12x'"), ("--student", "0x64", 2, "'0x64'"),
                ("--student", "axb", 2, "--student"), ("--batch", "0", 64, "--batch"),
                ("--seconds", "0.1", 64, "--seconds"), ("--seconds", "nan", 64, "--seconds"),
                ("--family", "bert", 64, "bert"), ("--precision", "int8", 64, "int8"),
                ("--steps", "-1", 64, "--steps"), ("--device", "tpu", 2, "'tpu'"),
            ] {
                try expectColld(
                    ["benchmark", "distill", "\(flag)=\(value)"], exits: Int32(status),
                    saying: [said])
            }
        }
    }
}
