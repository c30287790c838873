import Foundation
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite struct TargetFeatureTests {
    private let lengths = [7, 4, 1]
    private let frames = 7
    private let width = 5

    /// Values by clip, frame and channel; `padding` behind the lengths.
    private func features(padding: Double) -> [[[Double]]] {
        let values = Tensor.normal(
            [3, frames, width], dtype: .float64, generator: RandomGenerator(seed: 2)
        ).doubles()
        return (0..<3).map { (clip: Int) -> [[Double]] in
            (0..<frames).map { (frame: Int) -> [Double] in
                (0..<width).map { (channel: Int) -> Double in
                    guard frame < lengths[clip] else { return padding }
                    let value = values[(clip * frames + frame) * width + channel]
                    return 3 * value + Double(channel + clip)
                }
            }
        }
    }

    private func tensor(_ values: [[[Double]]]) -> Tensor {
        Tensor(values.flatMap { $0.flatMap { $0 } }, [3, frames, width])
    }

    private func naive(
        _ kind: TargetFeature.Normalization, _ clip: [[Double]]
    ) -> [[Double]] {
        func statistics(_ values: [Double]) -> (mean: Double, deviation: Double) {
            let mean = values.reduce(0, +) / Double(values.count)
            let variance =
                values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
            return (mean, (variance + 1e-5).squareRoot())
        }
        return clip.map { frame in
            frame.indices.map { channel in
                let own = statistics(frame)
                let time = statistics(clip.map { $0[channel] })
                return switch kind {
                case .none: frame[channel]
                case .layer: (frame[channel] - own.mean) / own.deviation
                case .instance: (frame[channel] - time.mean) / time.deviation
                case .center: frame[channel] - time.mean
                }
            }
        }
    }

    @Test(arguments: TargetFeature.Normalization.allCases)
    func equalsPlainLoops(_ kind: TargetFeature.Normalization) {
        let target = TargetFeature(normalization: kind)
        let valid = Tensor.validFrames(lengths, of: frames, device: .cpu)
        for padding in [0, -80, 1e6] {
            let values = features(padding: padding)
            let found = target.normalized(tensor(values), valid: valid)
            #expect(found.shape == [3, frames, width] && found.dtype == .float64)
            for (clip, length) in lengths.enumerated() {
                expectClose(
                    found.select(0, clip).narrow(0, 0, length).doubles(),
                    naive(kind, Array(values[clip][..<length])).flatMap { $0 }, within: 1e-9,
                    "\(kind), clip \(clip), padding \(padding)")
            }
        }
        // Without padding no mask is needed.
        let whole = features(padding: 0)[0]
        let one = Tensor(whole.flatMap { $0 }, [1, frames, width])
        expectClose(
            target.normalized(one, valid: nil).doubles(), naive(kind, whole).flatMap { $0 },
            within: 1e-9)
    }

    @Test(arguments: TargetFeature.Normalization.allCases)
    func computesInFullPrecision(_ kind: TargetFeature.Normalization) {
        let target = TargetFeature(normalization: kind)
        let exact = tensor(features(padding: 0))
        // Squares and sums of these overflow half precision.
        let large = (exact * 2000.0).to(.float16)
        let valid = Tensor.validFrames(lengths, of: frames, device: .cpu)
        let found = target.normalized(large, valid: valid)
        #expect(found.dtype == .float32 && found.isAllFinite())
        let expected = target.normalized(large.to(.float64), valid: valid).doubles()
        let size = expected.map { abs($0) }.max() ?? 0
        expectClose(found.doubles(), expected, within: 1e-5 * max(1, size))
        #expect(target.normalized(exact.to(.bfloat16), valid: valid).dtype == .float32)
    }
}
