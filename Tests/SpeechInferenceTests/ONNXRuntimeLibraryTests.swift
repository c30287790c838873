import Foundation
import SpeechCore
import SpeechInference
import Testing

@Suite("Finding ONNX Runtime")
struct ONNXRuntimeLibraryTests {
    /// A folder where nothing is.
    private let emptyFolder = FileManager.default.temporaryDirectory
        .appendingPathComponent("colld-ort-\(UUID().uuidString)")

    @Test("a library that is nowhere is an error that lists the places tried")
    func missing() throws {
        let path = emptyFolder.appendingPathComponent("libonnxruntime.so").path
        let error = try #require(throws: ONNXRuntimeError.self) {
            try ONNXRuntimeLibrary.load(environment: ["COLLD_ORT_LIB": path])
        }
        #expect(error == .notFound(attempts: [.init(place: path, reason: "no such file")]))
        #expect(error.description.contains(path))
        #expect(error.description.contains("COLLD_ORT_LIB"))
        #expect(error.exitStatus == .runtimeFailure)
    }

    @Test("a file that is no library is an error with the loader's reason")
    func notALibrary() throws {
        try FileManager.default.createDirectory(
            at: emptyFolder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: emptyFolder) }
        let file = emptyFolder.appendingPathComponent("libonnxruntime.so")
        try Data("not a library".utf8).write(to: file)
        let error = try #require(throws: ONNXRuntimeError.self) {
            try ONNXRuntimeLibrary.load(environment: ["COLLD_ORT_LIB": file.path])
        }
        guard case .notFound(let attempts) = error else {
            Issue.record("expected notFound, found \(error)")
            return
        }
        #expect(attempts.map(\.place) == [file.path])
        #expect(attempts[0].reason != "no such file")
    }

    #if os(Linux)
        @Test("another library is refused by its missing entry point")
        func foreign() throws {
            let candidates = [
                "/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6",
                "/lib/aarch64-linux-gnu/libm.so.6",
            ]
            let path = try #require(
                candidates.first { FileManager.default.fileExists(atPath: $0) })
            #expect(
                throws: ONNXRuntimeError.foreignLibrary(
                    path: path, missingSymbol: "OrtGetApiBase")
            ) {
                try ONNXRuntimeLibrary.load(environment: ["COLLD_ORT_LIB": path])
            }
        }
    #endif

    /// Set-up links the library beside the program; a checkout without it skips this test.
    private static let isInstalled = (try? ONNXRuntimeLibrary.load()) != nil

    @Test("an installed library states its version and path", .enabled(if: isInstalled))
    func installed() throws {
        let library = try ONNXRuntimeLibrary.load()
        #expect(FileManager.default.fileExists(atPath: library.path))
        let parts = library.version.split(separator: ".").compactMap { Int($0) }
        #expect(parts.count == 3)
        #expect(parts[0] == 1 && parts[1] >= 17)
        // Naming the same file explicitly gives the same library.
        let named = try ONNXRuntimeLibrary.load(environment: ["COLLD_ORT_LIB": library.path])
        #expect(named.version == library.version)
    }
}
