import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Every format written as `transformers` writes it today, with the same bits.
@Suite(.serialized) struct HuggingFaceExportTests {
    /// The fixtures that there are.
    static let fixtures: [String] =
        (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url("models").path).sorted())
        ?? []

    private func export(
        _ path: String, to url: URL, encoderOnly: Bool = false, maxShardSize: Int = 1 << 30
    ) throws -> ExportReport {
        try HuggingFaceExport(
            ModelDirectory(path), encoderOnly: encoderOnly, maxShardSize: maxShardSize
        ).write(to: url)
    }

    private func bytes(_ shards: TensorShards, _ name: String) throws -> Data {
        try shards.requiredFile(of: name).withBytes(of: name) { Data($0) }
    }

    @Test(arguments: fixtures, [false, true])
    func keepsEveryBit(_ fixture: String, encoderOnly: Bool) throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("export")
            let path = Fixtures.model(fixture).path
            let report = try export(path, to: url, encoderOnly: encoderOnly)
            let directory = try ModelDirectory(url.path)
            let before = try ModelDirectory(path).openWeights()
            let after = try directory.openWeights()
            #expect(
                after.files.map { URL(fileURLWithPath: $0.path).lastPathComponent }
                    == ["model.safetensors"])
            let written = Set(report.leftOut)
            #expect(encoderOnly || written.isEmpty)
            #expect(after.names.count == before.names.count - written.count)
            #expect(!after.names.contains { $0.hasSuffix("weight_g") || $0.hasSuffix("weight_v") })

            // The same parameters, by the reader of models.
            let original = try ModelLoader.load(path)
            let copy = try ModelLoader.load(directory)
            #expect(original.encoder.parameters.names == copy.encoder.parameters.names)
            for name in original.encoder.parameters.names {
                let (a, b) = try (original.storedTensor(name), copy.storedTensor(name))
                #expect(a.floats().map(\.bitPattern) == b.floats().map(\.bitPattern), "\(name)")
            }
            if encoderOnly {
                #expect(!after.names.contains { $0.hasPrefix("lm_head") })
                #expect(copy.encoder.config.architecture == (try architecture(directory)))
                let names = Set(copy.encoder.parameters.names)
                #expect(names.isSubset(of: Set(after.names)))
            } else {
                #expect(directory.configData == original.directory.configData)
                for name in before.names {
                    let new = report.renamed[name] ?? name
                    #expect(after.entry(new) == before.entry(name), "\(name)")
                    #expect(try bytes(after, new) == bytes(before, name), "\(name)")
                }
            }
        }
    }

    private func architecture(_ directory: ModelDirectory) throws -> String {
        let config = try JSONFile(path: directory.configPath, data: directory.configData)
        guard case .array(let names)? = config.value("architectures"),
            case .string(let name)? = names.first
        else { return "" }
        return name
    }

    @Test func givesTodaysNames() throws {
        try withTemporaryDirectory { folder in
            let report = try export(
                Fixtures.model("store_safetensors_weight_g").path,
                to: folder.appendingPathComponent("export"))
            #expect(
                report.renamed == [
                    "wav2vec2.encoder.pos_conv_embed.conv.weight_g":
                        "wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original0",
                    "wav2vec2.encoder.pos_conv_embed.conv.weight_v":
                        "wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original1",
                ])
            #expect(
                report.copied == [
                    "ctc.json", "preprocessor_config.json", "special_tokens_map.json",
                    "tokenizer_config.json", "vocab.json",
                ])
        }
    }

    /// Also where the encoder has no use for the tensors.
    @Test func unusedTensorsGetTodaysNames() throws {
        try withModel("wav2vec2_conformer_rotary") { model in
            let conv = "encoder.pos_conv_embed.conv"
            let names = [
                "\(conv).parametrizations.weight.original0": "\(conv).weight_g",
                "\(conv).parametrizations.weight.original1": "\(conv).weight_v",
            ]
            try model.editWeights { entries in
                for (new, old) in names {
                    let entry = try #require(entries[new])
                    entries[new] = nil
                    let values = try ModelDirectory(
                        Fixtures.model("wav2vec2_conformer_rotary").path
                    )
                    .openWeights().floats(new)
                    entries[old] = SafetensorsEntry(name: old, shape: entry.shape, floats: values)
                }
            }
            let url = model.url.deletingLastPathComponent().appendingPathComponent("export")
            let report = try export(model.path, to: url)
            #expect(Set(report.renamed.keys) == Set(names.values))
            #expect(Set(report.renamed.values) == Set(names.keys))
        }
    }

    /// A class with a head calls its encoder by a prefix, a bare one does not.
    @Test(arguments: [("HubertForCTC", "hubert."), ("HubertModel", "")])
    func prefixesFollowTheClass(_ architecture: String, _ prefix: String) throws {
        try withModel("hubert_base") { model in
            try model.edit(["architectures": .array([.string(architecture)])])
            try model.editWeights { entries in
                entries["lm_head.weight"] = SafetensorsEntry(
                    name: "lm_head.weight", shape: [1], floats: [1])
            }
            let url = model.url.deletingLastPathComponent().appendingPathComponent("export")
            let report = try export(model.path, to: url)
            let names = try ModelDirectory(url.path).openWeights().names
            #expect(names.contains("lm_head.weight"))
            #expect(names.contains("\(prefix)masked_spec_embed"))
            #expect(names.allSatisfy { $0 == "lm_head.weight" || $0.hasPrefix(prefix) })
            #expect(report.renamed.isEmpty == prefix.isEmpty)
            let lone = model.url.deletingLastPathComponent().appendingPathComponent("lone")
            #expect(
                try export(model.path, to: lone, encoderOnly: true).leftOut == ["lm_head.weight"])
        }
    }

    /// Shards are filled up to the limit; a tensor that is larger has one for itself.
    @Test(arguments: [1, 20_000, 60_000, 10_000_000])
    func shards(_ limit: Int) throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("export")
            let report = try export(
                Fixtures.model("store_bin_sharded").path, to: url, maxShardSize: limit)
            let sizes = report.files.map(\.bytes)
            #expect(report.files.allSatisfy { $0.bytes <= limit || $0.tensors == 1 })
            for (size, next) in zip(sizes, sizes.dropFirst()) { #expect(size + next > limit) }
            let directory = try ModelDirectory(url.path)
            #expect(try directory.weightFiles.map(\.lastPathComponent) == report.files.map(\.name))
            let index = url.appendingPathComponent("model.safetensors.index.json")
            #expect(FileManager.default.fileExists(atPath: index.path) == (sizes.count > 1))
            if sizes.count > 1 {
                let metadata = try #require(try JSONFile(path: index.path).file("metadata"))
                #expect(
                    try metadata.integer("total_size", in: 0...1 << 40) == sizes.reduce(0, +))
                #expect(
                    report.files[0].name
                        == String(
                            format: "model-00001-of-%05d.safetensors", sizes.count))
            }
            #expect(throws: Never.self) { try ModelLoader.load(directory) }
        }
    }

    @Test func adaptersComeAlong() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("export")
            let path = Fixtures.model("wav2vec2_mms_ctc").path
            let report = try export(path, to: url)
            #expect(
                report.files.map(\.name) == [
                    "model.safetensors", "adapter.eng.safetensors", "adapter.fra.safetensors",
                ])
            let before = try ModelDirectory(path).openAdapter(language: "fra")
            let after = try ModelDirectory(url.path).openAdapter(language: "fra")
            #expect(before.names == after.names)
            for name in before.names {
                #expect(try bytes(before, name) == bytes(after, name), "\(name)")
            }
            let head = try ModelLoader.load(url.path, language: "fra").loadHead()
            #expect(head.vocabularySize == 42)
        }
    }

    /// Two names of one tensor cannot both become today's name.
    @Test func refusesTwins() throws {
        try withModel("hubert_base") { model in
            try model.editWeights { entries in
                let name = "encoder.layer_norm.weight"
                entries["hubert.\(name)"] = SafetensorsEntry(
                    name: "hubert.\(name)", shape: [32], floats: [Float](repeating: 1, count: 32))
            }
            let url = model.url.deletingLastPathComponent().appendingPathComponent("export")
            expectError(ModelError.self, containing: ["twice", "hubert.encoder.layer_norm.weight"])
            {
                try export(model.path, to: url)
            }
            #expect(!FileManager.default.fileExists(atPath: url.path))
        }
    }

    @Test func refusesWhatCannotBeLoaded() throws {
        try withModel("hubert_base") { model in
            try model.editWeights { $0["encoder.layer_norm.weight"] = nil }
            expectError(ModelError.self, containing: ["missing: encoder.layer_norm.weight"]) {
                try HuggingFaceExport(ModelDirectory(model.path))
            }
        }
    }

    /// One bit, a type, a name or a shape: reading back finds what is not as it was.
    @Test func comparesBits() throws {
        try withTemporaryDirectory { folder in
            let source = try SafetensorsFile(
                path: Fixtures.model("hubert_base").appendingPathComponent("model.safetensors").path
            )
            let names = Array(source.names.prefix(5))
            let copy = try TensorCopy(
                "copy.safetensors", names.map { ($0, $0) }, of: TensorShards([source]))
            try copy.write(to: folder)
            #expect(try copy.differences(in: folder) == [])

            let url = folder.appendingPathComponent("copy.safetensors")
            var data = try Data(contentsOf: url)
            data[data.count - 1] ^= 1
            try data.write(to: url)
            #expect(try copy.differences(in: folder).count == 1)

            func entry(_ name: String, _ shape: [Int]) throws -> SafetensorsEntry {
                SafetensorsEntry(name: name, shape: shape, floats: try source.floats(names[0]))
            }
            let shape = try #require(source.entry(names[0])).shape
            try SafetensorsWriter.write(
                [entry(names[0], shape + [1]), entry("other", shape)], to: url)
            #expect(try Set(copy.differences(in: folder)) == Set(names + ["other"]))
        }
    }

    @Test func differencesAreAGate() {
        let report = ExportReport(
            model: "a", output: "b", files: [], copied: [], renamed: [:], leftOut: [], compared: 2,
            different: ["model.safetensors: x"])
        #expect(!report.isIdentical)
        #expect(ExportError.differs(report).exitStatus == .gateFailed)
        #expect("\(ExportError.differs(report))".contains("model.safetensors: x"))
    }
}
