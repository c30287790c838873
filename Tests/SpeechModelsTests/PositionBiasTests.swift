import SpeechModels
import Testing

/// Ranges of distances as WavLM has them.
@Suite struct PositionBiasTests {
    /// Values of `WavLMAttention._relative_positions_bucket` (transformers 5.23).
    @Test(arguments: [
        (320, 800, 0, 0), (320, 800, -1, 1), (320, 800, 1, 161), (320, 800, -79, 79),
        (320, 800, -80, 80), (320, 800, 80, 240), (320, 800, -800, 159), (320, 800, 9999, 319),
        (16, 14, -3, 3), (16, 14, 4, 12), (16, 14, -14, 7), (16, 14, 13, 15), (16, 14, 5000, 15),
    ]) func bucketsOfDistances(_ count: Int, _ maxDistance: Int, _ distance: Int, _ bucket: Int) {
        #expect(
            PositionBias.bucket(of: distance, count: count, maxDistance: maxDistance) == bucket)
    }
}
