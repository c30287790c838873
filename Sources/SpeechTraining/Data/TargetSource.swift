public import SpeechCore
public import SpeechObjectives

/// Makes labels of utterances, for tasks that need some; called from several threads.
public protocol TargetSource: Sendable {
    /// The target of an utterance.
    ///
    /// - Throws: a `ReportedError` about bad input where there is none; the utterance is then
    ///   skipped.
    func target(of utterance: Utterance) throws -> ClipTarget

    /// Why an utterance cannot be used, nil where it can.
    ///
    /// * `isValidation`: an utterance that cannot be learned from may still be scored.
    /// - Throws: a `ReportedError` where the whole run cannot be.
    func objection(to utterance: Utterance, isValidation: Bool) throws -> String?
}
