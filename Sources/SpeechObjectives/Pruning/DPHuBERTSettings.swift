public import SpeechModels

/// The settings of DPHuBERT: what is matched, what is pruned, and how hard it is pushed.
public struct DPHuBERTSettings: Codable, Equatable, Sendable {
    /// The layers whose outputs are matched, 0 for the projected features; empty for 0 and every third
    /// of the depth.
    public var layers: [Int] = []
    /// The weight of the mean absolute difference.
    public var l1Weight = 1.0
    /// The weight of the cosine.
    public var cosineWeight = 1.0
    /// The weight of the mean squared difference.
    public var l2Weight = 0.0
    /// The units to prune; none to go on training a student that is pruned already.
    public var prunes: [UnitGroup.Kind] = [
        .convolution, .heads, .feedForward, .conformerConvolution,
    ]
    /// The share of the student's parameters that is to go.
    public var targetSparsity = 0.75
    /// Until when that share grows from 0: a number of updates, or below 1 a share of all.
    public var sparsityRamp = 5000.0
    /// What the learning rate of the gates is multiplied by.
    public var gateRate = 100.0
    /// What the learning rate of the Lagrange multipliers is multiplied by, before it is turned round.
    public var multiplierRate = 100.0

    private enum CodingKeys: String, CodingKey {
        case layers, prunes
        case l1Weight = "l1_weight"
        case cosineWeight = "cosine_weight"
        case l2Weight = "l2_weight"
        case targetSparsity = "target_sparsity"
        case sparsityRamp = "sparsity_ramp"
        case gateRate = "gate_rate"
        case multiplierRate = "multiplier_rate"
    }

    /// The defaults: DPHuBERT's for a teacher of 12 layers.
    public init() {}

    /// Checks the settings.
    ///
    /// - Throws: `ObjectiveError.invalidSetting`.
    public func validate() throws {
        func require(_ holds: Bool, _ key: String, _ expected: String, _ found: Any) throws {
            if !holds {
                throw ObjectiveError.invalidSetting(
                    key: "objective.\(key)", expected: expected, found: "\(found)")
            }
        }
        try require(
            Set(layers).count == layers.count && layers.allSatisfy { $0 >= 0 }, "layers",
            "different layers from 0 on", layers)
        for (key, weight) in [
            ("l1_weight", l1Weight), ("cosine_weight", cosineWeight), ("l2_weight", l2Weight),
        ] { try require(weight >= 0 && weight.isFinite, key, "0 or more", weight) }
        try require(
            l1Weight + cosineWeight + l2Weight > 0, "l1_weight",
            "one of l1_weight, cosine_weight and l2_weight above 0", l1Weight)
        try require(
            Set(prunes).count == prunes.count, "prunes", "every kind of unit once",
            prunes.map(\.rawValue))
        try require(
            targetSparsity >= 0 && targetSparsity < 1, "target_sparsity", "0 … below 1",
            targetSparsity)
        try require(
            sparsityRamp >= 0 && sparsityRamp < 1e12
                && (sparsityRamp < 1 || sparsityRamp == sparsityRamp.rounded()),
            "sparsity_ramp", "a share of all steps below 1, or a number of steps", sparsityRamp)
        for (key, rate) in [("gate_rate", gateRate), ("multiplier_rate", multiplierRate)] {
            try require(rate > 0 && rate.isFinite, key, "a positive number", rate)
        }
    }

    /// The matched layers of encoders of that depth.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` for layers that they do not have.
    func matchedLayers(of depth: Int) throws -> [Int] {
        if layers.isEmpty { return Set((0...3).map { $0 * depth / 3 }).sorted() }
        guard layers.allSatisfy({ $0 <= depth }) else {
            throw ObjectiveError.invalidSetting(
                key: "objective.layers", expected: "layers from 0 to \(depth)", found: "\(layers)")
        }
        return layers.sorted()
    }

    /// Updates until the sparsity is to be reached, of a run of `steps`.
    func rampSteps(of steps: Int) -> Int {
        Int((sparsityRamp < 1 ? sparsityRamp * Double(steps) : sparsityRamp).rounded())
    }

    /// The sparsity that is wanted after `step` updates.
    public func target(step: Int, steps: Int) -> Double {
        let ramp = rampSteps(of: steps)
        return step >= ramp ? targetSparsity : targetSparsity * Double(step) / Double(ramp)
    }
}
