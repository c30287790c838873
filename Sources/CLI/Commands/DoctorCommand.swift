import ArgumentParser
import Foundation
import SpeechAudio
import SpeechCore
import SpeechInference
import SpeechTraining
import Torch

/// `colld doctor`: what this machine has, what is missing and how to get it.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show engines, devices and what is missing.",
        discussion: "Ends with 1 where something that training needs does not work.")

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let report = DoctorReport()
        print(json ? try Output.json(report) : report.text)
        guard report.isUsable else { throw ExitCode(1) }
    }
}

/// Everything that `colld doctor` finds.
private struct DoctorReport: Encodable {
    struct Engine: Encodable {
        var version: String?
        var path: String?
        var details: [String: String] = [:]
        var problem: String?
    }

    struct Problem: Encodable {
        /// Whether training cannot do without.
        let isFatal: Bool
        let what: String
        let help: String

        private enum CodingKeys: String, CodingKey {
            case what, help
            case isFatal = "fatal"
        }
    }

    struct Machine: Encodable {
        var processor: String
        var features: [String]
        var cores: Int
        var memoryBytes: UInt64
        var availableMemoryBytes: UInt64?
        var freeDiskBytes: Int64?
        var cudaDevices: Int

        private enum CodingKeys: String, CodingKey {
            case processor, features, cores
            case memoryBytes = "memory_bytes"
            case availableMemoryBytes = "available_memory_bytes"
            case freeDiskBytes = "free_disk_bytes"
            case cudaDevices = "cuda_devices"
        }
    }

    let version: String
    let engines: [String: Engine]
    let audioFormats: [String: Bool]
    let machine: Machine
    /// Billions of operations per second of a matrix product, by precision and device.
    let matmulGflops: [String: Double]
    let modelCache: String
    let modelCacheExists: Bool
    let problems: [Problem]
    let isUsable: Bool

    private enum CodingKeys: String, CodingKey {
        case version, engines, machine, problems
        case audioFormats = "audio_formats"
        case matmulGflops = "matmul_gflops"
        case modelCache = "model_cache"
        case modelCacheExists = "model_cache_exists"
        case isUsable = "usable"
    }

    init() {
        version = Colld.configuration.version
        var problems: [Problem] = []

        let rates = MatmulRate.measureAll()
        matmulGflops = rates.gflops
        let torch = Self.torch()
        if let reason = rates.problem {
            problems.append(
                Problem(
                    isFatal: true, what: "LibTorch \(torch.version ?? ""): \(reason)",
                    help: "set it up again with 'make setup'"))
        }
        let audio = AudioLibraries()
        audioFormats = audio.formats
        problems += audio.problems
        let onnx = Self.onnxRuntime()
        if let reason = onnx.problem {
            problems.append(
                Problem(
                    isFatal: false, what: reason,
                    help: "only exported models need it; 'make setup' fetches it"))
        }
        let speaker = Self.espeak()
        if let reason = speaker.problem {
            problems.append(
                Problem(
                    isFatal: false, what: "espeak-ng: \(reason)",
                    help: "only 'colld data synthesize' needs it: apt-get install espeak-ng, or "
                        + "brew install espeak-ng"))
        }
        engines = [
            "libtorch": torch, "onnxruntime": onnx, "libsndfile": audio.soundFile,
            "libsoxr": audio.resampler, "espeak-ng": speaker,
        ]
        machine = Machine(
            processor: Processor.name, features: Processor.features,
            cores: ProcessInfo.processInfo.activeProcessorCount,
            memoryBytes: ProcessInfo.processInfo.physicalMemory,
            availableMemoryBytes: Self.availableMemory(), freeDiskBytes: Self.freeDisk(),
            cudaDevices: Torch.Engine.cudaDeviceCount)
        let cache = UserCache.huggingFaceHub().path
        modelCache = cache
        modelCacheExists = FileManager.default.fileExists(atPath: cache)
        self.problems = problems
        isUsable = !problems.contains(where: \.isFatal)
    }

    private static func torch() -> Engine {
        // "… - Intel(R) MKL-DNN v3.x (Git Hash …)", "… BLAS_INFO=mkl, …"
        let text = Torch.Engine.buildConfiguration
        var details = [
            "aten": Torch.Engine.cpuCapability, "threads": String(Torch.Engine.threads),
        ]
        for line in text.split(separator: "\n") {
            if let range = line.range(of: "MKL-DNN v") ?? line.range(of: "oneDNN v") {
                details["onednn"] = String(line[range.upperBound...].prefix { $0 != " " })
            }
            if let range = line.range(of: "BLAS_INFO=") {
                details["blas"] = String(line[range.upperBound...].prefix { $0 != "," })
            }
            if let range = line.range(of: "CUDA Runtime ") {
                details["cuda"] = String(line[range.upperBound...].prefix { $0 != " " })
            }
        }
        return Engine(version: Torch.Engine.version, details: details)
    }

