internal import CSoxr

/// Changes the sampling rate of one channel with libsoxr.
public enum Resampler {
    /// How much of the spectrum is kept and how far images are pushed down.
    public enum Quality: String, Sendable, CaseIterable {
        /// libsoxr's "high quality" recipe (20 bit); what `soxr` and `librosa` use by default.
        case high
        /// libsoxr's "very high quality" recipe (28 bit).
        case veryHigh = "very-high"

        fileprivate var recipe: UInt {
            switch self {
            case .high: return UInt(SOXR_HQ)
            case .veryHigh: return UInt(SOXR_VHQ)
            }
        }
    }

    /// The number of samples that `count` samples become: ⌈count · outputRate / inputRate⌉.
    public static func outputCount(of count: Int, from inputRate: Int, to outputRate: Int) -> Int {
        let (product, overflow) = count.multipliedReportingOverflow(by: outputRate)
        precondition(!overflow, "\(count) samples are more than one signal can have")
        return (product + inputRate - 1) / inputRate
    }

    /// Returns `samples` [N] at another rate, ⌈N · outputRate / inputRate⌉ samples.
    ///
    /// Equal rates return the samples as they are. Rates are in Hz and positive.
    ///
    /// - Throws: `AudioError.resamplingFailed` when libsoxr refuses, for example for lack of memory.
    public static func resample(
        _ samples: [Float], from inputRate: Int, to outputRate: Int, quality: Quality = .high
    ) throws -> [Float] {
        precondition(inputRate > 0 && outputRate > 0, "a sampling rate must be positive")
        guard inputRate != outputRate, !samples.isEmpty else { return samples }
        let count = outputCount(of: samples.count, from: inputRate, to: outputRate)
        var format = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I)
        var recipe = soxr_quality_spec(quality.recipe, 0)
        // One thread: callers decode several files at once.
        var runtime = soxr_runtime_spec(1)
        var failure: soxr_error_t?
        let stream = soxr_create(
            Double(inputRate), Double(outputRate), 1, &failure, &format, &recipe, &runtime)
        guard let stream, failure == nil else { throw error(failure) }
        defer { soxr_delete(stream) }

        var written = 0
        let output = try [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            var read = 0
            try samples.withUnsafeBufferPointer { input in
                while read < input.count, written < count {
                    var taken = 0
                    var made = 0
                    failure = soxr_process(
                        stream, input.baseAddress! + read,
                        min(blockCount, input.count - read), &taken,
                        buffer.baseAddress! + written, count - written, &made)
                    guard failure == nil else { throw error(failure) }
                    read += taken
                    written += made
                    if taken == 0, made == 0 { break }
                }
            }
            // No more input: what the filter still holds.
            while written < count {
                var made = 0
                failure = soxr_process(
                    stream, nil, 0, nil, buffer.baseAddress! + written, count - written, &made)
                guard failure == nil else { throw error(failure) }
                if made == 0 { break }
                written += made
            }
            // The library rounds the length to the nearest; a last fraction of a sample is silence.
            if written < count {
                (buffer.baseAddress! + written).initialize(repeating: 0, count: count - written)
            }
            initialized = count
        }
        guard count - written <= 1 else {
            throw AudioError.resamplingFailed(
                reason: "expected \(count) samples, libsoxr returned \(written)")
        }
        return output
    }

    /// Samples that go in at once: libsoxr copies what it is given, and this much stays in the cache.
    private static let blockCount = 1 << 13

    private static func error(_ failure: soxr_error_t?) -> AudioError {
        let reason = failure.map { String(cString: $0) } ?? "libsoxr could not be started"
        return .resamplingFailed(reason: reason)
    }
}
