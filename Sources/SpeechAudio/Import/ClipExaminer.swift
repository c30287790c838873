internal import Foundation
internal import SpeechCore
internal import Synchronization

/// Makes utterances of clips: looks for their files and measures what the corpus does not state.
///
/// Files are looked at on several threads. A recording that segments are cut from is measured once.
final class ClipExaminer {
    /// Segments may end this much behind their recording and are then cut there, in seconds; so does
    /// Kaldi.
    static let overshoot = 0.5

    private let threads: Int
    private let commands: CommandAudio
    /// Recordings that segments or commands need.
    private var recordings: [AudioPlace: Result<AudioInfo, LeftOutClip>] = [:]

    /// The command that each recording is kept of.
    private var owners: [String: AudioPlace] = [:]

    init(threads: Int, commands: CommandAudio) {
        self.threads = threads
        self.commands = commands
    }

    /// What becomes of each of the items, in their order.
    func examine(_ items: [CorpusItem]) -> [Result<Utterance, LeftOutClip>] {
        var seen: Set<AudioPlace> = []
        let isNew = items.compactMap { item -> AudioPlace? in
            guard case .clip(let clip) = item, needsRecording(clip), recordings[clip.audio] == nil
            else { return nil }
            return seen.insert(clip.audio).inserted ? clip.audio : nil
        }
        let places = isNew.filter { place in
            // Two commands under one name would write to one file.
            guard case .command(_, let recording) = place else { return true }
            if owners[recording] == nil { owners[recording] = place }
            guard owners[recording] != place else { return true }
            recordings[place] = .failure(
                LeftOutClip(
                    id: "", path: place.path, kind: .duplicateID,
                    reason: "expected one command for the recording '\(recording)', found two"))
            return false
        }
        let measured = Self.map(places, threads: threads) { [commands] place in
            Self.measure(place, commands)
        }
        for (place, result) in zip(places, measured) { recordings[place] = result }
        return Self.map(items, threads: threads) { [recordings, commands] item in
            switch item {
            case .leftOut(let clip): .failure(clip)
            case .clip(let clip): Self.utterance(clip, recordings[clip.audio], commands)
            }
        }
    }

    private func needsRecording(_ clip: CorpusClip) -> Bool {
        if case .command = clip.audio { return true }
        if case .segment(_, _, recording: nil) = clip.length { return true }
        return false
    }

    private static func measure(
        _ place: AudioPlace, _ commands: CommandAudio
    ) -> Result<AudioInfo, LeftOutClip> {
        func failure(_ kind: LeftOutKind, _ reason: String) -> Result<AudioInfo, LeftOutClip> {
            .failure(LeftOutClip(id: "", path: place.path, kind: kind, reason: reason))
        }
        do {
            switch place {
            case .file(let path): return .success(try AudioReader.info(path))
            case .member(let path, let bytes):
                return .success(try AudioReader.info(path, bytes: bytes))
            case .command(let command, let recording):
                return .success(try commands.fetch(command, recording: recording))
            }
        } catch let error as LeftOutClip {
            return .failure(error)
        } catch AudioError.missingFile(let path) {
            return failure(.missingFile, AudioError.missingFile(path: path).description)
        } catch {
            return failure(.unreadableAudio, "\(error)")
        }
    }

