import SpeechCore
import Testing

@Suite struct HalfPrecisionTests {
    @Test func everyHalf() {
        for bits in UInt16.min...UInt16.max {
            let value = HalfPrecision.float(half: bits)
            if value.isNaN {
                #expect(bits & 0x7C00 == 0x7C00 && bits & 0x3FF != 0)
                #expect(HalfPrecision.float(half: HalfPrecision.half(value)).isNaN)
            } else if HalfPrecision.half(value) != bits {
                Issue.record("\(bits) became \(value) became \(HalfPrecision.half(value))")
            }
            let wide = HalfPrecision.float(bfloat: bits)
            if !wide.isNaN, HalfPrecision.bfloat(wide) != bits {
                Issue.record("bfloat16 \(bits) became \(HalfPrecision.bfloat(wide))")
            }
        }
        #expect(HalfPrecision.float(half: 0x3555) == 0.333251953125)
    }

    @Test func rounding() {
        // Ties go to the even neighbour; 65520 is the first value that overflows.
        #expect(HalfPrecision.half(1 + 0x1p-11) == 0x3C00)
        #expect(HalfPrecision.half(1 + 3 * 0x1p-11) == 0x3C02)
        #expect(HalfPrecision.half(65519) == 0x7BFF)
        #expect(HalfPrecision.half(65520) == 0x7C00)
        #expect(HalfPrecision.half(-1e9) == 0xFC00)
        #expect(HalfPrecision.half(0x1p-25) == 0)
        #expect(HalfPrecision.half(0x1.8p-25) == 1)
        #expect(HalfPrecision.half(0x1.ff9p-15) == 0x03FF)
        #expect(HalfPrecision.half(0x1.ffcp-15) == 0x0400)
        #expect(HalfPrecision.bfloat(1 + 0x1p-8) == 0x3F80)
        #expect(HalfPrecision.bfloat(1 + 3 * 0x1p-8) == 0x3F82)
        #expect(HalfPrecision.bfloat(.greatestFiniteMagnitude) == 0x7F80)
        #expect(HalfPrecision.float(bfloat: HalfPrecision.bfloat(.nan)).isNaN)
    }
}
