public import Torch

/// Adds up the time that the parts of training steps take.
public final class StepProfile {
    /// The parts of a step.
    public enum Part: String, CaseIterable, Sendable {
        /// Waiting for a batch and bringing it to the device.
        case data
        /// The frozen encoders.
        case teacher
        /// The student's forward pass.
        case student
        /// Masks, distractors, heads and losses, with the heads' own backward pass.
        case loss
        /// The student's backward pass.
        case backward
        /// The norm of the gradient and the update.
        case optimizer
    }

    /// Seconds by part.
    public private(set) var seconds: [Part: Double] = [:]
    private let device: Device

    /// Starts at zero.
    ///
    /// * `device`: waited for at the end of each part, so that its work counts where it belongs.
    public init(device: Device) { self.device = device }

    /// Runs a part and adds its time.
    public func measure<Result>(_ part: Part, _ body: () throws -> Result) rethrows -> Result {
        let start = ContinuousClock.now
        defer {
            device.synchronize()
            seconds[part, default: 0] += start.duration(to: .now) / .seconds(1)
        }
        return try body()
    }
}
