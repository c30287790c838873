import SpeechCore
import SpeechModels
import Torch

/// What all objectives that learn transcripts with CTC do with logits: their loss, targets that fit no
/// alignment, and what a validation recognises.
final class CTCScoring {
    private let tokenizer: CTCTokenizer
    private let blank: Int
    private let languageTags: Set<Int>
    private let lossFunction: CTCLoss
    private let summarize: ([CTCObjective.HeardClip]) -> ValidationFigures
    private var recognitions: [CTCObjective.HeardClip] = []

    /// * `languageTags`: the ids of tags that targets begin with; empty without tags.
    /// * `summarize`: makes figures of what a validation recognised.
    init(
        tokenizer: CTCTokenizer, blank: Int, reduction: CTCReduction, languageTags: Set<Int>,
        summarize: @escaping ([CTCObjective.HeardClip]) -> ValidationFigures
    ) {
        self.tokenizer = tokenizer
        self.blank = blank
        self.languageTags = languageTags
        self.summarize = summarize
        lossFunction = CTCLoss(blank: blank, reduction: reduction, zeroesInfinity: true)
    }

    /// The loss of a batch, a sum over clips.
    ///
    /// * `logits`: [B, T', V].
    /// * `lengths`: the valid frames of each clip.
    func report(
        _ logits: Tensor, lengths: [Int], targets: [ClipTarget], _ context: LossContext,
        metrics: [(name: String, value: Double)] = []
    ) -> LossReport {
        let labels = targets.map(\.labels)
        let losses = lossFunction.losses(logits, inputLengths: lengths, labels: labels)
        let needed = labels.map { lossFunction.neededFrames($0) }
        let impossible = labels.indices.filter { needed[$0] > lengths[$0] }
        if context.isValidation {
            recognize(targets, logits, lengths, losses.floats(), Set(impossible))
        }
        return LossReport(
            sum: losses.sum(), count: labels.count - impossible.count, metrics: metrics,
            leftOut: impossible.map {
                (
                    $0,
                    "too many labels: expected at most \(lengths[$0]), as there are frames; "
                        + "found \(labels[$0].count), which need \(needed[$0])"
                )
            })
    }

    private func recognize(
        _ targets: [ClipTarget], _ logits: Tensor, _ lengths: [Int], _ losses: [Float],
        _ impossible: Set<Int>
    ) {
        let frames = logits.size(1)
        let best: [Int64] = logits.argmax(-1).values()
        for (clip, target) in targets.enumerated() {
            let ids = best[clip * frames..<clip * frames + lengths[clip]].map { Int($0) }
            let first = ids.first { $0 != blank }
            let spelled = ids.map { languageTags.contains($0) ? blank : $0 }
            recognitions.append(
                CTCObjective.HeardClip(
                    target: target, text: tokenizer.decode(spelled).text,
                    hasLanguage: languageTags.isEmpty ? nil : first == target.labels.first,
                    loss: impossible.contains(clip) ? nil : Double(losses[clip])))
        }
    }

    /// What the validation recognised, as figures; forgets it.
    func finishValidation() -> ValidationFigures {
        defer { recognitions = [] }
        return summarize(recognitions)
    }
}
