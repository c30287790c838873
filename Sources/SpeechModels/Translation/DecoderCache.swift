public import Torch

/// What a decoder hears: hidden states of speech with their valid lengths.
public struct EncodedSpeech {
    /// [B, S, D].
    public let states: Tensor
    /// Valid frames of each clip, at least one.
    public let lengths: [Int]
    /// [B, 1, 1, S] `bool`; nil where everything is valid.
    let mask: Tensor?

    /// * `states`: [B, S, D], as wide as the decoder.
    public init(states: Tensor, lengths: [Int]) {
        self.states = states
        self.lengths = lengths
        let frames = states.size(1)
        precondition(
            lengths.count == states.size(0) && lengths.allSatisfy { (1...frames).contains($0) },
            "\(lengths) valid frames of states \(states.shape)")
        mask =
            lengths.allSatisfy { $0 == frames }
            ? nil
            : Tensor.validFrames(lengths, of: frames, device: states.device)
                .unsqueeze(1).unsqueeze(1)
    }

    /// The clips at these positions.
    func selecting(_ clips: [Int]) -> EncodedSpeech {
        let index = Tensor(clips.map { Int64($0) }, [clips.count], device: states.device)
        return EncodedSpeech(
            states: states.indexSelect(0, index), lengths: clips.map { lengths[$0] })
    }
}

/// Keys and values of the tokens decoded so far and of the speech, so that each is computed once.
///
/// Rows are the beams of all clips, one clip behind the other. What the beams of a clip hear is kept
/// once for each clip.
public final class DecoderCache {
    /// Of one layer.
    struct Layer {
        /// [R, n, L, d].
        fileprivate var keys, values: Tensor?
        /// [B, n, S, d].
        fileprivate var heardKeys, heardValues: Tensor?

        /// The keys and values of all tokens, the given ones among them.
        mutating func appending(
            _ new: (keys: Tensor, values: Tensor)
        ) -> (keys: Tensor, values: Tensor) {
            let allKeys = keys.map { Tensor.concatenate([$0, new.keys], 2) } ?? new.keys
            let allValues = values.map { Tensor.concatenate([$0, new.values], 2) } ?? new.values
            keys = allKeys
            values = allValues
            return (allKeys, allValues)
        }

        /// The keys and values of the speech, computed where they are not known yet.
        mutating func heard(
            _ compute: () -> (keys: Tensor, values: Tensor)
        ) -> (keys: Tensor, values: Tensor) {
            if let heardKeys, let heardValues { return (heardKeys, heardValues) }
            let new = compute()
            heardKeys = new.keys
            heardValues = new.values
            return new
        }
    }

    /// Tokens of every row so far.
    public internal(set) var length = 0
    var layers: [Layer]

    /// An empty cache of a decoder with that many layers.
    public init(layers: Int) { self.layers = Array(repeating: Layer(), count: layers) }

    /// Makes row i what row `rows[i]` was.
    ///
    /// * `clips`: which clips remain, in the order of their rows; nil for all.
    public func reorder(rows: [Int], clips: [Int]? = nil) {
        func selected(_ tensor: Tensor?, _ positions: [Int]?) -> Tensor? {
            guard let tensor, let positions else { return tensor }
            let index = Tensor(
                positions.map { Int64($0) }, [positions.count], device: tensor.device)
            return tensor.indexSelect(0, index)
        }
        for index in layers.indices {
            layers[index].keys = selected(layers[index].keys, rows)
            layers[index].values = selected(layers[index].values, rows)
            layers[index].heardKeys = selected(layers[index].heardKeys, clips)
            layers[index].heardValues = selected(layers[index].heardValues, clips)
        }
    }
}
