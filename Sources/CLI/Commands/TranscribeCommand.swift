import ArgumentParser
import Foundation
import SpeechCore
import SpeechTraining

/// `colld transcribe`: the text of audio.
struct TranscribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "transcribe",
        abstract: "Write what is said in audio files of any length.",
        discussion: """
            One file gives its text; several give lines of file, tab and text. A file without a sample \
            has an empty text. --timestamps gives a line for each word instead: its begin and end in \
            seconds, how sure the recogniser is, and the word, behind the file where there are several.

              colld transcribe --model run/model talk.flac --timestamps
              colld transcribe --model run/model *.wav --lm words.arpa --json
            """)

    @Option(help: "A recogniser: a directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Argument(help: "Audio files, or folders of them.")
    var audio: [String]

    @Flag(help: "Give each word with its times.")
    var timestamps = false

    @Flag(help: "Print what is recognised so far after each chunk; for one file.")
    var stream = false

    @OptionGroup var decoding: DecodingOptions
    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Show no progress.")
    var noProgress = false

    @Flag(help: "Print JSON; with --stream a line for each chunk.")
    var json = false

    func validate() throws {
        guard !stream || audio.count == 1 else {
            throw ValidationError("--stream takes one file")
        }
    }

    func run() throws {
        let clips = try EncodeClip.files(audio)
        let reporter = RunReporter(showsProgress: !noProgress)
        let task = try decoding.makeTask(model, deviceOptions, reporter: reporter)
        if stream, let clip = clips.first {
            return try follow(clip, task)
        }
        let (results, skipped) = try task.run(clips)
        guard !results.isEmpty else { throw DatasetError.allSkipped(skipped: skipped) }
        let rate = task.recognizer.framesPerSecond
        if json {
            print(try Output.json(results.map { Transcript($0, framesPerSecond: rate) }))
            return
        }
        for result in results {
            let place = clips.count > 1 ? result.clip.path + "\t" : ""
            guard timestamps else {
                print(place + result.recognition.text)
                continue
            }
            for word in Transcript(result, framesPerSecond: rate).words {
                print(
                    place
                        + String(
                            format: "%.2f\t%.2f\t%.3f\t", word.start, word.end, word.confidence)
                        + word.text)
            }
        }
    }

    private func follow(_ clip: EncodeClip, _ task: RecognizeTask) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let result = try task.stream(clip) { partial, seconds in
            let line = Partial(
                seconds: seconds, text: partial.recognition.text,
                stable: partial.stableWords.map(\.text).joined(separator: " "))
            print(
                json
                    ? String(decoding: try encoder.encode(line), as: UTF8.self)
                    : String(format: "%.2f\t", seconds) + line.text)
        }
        let rate = task.recognizer.framesPerSecond
        print(
            json
                ? String(
                    decoding: try encoder.encode(Transcript(result, framesPerSecond: rate)),
                    as: UTF8.self) : result.recognition.text)
    }

    /// What is recognised up to a second.
    private struct Partial: Encodable {
        let seconds: Double
        let text: String
        /// The words that stay whatever comes.
        let stable: String
    }

    /// What is recognised in a file.
    private struct Transcript: Encodable {
        struct Word: Encodable {
            let text: String
            let start, end, confidence: Double
        }

        let path: String
        let seconds: Double
        let language: String?
        let text: String
        let words: [Word]

        init(_ result: RecognizeTask.Result, framesPerSecond: Double) {
            path = result.clip.path
            seconds = result.seconds
            language = result.language
            text = result.recognition.text
            words = result.recognition.words.map { word in
                let times = word.seconds(framesPerSecond: framesPerSecond)
                return Word(
                    text: word.text, start: times.lowerBound,
                    end: min(times.upperBound, result.seconds), confidence: word.confidence)
            }
        }
    }
}
