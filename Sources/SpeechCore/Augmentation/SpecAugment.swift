/// Masks stretches of time and bands of features (Park and others, "SpecAugment", 2019).
///
/// Names and sampling are those of `transformers`: each direction has ⌊p · N / length + u⌋ spans,
/// u ~ U(0, 1), whose starts differ. Spans of time count rows as the extractor makes them, 10 ms each
/// for filterbanks, and lie within what is not padding.
public struct SpecAugment: Sendable, Equatable {
    /// The share of rows that spans would cover if they did not overlap; 0 masks none.
    public var maskTimeProb: Double
    /// Rows of a span.
    public var maskTimeLength: Int
    /// At least this many spans of time.
    public var maskTimeMinMasks: Int
    /// The share of features that spans would cover if they did not overlap; 0 masks none.
    public var maskFeatureProb: Double
    /// Neighbouring features of a span.
    public var maskFeatureLength: Int
    /// At least this many spans of features.
    public var maskFeatureMinMasks: Int

    /// The defaults of `transformers`, but without any masks.
    public init(
        maskTimeProb: Double = 0, maskTimeLength: Int = 10, maskTimeMinMasks: Int = 2,
        maskFeatureProb: Double = 0, maskFeatureLength: Int = 10, maskFeatureMinMasks: Int = 0
    ) {
        self.maskTimeProb = maskTimeProb
        self.maskTimeLength = maskTimeLength
        self.maskTimeMinMasks = maskTimeMinMasks
        self.maskFeatureProb = maskFeatureProb
        self.maskFeatureLength = maskFeatureLength
        self.maskFeatureMinMasks = maskFeatureMinMasks
    }

    /// Puts 0, the mean of normalised features, where the masks are.
    ///
    /// Clips shorter than a span have no masks in time, features narrower than one have none across.
    /// Samples (a width of 1) stay as they are: their encoders mask behind the front end.
    ///
    /// * `features`: values [T, D].
    /// - Returns: the masked features, of the same shape.
    public func callAsFunction(
        _ features: ClipFeatures, using generator: inout SeededGenerator
    ) -> ClipFeatures {
        let width = features.width
        guard width > 1 else { return features }
        var values = features.values
        if maskTimeProb > 0, features.validRows >= maskTimeLength {
            let masked = SpanSampler.transformers.mask(
                count: features.validRows, span: maskTimeLength, probability: maskTimeProb,
                minimumSpans: maskTimeMinMasks, using: &generator)
            for row in masked.indices where masked[row] {
                for index in row * width..<(row + 1) * width { values[index] = 0 }
            }
        }
        if maskFeatureProb > 0, width >= maskFeatureLength {
            let masked = SpanSampler.transformers.mask(
                count: width, span: maskFeatureLength, probability: maskFeatureProb,
                minimumSpans: maskFeatureMinMasks, using: &generator)
            for feature in masked.indices where masked[feature] {
                for row in 0..<features.validRows { values[row * width + feature] = 0 }
            }
        }
        return ClipFeatures(
            values: values, rows: features.rows, width: width, validRows: features.validRows)
    }
}
