import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite("Manifests and reports of a validation") struct ValidatedManifestTests {
    private func text(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

    @Test("lines are copied byte for byte in the same folder")
    func sameFolder() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        let odd = #"{"x":[1, 2.50,{"é":null}] ,"audio_filepath":"1.wav","duration":1.0e0}"#
        let data = "\u{FEFF}" + odd + "\r\n\n" + ValidationFolder.json(folder.line(2)) + "\nbad\n"
        try data.write(to: folder.file("m.jsonl"), atomically: true, encoding: .utf8)
        let result = try ManifestValidation(manifest: folder.file("m.jsonl")).run()
        try result.writeManifest(to: folder.file("c.jsonl"))
        #expect(
            try text(folder.file("c.jsonl")) == odd + "\n" + ValidationFolder.json(folder.line(2))
                + "\n")
        // Also over itself.
        try result.writeManifest(to: folder.file("m.jsonl"))
        #expect(try text(folder.file("m.jsonl")) == text(folder.file("c.jsonl")))
    }

    @Test("in another folder paths and names stay what they meant, and unknown keys stay")
    func otherFolder() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        try FileManager.default.createDirectory(
            at: folder.file("in"), withIntermediateDirectories: true)
        let manifest = try folder.manifest(
            [
                #"{"audio_filepath": "../1.wav", "duration": 1, "mine": {"a": [1.5, true]}}"#,
                #"{"audio_filepath": "\#(folder.file("2.wav").path)", "duration": 1, "id": 7}"#,
            ], as: "in/m.jsonl")
        let result = try ManifestValidation(manifest: manifest).run()
        try result.writeManifest(to: folder.file("c.jsonl"))
        #expect(
            try text(folder.file("c.jsonl")) == """
                {"audio_filepath": "1.wav", "duration": 1, "mine": {"a": [1.5, true]}, "id": "../1.wav"}
                {"audio_filepath": "2.wav", "duration": 1, "id": 7}

                """)
        let before = try JSONLinesManifest.read(manifest)
        let after = try JSONLinesManifest.read(folder.file("c.jsonl"))
        #expect(before == after)
    }

    @Test("other formats become JSON Lines")
    func tsv() throws {
        let folder = try ValidationFolder()
        _ = try folder.cleanLines()
        try "\(folder.url.path)\n1.wav\t16000\n2.wav\tmany\n3.wav\t16000\n"
            .write(to: folder.file("m.tsv"), atomically: true, encoding: .utf8)
        let result = try ManifestValidation(manifest: folder.file("m.tsv")).run()
        #expect(result.findings.mapValues { $0.map(\.reason) } == [3: [.badLine]])
        try result.writeManifest(to: folder.file("c.jsonl"))
        let kept = try JSONLinesManifest.read(folder.file("c.jsonl"))
        #expect(kept.map(\.id) == ["1.wav", "3.wav"])
        #expect(kept.map(\.audioPath) == ["1.wav", "3.wav"].map { folder.file($0).path })
    }

    @Test("the report is one object with sums, settings and every unfit line")
    func report() throws {
        let folder = try ValidationFolder()
        var lines = try folder.cleanLines()
        lines[1] = ValidationFolder.json(folder.line(2), ["duration": "4", "text": "\"—\""])
        lines.append("{\"lang\": \"fr\"")
        let result = try ManifestValidation(manifest: folder.manifest(lines)).run()
        try result.writeReport(to: folder.file("r.json"))
        let json = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: folder.file("r.json")))
                as? [String: Any])
        #expect(json["manifest"] as? String == folder.file("m.jsonl").path)
        #expect((json["settings"] as? [String: Any])?["min_duration"] as? Double == 0.5)
        let total = try #require(json["total"] as? [String: Any])
        #expect((total["kept"] as? [String: Any])?["utterances"] as? Int == 2)
        #expect((total["all"] as? [String: Any])?["utterances"] as? Int == 4)
        let lost = try #require(total["lost"] as? [String: [String: Any]])
        #expect(lost["wrong-duration"]?["utterances"] as? Int == 1)
        #expect(lost["bad-line"]?["utterances"] as? Int == 1)
        #expect(lost.count == 2)
        let unfit = try #require(json["unfit_lines"] as? [[String: Any]])
        #expect(unfit.map { $0["line"] as? Int } == [2, 4])
        #expect(unfit[0]["id"] as? String == "u2")
        #expect(unfit[0]["audio_filepath"] as? String == folder.file("2.wav").path)
        let findings = try #require(unfit[0]["findings"] as? [[String: String]])
        #expect(
            findings == [
                ["reason": "wrong-duration", "expected": "4 s", "found": "1 s in a file of 1 s"],
                [
                    "reason": "empty-text", "expected": "letters or numbers in 'text'",
                    "found": "\"—\"",
                ],
            ])
        #expect(unfit[1]["id"] == nil)
    }

    @Test("nothing fit is an error and no manifest")
    func nothing() throws {
        let folder = try ValidationFolder()
        let manifest = try folder.manifest([ValidationFolder.json(folder.line(1)), "bad"])
        let result = try ManifestValidation(manifest: manifest).run()
        let error = expectError(ManifestValidationError.self, containing: ["m.jsonl", "none in 2"])
        {
            try result.writeManifest(to: folder.file("c.jsonl"))
        }
        #expect(error?.exitStatus == .badInput)
        #expect(!FileManager.default.fileExists(atPath: folder.file("c.jsonl").path))
        try result.writeReport(to: folder.file("r.json"))
        let gate = expectError(ManifestValidationError.self, containing: ["2 of 2"]) {
            try result.requireAllFit()
        }
        #expect(gate?.exitStatus == .gateFailed)
    }
}
