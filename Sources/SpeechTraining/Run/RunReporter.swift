public import Foundation

/// Says how a run goes: a bar on a terminal, plain lines elsewhere, everything in `log.txt`.
public final class RunReporter {
    /// Whether a bar is drawn.
    private let isInteractive: Bool
    private let isQuiet: Bool
    private var log: FileHandle?
    private var hasBar = false

    /// - Parameters:
    ///   - showsProgress: false for neither bar nor lines on standard error.
    public init(showsProgress: Bool = true) {
        isQuiet = !showsProgress
        isInteractive = showsProgress && !Self.isSwitchedOff && Self.hasTerminal
    }

    /// Whether `COLLD_NO_PROGRESS` asks for no progress.
    public static var isSwitchedOff: Bool {
        let value = ProcessInfo.processInfo.environment["COLLD_NO_PROGRESS"] ?? ""
        return !value.isEmpty && value != "0"
    }

    /// Whether standard error is a terminal that may be redrawn.
    public static var hasTerminal: Bool {
        isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// Also writes to a file from now on.
    public func open(_ url: URL) {
        if !FileManager.default.fileExists(atPath: url.path) {
            _ = FileManager.default.createFile(atPath: url.path, contents: nil)
        }
        log = try? FileHandle(forWritingTo: url)
        _ = try? log?.seekToEnd()
    }

    /// One line for people, kept in the log.
    public func note(_ text: String) {
        clearBar()
        if !isQuiet { Self.write(text + "\n") }
        record(text)
    }

    /// One line for the log alone.
    func record(_ text: String) {
        let time = Date().formatted(.iso8601)
        try? log?.write(contentsOf: Data("\(time) \(text)\n".utf8))
    }

    /// The state of the loop: redrawn on a terminal, a line where `isDue`.
    public func progress(_ state: ProgressState, isDue: Bool) {
        report(state, isDue: isDue)
    }

    /// The state of any loop: redrawn on a terminal, a line where `isDue`.
    func report(_ state: some ProgressLine, isDue: Bool) {
        if isInteractive {
            Self.write("\r\u{1B}[2K" + state.bar(columns: Self.columns))
            hasBar = true
            if isDue { try? log?.write(contentsOf: Data((state.line + "\n").utf8)) }
        } else if isDue {
            note(state.line)
        }
    }

    /// Ends the bar.
    public func finish() { clearBar() }

    private func clearBar() {
        guard hasBar else { return }
        Self.write("\r\u{1B}[2K")
        hasBar = false
    }

    private static var columns: Int {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}

/// Where a loop stands, for a person to read.
protocol ProgressLine {
    /// A line for a log.
    var line: String { get }
    /// A bar as wide as the terminal.
    func bar(columns: Int) -> String
}

/// The bar of a terminal.
enum ProgressBar {
    /// A bar as wide as the terminal, with a text behind it.
    static func text(_ text: String, share: Double, columns: Int) -> String {
        let width = max(5, min(30, columns - text.count - 3))
        let filled = Int(min(1, max(0, share)) * Double(width))
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        return String((bar + text).prefix(columns - 1))
    }
}

/// Where a run stands.
public struct ProgressState: Sendable, ProgressLine {
    /// Updates made.
    public var step: Int
    /// Updates of the run.
    public var steps: Int
    /// Mean loss since the last line.
    public var loss: Double
    /// Seconds of audio that the student heard in a second.
    public var audioSecondsPerSecond: Double
    /// The learning rate of the last update.
    public var learningRate: Double
    /// Seconds to the end at this pace.
    public var secondsLeft: Double

    /// All values.
    public init(
        step: Int, steps: Int, loss: Double, audioSecondsPerSecond: Double, learningRate: Double,
        secondsLeft: Double
    ) {
        self.step = step
        self.steps = steps
        self.loss = loss
        self.audioSecondsPerSecond = audioSecondsPerSecond
        self.learningRate = learningRate
        self.secondsLeft = secondsLeft
    }

    /// A line for a log.
    var line: String {
        "step \(step)/\(steps)  loss \(Self.format(loss, "%.4f"))  "
            + "lr \(Self.format(learningRate, "%.2e"))  "
            + "\(Self.format(audioSecondsPerSecond, "%.1f")) audio-s/s  "
            + "left \(Self.duration(secondsLeft))"
    }

    /// A bar as wide as the terminal.
    func bar(columns: Int) -> String {
        let text =
            " \(step)/\(steps)  loss \(Self.format(loss, "%.4f"))  "
            + "\(Self.format(audioSecondsPerSecond, "%.1f")) audio-s/s  "
            + "\(Self.duration(secondsLeft)) left"
        let share = steps > 0 ? Double(step) / Double(steps) : 1
        return ProgressBar.text(text, share: share, columns: columns)
    }

    private static func format(_ value: Double, _ format: String) -> String {
        value.isFinite ? String(format: format, value) : "-"
    }

    /// `1:02:03`, `2:03`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e12 else { return "-" }
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest)
            : String(format: "%d:%02d", minutes, rest)
    }
}
