import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct ModelDirectoryTests {
    private func write(_ files: [String: String], in folder: URL) throws {
        for (name, text) in files {
            let url = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try AtomicFile.write(text, to: url)
        }
    }

    private func tensor(_ name: String, _ value: Float, at url: URL) throws {
        try SafetensorsWriter.write(
            [SafetensorsEntry(name: name, shape: [1], floats: [value])], to: url)
    }

    /// A folder with files and, for each shard, one tensor of its own.
    @discardableResult
    private func directory<R>(
        _ files: [String: String], shards: [String: String] = [:],
        _ body: (ModelDirectory) throws -> R
    ) throws -> R {
        try withTemporaryDirectory { folder in
            try write(files, in: folder)
            for (shard, name) in shards {
                try tensor(name, 1, at: folder.appendingPathComponent(shard))
            }
            return try body(ModelDirectory(folder.path))
        }
    }

    @Test func singleFile() throws {
        let directory = try ModelDirectory(Fixtures.model("w2vbert").path)
        #expect(try directory.modelType == "wav2vec2-bert")
        #expect(try directory.weightFiles.map(\.lastPathComponent) == ["model.safetensors"])
        let weights = try directory.openWeights()
        #expect(weights.files.count == 1 && weights.names == weights.files[0].names)
        #expect(directory.preprocessorPath?.hasSuffix("preprocessor_config.json") == true)
    }

    @Test func shards() throws {
        let directory = try ModelDirectory(Fixtures.model("store_sharded").path)
        let weights = try directory.openWeights()
        #expect(weights.files.count == 3)
        #expect(weights.names.count == weights.files.map(\.names.count).reduce(0, +))
        let elements = weights.names.compactMap { weights.entry($0)?.elementCount }.reduce(0, +)
        // `total_parameters` of the index.
        #expect(elements == 40_680)
        let name = "encoder.layer_norm.bias"
        #expect(weights.file(of: name)?.path.hasSuffix("00002-of-00003.safetensors") == true)
        #expect(try weights.floats(name) == weights.requiredFile(of: name).floats(name))
        #expect(weights.file(of: "x") == nil && weights.entry("x") == nil)
        expectError(TensorFileError.self, containing: ["'x'", "00003-of-00003"]) {
            try weights.floats("x")
        }
    }

    @Test func duplicateTensorInShards() throws {
        try withTemporaryDirectory { folder in
            let paths = try ["a", "b"].map { shard in
                let url = folder.appendingPathComponent(shard)
                try tensor("same", 1, at: url)
                return url.path
            }
            expectError(TensorFileError.self, containing: ["'same'"] + paths) {
                try TensorShards(paths.map { try SafetensorsFile(path: $0) })
            }
        }
    }

    @Test func brokenIndexes() throws {
        let index = "model.safetensors.index.json"
        func fails<E: Error>(_ type: E.Type, _ text: String, _ fragments: String...) throws {
            try directory(["config.json": "{}", index: text], shards: ["a.safetensors": "x"]) {
                directory in
                expectError(type, containing: [index] + fragments) { try directory.openWeights() }
            }
        }
        try fails(
            ModelDirectoryError.self,
            #"{"weight_map": {"x": "a.safetensors", "y": "b.safetensors", "z": "c.safetensors"}}"#,
            "2 missing", "b.safetensors", "c.safetensors")
        try fails(
            ModelDirectoryError.self,
            #"{"weight_map": {"x": "a.safetensors", "y": "a.safetensors"}}"#, "'y'")
        try fails(JSONFileError.self, #"{"weight_map": {"x": "../a"}}"#, "weight_map.x", "../a")
        try fails(JSONFileError.self, #"{"weight_map": {"x": 1}}"#, "'x'", "the number 1")
        try fails(JSONFileError.self, #"{"weight_map": {}}"#, "at least one tensor")
        try fails(JSONFileError.self, "{}", "weight_map")
        try fails(JSONFileError.self, "{", "not valid JSON")
    }

    @Test func noWeights() throws {
        try directory(["config.json": "{}", "model.onnx": ""]) { directory in
            expectError(
                ModelDirectoryError.self,
                containing: [
                    "'model.safetensors'", "'pytorch_model.bin.index.json'", "'model.onnx'",
                ]
            ) { try directory.weightFiles }
        }
    }

    /// safetensors wins over pickles, one file over shards.
    @Test func preference() throws {
        let bin = try Data(
            contentsOf: Fixtures.model("store_bin_weight_g")
                .appendingPathComponent("pytorch_model.bin"))
        let binIndex = #"{"weight_map": {"x": "part.bin"}}"#
        let index = #"{"weight_map": {"x": "part.safetensors"}}"#
        try withTemporaryDirectory { folder in
            try write(
                ["config.json": "{}", "pytorch_model.bin.index.json": binIndex, "part.bin": "x"],
                in: folder)
            let directory = try ModelDirectory(folder.path)
            func names() throws -> [String] { try directory.weightFiles.map(\.lastPathComponent) }
            #expect(try names() == ["part.bin"])
            expectError(PickleError.self, containing: ["part.bin", "other bytes"]) {
                try directory.openWeights()
            }
            try AtomicFile.write(bin, to: folder.appendingPathComponent("part.bin"))
            expectError(ModelDirectoryError.self, containing: ["pytorch_model.bin.index", "'x'"]) {
                try directory.openWeights()
            }
            try AtomicFile.write(bin, to: folder.appendingPathComponent("pytorch_model.bin"))
            #expect(try names() == ["pytorch_model.bin"])
            #expect(try directory.openWeights().names.contains("masked_spec_embed"))
            try write(["model.safetensors.index.json": index], in: folder)
            try tensor("x", 1, at: folder.appendingPathComponent("part.safetensors"))
            #expect(try names() == ["part.safetensors"])
            try tensor("y", 1, at: folder.appendingPathComponent("model.safetensors"))
            #expect(try directory.openWeights().names == ["y"])
        }
    }

    @Test func noDirectory() throws {
        try withTemporaryDirectory { folder in
            let environment = ["HF_HOME": folder.path]
            for reference in ["absent", "org/absent", "/absent/model", "../absent", "a/b/c", ""] {
                let error = expectError(
                    ModelDirectoryError.self, containing: ["'\(reference)'"]
                ) {
                    try ModelDirectory(reference, environment: environment)
                }
                guard case .notFound(_, let searched)? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect(searched.count == (["absent", "org/absent"].contains(reference) ? 2 : 1))
                #expect(error?.exitStatus == .badInput)
            }
            try write(["file": "x", "model/weights.txt": "x"], in: folder)
            expectError(ModelDirectoryError.self, containing: ["file", "is a file"]) {
                try ModelDirectory(folder.appendingPathComponent("file").path)
            }
            expectError(ModelDirectoryError.self, containing: ["config.json", "'weights.txt'"]) {
                try ModelDirectory(folder.appendingPathComponent("model").path)
            }
        }
    }

    @Test func modelTypes() throws {
        func fails(_ text: String, _ fragment: String) throws {
            try directory(["config.json": text]) { directory in
                expectError(JSONFileError.self, containing: ["config.json", fragment]) {
                    try directory.modelType
                }
            }
        }
        try fails("{}", "lacks the key 'model_type'")
        try fails(#"{"model_type": null}"#, "lacks the key 'model_type'")
        try fails(#"{"model_type": 3}"#, "found the number 3")
        try fails(#"{"model_type": "a"#, "not valid JSON: line 1, column 16")
    }

    @Test func preprocessors() throws {
        try directory(["config.json": "{}"]) {
            #expect($0.preprocessorData == nil && $0.preprocessorPath == nil)
        }
        let nested =
            #"{"feature_extractor": {"feature_extractor_type": "x"}, "processor_class": 1}"#
        try directory(["config.json": "{}", "processor_config.json": nested]) {
            let text = String(decoding: try #require($0.preprocessorData), as: UTF8.self)
            #expect(text == #"{"feature_extractor_type": "x"}"#)
            #expect($0.preprocessorPath?.hasSuffix("processor_config.json") == true)
        }
    }

    @Test func cachedRepositories() throws {
        try withTemporaryDirectory { folder in
            let config = #"{"model_type": "hubert"}"#
            let repository = "hub/models--org--name-1.0"
            try write(
                [
                    "\(repository)/refs/main": "abc123\n",
                    "\(repository)/snapshots/abc123/config.json": config,
                    "\(repository)/snapshots/def/config.json": "{}",
                    "hub/models--solo/refs/main": "1",
                    "hub/models--solo/snapshots/1/config.json": config,
                ], in: folder)
            let hub = folder.appendingPathComponent("hub").path
            let cache = folder.appendingPathComponent("x/huggingface").path
            try FileManager.default.createDirectory(
                atPath: cache, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: cache + "/hub", withDestinationPath: hub)
            for environment in [
                ["HF_HUB_CACHE": hub, "HF_HOME": "/absent"], ["HF_HOME": folder.path],
                ["XDG_CACHE_HOME": folder.appendingPathComponent("x").path, "HF_HOME": ""],
            ] {
                for name in ["org/name-1.0", "solo"] {
                    let directory = try ModelDirectory(name, environment: environment)
                    #expect(try directory.modelType == "hubert")
                }
            }
            let other = try ModelDirectory(
                "org/name-1.0", revision: "def", environment: ["HF_HOME": folder.path])
            #expect(other.configData == Data("{}".utf8))
            let home = folder.appendingPathComponent("home")
            try FileManager.default.createDirectory(
                at: home.appendingPathComponent(".cache"), withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: home.path + "/.cache/huggingface", withDestinationPath: folder.path)
            #expect(throws: Never.self) {
                try ModelDirectory("solo", environment: ["HOME": home.path])
            }
        }
    }
}
