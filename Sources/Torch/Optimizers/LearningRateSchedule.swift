import Foundation

/// How the learning rate moves over the run, as a factor of its peak.
public enum LearningRateSchedule: Equatable, Sendable {
    /// Warm-up, then constant.
    case constant(warmup: Int)
    /// Warm-up, then a straight line that reaches 0 when the run ends.
    case linear(warmup: Int)
    /// Warm-up, then half a cosine to `floor`.
    case cosine(warmup: Int, floor: Double)
    /// Warm-up, then (remaining share)^power down to `floor`.
    case polynomial(warmup: Int, power: Double, floor: Double)
    /// Warm-up from `start`, hold, exponential decay to `floor`, above 0 (fairseq's `tri_stage`).
    case triStage(warmup: Int, hold: Int, decay: Int, start: Double, floor: Double)

    /// Updates until the peak.
    public var warmup: Int {
        switch self {
        case .constant(let warmup), .linear(let warmup), .cosine(let warmup, _),
            .polynomial(let warmup, _, _), .triStage(let warmup, _, _, _, _):
            warmup
        }
    }

    /// The factor for the update after `step` updates, of `total` in the run.
    public func factor(step: Int, total: Int) -> Double {
        switch self {
        case .constant(let warmup):
            return Self.ramp(step, warmup)
        case .linear(let warmup):
            return Self.afterWarmup(step, warmup, total) { 1 - $0 }
        case .cosine(let warmup, let floor):
            return Self.afterWarmup(step, warmup, total) {
                floor + (1 - floor) * 0.5 * (1 + cos(.pi * $0))
            }
        case .polynomial(let warmup, let power, let floor):
            return Self.afterWarmup(step, warmup, total) {
                floor + (1 - floor) * pow(1 - $0, power)
            }
        case .triStage(let warmup, let hold, let decay, let start, let floor):
            if step < warmup {
                return start + (1 - start) * Double(step) / Double(warmup)
            }
            if step < warmup + hold { return 1 }
            precondition(floor > 0, "exponential decay never reaches \(floor)")
            let progress = min(1, Double(step - warmup - hold) / Double(max(1, decay)))
            return exp(log(floor) * progress)
        }
    }

    private static func ramp(_ step: Int, _ warmup: Int) -> Double {
        step < warmup ? Double(step + 1) / Double(warmup) : 1
    }

    private static func afterWarmup(
        _ step: Int, _ warmup: Int, _ total: Int, _ decay: (Double) -> Double
    ) -> Double {
        if step < warmup { return ramp(step, warmup) }
        let length = max(1, total - warmup)
        return max(0, decay(min(1, Double(step - warmup) / Double(length))))
    }
}
