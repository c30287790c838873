import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("doctor") struct DoctorTests {
        private func doctor(_ environment: [String: String] = [:]) throws -> [String: Any] {
            try expectColld(["doctor", "--json"], exits: 0, environment: environment).json()
        }

        private func engine(_ json: [String: Any], _ name: String) throws -> [String: Any] {
            let engines = try #require(json["engines"] as? [String: [String: Any]])
            return try #require(engines[name], "\(name)")
        }

        private func problems(_ json: [String: Any]) throws -> [[String: Any]] {
            try #require(json["problems"] as? [[String: Any]])
        }

        @Test("engines, audio formats and the machine are told")
        func report() throws {
            let json = try doctor()
            #expect(json["usable"] as? Bool == true)
            for name in ["libtorch", "onnxruntime", "libsndfile", "libsoxr", "espeak-ng"] {
                let version = try #require(engine(json, name)["version"] as? String, "\(name)")
                #expect(version.first?.isNumber == true, "\(name) \(version)")
            }
            let formats = try #require(json["audio_formats"] as? [String: Bool])
            #expect(formats.keys.sorted() == ["flac", "mp3", "ogg", "opus", "wav"])
            #expect(formats["wav"] == true && formats["flac"] == true)
            let rates = try #require(json["matmul_gflops"] as? [String: Double])
            for name in ["cpu fp32", "cpu bf16"] { #expect(rates[name] ?? 0 > 0, "\(name)") }
            let machine = try #require(json["machine"] as? [String: Any])
            #expect(machine["cores"] as? Int ?? 0 > 0)
            #expect(machine["memory_bytes"] as? Int ?? 0 > 0)
        }

        @Test("the table is for people")
        func table() throws {
            let text = try expectColld(["doctor"], exits: 0).output
            for word in ["LibTorch", "ONNX Runtime", "libsndfile", "cores", "Ready to train."] {
                #expect(text.contains(word), "\(word)")
            }
        }

        @Test("what is missing is named, and how to get it; training works without it")
        func missing() throws {
            try withTemporaryDirectory { folder in
                let json = try doctor([
                    "PATH": folder.path, "COLLD_ORT_LIB": "\(folder.path)/libonnxruntime.so",
                    "HF_HUB_CACHE": "\(folder.path)/hub",
                ])
                let found = try problems(json).map {
                    "\($0["what"] as? String ?? "") \($0["help"] as? String ?? "")"
                }
                #expect(found.contains { $0.contains("espeak-ng") && $0.contains("install") })
                #expect(found.contains { $0.contains("ONNX Runtime") && $0.contains("make setup") })
                #expect(try problems(json).allSatisfy { $0["fatal"] as? Bool == false })
                #expect(json["usable"] as? Bool == true)
                #expect(json["model_cache"] as? String == "\(folder.path)/hub")
                #expect(json["model_cache_exists"] as? Bool == false)
            }
        }
    }
}
