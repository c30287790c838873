import SpeechCore
public import SpeechModels

/// The input of an encoder as a safetensors file holds it, checked against a model.
///
/// `input_values` [B, N] or `input_features` [B, T, F] ([B, F, T] for Whisper, as `transformers` has
/// them) in F32, and optionally `attention_mask` [B, N] or [B, T] of whole numbers or truth values,
/// padded on the right. Other tensors are left alone.
public struct EncoderInputFile: Sendable {
    /// Row-major.
    public let values: [Float]
    /// [B, N] or [B, T, F].
    public let shape: [Int]
    /// Valid samples or frames of each clip; nil without a mask.
    public let lengths: [Int]?

    private static let maskName = "attention_mask"

    /// Reads and checks a file.
    ///
    /// - Throws: `EncodeError`, `FileSystemError` or `SafetensorsError`.
    public init(path: String, for model: LoadedModel) throws {
        let file = try SafetensorsFile(path: path)
        let extractor = model.featureExtractor
        let name = extractor.inputName.rawValue
        func fail(_ tensor: String, _ expected: String, _ found: String) -> EncodeError {
            .invalidInput(path: path, tensor: tensor, expected: expected, found: found)
        }
        guard let info = file.entry(name) else {
            let found = file.names.isEmpty ? "no tensor" : file.names.joined(separator: ", ")
            throw fail(name, "the input that \(model.encoder.config.modelType) takes", found)
        }
        guard info.dtype == .float32 else {
            throw fail(name, "the element type F32", info.dtype.rawValue)
        }
        let width = extractor.config.inputWidth
        // Frames of a window that every clip fills, or any number of them.
        let length = extractor.maximumSamples.map { extractor.inputLength(samples: $0) }
        let hasFramesLast = extractor.config.hasFramesLast
        var shape = info.shape
        if hasFramesLast && shape.count == 3 { shape.swapAt(1, 2) }
        switch extractor.inputName {
        case .inputValues:
            guard shape.count == 2 else { throw fail(name, "the shape [B, N]", "\(shape)") }
        case .inputFeatures:
            guard shape.count == 3, shape[2] == width, length == nil || shape[1] == length else {
                let frames = length.map { "\($0)" } ?? "T"
                let last = hasFramesLast ? "\(width), \(frames)" : "\(frames), \(width)"
                throw fail(name, "the shape [B, \(last)]", "\(info.shape)")
            }
        }
        guard shape[0] > 0 else { throw fail(name, "at least one clip", "\(shape)") }
        let stored = try file.floats(name)
        if let index = stored.firstIndex(where: { !$0.isFinite }) {
            throw fail(name, "finite numbers", "\(stored[index]) at index \(index)")
        }
        values = hasFramesLast ? Self.transposed(stored, to: shape) : stored
        self.shape = shape
        lengths = try file.entry(Self.maskName).map {
            try Self.lengths(file, $0, shape: Array(shape.prefix(2)))
        }
        for (clip, length) in (lengths ?? [shape[1]]).enumerated() {
            let frames = model.encoder.frameCount(inputLength: length)
            guard frames > 0, model.encoder.outputLength(frames: frames) > 0 else {
                let unit = extractor.inputName == .inputValues ? "samples" : "frames"
                throw fail(
                    lengths == nil ? name : Self.maskName,
                    "enough \(unit) for a frame of output in each clip",
                    "\(length) valid \(unit) in clip \(clip)")
            }
        }
    }

    /// [B, F, T] to [B, T, F].
    private static func transposed(_ values: [Float], to shape: [Int]) -> [Float] {
        let (frames, width) = (shape[1], shape[2])
        return values.indices.map { index in
            let (row, column) = (index / width, index % width)
            let (clip, frame) = (row / frames, row % frames)
            return values[(clip * width + column) * frames + frame]
        }
    }

    /// Ones up to some place, zeros behind it.
    private static func lengths(
        _ file: SafetensorsFile, _ info: SafetensorsTensorInfo, shape: [Int]
    ) throws -> [Int] {
        func fail(_ expected: String, _ found: String) -> EncodeError {
            .invalidInput(path: file.path, tensor: maskName, expected: expected, found: found)
        }
        guard !info.dtype.isFloatingPoint else {
            throw fail("whole numbers or truth values", info.dtype.rawValue)
        }
        guard info.shape == shape else { throw fail("the shape \(shape)", "\(info.shape)") }
        let mask = try file.integers(maskName)
        if let other = mask.first(where: { $0 != 0 && $0 != 1 }) {
            throw fail("0 or 1", "\(other)")
        }
        return try (0..<shape[0]).map { clip in
            let row = mask[(clip * shape[1])..<((clip + 1) * shape[1])]
            let length = row.reduce(0, +)
            guard row.prefix(length).allSatisfy({ $0 == 1 }) else {
                throw fail(
                    "padding on the right only", "a 0 before the last 1 in clip \(clip)")
            }
            return length
        }
    }
}
