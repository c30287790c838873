internal import Foundation

/// How loud, how silent and how distorted a clip is, and what tells it from others.
public struct ClipMeasurement: Sendable, Equatable {
    /// The quietest level that is told apart from digital silence, in dBFS.
    public static let floor = -120.0
    /// Samples at least this far from 0 are at full scale: the last step of 16 bits.
    public static let fullScale: Float = 32766.5 / 32768
    /// So many samples in a row at full scale are clipped; a sine that just fits has fewer.
    public static let clippedRun = 3
    /// Seconds of the frames whose levels are taken.
    public static let frameDuration = 0.02

    /// Seconds.
    public let duration: Double
    /// The largest distance from 0; full scale is 1.
    public let peak: Float
    /// The level of the whole clip in dBFS: 20 · log₁₀ of the root mean square.
    public let level: Double
    /// The level that 5 % of the frames exceed, in dBFS: that of the speech, if there is any.
    public let speechLevel: Double
    /// The share of samples in frames below the level of silence, 0 to 1.
    public let silentShare: Double
    /// The share of samples in runs at full scale, 0 to 1.
    public let clippedShare: Double
    /// The same for clips of equal samples with 16 bits and equal rate, whatever held them.
    public let contentHash: ContentHash

    /// Measures a clip.
    ///
    /// Levels are taken without the mean of their frame, so that a constant offset is silent.
    ///
    /// - Parameters:
    ///   - samples: [samples], at least one, full scale ±1.
    ///   - samplingRate: In Hz.
    ///   - silenceLevel: Frames below this many dBFS are silent.
    public init(_ samples: [Float], samplingRate: Int, silenceLevel: Double = -60) {
        precondition(!samples.isEmpty && samplingRate > 0, "nothing to measure")
        let count = Double(samples.count)
        duration = count / Double(samplingRate)
        let frameLength = max(1, Int((Double(samplingRate) * Self.frameDuration).rounded()))
        var levels: [Double] = []
        levels.reserveCapacity(samples.count / frameLength + 1)
        var power = 0.0
        var silent = 0
        var peak: Float = 0
        var clipping = ClippingCount()
        samples.withUnsafeBufferPointer { samples in
            for start in stride(from: 0, to: samples.count, by: frameLength) {
                let frame = UnsafeBufferPointer(
                    rebasing: samples[start..<min(start + frameLength, samples.count)])
                var sum: Float = 0
                var squares: Float = 0
                var largest: Float = 0
                for sample in frame {
                    sum += sample
                    squares += sample * sample
                    largest = max(largest, abs(sample))
                }
                peak = max(peak, largest)
                if largest >= Self.fullScale { clipping.count(frame) } else { clipping.end() }
                let mean = Double(sum) / Double(frame.count)
                let variance = max(0, Double(squares) / Double(frame.count) - mean * mean)
                power += variance * Double(frame.count)
                let level = Self.decibels(variance)
                if level < silenceLevel { silent += frame.count }
                levels.append(level)
            }
        }
        clipping.end()
        self.peak = peak
        level = Self.decibels(power / count)
        levels.sort()
        speechLevel = levels[min(levels.count - 1, levels.count * 19 / 20)]
        silentShare = Double(silent) / count
        clippedShare = Double(clipping.clipped) / count
        contentHash = ContentHash(samples, samplingRate: samplingRate)
    }

    /// The level of a mean power, in dBFS.
    private static func decibels(_ power: Double) -> Double {
        power > 0 ? max(floor, 10 * log10(power)) : floor
    }

    /// Counts samples in long enough runs at one end of the scale, across frames.
    private struct ClippingCount {
        private(set) var clipped = 0
        private var run = 0
        private var isPositive = false

        mutating func count(_ frame: UnsafeBufferPointer<Float>) {
            for sample in frame {
                guard abs(sample) >= ClipMeasurement.fullScale else {
                    end()
                    continue
                }
                if (sample > 0) != isPositive { end() }
                isPositive = sample > 0
                run += 1
            }
        }

        mutating func end() {
            if run >= ClipMeasurement.clippedRun { clipped += run }
            run = 0
        }
    }
}
