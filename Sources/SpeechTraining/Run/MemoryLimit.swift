import Foundation

/// A limit on the memory of this process, so that too much is an error and not its end.
///
/// Linux grants more memory than there is and ends the process that uses it. Below a limit the
/// allocation fails instead, which LibTorch reports.
public enum MemoryLimit {
    /// Lets this process allocate what the machine, or its control group, has left now.
    ///
    /// A lower limit that is there already stays. Does nothing on other systems than Linux, where swap
    /// space takes what does not fit. Not for processes that use CUDA, whose driver reserves addresses
    /// beyond any memory.
    public static func apply() {
        #if os(Linux)
            guard let used = field("VmData", of: "/proc/self/status"),
                let free = field("MemAvailable", of: "/proc/meminfo")
            else { return }
            let swap = field("SwapFree", of: "/proc/meminfo") ?? 0
            let available = min(free + swap, controlGroupRest ?? .max)
            var limit = rlimit()
            let kind = __rlimit_resource_t(RLIMIT_DATA.rawValue)
            guard getrlimit(kind, &limit) == 0 else { return }
            limit.rlim_cur = min(limit.rlim_cur, rlim_t(used + available))
            setrlimit(kind, &limit)
        #endif
    }

    /// What the control group of this process, if it has one with a limit, may still use.
    private static var controlGroupRest: Int? {
        let root = "/sys/fs/cgroup"
        let own = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8))
            .flatMap { $0.split(separator: "\n").first { $0.hasPrefix("0::") } }
            .map { root + $0.dropFirst(3) }
        let groups = Set([root] + (own.map { [$0] } ?? []))
        return groups.compactMap { group -> Int? in
            guard let limit = number(group + "/memory.max"),
                let used = number(group + "/memory.current")
            else { return nil }
            // Pages of files that nobody waits for are given back.
            let idle = field("inactive_file", of: group + "/memory.stat", unit: 1) ?? 0
            return max(0, limit - used + idle)
        }.min()
    }

    private static func number(_ path: String) -> Int? {
        (try? String(contentsOfFile: path, encoding: .utf8))
            .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// A line `name: number` of a file, in bytes.
    private static func field(_ name: String, of path: String, unit: Int = 1024) -> Int? {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split { $0 == " " || $0 == "\t" || $0 == ":" }
            if parts.count > 1, parts[0] == name { return Int(parts[1]).map { $0 * unit } }
        }
        return nil
    }
}
