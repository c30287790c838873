import ArgumentParser
import Foundation
import SpeechTraining

/// `colld benchmark load`: from audio files to features.
struct BenchmarkLoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Time how fast audio files become features.",
        discussion: """
            Clips are written as WAV, FLAC, MP3 and Opus into a temporary folder, as they are and at a \
            rate that has to be resampled, and as members of one file like those of a tar shard. \
            Figures are seconds of audio in a second; all but the loader's are those of one core.
            """)

    @Option(help: "Seconds of audio, in clips of at most 10 s.")
    var secondsOfAudio = 60.0

    @Option(help: "A manifest whose clips are taken in place of made ones.", completion: .file())
    var data: String?

    @Option(
        help: """
            A model directory, or a repository in the local Hugging Face cache, whose features are \
            computed; those of w2v-BERT 2.0 by default.
            """)
    var model: String?

    @Option(help: "Threads of the loader; 0 for one a core.")
    var threads = 0

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard secondsOfAudio >= 1, secondsOfAudio <= 3600, (0...1024).contains(threads) else {
            throw ValidationError(
                "--seconds-of-audio must be from 1 to 3600, --threads from 0 to 1024")
        }
    }

    func run() throws {
        let result = try LoadBenchmark(
            .init(
                seconds: secondsOfAudio, manifest: data.map { URL(fileURLWithPath: $0) },
                model: model, threads: threads)
        ).run()
        if json {
            print(try Output.json(result))
            return
        }
        print(
            """
            \(result.clips) clips, \(Output.number(result.seconds)) s; seconds of audio a second
            """)
        let titles = ["format", "Hz", "decode", "+ resample", "+ features"]
        print(Self.line(titles + ["loader, \(result.threads) threads"]))
        for row in result.rows {
            print(
                Self.line([
                    row.format + (row.isSharded ? " shard" : ""), "\(row.samplingRate)",
                    Output.number(row.decode), row.resample.map(Output.number) ?? "–",
                    Output.number(row.features), Output.number(row.loader),
                ]))
        }
        print("features alone (\(result.extractor)): \(Output.number(result.featuresAlone))")
        for reason in result.unavailable { print("not measured: \(reason)") }
    }

    /// Cells of a table, the first one to the left.
    private static func line(_ cells: [String]) -> String {
        cells.enumerated().map { index, cell in
            let padding = String(repeating: " ", count: max(0, 11 - cell.count))
            return index == 0 ? cell + padding : padding + cell
        }
        .joined(separator: " ")
    }
}
