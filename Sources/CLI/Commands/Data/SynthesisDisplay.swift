import Foundation
import SpeechAudio
import SpeechTraining
import Synchronization

/// How far the synthesis is: a bar on a terminal, a line for each tenth elsewhere.
final class SynthesisDisplay: Sendable {
    private enum Style {
        case none, bar, lines
    }

    private let style: Style
    private let start = ContinuousClock.now
    /// Tenths that have been told, or drawings of the bar.
    private let shown = Mutex(0)

    init(isShown: Bool) {
        style =
            !isShown || RunReporter.isSwitchedOff
            ? .none : RunReporter.hasTerminal ? .bar : .lines
    }

    func show(_ progress: CorpusSynthesizer.Progress) {
        let share = progress.targetSeconds > 0 ? progress.seconds / progress.targetSeconds : 1
        let elapsed = start.duration(to: .now) / .seconds(1)
        let text =
            "\(progress.utterances) utterances, \(Self.clock(progress.seconds)) of "
            + "\(Self.clock(progress.targetSeconds)) of speech, "
            + "\(Output.number(progress.seconds / max(elapsed, 1e-3))) s/s"
        shown.withLock { count in
            switch style {
            case .none: return
            case .bar:
                let filled = Int(share * 24)
                let bar =
                    String(repeating: "█", count: filled)
                    + String(repeating: "░", count: 24 - filled)
                Self.write("\r\u{1B}[2K\(bar) \(text)")
                count += 1
            case .lines:
                let tenths = Int(share * 10)
                guard tenths > count else { return }
                count = tenths
                Self.write("\(tenths * 10) %: \(text)\n")
            }
        }
    }

    /// Clears the bar.
    func finish() {
        if style == .bar, shown.withLock({ $0 > 0 }) { Self.write("\r\u{1B}[2K") }
    }

    /// 1:02:03 or 2:03.
    static func clock(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest)
            : String(format: "%d:%02d", minutes, rest)
    }

    private static func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
