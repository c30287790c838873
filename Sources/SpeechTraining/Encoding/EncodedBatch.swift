public import SpeechCore

/// Tensors by name, on the host.
public struct EncodedBatch: Sendable {
    /// One tensor in float32.
    public struct Part: Sendable {
        /// Its name in the file.
        public let name: String
        /// [B, T, D].
        public let shape: [Int]
        /// Row-major.
        public let values: [Float]
    }

    /// The tensors in float32.
    public let parts: [Part]
    /// Valid frames of each clip in hidden states and feed-forward features.
    public let lengths: [Int]
    /// Valid frames of each clip in the last hidden state.
    public let outputLengths: [Int]
    /// Whether an adapter shortens the last hidden state.
    public let isShortened: Bool

    init(parts: [Part], lengths: [Int], outputLengths: [Int], isShortened: Bool) {
        self.parts = parts
        self.lengths = lengths
        self.outputLengths = outputLengths
        self.isShortened = isShortened
    }

    /// Joins batches of the same tensors, padded with zeros to the most frames.
    init(joining batches: [EncodedBatch]) {
        parts = batches[0].parts.indices.map { index in
            let parts = batches.map { $0.parts[index] }
            let frames = parts.map { $0.shape[1] }.max() ?? 0
            let width = parts[0].shape[2]
            var values: [Float] = []
            values.reserveCapacity(parts.reduce(0) { $0 + $1.shape[0] } * frames * width)
            for part in parts {
                let size = part.shape[1] * width
                for clip in 0..<part.shape[0] {
                    values += part.values[(clip * size)..<((clip + 1) * size)]
                    values += repeatElement(0, count: frames * width - size)
                }
            }
            return Part(
                name: parts[0].name,
                shape: [parts.reduce(0) { $0 + $1.shape[0] }, frames, width], values: values)
        }
        lengths = batches.flatMap(\.lengths)
        outputLengths = batches.flatMap(\.outputLengths)
        isShortened = batches[0].isShortened
    }

    /// One clip alone, cut to its valid frames.
    func clip(_ index: Int) -> EncodedBatch {
        let (frames, outputFrames) = (lengths[index], outputLengths[index])
        let parts = parts.map { part in
            // An adapter shortens what stands behind it.
            let isInner = part.name.hasPrefix("hidden_states.") || part.name.hasPrefix("ffn.")
            let count = isInner ? frames : outputFrames
            let (padded, width) = (part.shape[1], part.shape[2])
            let start = index * padded * width
            return Part(
                name: part.name, shape: [1, count, width],
                values: Array(part.values[start..<(start + count * width)]))
        }
        return EncodedBatch(
            parts: parts, lengths: [frames], outputLengths: [outputFrames],
            isShortened: isShortened)
    }

    /// Everything as entries of a safetensors file.
    public var entries: [SafetensorsEntry] {
        var entries = parts.map {
            SafetensorsEntry(name: $0.name, shape: $0.shape, floats: $0.values)
        }
        entries.append(
            SafetensorsEntry(name: "lengths", shape: [lengths.count], integers: lengths))
        if isShortened {
            entries.append(
                SafetensorsEntry(
                    name: "output_lengths", shape: [outputLengths.count],
                    integers: outputLengths))
        }
        return entries
    }
}
