import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("benchmark encode") struct EncodeBenchmarkTests {
        private static let short = ["benchmark", "encode", "--seconds", "1", "--repeats", "3"]

        private func expectFigures(
            _ arguments: [String], family: String, layers: Int, width: Int, audio: Double
        ) throws {
            let json = try runColld(Self.short + arguments + ["--json"])
            try #require(json.status == 0, "\(json.errors)")
            let values = try json.json()
            #expect(values["family"] as? String == family)
            #expect(values["layers"] as? Int == layers)
            #expect(values["width"] as? Int == width)
            func number(_ key: String) throws -> Double {
                let value = try #require(values[key] as? Double, "\(key) in \(values)")
                #expect(value > 0 && value.isFinite, "\(key) \(value)")
                return value
            }
            let median = try number("median_ms")
            #expect(try number("min_ms") <= median)
            #expect(abs(try number("rtf") * audio * 1000 - median) < 1e-6 * median)
            let pace = try number("audio_seconds_per_second")
            #expect(abs(pace - audio / median * 1000) < 1e-6 * pace)
            let model = try number("model_gflops")
            let matmul = try number("matmul_gflops")
            #expect(abs(try number("fraction_of_matmul") - model / matmul) < 1e-9)
            #expect(try number("peak_rss_bytes") > 1e7)
            #expect(try number("parameters") > 1000)
            #expect(try number("threads") >= 1)
        }

        @Test(
            "random weights of any family",
            arguments: [
                (["--family", "w2v-bert", "--precision", "bf16"], "wav2vec2-bert"),
                (["--family", "hubert"], "hubert"), (["--family", "wavlm"], "wavlm"),
            ])
        func random(_ arguments: [String], _ family: String) throws {
            try expectFigures(
                ["--design", "2x64", "--batch", "2"] + arguments, family: family, layers: 2,
                width: 64, audio: 2)
            let text = try runColld(Self.short + ["--design", "1x64"] + arguments)
            #expect(text.status == 0)
            for said in [family, "seconds of audio per second", "ms a pass", "GFLOP/s"] {
                #expect(text.output.contains(said), "\(text.output)")
            }
        }

        @Test("a model directory")
        func model() throws {
            try expectFigures(
                ["--model", Fixtures.model("w2vbert").path], family: "wav2vec2-bert", layers: 3,
                width: 32, audio: 1)
        }

        @Test("what cannot be measured")
        func refused() throws {
            let family = ["--family", "hubert"]
            for (arguments, status, said) in [
                ([], 64, "--model"), (family + ["--model", "m"], 64, "--family"),
                (["--family", "squeezenet"], 64, "squeezenet"),
                (["--model", "/nowhere"], 2, "/nowhere"),
                (family + ["--design", "12x"], 2, "'12x'"),
                (family + ["--batch", "0"], 64, "--batch"),
                (family + ["--seconds", "nan"], 64, "--seconds"),
                (family + ["--repeats", "0"], 64, "--repeats"),
                (family + ["--design", "1x64", "--seconds", "0.01"], 2, "too short"),
            ] as [([String], Int32, String)] {
                try expectColld(
                    ["benchmark", "encode"] + arguments, exits: status, saying: [said])
            }
        }
    }
}
