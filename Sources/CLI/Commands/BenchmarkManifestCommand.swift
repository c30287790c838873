import ArgumentParser
import Foundation
import SpeechTraining

/// `colld benchmark manifest`: from a manifest's name to the plan of a batch.
struct BenchmarkManifestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest",
        abstract: "Time the opening of a manifest and the planning of its batches.",
        discussion: """
            The first run reads the manifest and leaves an index beside it; the second shows what \
            every later run costs. Audio is not read.
            """)

    @Argument(help: "The manifest.")
    var manifest: String

    @Option(
        help: ArgumentHelp(
            "Write a manifest of so many made-up utterances first, if it is not there.",
            valueName: "utterances"))
    var make: Int?

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if let make, make < 1 { throw ValidationError("--make must be 1 or more") }
    }

    func run() throws {
        let benchmark = ManifestBenchmark(manifest: URL(fileURLWithPath: manifest))
        if let make { try benchmark.makeManifest(utterances: make) }
        let result = try benchmark.run()
        if json {
            print(try Output.json(result))
            return
        }
        let number = Output.number
        let index =
            result.indexBytesPerUtterance.map { ", \(number($0)) bytes of index each" } ?? ""
        print(
            """
            \(result.utterances) utterances\(index)
            \(number(result.openSeconds)) s to open \
            (\(result.wasIndexed ? "by the index" : "reading the manifest"))
            \(number(result.planSeconds)) s to divide into batches
            \(number(result.firstBatchSeconds)) s to the first batch of an epoch, \
            \(number(result.middleBatchSeconds)) s to the middle one, \
            \(number(result.lastBatchSeconds)) s to the last
            \(number(result.peakMemoryMegabytes)) MB at most
            """)
    }
}
