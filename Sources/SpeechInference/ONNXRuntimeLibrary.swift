internal import COnnxRuntime
public import Foundation

/// The ONNX Runtime library, found and opened at run time.
///
/// Nothing needs it at build time, so that the package builds where no engine is installed. Once opened
/// it stays open until the process ends.
public struct ONNXRuntimeLibrary: Sendable, Equatable {
    /// The file that was opened.
    public let path: String
    /// The version that the library states, for example `1.31.1`.
    public let version: String

    /// Opens the library named by the variable `COLLD_ORT_LIB`, else the one beside the program, else
    /// the one that the system's loader knows.
    ///
    /// When the variable is set, nothing else is tried: a wrong path is an error, not a reason to use a
    /// different version.
    ///
    /// - Parameters:
    ///   - environment: The variables to look in.
    ///   - programFolder: The folder of the running program.
    /// - Throws: `ONNXRuntimeError`, with every place tried when the library is in none.
    public static func load(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        programFolder: URL? = Bundle.main.executableURL?
            .resolvingSymlinksInPath().deletingLastPathComponent()
    ) throws -> ONNXRuntimeLibrary {
        var attempts: [ONNXRuntimeError.Attempt] = []
        for place in places(environment: environment, programFolder: programFolder) {
            if place.contains("/"), !FileManager.default.fileExists(atPath: place) {
                attempts.append(.init(place: place, reason: "no such file"))
                continue
            }
            guard let handle = dlopen(place, RTLD_NOW | RTLD_LOCAL) else {
                let reason = dlerror().map { String(cString: $0) } ?? "the loader gave no reason"
                attempts.append(.init(place: place, reason: reason))
                continue
            }
            return try ONNXRuntimeLibrary(handle: handle, place: place)
        }
        throw ONNXRuntimeError.notFound(attempts: attempts)
    }

    private static func places(
        environment: [String: String], programFolder: URL?
    ) -> [String] {
        if let path = environment["COLLD_ORT_LIB"], !path.isEmpty {
            // Without a slash the loader would search its own path for the name.
            return [path.contains("/") ? path : "./" + path]
        }
        #if canImport(Darwin)
            let names = ["libonnxruntime.dylib"]
        #else
            let names = ["libonnxruntime.so.1", "libonnxruntime.so"]
        #endif
        let beside = programFolder.map { folder in
            names.map { folder.appendingPathComponent($0).path }
        }
        return (beside ?? []) + names
    }

    private init(handle: UnsafeMutableRawPointer, place: String) throws {
        let name = String(cString: COnnxRuntimeEntryPoint)
        guard let symbol = dlsym(handle, name) else {
            dlclose(handle)
            throw ONNXRuntimeError.foreignLibrary(path: place, missingSymbol: name)
        }
        path = COnnxRuntimeFileOf(symbol).map { String(cString: $0) } ?? place
        let entry = unsafeBitCast(symbol, to: OrtGetApiBaseFunction.self)
        guard let base = entry()?.pointee, let text = base.GetVersionString?() else {
            throw ONNXRuntimeError.foreignLibrary(path: path, missingSymbol: "GetVersionString")
        }
        version = String(cString: text)
        let needed = Int(COnnxRuntimeApiVersion)
        guard base.GetApi?(UInt32(needed)) != nil else {
            throw ONNXRuntimeError.tooOld(path: path, found: version, needed: needed)
        }
    }
}
