import Foundation

/// Triangular filters over the bins of a power spectrum, each kept only where it is not zero.
struct MelFilterbank: Sendable {
    /// A filter: the first bin of its triangle, and its weights from there on.
    ///
    /// A filter narrower than the distance of two bins may have no weights.
    typealias Triangle = (firstBin: Int, weights: [Double])

    /// Per filter, the first bin of its triangle and where its weights lie in `weights`.
    private let filters: [Filter]
    private let weights: [Double]

    private struct Filter: Sendable {
        let firstBin: Int
        let firstWeight: Int
        let count: Int
    }

    init(_ triangles: [Triangle]) {
        var filters: [Filter] = []
        var weights: [Double] = []
        for triangle in triangles {
            filters.append(
                Filter(
                    firstBin: triangle.firstBin, firstWeight: weights.count,
                    count: triangle.weights.count))
            weights += triangle.weights
        }
        self.filters = filters
        self.weights = weights
    }

    /// Triangles that rise from `corners[i]` to `corners[i + 1]` and fall to `corners[i + 2]`, linear
    /// in the unit of `corners` and `bins`, and of unit height.
    ///
    /// - Parameters:
    ///   - bins: The place of every bin of the spectrum, ascending.
    ///   - corners: Two more than filters, ascending.
    static func triangles(bins: [Double], corners: [Double]) -> [Triangle] {
        (0..<corners.count - 2).map { index in
            let (left, centre, right) = (corners[index], corners[index + 1], corners[index + 2])
            let heights = bins.map {
                max(0, min(($0 - left) / (centre - left), (right - $0) / (right - centre)))
            }
            let first = heights.firstIndex { $0 > 0 } ?? 0
            let end = heights.lastIndex { $0 > 0 }.map { $0 + 1 } ?? first
            return (first, Array(heights[first..<end]))
        }
    }

    /// Calls `body` with the number of each filter and its energy, or `floor` where that is more.
    @inline(__always)
    func forEachEnergy(
        _ power: UnsafeMutablePointer<RealFFT.Lanes>, floor: Double,
        _ body: (_ index: Int, _ energy: RealFFT.Lanes) -> Void
    ) {
        let floor = RealFFT.Lanes(repeating: floor)
        weights.withUnsafeBufferPointer { weights in
            filters.withUnsafeBufferPointer { filters in
                for (index, filter) in filters.enumerated() {
                    var energy = RealFFT.Lanes.zero
                    for bin in 0..<filter.count {
                        energy +=
                            power[filter.firstBin &+ bin] * weights[filter.firstWeight &+ bin]
                    }
                    body(index, energy.replacing(with: floor, where: energy .< floor))
                }
            }
        }
    }

    /// The natural logarithm of positive normal numbers, within 1e-13.
    ///
    /// Our own, so that both lanes go at once and every platform gives the same bits. With
    /// x = 2^k·m, m in [√½, √2) and s = (m − 1)/(m + 1): ln x = k·ln 2 + 2(s + s³/3 + s⁵/5 + …).
    @inline(__always)
    static func logarithm(_ value: RealFFT.Lanes) -> RealFFT.Lanes {
        let rootHalf: Int64 = 0x3FE6_A09E_667F_3BCD
        let bits = unsafeBitCast(value, to: SIMD2<Int64>.self)
        let exponent = (bits &- SIMD2(repeating: rootHalf)) &>> SIMD2(repeating: 52)
        let mantissa = unsafeBitCast(
            bits &- (exponent &<< SIMD2(repeating: 52)), to: RealFFT.Lanes.self)
        let s = (mantissa - 1) / (mantissa + 1)
        let z = s * s
        var series = RealFFT.Lanes(repeating: 1.0 / 17)
        series = series * z + 1.0 / 15
        series = series * z + 1.0 / 13
        series = series * z + 1.0 / 11
        series = series * z + 1.0 / 9
        series = series * z + 1.0 / 7
        series = series * z + 1.0 / 5
        series = series * z + 1.0 / 3
        series = series * z + 1
        let scale = RealFFT.Lanes(Double(exponent.x), Double(exponent.y))
        return scale * 0.693_147_180_559_945_309 + 2 * s * series
    }
}
