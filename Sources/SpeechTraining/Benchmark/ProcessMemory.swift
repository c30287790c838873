import Foundation

/// Memory of this process.
public enum ProcessMemory {
    /// The most that was resident at any time.
    public static var peakBytes: Int {
        #if os(Linux)
            // Not getrusage: its peak is also that of the process that started this one.
            let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = lines.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
            let kilobytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first
            return (kilobytes.flatMap { Int($0) } ?? 0) * 1024
        #else
            var usage = rusage()
            getrusage(RUSAGE_SELF, &usage)
            return usage.ru_maxrss
        #endif
    }

    /// What is resident now; where that is not known, the most that ever was.
    public static var residentBytes: Int {
        #if os(Linux)
            guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
                let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            else { return peakBytes }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
        #else
            return peakBytes
        #endif
    }

    /// The same in megabytes.
    public static var peakMegabytes: Double { Double(peakBytes) / 1_048_576 }
}
