extension Operator {
    fileprivate static let fusedAdamW = Operator("aten::_fused_adamw_")
}

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), by LibTorch's fused kernel.
public final class AdamW {
    /// The constants of the update.
    public struct Settings: Codable, Equatable, Sendable {
        /// Decay rates of the two moments.
        public var betas: [Double]
        /// Added to the root of the second moment.
        public var epsilon: Double
        /// Decay of weights; biases and normalisation parameters are never decayed.
        public var weightDecay: Double

        /// The values of the wav2vec 2.0 family.
        public init(
            betas: [Double] = [0.9, 0.98], epsilon: Double = 1e-6, weightDecay: Double = 0.01
        ) {
            self.betas = betas
            self.epsilon = epsilon
            self.weightDecay = weightDecay
        }
    }

    private struct Group {
        let weightDecay: Double
        let rateScale: Double
        var names: [String] = []
        var parameters: [Tensor] = []
        var firstMoments: [Tensor] = []
        var secondMoments: [Tensor] = []
        var steps: [Tensor] = []

        mutating func add(_ name: String, _ tensor: Tensor) {
            names.append(name)
            parameters.append(tensor)
            firstMoments.append(tensor.detached().zerosLike())
            secondMoments.append(tensor.detached().zerosLike())
            steps.append(.zeros([], device: tensor.device))
        }
    }

    private let settings: Settings
    private var groups: [Group]

    /// The number of updates made.
    public private(set) var step = 0

    /// Takes trainable `float32` parameters; those of rank 0 and 1 are not decayed, nor is any
    /// whose name `isExempt` accepts.
    ///
    /// * `rateScale`: what the learning rate of a parameter is multiplied by; those with a rate of
    ///   their own are not decayed either, and those below 0 climb.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], _ settings: Settings,
        isExempt: (String) -> Bool = { _ in false }, rateScale: (String) -> Double = { _ in 1 }
    ) {
        self.settings = settings
        groups = []
        for (name, tensor) in parameters {
            precondition(tensor.dtype == .float32, "\(name) is trained in \(tensor.dtype)")
            precondition(tensor.isContiguous, "\(name) is not in row-major order")
            let scale = rateScale(name)
            let isDecayed = tensor.rank > 1 && scale == 1 && !isExempt(name)
            let decay = isDecayed ? settings.weightDecay : 0
            var index = groups.firstIndex { $0.weightDecay == decay && $0.rateScale == scale }
            if index == nil {
                index = groups.count
                groups.append(Group(weightDecay: decay, rateScale: scale))
            }
            groups[index!].add(name, tensor)
        }
    }

    /// All parameters, group by group.
    public var parameters: [Tensor] { groups.flatMap(\.parameters) }

    /// The Euclidean norm over all gradients together, in `float32`.
    public func gradientNorm() -> Double {
        let gradients = parameters.compactMap(\.gradient)
        guard !gradients.isEmpty else { return 0 }
        return Tensor.stack(Tensor.norms(gradients)).norm([0]).item()
    }

    /// Makes one update from the accumulated gradients, each divided by `gradientDivisor`.
    ///
    /// Parameters without a gradient are left as they are. The kernel may overwrite gradients by
    /// the divided ones. Inside an error scope that has failed nothing is updated or counted.
    public func update(learningRate: Double, gradientDivisor: Double = 1) {
        if TorchFailure.isPending { return }
        step += 1
        withoutGradients {
            for group in groups {
                // The kernel pairs elements by their place in memory, whatever the strides say.
                let found = group.parameters.map { $0.gradient?.contiguous() }
                let live = found.indices.filter { found[$0] != nil }
                guard !live.isEmpty else { continue }
                let steps = live.map { group.steps[$0] }
                let device = group.parameters[live[0]].device
                for tensor in steps { tensor.fill(Double(step)) }
                Operator.fusedAdamW.run(
                    .tensors(live.map { group.parameters[$0] }),
                    .tensors(live.map { found[$0]! }),
                    .tensors(live.map { group.firstMoments[$0] }),
                    .tensors(live.map { group.secondMoments[$0] }),
                    .tensors([]), .tensors(steps), .double(learningRate * group.rateScale),
                    .double(settings.betas[0]), .double(settings.betas[1]),
                    .double(group.weightDecay), .double(settings.epsilon), .bool(false),
                    .bool(false),
                    // The kernel divides by this scale, which saves a pass over all gradients.
                    .tensor(.full([], gradientDivisor, device: device)))
            }
        }
    }

    /// The moments by name, `<parameter>.exp_avg` and `<parameter>.exp_avg_sq`.
    public var state: [(name: String, tensor: Tensor)] {
        groups.flatMap { group in
            group.names.indices.flatMap { index in
                [
                    ("\(group.names[index]).exp_avg", group.firstMoments[index]),
                    ("\(group.names[index]).exp_avg_sq", group.secondMoments[index]),
                ]
            }
        }
    }

    /// Sets the number of updates that were made before the state was saved.
    public func restore(step: Int) {
        self.step = step
    }
}
