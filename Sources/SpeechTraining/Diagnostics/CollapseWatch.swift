import Foundation

/// Reads what validations say and warns in words where a run learns nothing or has collapsed.
///
/// A state has to last for several validations behind the warm-up before it is worth a warning: at the
/// start every run looks like that.
package struct CollapseWatch {
    /// Validations in a row that must say the same.
    package static let patience = 3
    /// A warning is repeated after this many validations.
    package static let interval = 20
    /// Updates before which nothing is expected of a run.
    package static let minimumSteps = 100

    /// One thing that can be wrong.
    package enum Sign: CaseIterable, Sendable {
        /// The targets of an utterance are all nearly the same.
        case equalTargets
        /// The targets point in very similar directions, and the student does not tell them apart.
        case similarTargets
        /// The loss of a student that knows nothing.
        case lossAtChance
        /// The predictions hardly depend on the frame.
        case flatPredictions
        /// The own target is found no more often than by chance.
        case accuracyAtChance
        /// The loss is not below that before the first update.
        case noProgress
        /// Only the frequencies of the codes were learned.
        case codeEntropy
        /// The quantiser uses one code.
        case singleCode
    }

    /// Updates of the warm-up.
    private let warmup: Int
    /// The loss of a student that knows nothing.
    private let chanceLevel: Double?
    private var first: Double?
    private var counts: [Sign: Int] = [:]
    private var lastWarning: [Sign: Int] = [:]
    private var validations = 0

    /// * `warmup`: updates before which nothing is expected.
    /// * `chanceLevel`: the loss of a student that knows nothing, where that is a constant.
    package init(warmup: Int, chanceLevel: Double?) {
        self.warmup = warmup
        self.chanceLevel = chanceLevel
    }

    /// Takes the values of a validation and says what they warn of.
    ///
    /// * `step`: updates made.
    /// * `loss`: of the validation.
    /// * `metrics`: by name; those of pairs of layers are `<pair>/<name>`, the names as in
    ///   `PairDiagnostics`.
    package mutating func observe(
        step: Int, loss: Double, metrics: [(name: String, value: Double)]
    ) -> [String] {
        validations += 1
        if first == nil { first = loss }
        guard step >= max(Self.minimumSteps, 2 * warmup) else { return [] }
        let values = Values(loss: loss, metrics: metrics)
        // Without anything to learn all the rest follows.
        let hasNothing = shows(.equalTargets, values)
        return Sign.allCases.compactMap { sign in
            guard shows(sign, values), sign == .equalTargets || !hasNothing else {
                counts[sign] = 0
                return nil
            }
            counts[sign, default: 0] += 1
            guard counts[sign]! >= Self.patience else { return nil }
            if let last = lastWarning[sign], validations - last < Self.interval { return nil }
            lastWarning[sign] = validations
            return text(sign, values)
        }
    }

    private func shows(_ sign: Sign, _ values: Values) -> Bool {
        // The chance of one among K + 1, also where the loss does not count distractors.
        let chance = chanceLevel.map { exp(-$0) } ?? 0.01
        switch sign {
        case .equalTargets: return values.targetRank.map { $0 < 1.1 } ?? false
        case .similarTargets:
            guard let targets = values.targetCosine, let accuracy = values.accuracy else {
                return false
            }
            return targets > 0.5 && accuracy < max(0.05, 3 * chance)
        case .lossAtChance: return chanceLevel.map { values.loss > 0.98 * $0 } ?? false
        case .flatPredictions:
            guard let rank = values.predictionRank, let targets = values.targetRank else {
                return false
            }
            return rank < 1.5 && targets > 3
        case .accuracyAtChance: return values.accuracy.map { $0 < 1.5 * chance } ?? false
        case .noProgress: return first.map { values.loss >= $0 } ?? false
        case .codeEntropy:
            guard let loss = values["prediction_loss"], let entropy = values["code_entropy"] else {
                return false
            }
            // With one code there is nothing to learn beyond them.
            return entropy > 0.05 && loss > 0.98 * entropy
        case .singleCode: return values.perplexity.map { $0 < 1.5 } ?? false
        }
    }

    private func text(_ sign: Sign, _ values: Values) -> String {
        func number(_ value: Double?) -> String { value.map { String(format: "%.3g", $0) } ?? "-" }
        switch sign {
        case .equalTargets:
            return "the targets are all the same (effective rank \(number(values.targetRank))): "
                + "there is nothing to learn; check the teacher's checkpoint and its features"
        case .similarTargets:
            return "the targets hardly differ (mean cosine \(number(values.targetCosine))) and the "
                + "student does not tell them apart: try objective.target.normalization=instance"
        case .lossAtChance:
            return "the loss stays at the level of chance (\(number(values.loss)) of "
                + "\(number(chanceLevel))): try a lower objective.masking.probability, "
                + "objective.target.normalization=instance, or another optimizer.lr"
        case .flatPredictions:
            return "the predictions hardly depend on the frame (effective rank "
                + "\(number(values.predictionRank))): the student has collapsed; try a lower "
                + "optimizer.lr, a longer lr_scheduler.warmup, or a lower optimizer.clip_norm"
        case .accuracyAtChance:
            return "the student finds the right frame no more often than by chance "
                + "(\(number(values.accuracy.map { 100 * $0 })) %): try a lower "
                + "objective.masking.probability or objective.target.normalization=instance"
        case .noProgress:
            return "the validation loss is no lower than before the first update "
                + "(\(number(values.loss)), then \(number(first))): try a lower optimizer.lr"
        case .codeEntropy:
            return
                "the prediction loss (\(number(values["prediction_loss"]))) stays at the entropy "
                + "of the codes (\(number(values["code_entropy"]))): only their frequencies were "
                + "learned; train longer, mask less, or use fewer codes"
        case .singleCode:
            return "the quantiser uses hardly more than one code (perplexity "
                + "\(number(values.perplexity))): raise the weight of the diversity loss or "
                + "lower optimizer.lr"
        }
    }
}

/// The values of one validation, means over all pairs of layers.
private struct Values {
    let loss: Double
    private let byName: [String: Double]

    init(loss: Double, metrics: [(name: String, value: Double)]) {
        self.loss = loss
        var all: [String: [Double]] = [:]
        for (name, value) in metrics where value.isFinite {
            let last = name.split(separator: "/").last.map(String.init) ?? name
            all[last, default: []].append(value)
        }
        byName = all.mapValues { $0.reduce(0, +) / Double($0.count) }
    }

    subscript(name: String) -> Double? { byName[name] }
    var accuracy: Double? { self["accuracy"] }
    var targetCosine: Double? { self["target_cosine"] }
    var targetRank: Double? { self["target_rank"] }
    var predictionRank: Double? { self["prediction_rank"] }
    /// Of the codes that are learned, where there are others, too, that are only predicted.
    var perplexity: Double? { self["quantizer_perplexity"] ?? self["code_perplexity"] }
}
