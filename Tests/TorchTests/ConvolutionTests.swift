import Testing
import Torch

/// One setting of a convolution.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
    let batch, time, inputs, outputs, kernel, stride, padding, groups: Int
    let bias: Bool

    var testDescription: String {
        "[\(batch), \(time), \(inputs)] to \(outputs), kernel \(kernel), stride \(stride), "
            + "padding \(padding), groups \(groups), bias \(bias)"
    }
}

@Suite struct ConvolutionTests {
    static let cases = [
        ConvolutionCase(
            batch: 2, time: 9, inputs: 3, outputs: 4, kernel: 3, stride: 1, padding: 0, groups: 1,
            bias: true),
        ConvolutionCase(
            batch: 1, time: 17, inputs: 1, outputs: 8, kernel: 10, stride: 5, padding: 0, groups: 1,
            bias: false),
        ConvolutionCase(
            batch: 2, time: 12, inputs: 8, outputs: 8, kernel: 3, stride: 2, padding: 0, groups: 1,
            bias: true),
        ConvolutionCase(
            batch: 2, time: 11, inputs: 8, outputs: 8, kernel: 4, stride: 1, padding: 2, groups: 2,
            bias: true),
        ConvolutionCase(
            batch: 3, time: 10, inputs: 6, outputs: 6, kernel: 5, stride: 1, padding: 2, groups: 6,
            bias: false),
        ConvolutionCase(
            batch: 1, time: 6, inputs: 4, outputs: 8, kernel: 3, stride: 3, padding: 1, groups: 4,
            bias: true),
        ConvolutionCase(
            batch: 2, time: 5, inputs: 3, outputs: 7, kernel: 1, stride: 1, padding: 0, groups: 1,
            bias: true),
        ConvolutionCase(
            batch: 2, time: 3, inputs: 2, outputs: 2, kernel: 3, stride: 1, padding: 0, groups: 1,
            bias: true),
    ]

    @Test(arguments: cases)
    func channelsLastEqualsTheOneDimensionalKernel(_ setting: ConvolutionCase) {
        let x = sample([setting.batch, setting.time, setting.inputs], seed: 1)
        let weight = sample(
            [setting.outputs, setting.inputs / setting.groups, setting.kernel], seed: 2)
        let bias = setting.bias ? sample([setting.outputs], seed: 3) : nil
        let all = [x, weight] + (bias.map { [$0] } ?? [])
        for tensor in all { tensor.requiresGradient = true }

        let found = x.channelsLastConvolution(
            weight, bias, stride: setting.stride, padding: setting.padding, groups: setting.groups)
        let expected = x.transpose(1, 2).convolution1d(
            weight, bias, stride: setting.stride, padding: setting.padding, groups: setting.groups
        ).transpose(1, 2)
        expectEqual(found, expected, tolerance: 1e-12)

        let upstream = sample(found.shape, seed: 4)
        let gradients = found.gradients(of: all, gradient: upstream)
        let references = expected.gradients(of: all, gradient: upstream)
        for (gradient, reference) in zip(gradients, references) {
            expectEqual(gradient!, reference!, tolerance: 1e-12)
        }
    }

    @Test(arguments: cases)
    func bfloat16StaysNearFloat32(_ setting: ConvolutionCase) {
        let x = sample([setting.batch, setting.time, setting.inputs], seed: 1, dtype: .float32)
        let weight = sample(
            [setting.outputs, setting.inputs / setting.groups, setting.kernel], seed: 2,
            dtype: .float32)
        let exact = x.channelsLastConvolution(
            weight, nil, stride: setting.stride, padding: setting.padding, groups: setting.groups)
        let rounded = x.to(.bfloat16).channelsLastConvolution(
            weight.to(.bfloat16), nil, stride: setting.stride, padding: setting.padding,
            groups: setting.groups)
        #expect(rounded.dtype == .bfloat16)
        let scale = exact.abs().max([0, 1, 2]).item()
        expectEqual(rounded.to(.float32), exact, tolerance: 0.02 * scale)
    }

    /// Few channels and long kernels, on which oneDNN's code generator hangs in half precision.
    @Test(arguments: [8, 16, 32, 64])
    func narrowDepthwiseConvolutionsComeBack(_ channels: Int) {
        let x = sample([3, 94, channels], seed: 1, dtype: .float32)
        let weight = sample([channels, 1, 31], seed: 2, dtype: .float32)
        let exact = x.channelsLastConvolution(weight, nil, padding: 15, groups: channels)
        let (half, halfWeight) = (x.to(.bfloat16), weight.to(.bfloat16))
        for tensor in [half, halfWeight] { tensor.requiresGradient = true }
        let rounded = half.channelsLastConvolution(
            halfWeight, nil, padding: 15, groups: channels)
        #expect(rounded.dtype == .bfloat16)
        let scale = exact.abs().max([0, 1, 2]).item()
        expectEqual(rounded.detached().to(.float32), exact, tolerance: 0.02 * scale)
        let gradients = rounded.sum().gradients(of: [half, halfWeight])
        #expect(gradients.allSatisfy { $0?.dtype == .bfloat16 })
    }
}
