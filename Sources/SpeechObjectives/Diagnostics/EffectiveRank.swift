import Foundation
public import Torch

/// How many directions a set of features uses: the exponential of the entropy of its normalised
/// singular values (Roy and Vetterli, EUSIPCO 2007).
///
/// 1 where all features are multiples of one, at most the smaller of their number and their width.
/// Features are not centred: that all are nearly the same shows as a rank near 1.
public enum EffectiveRank {
    /// More features than this are thinned out evenly: their number sets the time that this takes.
    public static let maximumRows = 256

    /// The effective rank of the rows of a matrix.
    ///
    /// * `features`: [N, D].
    /// - Returns: 0 without any row that is not zero, NaN for values that are not finite.
    public static func of(_ features: Tensor) -> Double {
        withoutGradients {
            let rows = thinned(features).to(.float64)
            guard rows.size(0) > 0, rows.size(1) > 0 else { return 0 }
            guard rows.isAllFinite() else { return .nan }
            let isWide = rows.size(1) > rows.size(0)
            let gram =
                isWide ? rows.linear(rows) : rows.transpose(0, 1).linear(rows.transpose(0, 1))
            let singular = gram.symmetricEigenvalues().doubles().map { max(0, $0).squareRoot() }
            return of(singularValues: singular)
        }
    }

    /// The effective rank of a matrix with these singular values, in any order.
    public static func of(singularValues: [Double]) -> Double {
        let total = singularValues.reduce(0, +)
        guard total > 0 else { return total.isNaN ? .nan : 0 }
        let entropy = singularValues.reduce(0.0) { sum, value in
            let share = value / total
            return share > 0 ? sum - share * log(share) : sum
        }
        return exp(entropy)
    }

    private static func thinned(_ features: Tensor) -> Tensor {
        let count = features.size(0)
        guard count > maximumRows else { return features }
        let chosen = (0..<maximumRows).map { Int64($0 * count / maximumRows) }
        return features.indexSelect(
            0, Tensor(chosen, [chosen.count], device: features.device))
    }
}