    private static func utterance(
        _ clip: CorpusClip, _ known: Result<AudioInfo, LeftOutClip>?, _ commands: CommandAudio
    ) -> Result<Utterance, LeftOutClip> {
        func failure(_ kind: LeftOutKind, _ reason: String) -> Result<Utterance, LeftOutClip> {
            .failure(
                LeftOutClip(id: clip.id, path: clip.audio.path, kind: kind, reason: reason))
        }
        if clip.text.map(isBlank) == true || clip.targetText.map(isBlank) == true {
            let what = clip.text.map(isBlank) == true ? "a transcript" : "a translation"
            return failure(.emptyText, "expected \(what), found no text")
        }
        var utterance = Utterance(
            id: clip.id, audioPath: clip.audio.path, duration: 0, text: trimmed(clip.text),
            lang: trimmed(clip.lang), speaker: trimmed(clip.speaker),
            targetText: trimmed(clip.targetText), targetLang: trimmed(clip.targetLang),
            samples: clip.samples)
        if case .member(_, let bytes) = clip.audio { utterance.byteRange = bytes }
        if case .command(_, let recording) = clip.audio {
            utterance.audioPath = commands.url(recording).path
        }
        let info: AudioInfo?
        switch known {
        case .failure(let error)?: return failure(error.kind, error.reason)
        case .success(let found)?: info = found
        case nil:
            if case .unknown = clip.length {
                switch measure(clip.audio, commands) {
                case .failure(let error): return failure(error.kind, error.reason)
                case .success(let found): info = found
                }
            } else {
                // Its length is known, so that it is enough that there is a file.
                if case .file(let path) = clip.audio, let fault = fault(path) {
                    return failure(fault.kind, fault.reason)
                }
                info = nil
            }
        }
        switch clip.length {
        case .segment(let offset, let duration, let stated):
            let whole = info?.duration ?? stated ?? 0
            if let fault = segmentFault(offset, duration, whole, path: utterance.audioPath) {
                return failure(.badSegment, fault)
            }
            utterance.offset = rounded(offset)
            utterance.duration = rounded(min(duration ?? .infinity, whole - offset))
            if offset == 0, utterance.duration == rounded(whole) {
                utterance.samples = info?.frames ?? clip.samples
            }
        case .stated(let seconds) where info == nil:
            guard seconds.isFinite, rounded(seconds) > 0 else {
                return failure(.badRow, "expected a duration above 0 s, found \(seconds) s")
            }
            utterance.duration = rounded(seconds)
        case .stated, .unknown:
            utterance.duration = info?.duration ?? 0
            utterance.samples = info?.frames
        }
        return .success(utterance)
    }

    /// What is wrong with a file as far as can be told without opening it.
    private static func fault(_ path: String) -> (kind: LeftOutKind, reason: String)? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return (.missingFile, AudioError.missingFile(path: path).description)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            return (.unreadableAudio, AudioError.notAFile(path: path).description)
        }
        return status.st_size > 0
            ? nil : (.unreadableAudio, AudioError.empty(path: path).description)
    }

    private static func segmentFault(
        _ offset: Double, _ duration: Double?, _ whole: Double, path: String
    ) -> String? {
        if !(offset.isFinite && offset >= 0) {
            return AudioError.invalidOffset(path: path, offset: offset).description
        }
        if let duration, !(duration.isFinite && rounded(duration) > 0) {
            return AudioError.invalidDuration(path: path, duration: duration).description
        }
        guard rounded(whole - offset) > 0, offset + (duration ?? 0) <= whole + overshoot else {
            return AudioError.segmentOutsideFile(
                path: path, offset: offset, duration: duration, fileDuration: whole
            ).description
        }
        return nil
    }

    /// To microseconds: differences of decimals have long tails.
    private static func rounded(_ seconds: Double) -> Double {
        (seconds * 1e6).rounded() / 1e6
    }

    private static func isBlank(_ text: String) -> Bool { text.allSatisfy(\.isWhitespace) }

    private static func trimmed(_ text: String?) -> String? {
        guard let text = text?.trimmingCharacters(in: .whitespacesAndNewlines) else { return nil }
        return text.isEmpty ? nil : text
    }

    /// Applies `body` to all items on several threads; the results keep the order.
    private static func map<Item: Sendable, Output: Sendable>(
        _ items: [Item], threads: Int, _ body: @Sendable (Item) -> Output
    ) -> [Output] {
        let next = Atomic(0)
        let results = Mutex([Output?](repeating: nil, count: items.count))
        DispatchQueue.concurrentPerform(iterations: min(threads, items.count)) { _ in
            var own: [(Int, Output)] = []
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < items.count else { break }
                own.append((index, body(items[index])))
            }
            results.withLock { for (index, output) in own { $0[index] = output } }
        }
        return results.withLock { $0.compactMap { $0 } }
    }
}
