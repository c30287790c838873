import Foundation
import TestSupport
import Testing

extension Commands {
    @Suite("distill, progress") struct DistillProgressTests {
        @Test("progress is plain lines where there is no terminal, and nothing if not wanted")
        func progress() throws {
            let folder = try DistillFolder()
            let settings = ["regime.steps=4", "trainer.log_every=2"]
            let told = try runColld(folder.arguments(settings))
            #expect(told.status == 0)
            #expect(!told.errors.contains("\u{1B}") && !told.errors.contains("\r"))
            let lines = told.errors.split(separator: "\n").filter { $0.hasPrefix("step ") }
            #expect(lines.count == 2)
            for line in lines {
                #expect(
                    line.wholeMatch(
                        of:
                            /step [24]\/4  loss \d\.\d{4}  lr \S+  \d+\.\d audio-s\/s  left \d+:\d\d/
                    ) != nil, "\(line)")
            }
            let other = folder.url.appendingPathComponent("other")
            let silent = try runColld(
                folder.arguments(settings, output: other) + ["--no-progress"])
            #expect(silent.status == 0)
            #expect(silent.errors.isEmpty, "\(silent.errors)")
            #expect(try RunFiles(other).text("log.txt").contains("step 4/4  loss "))
        }

        @Test("on a terminal one bar is drawn again and again", .enabled(if: Terminal.isThere))
        func bar() throws {
            let folder = try DistillFolder()
            let settings = ["regime.steps=5", "trainer.log_every=2", "trainer.validate_every=3"]
            let text = try Terminal.errors(
                of: folder.arguments(settings, validates: true), environment: ["TERM": "xterm"])
            let bars = text.components(separatedBy: "\r\u{1B}[2K").filter { $0.contains("░") }
            #expect(bars.count == 4, "\(text)")
            for (step, bar) in zip(1..., bars) {
                #expect(
                    bar.firstMatch(
                        of: /^█+░+ \d\/5  loss \d\.\d{4}  \d+\.\d audio-s\/s  \d+:\d\d left/)
                        != nil, "\(bar)")
                #expect(bar.contains(" \(step)/5 "), "\(bar)")
                // As wide as a terminal that says nothing of its width.
                #expect(bar.prefix { !$0.isNewline }.count < 80, "\(bar)")
            }
            // Messages stand on lines of their own.
            #expect(text.contains("\r\u{1B}[2Kstep 3  validation loss "), "\(text)")
            #expect(!text.contains("step 2/5"), "\(text)")
            #expect(try RunFiles(folder.output).text("log.txt").contains("step 2/5  loss "))
        }

        @Test(
            "a terminal that cannot redraw gets lines", .enabled(if: Terminal.isThere),
            arguments: [["TERM": "dumb"], ["TERM": "xterm", "COLLD_NO_PROGRESS": "1"]])
        func dumbTerminal(_ environment: [String: String]) throws {
            let folder = try DistillFolder()
            let text = try Terminal.errors(
                of: folder.arguments(["regime.steps=4", "trainer.log_every=2"]),
                environment: environment)
            #expect(!text.contains("\u{1B}"))
            #expect(text.contains("step 2/4  loss ") && text.contains("step 4/4  loss "))
        }
    }
}

/// A terminal that nobody sits at, made by the program `script`.
private enum Terminal {
    private static let program = URL(fileURLWithPath: "/usr/bin/script")

    /// Other systems' program of that name takes other arguments.
    static var isThere: Bool {
        #if os(Linux)
            return FileManager.default.isExecutableFile(atPath: program.path)
        #else
            return false
        #endif
    }

    /// Runs `colld` with a terminal as its standard error, and gives what it wrote there.
    static func errors(of arguments: [String], environment: [String: String]) throws -> String {
        let words = ([Colld.binary.path] + arguments).map {
            "'" + $0.replacingOccurrences(of: "'", with: "'\\''") + "'"
        }
        let result = try Colld.run(
            program,
            ["-q", "-e", "-c", words.joined(separator: " ") + " > /dev/null", "/dev/null"],
            environment: environment)
        try #require(result.status == 0, "\(result.output)\(result.errors)")
        return result.output.replacingOccurrences(of: "\r\n", with: "\n")
    }
}
