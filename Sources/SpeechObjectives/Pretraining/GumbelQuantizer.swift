import Foundation
public import Torch

/// The settings of a learned quantiser.
public struct GumbelSettings: Codable, Equatable, Sendable {
    /// G: codebooks, whose entries are joined to one vector.
    public var groups = 2
    /// V: entries of each codebook.
    public var entries = 320
    /// The width of the joined vector.
    public var width = 256
    /// Temperature of the first update.
    public var temperature = 2.0
    /// What the temperature is multiplied by with every update.
    public var decay = 0.999995
    /// The temperature below which it does not fall.
    public var finalTemperature = 0.5

    private enum CodingKeys: String, CodingKey {
        case groups, entries, width, temperature, decay
        case finalTemperature = "final_temperature"
    }

    /// wav2vec 2.0 base.
    public init() {}

    /// The temperature after some updates.
    public func temperature(step: Int) -> Double {
        max(temperature * pow(decay, Double(step)), finalTemperature)
    }

    func validate(key: String) throws {
        let limit = 1 << 16
        for (name, value) in [("groups", groups), ("entries", entries), ("width", width)] {
            guard (1...limit).contains(value) else {
                throw ObjectiveError.invalidSetting(
                    key: "\(key).\(name)", expected: "1 … \(limit)", found: "\(value)")
            }
        }
        guard width.isMultiple(of: groups) else {
            throw ObjectiveError.invalidSetting(
                key: "\(key).width", expected: "a multiple of \(groups) groups", found: "\(width)")
        }
        for (name, value) in [
            ("temperature", temperature), ("final_temperature", finalTemperature),
        ] where !(value > 0 && value.isFinite) {
            throw ObjectiveError.invalidSetting(
                key: "\(key).\(name)", expected: "a positive number", found: "\(value)")
        }
        guard decay > 0, decay <= 1 else {
            throw ObjectiveError.invalidSetting(
                key: "\(key).decay", expected: "above 0, up to 1", found: "\(decay)")
        }
    }
}

/// Turns features into entries of learned codebooks (wav2vec 2.0, section 2;
/// `Wav2Vec2GumbelVectorQuantizer`).
///
/// Its parameters have Hugging Face's names: `codevectors` and `weight_proj`.
public struct GumbelQuantizer {
    /// What became of R frames.
    public struct Result {
        /// The chosen entries joined, [R, width]; gradients reach logits as if they were soft.
        public let codevectors: Tensor
        /// The most likely entry of each group, [R, G] `int64`; without noise and history.
        public let codes: Tensor
        /// Σ over groups of exp(entropy) of the mean distribution over entries, a scalar.
        public let perplexity: Tensor
    }

    /// The settings.
    public let settings: GumbelSettings
    private let codevectors: Tensor
    private let projection: Linear

    /// * `scope`: `quantizer`.
    /// * `inputs`: F, the width of the features.
    public init(_ scope: ParameterScope, _ settings: GumbelSettings, inputs: Int) {
        self.settings = settings
        let entries = settings.groups * settings.entries
        codevectors = scope.parameter(
            "codevectors", [1, entries, settings.width / settings.groups], .uniform(0, 1))
        projection = Linear(
            scope["weight_proj"], inputs, entries, initializer: .normal(standardDeviation: 1))
    }

    /// Quantises frames.
    ///
    /// * `features`: [R, F].
    /// * `weights`: [R], 1 for frames that count in the perplexity, 0 for others.
    /// * `temperature`: of the softmax that entries are drawn from.
    /// * `noise`: standard Gumbel noise [R, G, V]; nil takes the most likely entries, as evaluation
    ///   does.
    public func callAsFunction(
        _ features: Tensor, weights: Tensor, temperature: Double, noise: Tensor?
    ) -> Result {
        let shape = [settings.groups, settings.entries]
        let x = features.dtype == .float64 ? features : features.to(.float32)
        let logits = projection(x).unflatten(1, shape)  // [R, G, V]
        let codes = logits.detached().argmax(2)  // [R, G]

        let noisy = (noise.map { logits + $0 } ?? logits) * (1 / temperature)
        let chosen = noise == nil ? codes : noisy.detached().argmax(2)
        let hard = logits.detached().zerosLike().scatterAdding(
            2, chosen.unsqueeze(2),
            .ones(chosen.shape + [1], dtype: logits.dtype, device: logits.device))
        // Exactly one-hot values with the gradient of the softmax (straight through).
        let soft = noisy.softmax(2)
        let choice = hard + (soft - soft.detached())
        let table = codevectors.to(x.dtype).squeeze(0).unflatten(0, shape)  // [G, V, width / G]
        let vectors = choice.transpose(0, 1).batchedMatmul(table)  // [G, R, width / G]

        let share = weights.to(x.dtype) / weights.sum().clamped(min: 1).to(x.dtype)
        let mean = (logits.softmax(2) * share.unsqueeze(1).unsqueeze(2)).sum([0])  // [G, V]
        return Result(
            codevectors: vectors.transpose(0, 1).flatten(1, 2), codes: codes,
            perplexity: CodeUsage.entropies(mean).exp().sum())
    }

    /// (G·V − perplexity) / (G·V): 0 where all entries are used alike (wav2vec 2.0, equation 4, in
    /// the form that fairseq minimises).
    public func diversityLoss(perplexity: Tensor) -> Tensor {
        let entries = Double(settings.groups * settings.entries)
        return perplexity * (-1 / entries) + 1
    }

    /// Standard Gumbel noise [rows, G, V], a function of the seed.
    public func noise(rows: Int, seed: UInt64, device: Device) -> Tensor {
        let uniform = Tensor.uniform(
            [rows, settings.groups, settings.entries], generator: RandomGenerator(seed: seed))
        // Away from 0, whose logarithm is infinite; 1 cannot be drawn.
        return (-(-uniform.clamped(min: 1e-20).log()).clamped(min: 1e-20).log()).to(device)
    }
}
