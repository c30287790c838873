public import SpeechCore
import Foundation
package import Torch

/// How a conformer layer knows where frames are.
public enum PositionEmbeddings: String, ConfigChoice {
    /// One learned key for every clipped distance (Shaw et al., 2018); w2v-BERT 2.0.
    case relativeKey = "relative_key"
    /// Sinusoids of the distance with two learned biases (Dai et al., 2019).
    case relative
    /// Rotated queries and keys (Su et al., 2021).
    case rotary
}

/// The terms of attention scores that depend on the distance between query and key.
///
/// Both kinds first give one score for every possible distance and then lay the scores out by
/// query and key, so that no (T, T, d) tensor is ever made.
package enum DistanceScores {
    /// Lays out scores by distance as scores by query and key.
    ///
    /// - Parameter byDistance: [M, Q, T + Q − 1], the last dimension running over key − query from
    ///   its lowest to its highest value.
    /// - Returns: [M, Q, T], a view where Q > 1.
    package static func byKey(_ byDistance: Tensor, keys: Int) -> Tensor {
        let queries = byDistance.size(1)
        if queries == 1 { return byDistance }
        let width = byDistance.size(2)
        // Row q, key j stands at distance index j − q + Q − 1: one step to the left in every row.
        return byDistance.flatten(1, 2)
            .narrow(1, queries - 1, queries * (width - 1))
            .unflatten(1, [queries, width - 1])
            .narrow(2, 0, keys)
    }

    /// Spreads scores of clipped distances over all distances.
    ///
    /// - Parameter clipped: [M, Q, left + right + 1] for distances −left … right.
    /// - Returns: [M, Q, T + Q − 1] for the distances −(first + Q − 1) … T − 1 − first.
    package static func spread(
        _ clipped: Tensor, firstQuery: Int, keys: Int, left: Int, right: Int
    ) -> Tensor {
        let queries = clipped.size(1)
        let lowest = -(firstQuery + queries - 1)
        let highest = keys - 1 - firstQuery
        let below = max(0, -left - lowest)
        let above = max(0, highest - right)
        let start = max(lowest, -left) + left
        let middle = clipped.narrow(2, start, min(highest, right) + left - start + 1)
        var parts: [Tensor] = []
        if below > 0 { parts.append(clipped.narrow(2, 0, 1).expand([-1, -1, below])) }
        parts.append(middle)
        if above > 0 {
            parts.append(clipped.narrow(2, left + right, 1).expand([-1, -1, above]))
        }
        return parts.count == 1 ? middle : .concatenate(parts, 2)
    }

    /// Sinusoids of the distances query − key = T − 1 … −(T − 1), [2 T − 1, D]; even columns hold
    /// sines, odd ones cosines (`Wav2Vec2BertRelPositionalEmbedding`).
    package static func sinusoids(frames: Int, width: Int) -> Tensor {
        let frequencies = stride(from: 0, to: width, by: 2).map {
            expf(Float($0) * -(logf(10000) / Float(width)))
        }
        var values = [Float]()
        values.reserveCapacity((2 * frames - 1) * width)
        for distance in stride(from: frames - 1, through: 1 - frames, by: -1) {
            for frequency in frequencies {
                let angle = Float(distance) * frequency
                values.append(sinf(angle))
                values.append(cosf(angle))
            }
        }
        return Tensor(values, [2 * frames - 1, width])
    }

    /// What rotary positions turn by from one frame to the next, in radians, for heads of `width`
    /// values: half as many frequencies.
    package static func rotaryFrequencies(width: Int, base: Double) -> [Float] {
        stride(from: 0, to: width, by: 2).map {
            1 / powf(Float(base), Float($0) / Float(width))
        }
    }

    /// Rotates heads [B, T, n, d] by their frame's angles, first half against second half.
    ///
    /// - Parameter frequencies: [d / 2], radians from one frame to the next.
    package static func rotated(_ heads: Tensor, frequencies: [Float]) -> Tensor {
        let frames = heads.size(1)
        let width = heads.size(3)
        var cosines = [Float]()
        var sines = [Float]()
        for frame in 0..<frames {
            let angles = frequencies.map { Float(frame) * $0 }
            cosines += (angles + angles).map { cosf($0) }
            sines += (angles + angles).map { sinf($0) }
        }
        let shape = [1, frames, 1, width]
        let cosine = Tensor(cosines, shape, device: heads.device).to(heads.dtype)
        let sine = Tensor(sines, shape, device: heads.device).to(heads.dtype)
        let halves = heads.chunk(2, 3)
        let turned = Tensor.concatenate([-halves[1], halves[0]], 3)
        return heads * cosine + turned * sine
    }
}
