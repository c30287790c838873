import ArgumentParser
import Foundation
import SpeechTraining

/// `colld data shard`: tar shards and their manifest.
struct DataShardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shard",
        abstract: "Pack a manifest's audio into tar shards that are read from end to end.",
        discussion: """
            Writes <prefix>-000000.tar, … with a FLAC and a JSON file of each utterance (WebDataset \
            names), and <prefix>.jsonl, which says where in the shards each recording lies and is a \
            manifest like any other. Utterances are put into a random order, so that any shard is a \
            sample of the whole. The same flags give the same bytes. What cannot be read is left out \
            and listed in <prefix>.skipped.jsonl.
            """)

    @Argument(help: "The manifest.")
    var manifest: String

    @Option(help: ArgumentHelp("The folder of the shards.", valueName: "dir"))
    var output: String

    @Option(
        help: "What the names of shards and manifest begin with. (default: the manifest's name)")
    var prefix: String?

    @Option(help: ArgumentHelp("Megabytes of a shard.", valueName: "mb"))
    var shardSize = 1000.0

    @Option(help: "Decides the order of the utterances.")
    var seed: UInt64 = 0

    @Flag(help: "Keep the manifest's order.")
    var noShuffle = false

    @Option(help: ArgumentHelp("The rate that audio is stored at.", valueName: "hz"))
    var samplingRate = 16_000

    @Flag(help: "Replace shards of this prefix.")
    var overwrite = false

    @OptionGroup var work: WorkOptions

    func validate() throws {
        guard shardSize > 0, shardSize < 1e9 else {
            throw ValidationError("--shard-size must be positive")
        }
        guard (1000...192_000).contains(samplingRate) else {
            throw ValidationError("--sampling-rate must be from 1000 to 192000")
        }
        if let prefix, prefix.isEmpty || prefix.contains("/") {
            throw ValidationError("--prefix must be the beginning of a file's name")
        }
    }

    func run() throws {
        let url = URL(fileURLWithPath: manifest)
        var settings = ShardTask.Settings(output: URL(fileURLWithPath: output))
        settings.prefix = prefix ?? url.deletingPathExtension().lastPathComponent
        settings.shardBytes = max(1, Int(shardSize * 1e6))
        settings.seed = noShuffle ? nil : seed
        settings.samplingRate = samplingRate
        settings.threads = work.threadCount
        settings.overwrites = overwrite
        let summary = try ShardTask(
            settings, reporter: RunReporter(showsProgress: !work.noProgress)
        )
        .run(url)
        if work.json {
            print(try Output.json(summary))
            return
        }
        print(
            """
            \(summary.utterances) utterances, \(Output.number(summary.hours)) h, in \
            \(summary.shards) shards of \(Output.number(summary.megabytes)) MB
            \(summary.manifest)
            """)
        if summary.skipped > 0 { print("\(summary.skipped) utterances were left out") }
    }
}
