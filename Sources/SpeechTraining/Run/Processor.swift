import Foundation
public import Torch

/// What this machine's processor can do.
public enum Processor {
    /// The model name that the system gives.
    public static var name: String { field("model name") ?? "unknown processor" }

    /// The instruction-set extensions that matter for matrix products, such as `amx_bf16`.
    public static var features: [String] {
        let known = [
            "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile",
            "amx_bf16", "amx_int8", "asimd", "bf16", "i8mm",
        ]
        let found = Set((field("flags") ?? field("Features") ?? "").split(separator: " "))
        return known.filter { found.contains(Substring($0)) }
    }

    /// Whether bf16 products are native and so faster than fp32 ones.
    public static func multipliesBFloat16(on device: Device) -> Bool {
        if case .cuda = device { return true }
        return !Set(features).isDisjoint(with: ["avx512_bf16", "amx_bf16", "bf16"])
    }

    private static func field(_ key: String) -> String? {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
            return nil
        }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == key {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}
