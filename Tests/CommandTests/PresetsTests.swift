import Foundation
import Testing

extension Commands {
    @Suite("presets") struct PresetsTests {
        @Test("lists names with what they are for, and prints one")
        func listed() throws {
            let list = try expectColld(["presets"], exits: 0).output
            #expect(list.contains("  colld "))
            let json = try expectColld(["presets", "--json"], exits: 0).output
            let entries = try #require(
                try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: String]])
            for entry in entries {
                let name = try #require(entry["name"])
                let summary = try #require(entry["summary"])
                #expect(list.contains("  \(name) "))
                #expect(list.contains("  \(summary)\n"))
                #expect(entry["kind"] != nil && entry["text"] == nil)
            }
            let text = try expectColld(["presets", "colld"], exits: 0).output
            #expect(text.hasPrefix("# CoLLD: ") && text.contains("\nobjective:\n"))
            let one = try expectColld(["presets", "colld", "--json"], exits: 0).json()
            #expect(one["text"] as? String == text)
        }

        @Test("a run takes a preset by its name")
        func resolved() throws {
            let text = try expectColld(
                ["distill", "--dump-config", "--config", "colld-unmasked", "regime.steps=5"],
                exits: 0
            ).output
            for line in ["sampler: none", "frames: all", "steps: 5", "max_seconds: 100.0"] {
                #expect(text.contains("  \(line)\n"), "\(text)")
            }
            #expect(!text.contains("defaults"))
        }

        @Test("an unknown name is answered with the nearest one")
        func unknown() throws {
            try expectColld(["presets", "coldl"], exits: 2, saying: ["'coldl'", "'colld'"])
            try expectColld(
                ["distill", "--dump-config", "--config", "coldl"], exits: 2,
                saying: ["--config: ", "'coldl'", "'colld'"])
        }
    }
}