    private static func onnxRuntime() -> Engine {
        do {
            let library = try ONNXRuntimeLibrary.load()
            return Engine(version: library.version, path: library.path)
        } catch {
            return Engine(problem: "\(error)")
        }
    }

    private static func espeak() -> Engine {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let paths = folders.map { "\($0)/espeak-ng" }
        guard let path = paths.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            return Engine(problem: "not found in the folders of PATH")
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["--version"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            return Engine(path: path, problem: error.localizedDescription)
        }
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            return Engine(path: path, problem: "exit code \(process.terminationStatus)")
        }
        let version = text.split(separator: " ").first { $0.first?.isNumber == true }
        return Engine(version: version.map(String.init), path: path)
    }

    /// What could be used without swapping; nil where the system does not tell.
    private static func availableMemory() -> UInt64? {
        guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
        else { return nil }
        return kilobytes * 1024
    }

    private static func freeDisk() -> Int64? {
        let folder = FileManager.default.currentDirectoryPath
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }
}

extension DoctorReport {
    /// The report as people read it.
    var text: String {
        var rows: [[String]] = [["colld", version]]
        let names = [
            ("libtorch", "LibTorch"), ("onnxruntime", "ONNX Runtime"),
            ("libsndfile", "libsndfile"), ("libsoxr", "libsoxr"), ("espeak-ng", "espeak-ng"),
        ]
        for (key, name) in names {
            guard let engine = engines[key] else { continue }
            let details = engine.details.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            let found = ([engine.version ?? "unknown version"] + details).joined(separator: ", ")
            rows.append([name, engine.problem == nil ? found : "not usable, see below"])
            if engine.problem == nil, let path = engine.path { rows.append(["", path]) }
        }
        let formats = audioFormats.sorted { $0.key < $1.key }
            .map { $0.value ? $0.key : "no \($0.key)" }
        rows.append(["audio", formats.joined(separator: ", ")])
        rows.append(["processor", machine.processor])
        rows.append(["", machine.features.joined(separator: " ")])
        rows.append(["cores", "\(machine.cores)"])
        rows.append(["CUDA devices", "\(machine.cudaDevices)"])
        let available = machine.availableMemoryBytes.map {
            ", \(Self.gigabytes(Double($0))) available"
        }
        rows.append(
            ["memory", Self.gigabytes(Double(machine.memoryBytes)) + (available ?? "")])
        if let free = machine.freeDiskBytes {
            rows.append(["disk", Self.gigabytes(Double(free)) + " free here"])
        }
        for (name, rate) in matmulGflops.sorted(by: { $0.key < $1.key }) {
            rows.append([name, "\(Output.number(rate)) GFLOP/s of a matrix product"])
        }
        rows.append(["model cache", modelCache + (modelCacheExists ? "" : " (not there)")])
        var text = TextTable(rows, alignment: [.left, .left]).text
        for problem in problems {
            let kind = problem.isFatal ? "broken" : "missing"
            text += "\n\n\(kind): \(problem.what)\n  \(problem.help)"
        }
        return text + (isUsable ? "\n\nReady to train." : "\n\nNot ready to train.")
    }

    private static func gigabytes(_ bytes: Double) -> String {
        String(format: "%.1f GB", bytes / 1e9)
    }
}

/// How fast large matrix products are here, which also shows that LibTorch works.
private struct MatmulRate {
    private(set) var gflops: [String: Double] = [:]
    private(set) var problem: String?

    static func measureAll() -> MatmulRate {
        var result = MatmulRate()
        var devices = [Device.cpu]
        if Torch.Engine.cudaDeviceCount > 0 { devices.append(.cuda(0)) }
        for device in devices {
            for (name, dtype) in [("fp32", DType.float32), ("bf16", .bfloat16)] {
                do {
                    result.gflops["\(device) \(name)"] = try measure(dtype, device)
                } catch {
                    result.problem = "\(error)"
                }
            }
        }
        return result
    }

