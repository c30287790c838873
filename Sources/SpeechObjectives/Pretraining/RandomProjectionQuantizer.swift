import SpeechCore
public import Torch

/// The settings of a quantiser that is never trained.
public struct RandomProjectionSettings: Codable, Equatable, Sendable {
    /// N: codebooks, each with a projection of its own.
    public var books = 1
    /// V: entries of each codebook.
    public var entries = 1024
    /// The width of the projected features and the entries.
    public var width = 16

    /// One codebook of w2v-BERT's size; BEST-RQ has 8192 entries, for a million hours.
    public init() {}

    func validate(key: String) throws {
        let limit = 1 << 16
        for (name, value) in [("books", books), ("entries", entries), ("width", width)] {
            guard (1...limit).contains(value) else {
                throw ObjectiveError.invalidSetting(
                    key: "\(key).\(name)", expected: "1 … \(limit)", found: "\(value)")
            }
        }
    }
}

/// Turns features into codes by random projections and random codebooks (BEST-RQ, Chiu et al. 2022,
/// section 3.1).
///
/// Projections and codebooks are a function of the seed and stay as they are; as buffers they are
/// kept in checkpoints.
public struct RandomProjectionQuantizer {
    /// The settings.
    public let settings: RandomProjectionSettings
    /// [N, F, width].
    public let projections: Tensor
    /// Unit vectors, [N, V, width].
    public let codebooks: Tensor

    /// * `inputs`: F, the width of the features.
    public init(_ scope: ParameterScope, _ settings: RandomProjectionSettings, inputs: Int) {
        self.settings = settings
        let (books, width) = (settings.books, settings.width)
        projections = scope.buffer(
            "projections", [books, inputs, width],
            .xavierUniform(fanIn: inputs, fanOut: width))
        codebooks = scope.buffer(
            "codebooks", [books, settings.entries, width], .normal(standardDeviation: 1))
        if scope.isInitializing {
            withoutGradients { codebooks.assign(ContrastiveLoss.unit(codebooks)) }
        }
    }

    /// The codes of frames: in each book the entry of the largest cosine, which is the nearest of the
    /// normalised vectors.
    ///
    /// * `features`: [R, F], each channel of mean 0 and variance 1.
    /// - Returns: [R, N] `int64`.
    public func callAsFunction(_ features: Tensor) -> Tensor {
        withoutGradients {
            let books = (0..<settings.books).map { book -> Tensor in
                let projected = features.detached().to(.float32).matmul(projections.select(0, book))
                // The length of a vector does not change which entry has the largest cosine.
                return projected.matmul(codebooks.select(0, book).transpose(0, 1)).argmax(1)
            }
            return .stack(books, 1)
        }
    }
}
