import Foundation
import SpeechCore
import SpeechObjectives

/// Labels of transcripts, as a tokenizer has them.
struct TranscriptLabels: TargetSource {
    let tokenizer: CTCTokenizer
    /// What is learned: the transcript, or the tag of the language alone.
    var learns = TokenizerConfig.Target.transcript
    /// How many labels a clip has room for.
    let frames: TargetCheck.Frames

    /// The prepared transcript and its labels, behind the tag of the language where there are tags; no
    /// text and the tag alone where only languages are learned.
    ///
    /// - Throws: `RecognitionError.noTranscript`, or the errors of `CTCTokenizer`.
    func target(of utterance: Utterance) throws -> ClipTarget {
        if learns == .language {
            return ClipTarget(
                id: utterance.id, language: utterance.lang, text: "",
                labels: try tokenizer.labels(of: "", language: utterance.lang))
        }
        guard let text = utterance.text else {
            throw RecognitionError.noTranscript(id: utterance.id)
        }
        return ClipTarget(
            id: utterance.id, language: utterance.lang, text: tokenizer.preparation?(text) ?? text,
            labels: try tokenizer.labels(of: text, language: utterance.lang))
    }

    /// Utterances without a transcript, and for training those with more labels than frames.
    func objection(to utterance: Utterance, isValidation: Bool) throws -> String? {
        guard utterance.text != nil || learns == .language else {
            return "no transcript: expected 'text'; found none"
        }
        if isValidation { return nil }
        let labels = try target(of: utterance).labels
        let needed = labels.count + zip(labels, labels.dropFirst()).count { $0 == $1 }
        let samples = utterance.duration * Double(frames.samplingRate)
        let room = frames.count(Int(min(samples, 1e12).rounded()))
        guard needed > room else { return nil }
        return "too many labels: expected at most \(room), as there are frames; found "
            + "\(labels.count), which need \(needed)"
    }
}

/// What the transcripts of some manifests are made of, before a run starts.
struct TranscriptSurvey {
    /// Utterances with a transcript, those with an empty one among them.
    private(set) var transcripts = 0
    /// Transcripts with nothing in them.
    private(set) var empty = 0
    /// How often each character without a token occurs.
    private(set) var unknown: [Unicode.Scalar: Int] = [:]
    /// Transcripts with such characters.
    private(set) var withUnknown = 0

    /// Adds the transcripts of a manifest.
    ///
    /// * `vocabularySize`: the number of tokens that the head scores.
    /// - Throws: `RecognitionError` where a transcript can have no labels, or the errors of manifests.
    mutating func add(
        _ corpus: UtteranceIndex, _ tokenizer: CTCTokenizer, vocabularySize: Int
    ) throws {
        let manifest = corpus.manifest.path
        for number in 0..<corpus.count {
            let utterance = try corpus.utterance(number)
            guard let text = utterance.text.map({ tokenizer.preparation?($0) ?? $0 }) else {
                continue
            }
            transcripts += 1
            if text.isEmpty { empty += 1 }
            let tags = tokenizer.languageTags
            guard tags.isEmpty || utterance.lang.flatMap({ tags[$0] }) != nil else {
                throw RecognitionError.languageWithoutTag(
                    manifest: manifest, id: utterance.id, found: utterance.lang,
                    known: tags.keys.sorted())
            }
            let others = tokenizer.charactersWithoutToken(in: text)
            guard let first = others.first else { continue }
            guard let unknown = tokenizer.unknown, unknown < vocabularySize else {
                throw RecognitionError.unknownCharacter(
                    manifest: manifest, id: utterance.id, found: "'\(first)' (\(first.codePoint))",
                    vocabulary: tokenizer.path)
            }
            withUnknown += 1
            for scalar in others { self.unknown[scalar, default: 0] += 1 }
        }
    }

    /// What is to be said before the run starts.
    var notes: [String] {
        var notes: [String] = []
        if empty > 0 { notes.append("\(empty) of \(transcripts) transcripts are empty") }
        guard !unknown.isEmpty else { return notes }
        let sorted = unknown.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = sorted.prefix(8).map { "'\($0.key)' (\($0.key.codePoint)) \($0.value)" }
        notes.append(
            "warning: \(unknown.count) characters without a token are learned as <unk>, in "
                + "\(withUnknown) of \(transcripts) transcripts: "
                + shown.joined(separator: ", ") + (sorted.count > shown.count ? ", …" : ""))
        return notes
    }
}
