public import Foundation
import SpeechAudio
public import SpeechCore

/// Packs the clips of a manifest into tar shards, and lists them in a manifest with their bytes.
///
/// A shard is a WebDataset shard: each utterance has `<key>.flac` (one channel, 16 bits) and
/// `<key>.json` beside it. The manifest `<prefix>.jsonl` says for every utterance which bytes of which
/// shard are its recording, so that one file serves those who read shards from end to end as well
/// as those who look for a single clip. The bytes depend on the manifest, the audio and the settings
/// alone, not on the number of threads.
public struct ShardTask {
    /// Places, sizes and order.
    public struct Settings: Sendable {
        /// The folder of the shards; made when missing.
        public var output: URL
        /// What names begin with.
        public var prefix = "train"
        /// A shard ends with the utterance that makes it larger than this.
        public var shardBytes = 1_000_000_000
        /// Decides the order of the utterances; nil keeps that of the manifest.
        public var seed: UInt64? = 0
        /// The rate that audio is stored at, in Hz.
        public var samplingRate = 16_000
        /// Threads that decode and encode, at least 1.
        public var threads = ProcessInfo.processInfo.activeProcessorCount
        /// Whether shards that are there already are replaced.
        public var overwrites = false

        /// Everything as usual.
        public init(output: URL) { self.output = output }
    }

    /// What was written.
    public struct Summary: Codable, Sendable {
        /// The manifest of the shards.
        public var manifest: String
        /// Tar files.
        public var shards: Int
        /// Utterances in them.
        public var utterances: Int
        /// Their length.
        public var hours: Double
        /// The size of all shards.
        public var megabytes: Double
        /// Utterances left out, listed in `<prefix>.skipped.jsonl`.
        public var skipped: Int
    }

    private let settings: Settings
    private let reporter: RunReporter

    /// Plans the packing; nothing is read or written yet.
    public init(_ settings: Settings, reporter: RunReporter) {
        precondition(settings.threads > 0 && settings.shardBytes > 0)
        self.settings = settings
        self.reporter = reporter
    }

    /// Writes the shards and then the manifest, which stands for their being complete.
    ///
    /// - Throws: `ShardError`, `DatasetError.allSkipped`, `FileSystemError` or `ManifestError`.
    public func run(_ manifest: URL) throws -> Summary {
        let index = try UtteranceIndex.open(manifest)
        let target = file(".jsonl")
        // Whatever may be replaced: with the manifest, what the shards are made of would be lost.
        guard target.resolvingSymlinksInPath().path != manifest.resolvingSymlinksInPath().path
        else { throw ShardError.replacesSource(path: target.path) }
        try prepareFolder(target)
        let order = order(of: index.count)
        let packer = ClipPacker(samplingRate: settings.samplingRate)
        let queue = PrefetchQueue(
            range: 0..<order.count, threads: settings.threads, limit: settings.threads * 8
        ) { place, _ in
            let utterance = try index.utterance(order[place])
            return try packer.pack(utterance, number: place)
        }
        defer { queue.stop() }
        var summary = Summary(
            manifest: target.path, shards: 0, utterances: 0, hours: 0, megabytes: 0, skipped: 0)
        var skipped: [SkippedUtterance] = []
        try AtomicFile.write(to: target) { lines in
            var next = try take(queue, &skipped)
            while let first = next {
                next = try writeShard(
                    number: summary.shards, beginningWith: first, queue, lines, &summary, &skipped)
                reporter.note(
                    "\(summary.shards) shards, \(summary.utterances) of \(order.count) utterances")
            }
            summary.skipped = skipped.count
            try SkippedLog.write(skipped, to: file(".skipped.jsonl"))
            guard summary.utterances > 0 else { throw DatasetError.allSkipped(skipped: skipped) }
        }
        return summary
    }

    /// Writes one shard.
    ///
    /// - Returns: the first clip of the next.
    private func writeShard(
        number: Int, beginningWith first: PackedClip, _ queue: PrefetchQueue<ClipPacker.Outcome>,
        _ lines: FileSink, _ summary: inout Summary, _ skipped: inout [SkippedUtterance]
    ) throws -> PackedClip? {
        let digits = String(number)
        let name = "-" + String(repeating: "0", count: max(0, 6 - digits.count)) + digits + ".tar"
        let url = file(name)
        let folder = ManifestPath.folder(of: url)
        var next: PackedClip? = first
        try AtomicFile.write(to: url) { sink in
            let tar = TarWriter(sink)
            while let clip = next, tar.byteCount < settings.shardBytes {
                let bytes = try tar.add(clip.key + ".flac", clip.audio)
                _ = try tar.add(clip.key + ".json", clip.metadata)
                var utterance = clip.utterance
                utterance.audioPath = url.path
                utterance.byteRange = bytes
                try lines.write(JSONLinesManifest.line(utterance, folder: folder) + "\n")
                summary.utterances += 1
                summary.hours += utterance.duration / 3600
                next = try take(queue, &skipped)
            }
            try tar.finish()
            summary.megabytes += Double(tar.byteCount) / 1e6
        }
        summary.shards += 1
        return next
    }

    /// The next clip that can be used.
    private func take(
        _ queue: PrefetchQueue<ClipPacker.Outcome>, _ skipped: inout [SkippedUtterance]
    ) throws -> PackedClip? {
        while let outcome = try queue.take() {
            switch outcome {
            case .packed(let clip): return clip
            case .skipped(let utterance):
                reporter.note("skipped \(utterance)")
                skipped.append(utterance)
            }
        }
        return nil
    }

    private func order(of count: Int) -> [Int] {
        guard let seed = settings.seed else { return Array(0..<count) }
        var generator = SeededGenerator(seed: seed, stream: 0x7368_6172_64)
        return generator.permutation(count)
    }

    private func file(_ suffix: String) -> URL {
        settings.output.absoluteURL.standardizedFileURL
            .appendingPathComponent(settings.prefix + suffix)
    }

    /// Makes the folder, and makes sure that no other shards are mixed with the new ones.
    private func prepareFolder(_ target: URL) throws {
        let folder = target.deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileSystemError.cannotWrite(path: folder.path, operation: "create", code: errno)
        }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        let old = names.filter { name in
            name.hasPrefix(settings.prefix + "-") && name.hasSuffix(".tar")
                && name.dropFirst(settings.prefix.count + 1).dropLast(4).allSatisfy(\.isNumber)
        }
        let isThere = !old.isEmpty || names.contains(target.lastPathComponent)
        guard isThere else { return }
        guard settings.overwrites else {
            throw ShardError.exists(path: folder.path, prefix: settings.prefix)
        }
        // The manifest first: without it nobody takes the shards for whole.
        for name in [target.lastPathComponent] + old {
            let path = folder.appendingPathComponent(name).path
            guard unlink(path) == 0 || errno == ENOENT else {
                throw FileSystemError.cannotWrite(path: path, operation: "remove", code: errno)
            }
        }
    }
}

/// Why shards cannot be written.
public enum ShardError: ReportedError, Equatable {
    /// There are shards already.
    case exists(path: String, prefix: String)
    /// The manifest of the shards would take the place of the one that they are made from.
    case replacesSource(path: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .exists(let path, let prefix):
            return
                "'\(path)': expected no shards named \(prefix)-*.tar, found some: choose another "
                + "--prefix, or replace them with --overwrite"
        case .replacesSource(let path):
            return "'\(path)': expected another place for the manifest of the shards, found the "
                + "manifest that they are made from: choose another --prefix or --output"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
