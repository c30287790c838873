import Testing
import Torch

@Suite struct HostCopyTests {
    @Test func everySwiftElementTypeComesBackUnchanged() {
        #expect(Tensor([1.5, -2.25] as [Float], [2]).values() == [1.5, -2.25] as [Float])
        #expect(Tensor([0.1, 1e300] as [Double], [2]).values() == [0.1, 1e300] as [Double])
        #expect(Tensor([.min, .max] as [Int64], [2]).values() == [.min, .max] as [Int64])
        #expect(Tensor([.min, .max] as [Int32], [2]).values() == [.min, .max] as [Int32])
        #expect(Tensor([0, 255] as [UInt8], [2]).values() == [0, 255] as [UInt8])
        #expect(Tensor([true, false], [2]).values() == [true, false])
        #expect(Tensor([1.5] as [Float], [1]).dtype == .float32)
        #expect(Tensor([1.5] as [Double], [1]).dtype == .float64)
        #expect(Tensor([1] as [Int64], [1]).dtype == .int64)
        #expect(Tensor([1] as [Int32], [1]).dtype == .int32)
        #expect(Tensor([1] as [UInt8], [1]).dtype == .uint8)
        #expect(Tensor([true], [1]).dtype == .bool)
    }

    @Test(arguments: DType.allCases)
    func everyDTypeTakesAndGivesBytes(_ dtype: DType) {
        // The values 0 and 1 are exact in every type.
        let source = Tensor([0, 1, 1, 0, 1, 0] as [Double], [2, 3]).to(dtype)
        #expect(source.dtype == dtype)
        let bytes = source.withHostBytes { [UInt8]($0) }
        #expect(bytes.count == 6 * dtype.byteCount)
        let copy = bytes.withUnsafeBytes { Tensor(bytes: $0, dtype: dtype, [2, 3]) }
        #expect(copy.dtype == dtype)
        expectValues(copy, [0, 1, 1, 0, 1, 0], shape: [2, 3], tolerance: 0)
    }

    @Test func halfPrecisionBitPatternsAreThoseOfTheStandards() {
        let one = Tensor([1, -2] as [Float], [2])
        let half = one.to(.float16).withHostBytes { [UInt8]($0) }
        let brain = one.to(.bfloat16).withHostBytes { [UInt8]($0) }
        #expect(half == [0x00, 0x3C, 0x00, 0xC0])
        #expect(brain == [0x80, 0x3F, 0x00, 0xC0])
    }

    @Test func valuesConvertTheElementType() {
        let tensor = Tensor([1.9, -1.9] as [Float], [2])
        #expect(tensor.integers() == [1, -1])
        #expect(tensor.values(Int32.self) == [1, -1])
        #expect(Tensor([3] as [Int64], [1]).floats() == [3])
        #expect(Tensor([0, 2] as [Int64], [2]).values(Bool.self) == [false, true])
    }

    @Test func aScalarHasNoDimensions() {
        let scalar = Tensor.scalar(2.5)
        #expect(scalar.shape == [])
        #expect(scalar.rank == 0)
        #expect(scalar.count == 1)
        #expect(scalar.item() == 2.5)
        #expect(Tensor.scalar(true).item() == 1)
    }

    @Test func anEmptyTensorKeepsItsShape() {
        let empty = Tensor([] as [Float], [2, 0, 3])
        #expect(empty.shape == [2, 0, 3])
        #expect(empty.count == 0)
        #expect(empty.floats() == [])
        #expect(empty.integers() == [])
        #expect(empty.withHostBytes { $0.count } == 0)
        #expect(empty.sum().item() == 0)
        #expect("\(empty)" == "Tensor([2, 0, 3] float32: )")
    }

    @Test func sizesCountFromBothEnds() {
        let tensor = Tensor.zeros([2, 3, 4])
        #expect([0, 1, 2, -1, -2, -3].map { tensor.size($0) } == [2, 3, 4, 4, 3, 2])
        #expect(tensor.count == 24)
        #expect(tensor.device == .cpu)
    }

    @Test func viewsAreCopiedInRowMajorOrder() {
        let tensor = Tensor.arange(0, 6, dtype: .float32).reshape([2, 3])
        let turned = tensor.transpose(0, 1)
        #expect(tensor.isContiguous)
        #expect(!turned.isContiguous)
        #expect(turned.floats() == [0, 3, 1, 4, 2, 5])
        let bytes = turned.withHostBytes { $0.bindMemory(to: Float.self).map { $0 } }
        #expect(bytes == [0, 3, 1, 4, 2, 5])
    }

    @Test func tensorsWithHistoryCanBeRead() {
        let leaf = Tensor([2, 3] as [Float], [2])
        leaf.requiresGradient = true
        #expect((leaf * 2).floats() == [4, 6])
        #expect((leaf * 2).withHostBytes { $0.count } == 8)
    }

    @Test func theHostArrayIsCopiedNotShared() {
        var values: [Float] = [1, 2]
        let tensor = Tensor(values, [2])
        values[0] = 7
        #expect(tensor.floats() == [1, 2])
        var out = tensor.floats()
        out[1] = 9
        #expect(tensor.floats() == [1, 2])
    }

    @Test func descriptionsShowShapeTypeAndFirstValues() {
        #expect("\(Tensor([1, 2] as [Float], [2]))" == "Tensor([2] float32: 1.0, 2.0)")
        #expect(
            "\(Tensor.arange(0, 9))"
                == "Tensor([9] int64: 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, …)")
        #expect(Tensor.zeros([2, 3], dtype: .bfloat16).summary == "[2, 3] bfloat16")
    }

    @Test func devicesAreParsedAndPrinted() {
        #expect(Device("cpu") == .cpu)
        #expect(Device("cuda") == .cuda(0))
        #expect(Device("cuda:3") == .cuda(3))
        #expect(Device("cuda:127") == .cuda(127))
        for text in ["", "CPU", "cuda:", "cuda:-1", "cuda:128", "cuda:x", "mps", "cpu:0"] {
            #expect(Device(text) == nil, "\(text)")
        }
        #expect("\(Device.cuda(1))" == "cuda:1")
        #expect(Device("\(Device.cpu)") == .cpu)
        #expect(Device.cpu.isAvailable)
        #expect(!Device.cuda(Engine.cudaDeviceCount).isAvailable)
        #expect(!Device.cuda(-1).isAvailable)
        Device.cpu.synchronize()
    }

    @Test func floatingPointTypesAreTheOnesWithGradients() {
        let floating = DType.allCases.filter(\.isFloatingPoint)
        #expect(floating == [.float16, .float32, .float64, .bfloat16])
    }

    @Test func aWrongNumberOfValuesStopsTheProgram() async {
        await #expect(processExitsWith: .failure) {
            _ = Tensor([1, 2, 3] as [Float], [2, 2])
        }
        await #expect(processExitsWith: .failure) {
            _ = Tensor.zeros([2]).size(1)
        }
    }
}
