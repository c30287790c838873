import Foundation

/// Where the encoding of a folder stands.
struct EncodeProgress: ProgressLine {
    /// Clips dealt with, skipped ones among them.
    var clips: Int
    /// Clips to deal with.
    var total: Int
    /// Seconds of audio dealt with.
    var audioSeconds: Double
    /// Seconds of audio to deal with.
    var totalAudioSeconds: Double
    /// Clips that could not be used.
    var skipped: Int
    /// Seconds since the first clip.
    var seconds: Double

    /// Seconds of audio in a second.
    var rate: Double { seconds > 0 ? audioSeconds / seconds : 0 }

    private var text: String {
        let left = rate > 0 ? (totalAudioSeconds - audioSeconds) / rate : .infinity
        return "\(clips)/\(total) clips  \(ProgressState.duration(audioSeconds)) of "
            + "\(ProgressState.duration(totalAudioSeconds)) audio  "
            + "\(String(format: "%.1f", rate)) audio-s/s  "
            + (skipped > 0 ? "\(skipped) skipped  " : "")
            + "left \(ProgressState.duration(left))"
    }

    var line: String { text }

    func bar(columns: Int) -> String {
        let share = totalAudioSeconds > 0 ? audioSeconds / totalAudioSeconds : 1
        return ProgressBar.text(" " + text, share: share, columns: columns)
    }
}
