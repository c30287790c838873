/// Finds what makes scores of texts doubtful, and says it in words.
enum TextWarnings {
    /// A share of characters in another script from which a text counts as written in it.
    private static let foreignShare = 0.5

    /// One sentence for each kind of finding with the number of texts and the first of them.
    static func find(in texts: [ScoredText]) -> [String] {
        var findings: [(what: String, count: Int, first: String)] = []
        func add(_ what: String, _ first: @autoclosure () -> String) {
            if let index = findings.firstIndex(where: { $0.what == what }) {
                findings[index].count += 1
            } else {
                findings.append((what, 1, first()))
            }
        }
        func look(_ side: String, _ text: String, _ item: ScoredText) {
            // Most texts that are ASCII are Latin alone.
            let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
            guard !isASCII || item.language != nil else { return }
            let profile = ScriptProfile(text)
            if let word = profile.mixedWord {
                add(
                    "\(side) with letters of several alphabets in one word",
                    "'\(item.id)' with '\(word)'")
            }
            if let language = item.language,
                let scripts = LanguageScripts.scripts(of: language),
                profile.share(outside: scripts) > foreignShare, let main = profile.main
            {
                add(
                    "\(side) in '\(language)' written in another script",
                    "'\(item.id)' in \(main.rawValue), expected "
                        + scripts.map(\.rawValue).joined(separator: " or "))
            }
        }
        for item in texts {
            for reference in item.references { look("reference(s)", reference, item) }
            look("hypothesis(es)", item.hypothesis, item)
        }
        return findings.map { "\($0.count) \($0.what), the first \($0.first)" }
    }
}
