import Foundation
import SpeechAudio
import SpeechCore
import Synchronization
import TestSupport
import Testing

@Suite("Synthetic corpora")
struct CorpusSynthesizerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func design(_ languages: [String] = ["es", "fi"], seed: UInt64 = 3) -> CorpusDesign {
        CorpusDesign(
            languages: languages, minutesPerLanguage: 0.2, voices: 3, validFraction: 0.2,
            testFraction: 0.2, seed: seed)
    }

    /// The bytes of every file below a folder.
    private func contents(_ url: URL) throws -> [String: Data] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: url.path)
        var contents: [String: Data] = [:]
        for name in names {
            let file = url.appendingPathComponent(name)
            let kind = try FileManager.default.attributesOfItem(atPath: file.path)[.type]
            if kind as? FileAttributeType == .typeRegular {
                contents[name] = try Data(contentsOf: file)
            }
        }
        return contents
    }

    @discardableResult
    private func make(
        _ design: CorpusDesign, _ name: String, threads: Int = 2
    ) async throws -> CorpusSynthesizer.Summary {
        let url = folder.url.appendingPathComponent(name)
        return try await CorpusSynthesizer(design: design, folder: url, threads: threads).run()
    }

    @Test("one thread and two make the same bytes; another seed makes other sentences")
    func deterministic() async throws {
        try await make(design(), "one", threads: 1)
        try await make(design(), "two", threads: 2)
        let one = try contents(folder.url.appendingPathComponent("one"))
        #expect(one == (try contents(folder.url.appendingPathComponent("two"))))
        #expect(one.keys.contains("audio/es/es-train-000001.flac"))
        try await make(design(seed: 4), "other")
        let other = try contents(folder.url.appendingPathComponent("other"))
        #expect(one["train.jsonl"] != other["train.jsonl"])
    }

    @Test("manifests say what the audio files hold, and the splits share no sentence")
    func manifests() async throws {
        let design = design()
        let summary = try await make(design, "corpus")
        #expect(summary.keptUtterances == 0)
        var texts: [String] = []
        var speakers: [CorpusDesign.Split: Set<String>] = [:]
        for split in CorpusDesign.Split.allCases {
            let part = try #require(summary.parts[split])
            let utterances = try JSONLinesManifest.read(part.manifest)
            #expect(utterances.count == part.utterances)
            for utterance in utterances {
                let info = try AudioReader.info(utterance.audioPath)
                #expect(info.format == .flac && info.samplingRate == 16000 && info.channels == 1)
                #expect(info.frames == utterance.samples && info.duration == utterance.duration)
                #expect(utterance.targetLang == "en" && utterance.targetText?.isEmpty == false)
                #expect(utterance.speaker?.hasPrefix(utterance.lang ?? "?") == true)
                texts.append((utterance.lang ?? "") + (utterance.text ?? ""))
            }
            speakers[split] = Set(utterances.compactMap(\.speaker))
            for code in design.languages {
                let own = utterances.filter { $0.lang == code }
                let seconds = own.reduce(0) { $0 + $1.duration }
                let last = try #require(own.last)
                // Full with the last utterance, and not before.
                #expect(seconds >= design.seconds(of: split))
                #expect(seconds - last.duration < design.seconds(of: split))
            }
        }
        #expect(Set(texts).count == texts.count)
        // One speaker of each language in each split, and nobody in two of them.
        #expect(speakers.values.map(\.count) == [2, 2, 2])
        let voices = speakers.values.flatMap { $0 }
        #expect(Set(voices).count == voices.count)
        // Nothing is left over but what the manifests name.
        let files = try contents(folder.url.appendingPathComponent("corpus"))
        #expect(files.count == texts.count + 4)
        let loud = try AudioReader.read(
            folder.path("corpus/audio/es/es-train-000001.flac"))
        #expect(loud.contains { abs($0) > 0.1 })
        let manifest = String(decoding: files["train.jsonl"] ?? Data(), as: UTF8.self)
        #expect(manifest.contains("\"audio_filepath\": \"audio/es/es-train-000001.flac\""))
    }

    @Test("a stopped run goes on: whole files are kept, damaged ones made again")
    func resume() async throws {
        let summary = try await make(design(), "corpus")
        let url = folder.url.appendingPathComponent("corpus")
        let whole = try contents(url)
        let total = summary.parts.values.reduce(0) { $0 + $1.utterances }
        try FileManager.default.removeItem(
            at: url.appendingPathComponent("audio/fi/fi-train-000001.flac"))
        try FileManager.default.removeItem(at: url.appendingPathComponent("train.jsonl"))
        try Data("half".utf8).write(
            to: url.appendingPathComponent("audio/es/es-train-000002.flac"))
        let again = try await make(design(), "corpus")
        #expect(try contents(url) == whole)
        // A round may also look at a surplus line, which is not kept but made and removed.
        #expect(again.keptUtterances == total - 2)
    }

    @Test("noise and rooms change the sound alone, and are the same whatever the threads")
    func conditions() async throws {
        var noisy = design(["es"])
        noisy.minutesPerLanguage = 0.4
        let plain = noisy
        noisy.noise = 0.3
        noisy.rooms = 0.3
        try await make(noisy, "one", threads: 1)
        try await make(noisy, "two", threads: 2)
        try await make(plain, "dry")
        let one = try contents(folder.url.appendingPathComponent("one"))
        #expect(one == (try contents(folder.url.appendingPathComponent("two"))))
        let dry = try contents(folder.url.appendingPathComponent("dry"))
        #expect(one["train.jsonl"] == dry["train.jsonl"])
        let audio = one.keys.filter { $0.hasSuffix(".flac") }
        let changed = audio.filter { one[$0] != dry[$0] }
        // About half of the utterances have a room or noise.
        #expect(changed.count > 0 && changed.count < audio.count)
    }

    @Test("the splits share no voice, whatever the language and however many speakers there are")
    func manySpeakers() async throws {
        var design = design()
        design.minutesPerLanguage = 1
        design.voices = CorpusDesign.voiceLimit
        design.format = .wav
        let summary = try await make(design, "corpus")
        var variants: [Set<String>] = []
        for part in summary.parts.values {
            let speakers = try JSONLinesManifest.read(part.manifest).compactMap(\.speaker)
            #expect(Set(speakers).count > 2)
            variants.append(Set(speakers.map { String($0.split(separator: "-")[1]) }))
        }
        #expect(Set(variants.joined()).count == variants.reduce(0) { $0 + $1.count })
    }

    @Test("a longer corpus begins with the shorter one")
    func longer() async throws {
        try await make(design(["es"]), "corpus")
        let url = folder.url.appendingPathComponent("corpus/train.jsonl")
        let short = try JSONLinesManifest.read(url)
        var longer = design(["es"])
        longer.minutesPerLanguage = 0.4
        try await make(longer, "corpus")
        let long = try JSONLinesManifest.read(url)
        #expect(long.count > short.count)
        #expect(Array(long.prefix(short.count)) == short)
    }

    @Test("a cancelled run throws, leaves no half file, and can go on")
    func cancel() async throws {
        var design = design(["es"])
        design.noise = 1
        design.rooms = 1
        try await make(design, "whole", threads: 1)
        let url = folder.url.appendingPathComponent("corpus")
        let synthesizer = try CorpusSynthesizer(design: design, folder: url, threads: 2)
        let task = Task {
            try await synthesizer.run { step in
                if step.utterances == 3 { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        let names = try contents(url).keys
        #expect(!names.contains { $0.hasSuffix(".tmp") || $0.hasSuffix(".jsonl") })
        #expect(names.contains { $0.hasSuffix(".flac") })
        let summary = try await make(design, "corpus")
        #expect(summary.keptUtterances >= 3)
        #expect(
            try contents(url) == contents(folder.url.appendingPathComponent("whole")))
    }

    @Test("every language has a voice", arguments: CorpusDesign.availableLanguages)
    func voices(code: String) async throws {
        var design = design([code])
        design.minutesPerLanguage = 0.01
        design.validFraction = 0
        design.testFraction = 0
        design.format = .wav
        let summary = try await make(design, code)
        #expect(Array(summary.parts.keys) == [.train])
        #expect((summary.parts[.train]?.seconds ?? 0) > 0.5)
    }

    @Test("progress grows to the whole")
    func progress() async throws {
        let seen = Seen()
        let url = folder.url.appendingPathComponent("corpus")
        _ = try await CorpusSynthesizer(design: design(["es"]), folder: url).run { step in
            seen.append(step)
        }
        let steps = seen.steps
        #expect(steps.map(\.utterances) == Array(1...steps.count))
        let target = try #require(steps.last?.targetSeconds)
        #expect(abs(target - 12) < 1e-9)
        #expect(abs((steps.last?.seconds ?? 0) - target) < 1e-9)
        #expect(zip(steps, steps.dropFirst()).allSatisfy { $0.seconds <= $1.seconds })
        #expect(steps.allSatisfy { $0.targetSeconds == target && $0.seconds <= target })
    }
}

/// What a progress callback was told.
private final class Seen: Sendable {
    private let stored = Mutex<[CorpusSynthesizer.Progress]>([])

    var steps: [CorpusSynthesizer.Progress] { stored.withLock { $0 } }

    func append(_ step: CorpusSynthesizer.Progress) { stored.withLock { $0.append(step) } }
}
