/// A room that a waveform is played in, given by its impulse response.
///
/// The result keeps its time: sample n holds what comes on the direct path from sample n, echoes come
/// later. The direct path is the response's largest absolute value (the first of several). Frames of a
/// reverberated clip thus stay beside those of the clean one.
public struct Reverberation: Sendable {
    private let convolution: FFTConvolution
    private let directPath: Int

    /// The memory that the prepared response takes, in bytes.
    public var byteCount: Int { convolution.byteCount }

    /// Prepares a response; nil where all its samples are 0, or there are none.
    public init?(impulseResponse: [Float]) {
        let loudest = impulseResponse.reduce(0) { max($0, abs($1)) }
        guard loudest > 0 else { return nil }
        directPath = impulseResponse.firstIndex { abs($0) == loudest } ?? 0
        convolution = FFTConvolution(impulseResponse)
    }

    /// Plays a waveform [N] in the room.
    ///
    /// - Returns: N samples of the same power as the waveform; what rings on behind its end is cut off.
    public func callAsFunction(_ waveform: [Float]) -> [Float] {
        guard !waveform.isEmpty else { return [] }
        let heard = convolution(waveform, kept: directPath..<directPath + waveform.count)
        let ratio = NoiseMixer.power(waveform) / NoiseMixer.power(heard)
        // Silence has no power, and a single click may ring behind the end only.
        guard ratio.isFinite, ratio > 0 else { return waveform }
        let gain = ratio.squareRoot()
        return heard.map { Float(Double($0) * gain) }
    }
}
