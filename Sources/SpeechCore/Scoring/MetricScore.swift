import Foundation

/// One metric of one set of utterances.
public struct MetricScore: Sendable, Hashable, Codable {
    /// The metric.
    public let metric: ScoreMetric
    /// The form of the texts.
    public let form: TextForm
    /// WER and CER: errors for each unit of the references, as jiwer has it; BLEU and chrF: 0 to 100.
    public let value: Double
    /// What was measured and how, in sacreBLEU's way.
    public let signature: String
    /// The errors, for WER and CER.
    public let errors: ErrorCounts?
    /// What BLEU is made of.
    public let bleu: BLEUScore?
    /// How sure the value is, where that was asked for.
    public let confidence: ConfidenceInterval?

    /// What reports call the metric.
    public var name: String {
        switch metric {
        case .wer: "WER"
        case .cer: "CER"
        case .bleu: "BLEU"
        case .chrf: CHRF().name
        case .chrfPlusPlus: CHRF(wordOrder: 2).name
        }
    }

    /// The value in percent.
    public var percent: Double { metric.isErrorRate ? 100 * value : value }

    /// A line as sacreBLEU prints it, for WER and CER with jiwer's counts.
    ///
    /// * `width`: digits behind the point.
    public func line(width: Int = 1) -> String {
        func number(_ value: Double) -> String { String(format: "%.\(width)f", value) }
        let factor: Double = metric.isErrorRate ? 100 : 1
        var line = "\(name)|\(signature) = \(number(percent))"
        if let confidence, confidence.mean > 0 {
            line += " (μ = \(number(factor * confidence.mean))"
            line += " ± \(number(factor * confidence.halfWidth)))"
        }
        if let bleu { line += " \(bleu.verbose)" }
        if let errors {
            line += " (\(metric.rawValue) = \(value) substitutions = \(errors.substitutions)"
            line += " deletions = \(errors.deletions) insertions = \(errors.insertions)"
            line += " hits = \(errors.hits)"
            if metric == .wer {
                line += String(format: " mer = %.4f", errors.matchErrorRate)
                line += String(format: " wil = %.4f", errors.informationLost)
                line += String(format: " wip = %.4f", errors.informationPreserved)
            }
            line += ")"
        }
        return line
    }
}

/// A metric that each language has the same share in, however many utterances it has.
public struct MacroAverage: Sendable, Hashable, Codable {
    /// The metric; nil for WER with CER in place of it where the script has no spaces between words.
    public let metric: ScoreMetric?
    /// The form of the texts.
    public let form: TextForm
    /// The mean over languages, in the unit of ``MetricScore/value``.
    public let value: Double
    /// How many languages it is over.
    public let languages: Int
}

/// One utterance's scores.
public struct SegmentScore: Sendable, Hashable, Codable {
    /// What the utterance is called.
    public let id: String
    /// Its language.
    public let language: String?
    /// The scores, in the order of metrics within that of forms; BLEU with effective order.
    public let values: [Double]
}
