import Foundation
import SpeechCore
import SpeechModels
public import Torch

/// Times the loading of a model beside the mere reading of its weight files.
public struct CheckpointBenchmark {
    /// What was measured.
    public struct Result: Codable, Sendable {
        /// The size of all weight files.
        public var fileMegabytes: Double
        /// Reading the files into memory, after they were read once before.
        public var readSeconds: Double
        /// From the directory's name to an encoder that can be used.
        public var loadSeconds: Double
        /// `loadSeconds / readSeconds`.
        public var timesReading: Double
        /// Of the process, before anything was loaded.
        public var startMemoryMegabytes: Double
        /// Of the process, when everything was.
        public var peakMemoryMegabytes: Double
        /// `peakMemoryMegabytes / fileMegabytes`.
        public var timesFileSize: Double

        private enum CodingKeys: String, CodingKey {
            case fileMegabytes = "file_mb"
            case readSeconds = "read_s"
            case loadSeconds = "load_s"
            case timesReading = "load_over_read"
            case startMemoryMegabytes = "start_memory_mb"
            case peakMemoryMegabytes = "peak_memory_mb"
            case timesFileSize = "peak_over_file"
        }
    }

    private let model: String
    private let dtype: DType
    private let device: Device

    /// * `model`: a directory, or a repository name in the local Hugging Face cache.
    /// * `dtype`: what weights are converted to.
    public init(model: String, dtype: DType, device: Device) {
        self.model = model
        self.dtype = dtype
        self.device = device
    }

    /// Reads the files twice and loads them once: memory that a first loading had taken would make a
    /// second one look faster than any that a user sees.
    ///
    /// - Throws: as `ModelLoader.load`, and `FileSystemError` where a file cannot be read.
    public func run() throws -> Result {
        let files = try ModelDirectory(model).openWeights().files.map(\.path)
        var bytes = 0
        var read = Duration.zero
        for _ in 0..<2 {
            let start = ContinuousClock.now
            bytes = try files.reduce(0) { try $0 + Self.read($1) }
            read = start.duration(to: .now)
        }
        let before = ProcessMemory.peakMegabytes
        let start = ContinuousClock.now
        let loaded = try RunEnvironment.building(model) {
            try ModelLoader.load(model, dtype: dtype, device: device)
        }
        device.synchronize()
        let load = start.duration(to: .now)
        return withExtendedLifetime(loaded) {
            let size = Double(bytes) / 1_048_576
            let peak = ProcessMemory.peakMegabytes
            return Result(
                fileMegabytes: size, readSeconds: read / .seconds(1),
                loadSeconds: load / .seconds(1), timesReading: load / read,
                startMemoryMegabytes: before, peakMemoryMegabytes: peak,
                timesFileSize: peak / size)
        }
    }

    /// Reads a whole file into new memory, which goes back to the system at once.
    ///
    /// - Returns: its size.
    private static func read(_ path: String) throws -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileSystemError.cannotRead(path: path, code: errno) }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let memory = mmap(
            nil, max(size, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory, memory != MAP_FAILED else {
            throw FileSystemError.cannotRead(path: path, code: errno)
        }
        defer { munmap(memory, max(size, 1)) }
        var total = 0
        while total < size {
            let count = pread(descriptor, memory + total, size - total, off_t(total))
            guard count > 0 else {
                throw FileSystemError.cannotRead(path: path, code: count < 0 ? errno : EIO)
            }
            total += count
        }
        return total
    }
}