    /// The best of several products of square matrices of ones, within about a fifth of a second.
    private static func measure(_ dtype: DType, _ device: Device) throws -> Double {
        let width = device == .cpu ? 1024 : 4096
        return try withTorchErrors {
            try withoutGradients {
                let ones = Tensor.ones([width, width], dtype: dtype, device: device)
                var best = Double.infinity
                let begin = ContinuousClock.now
                for round in 0..<50 {
                    let start = ContinuousClock.now
                    let product = ones.matmul(ones)
                    device.synchronize()
                    let seconds = start.duration(to: .now) / .seconds(1)
                    if round == 0 {
                        let found = product.select(0, 0).select(0, 0).item()
                        guard found == Double(width) else {
                            throw WrongProduct(expected: Double(width), found: found)
                        }
                    } else {
                        best = min(best, seconds)
                    }
                    if round > 2, begin.duration(to: .now) > .milliseconds(200) { break }
                }
                return 2 * Double(width * width * width) / best / 1e9
            }
        }
    }

    private struct WrongProduct: Error, CustomStringConvertible {
        let expected: Double
        let found: Double
        var description: String {
            "a matrix product is wrong: expected \(expected), found \(found)"
        }
    }
}

/// What libsndfile and libsoxr, as they are loaded in this process, say of themselves.
///
/// They are asked through the loader: only SpeechAudio calls them, and it needs no versions.
private struct AudioLibraries {
    private(set) var soundFile = DoctorReport.Engine()
    private(set) var resampler = DoctorReport.Engine()
    private(set) var formats: [String: Bool] = [:]
    private(set) var problems: [DoctorReport.Problem] = []

    private typealias Version = @convention(c) () -> UnsafePointer<CChar>?
    /// File, command, data and its size, as `sf_command` takes them.
    private typealias Command =
        @convention(c) (OpaquePointer?, Int32, UnsafeMutableRawPointer?, Int32) -> Int32

    // From sndfile.h: SFC_GET_FORMAT_MAJOR(_COUNT) and SFC_GET_FORMAT_SUBTYPE(_COUNT).
    private static let containers: (count: Int32, item: Int32) = (0x1030, 0x1031)
    private static let codecs: (count: Int32, item: Int32) = (0x1032, 0x1033)

    init() {
        soundFile.version = Self.version("sf_version_string")
        resampler.version = Self.version("soxr_version")
        let found = Set(Self.formats(Self.containers) + Self.formats(Self.codecs))
        // SF_FORMAT_WAV, _FLAC, _MPEG, _VORBIS and _OPUS.
        let known: [(name: String, code: Int32)] = [
            ("wav", 0x010000), ("flac", 0x170000), ("mp3", 0x230000), ("ogg", 0x0060),
            ("opus", 0x0064),
        ]
        for (name, code) in known { formats[name] = found.contains(code) }
        let missing = known.map(\.name).filter { formats[$0] == false }
        if !missing.isEmpty {
            problems.append(
                DoctorReport.Problem(
                    isFatal: missing.contains("wav"),
                    what: "libsndfile \(soundFile.version ?? "") does not read "
                        + missing.joined(separator: ", "),
                    help: "install libsndfile 1.1 or later with MP3, Vorbis and Opus"))
        }
        do {
            _ = try Resampler.resample(
                [Float](repeating: 0, count: 480), from: 48_000, to: 16_000)
        } catch {
            resampler.problem = "\(error)"
            problems.append(
                DoctorReport.Problem(
                    isFatal: true, what: "libsoxr: \(error)", help: "install libsoxr again"))
        }
    }

    private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
        dlsym(dlopen(nil, RTLD_NOW), name)
    }

    private static func version(_ name: String) -> String? {
        guard let symbol = symbol(name),
            let text = unsafeBitCast(symbol, to: Version.self)()
        else { return nil }
        return String(String(cString: text).drop { !$0.isNumber })
    }

    /// The SF_FORMAT_* codes of one kind that the library was built with.
    private static func formats(_ kind: (count: Int32, item: Int32)) -> [Int32] {
        guard let symbol = symbol("sf_command") else { return [] }
        let command = unsafeBitCast(symbol, to: Command.self)
        var count: Int32 = 0
        _ = command(nil, kind.count, &count, Int32(MemoryLayout<Int32>.size))
        // SF_FORMAT_INFO: the code or index, a name and an ending.
        var item: (code: Int32, name: UnsafePointer<CChar>?, ending: UnsafePointer<CChar>?)
        item = (0, nil, nil)
        return (0..<count).compactMap { index in
            item.code = index
            let status = withUnsafeMutableBytes(of: &item) {
                command(nil, kind.item, $0.baseAddress, Int32($0.count))
            }
            return status == 0 ? item.code : nil
        }
    }
}
