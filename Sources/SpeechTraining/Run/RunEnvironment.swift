import Foundation
public import Torch

/// What a command sets up before it computes.
public enum RunEnvironment {
    /// Finds the device and sets the threads of one operator.
    ///
    /// * `threads`: 0 for one a core, or what `OMP_NUM_THREADS` says.
    /// - Throws: `RunError.noDevice`.
    public static func prepare(device name: String, threads: Int) throws -> Device {
        guard let device = Device(name), device.isAvailable else {
            let cuda = (0..<Engine.cudaDeviceCount).map { "cuda:\($0)" }
            throw RunError.noDevice(name: name, available: ["cpu"] + cuda)
        }
        if threads > 0 {
            Engine.threads = threads
        } else if ProcessInfo.processInfo.environment["OMP_NUM_THREADS"] == nil {
            Engine.threads = ProcessInfo.processInfo.activeProcessorCount
        }
        return device
    }

    /// Makes a model or the like, named for people, with a failure of LibTorch as an error.
    ///
    /// Nothing else says that a model is too big for the memory of the machine or the device.
    ///
    /// - Throws: `RunError.cannotBuild`, or what `make` throws.
    static func building<Part>(_ name: String, _ make: () throws -> Part) throws -> Part {
        do {
            return try withTorchErrors(make)
        } catch let error as TorchError {
            throw RunError.cannotBuild(name: name, reason: error.message)
        }
    }
}
