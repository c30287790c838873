import Foundation
import Testing

/// The layers of the package, read from its sources.
@Suite("Import rules") struct ImportRulesTests {
    /// What each target stands on directly; there are no other edges.
    private static let edges: [String: Set<String>] = [
        "CLI": ["SpeechTraining", "SpeechInference"],
        "SpeechTraining": ["SpeechObjectives", "SpeechAudio", "CSentencePiece"],
        "SpeechObjectives": ["SpeechModels"],
        "SpeechModels": ["Torch", "SpeechCore"],
        "SpeechInference": ["SpeechCore", "COnnxRuntime"],
        "SpeechAudio": ["SpeechCore", "CSndFile", "CSoxr"],
        "Torch": ["CTorch"],
        "SpeechCore": ["CZlib"],
    ]

    /// Modules of the system and its C library.
    private static let platform: Set<String> = [
        "Foundation", "FoundationEssentials", "Dispatch", "Synchronization", "Darwin", "Glibc",
        "Musl",
    ]

    /// Packages of others, each with the only target that may use it.
    private static let packages = ["ArgumentParser": "CLI", "Yams": "SpeechTraining"]

    private struct Import {
        let target: String
        let file: String
        let module: String
    }

    private static let sources = Colld.root.appendingPathComponent("Sources")

    /// Every Swift file below `Sources` with its text.
    private static func swiftFiles() throws -> [(path: String, text: String)] {
        let paths = try FileManager.default.subpathsOfDirectory(atPath: sources.path)
        return try paths.filter { $0.hasSuffix(".swift") }.sorted().map { path in
            (
                path,
                try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
            )
        }
    }

    private static func imports() throws -> [Import] {
        let modifiers: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let"]
        return try swiftFiles().flatMap { path, text in
            text.split(separator: "\n").compactMap { line -> Import? in
                var words = line.split(separator: " ").drop {
                    modifiers.contains($0) || $0.hasPrefix("@")
                }
                guard words.first == "import" else { return nil }
                words = words.dropFirst().drop { kinds.contains($0) }
                guard let module = words.first?.split(separator: ".").first else { return nil }
                let target = path.split(separator: "/")[0]
                return Import(target: String(target), file: path, module: String(module))
            }
        }
    }

    /// All that a target reaches through its edges.
    private static func reachable(from target: String) -> Set<String> {
        (edges[target] ?? []).reduce(into: []) { found, next in
            found.insert(next)
            // C libraries stay behind the target that wraps them.
            found.formUnion(reachable(from: next).filter { !$0.hasPrefix("C") })
        }
    }

    @Test("every import follows the edges between targets")
    func edges() throws {
        let imports = try Self.imports()
        #expect(imports.count > 100)
        for item in imports where !Self.platform.contains(item.module) {
            if let owner = Self.packages[item.module] {
                #expect(item.target == owner, "\(item.file) imports \(item.module)")
            } else {
                #expect(
                    Self.reachable(from: item.target).contains(item.module),
                    "\(item.file) imports \(item.module)")
            }
        }
    }

    @Test("each engine has one way in")
    func engines() throws {
        let imports = try Self.imports()
        func files(_ module: String) -> [String] {
            imports.filter { $0.module == module }.map(\.file)
        }
        #expect(files("CTorch").allSatisfy { $0.hasPrefix("Torch/") })
        #expect(!files("CTorch").isEmpty)
        #expect(files("COnnxRuntime").count == 1, "\(files("COnnxRuntime"))")
        #expect(files("CLibTorch").isEmpty)
        #expect(files("CSentencePiece").count == 1, "\(files("CSentencePiece"))")
        #expect(files("CLibSentencePiece").isEmpty)
        #expect(!Self.reachable(from: "SpeechInference").contains("Torch"))
    }

    // zlib is part of every system that Swift runs on.
    @Test("SpeechCore needs nothing but the system")
    func core() throws {
        let core = try Self.imports().filter { $0.target == "SpeechCore" }
        #expect(!core.isEmpty)
        #expect(core.allSatisfy { Self.platform.contains($0.module) || $0.module == "CZlib" })
        #expect(core.filter { $0.module == "CZlib" }.count == 1)
    }

    @Test("concurrency is checked everywhere")
    func concurrency() throws {
        for (path, text) in try Self.swiftFiles() {
            #expect(!text.contains("@unchecked Sendable"), "\(path)")
            #expect(!text.contains("nonisolated(unsafe)"), "\(path)")
            #expect(!text.contains("@preconcurrency import"), "\(path)")
        }
        let package = Colld.root.appendingPathComponent("Package.swift")
        #expect(!(try String(contentsOf: package, encoding: .utf8)).contains("unsafeFlags"))
    }
}
