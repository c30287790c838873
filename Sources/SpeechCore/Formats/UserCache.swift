package import Foundation

/// Where programs of a user keep what can be made or fetched again.
package enum UserCache {
    /// `XDG_CACHE_HOME`, or `.cache` in the home folder.
    package static func folder(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> URL {
        folder(named: "XDG_CACHE_HOME", environment)
            ?? (folder(named: "HOME", environment) ?? URL(fileURLWithPath: NSHomeDirectory()))
            .appendingPathComponent(".cache")
    }

    /// Where models of the Hugging Face hub lie: `HF_HUB_CACHE`, `HF_HOME` or the usual place.
    package static func huggingFaceHub(
        _ environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> URL {
        if let hub = folder(named: "HF_HUB_CACHE", environment) { return hub }
        if let home = folder(named: "HF_HOME", environment) {
            return home.appendingPathComponent("hub")
        }
        return folder(environment).appendingPathComponent("huggingface/hub")
    }

    private static func folder(named variable: String, _ environment: [String: String]) -> URL? {
        guard let path = environment[variable], !path.isEmpty else { return nil }
        return URL(
            fileURLWithPath: (path as NSString).expandingTildeInPath, isDirectory: true)
    }
}
