import Foundation

/// One search, frame by frame.
final class CTCBeamSearch {
    /// A row of tokens, one more than its parent's; parents have lower numbers.
    private struct Prefix {
        var parent: Int
        let token: Int
        let text: TextScorer.Text
        let loan: Double
        /// Its place in the beam; -1 outside.
        var place = -1
    }

    /// A token with its frames on some path behind others, which have lower numbers.
    private struct Link {
        var previous: Int
        let token: Int
        let start, end: Int
        let posteriors: Double
    }

    /// The best single path to a prefix that ends in a certain way.
    private struct Path {
        var score: Double
        /// The tokens but for the last.
        var previous = -1
        /// The frames of the last token.
        var start = 0
        var end = 0
        /// Σ posteriors of the last token in them.
        var posteriors = 0.0

        static let none = Path(score: -.infinity)
    }

    private struct Candidate {
        var prefix: Int
        /// ln Σ of the paths that end with a blank, and of those that end with the last token.
        var blank: Double
        var token: Double
        var blankPath: Path
        var tokenPath: Path
        /// ln Σ of all paths.
        var total = 0.0

        var path: Path { blankPath.score > tokenPath.score ? blankPath : tokenPath }
    }

    /// A token behind a candidate of the beam.
    private struct Extension {
        let place: Int
        let token: Int
        let text: TextScorer.Text
        let loan: Double
        let mass: Double
        let pathScore: Double
    }

    private let decoder: CTCBeamDecoder
    private let scorer: TextScorer
    private let kinds: [DecoderVocabulary.Kind]
    /// The tokens that may extend a candidate.
    private let extending: [Int]
    private let delimiters: [Int]
    private var prefixes: [Prefix] = []
    /// (Parent, token) of all prefixes but the empty one, which is number 0.
    private var children = NGramTable()
    private var links: [Link] = []
    private var beam: [Candidate] = []
    private var frame = 0
    /// The prefixes at which those without a way to the beam are thrown away.
    private var prefixLimit = 1 << 16
    private var linkLimit = 1 << 16

    // Kept from frame to frame for their memory.
    private var stays: [Candidate] = []
    private var extensions: [Extension] = []
    private var ranking = TopScores()
    private var tokens: [Int] = []
    private var firstChild: [Int] = []
    private var nextSibling: [Int] = []

    init(_ decoder: CTCBeamDecoder) {
        self.decoder = decoder
        scorer = decoder.scorer
        let kinds = decoder.vocabulary.kinds
        self.kinds = kinds
        extending = kinds.indices.filter { kinds[$0] != .blank && kinds[$0] != .ignored }
        delimiters = kinds.indices.filter { kinds[$0] == .delimiter }
        let start = scorer.start
        prefixes = [Prefix(parent: -1, token: -1, text: start, loan: scorer.loan(start), place: 0)]
        beam = [
            Candidate(
                prefix: 0, blank: 0, token: -.infinity, blankPath: Path(score: 0),
                tokenPath: .none)
        ]
    }

    // MARK: Frames

    /// Goes on with log-probabilities [T, V].
    func append(_ logProbabilities: [Float]) {
        let size = decoder.vocabulary.size
        precondition(
            logProbabilities.count.isMultiple(of: size),
            "\(logProbabilities.count) log-probabilities for \(size) tokens")
        logProbabilities.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: values.count, by: size) {
                step(UnsafeBufferPointer(rebasing: values[start..<start + size]))
                frame += 1
                if prefixes.count > prefixLimit || links.count > linkLimit { compact() }
            }
        }
    }

    private func step(_ row: UnsafeBufferPointer<Float>) {
        chooseTokens(row)
        stay(row)
        linkChildren()
        extensions.removeAll(keepingCapacity: true)
        for place in beam.indices { extend(place, row) }
        rank()
    }

    private func chooseTokens(_ row: UnsafeBufferPointer<Float>) {
        tokens.removeAll(keepingCapacity: true)
        let threshold = Float(decoder.settings.tokenThreshold)
        var best = -1
        for token in extending {
            let value = row[token]
            if value >= threshold { tokens.append(token) }
            if value > (best < 0 ? -.infinity : row[best]) { best = token }
        }
        if tokens.isEmpty, best >= 0 { tokens.append(best) }
    }

    /// Whether a delimiter behind a prefix changes nothing.
    private func takesDelimiters(_ prefix: Int) -> Bool {
        prefix == 0 || kinds[prefixes[prefix].token] == .delimiter
    }

    /// What becomes of each candidate where no token is added.
    private func stay(_ row: UnsafeBufferPointer<Float>) {
        let blank = Double(row[decoder.vocabulary.blank])
        let delimiter = delimiters.reduce(-Double.infinity) { logAdd($0, Double(row[$1])) }
        let bestDelimiter =
            delimiters.max { row[$0] < row[$1] }.map { Double(row[$0]) } ?? -.infinity
        stays.removeAll(keepingCapacity: true)
        for var next in beam {
            next.total = logAdd(next.blank, next.token)
            let path = next.path
            if takesDelimiters(next.prefix) {
                next.token = next.total + delimiter
                next.tokenPath = path
                next.tokenPath.score += bestDelimiter
            } else {
                let value = Double(row[prefixes[next.prefix].token])
                next.token += value
                next.tokenPath.score += value
                next.tokenPath.end = frame + 1
                next.tokenPath.posteriors += exp(value)
            }
            next.blank = next.total + blank
            next.blankPath = path
            next.blankPath.score += blank
            stays.append(next)
        }
    }

    /// Finds for each candidate those that have one token more.
    private func linkChildren() {
        firstChild.removeAll(keepingCapacity: true)
        nextSibling.removeAll(keepingCapacity: true)
        for _ in beam { firstChild.append(-1) }
        for place in beam.indices {
            let parent = prefixes[beam[place].prefix].parent
            let parentPlace = parent < 0 ? -1 : prefixes[parent].place
            nextSibling.append(parentPlace < 0 ? -1 : firstChild[parentPlace])
            if parentPlace >= 0 { firstChild[parentPlace] = place }
        }
    }

    private func extend(_ place: Int, _ row: UnsafeBufferPointer<Float>) {
        let candidate = beam[place]
        let total = stays[place].total
        let prefix = prefixes[candidate.prefix]
        let takesDelimiters = takesDelimiters(candidate.prefix)
        let path = candidate.path
        var closed: TextScorer.Text??
        for token in tokens {
            if takesDelimiters, kinds[token] == .delimiter { continue }
            let value = Double(row[token])
            // Without a blank between them two equal tokens are one.
            let isRepeated = token == prefix.token
            let mass = (isRepeated ? candidate.blank : total) + value
            guard mass > -.infinity else { continue }
            let pathScore = (isRepeated ? candidate.blankPath.score : path.score) + value
            var child = firstChild[place]
            while child >= 0, prefixes[beam[child].prefix].token != token {
                child = nextSibling[child]
            }
            if child >= 0 {
                stays[child].token = logAdd(stays[child].token, mass)
                if pathScore > stays[child].tokenPath.score {
                    stays[child].tokenPath = extended(
                        candidate, isRepeated: isRepeated, score: pathScore, value: value)
                }
                continue
            }
            let next = scorer.extend(prefix.text, token) {
                if let known = closed { return known }
                let text = scorer.close(prefix.text)
                closed = .some(text)
                return text
            }
            guard let next else { continue }
            extensions.append(
                Extension(
                    place: place, token: token, text: next, loan: scorer.loan(next), mass: mass,
                    pathScore: pathScore))
        }
    }

    /// The path of a candidate with a new token in this frame.
    private func extended(
        _ candidate: Candidate, isRepeated: Bool, score: Double, value: Double
    ) -> Path {
        let path = isRepeated ? candidate.blankPath : candidate.path
        var previous = path.previous
        if candidate.prefix != 0 {
            links.append(
                Link(
                    previous: previous, token: prefixes[candidate.prefix].token,
                    start: path.start, end: path.end, posteriors: path.posteriors))
            previous = links.count - 1
        }
        return Path(
            score: score, previous: previous, start: frame, end: frame + 1,
            posteriors: exp(value))
    }

    /// Makes the best of what there is the new beam.
    private func rank() {
        ranking.begin(capacity: decoder.settings.beamSize)
        for place in stays.indices {
            stays[place].total = logAdd(stays[place].blank, stays[place].token)
            let prefix = prefixes[stays[place].prefix]
            ranking.add(stays[place].total + prefix.text.score + prefix.loan, place)
        }
        for (number, item) in extensions.enumerated() {
            ranking.add(item.mass + item.text.score + item.loan, stays.count + number)
        }
        let chosen = ranking.finish(threshold: decoder.settings.beamThreshold)
        guard !chosen.isEmpty else { return }
        for candidate in beam { prefixes[candidate.prefix].place = -1 }
        let old = beam
        beam.removeAll(keepingCapacity: true)
        for number in chosen {
            let next: Candidate
            if number < stays.count {
                next = stays[number]
            } else {
                let item = extensions[number - stays.count]
                let source = old[item.place]
                let isRepeated = item.token == prefixes[source.prefix].token
                // The posterior is the step of the path's score.
                let before = isRepeated ? source.blankPath.score : source.path.score
                let path = extended(
                    source, isRepeated: isRepeated, score: item.pathScore,
                    value: item.pathScore - before)
                next = Candidate(
                    prefix: child(source.prefix, item), blank: -.infinity, token: item.mass,
                    blankPath: .none, tokenPath: path)
            }
            prefixes[next.prefix].place = beam.count
            beam.append(next)
        }
    }

    private func child(_ parent: Int, _ item: Extension) -> Int {
        let (number, isNew) = children.insert(NGramTable.key(parent, UInt32(item.token)))
        if isNew {
            prefixes.append(
                Prefix(parent: parent, token: item.token, text: item.text, loan: item.loan))
        }
        return number + 1
    }

    // MARK: Memory

    /// Throws away what no candidate stands on.
    private func compact() {
        var isUsed = [Bool](repeating: false, count: prefixes.count)
        var isLinked = [Bool](repeating: false, count: links.count)
        isUsed[0] = true
        for candidate in beam {
            var number = candidate.prefix
            while !isUsed[number] {
                isUsed[number] = true
                number = prefixes[number].parent
            }
            for start in [candidate.blankPath.previous, candidate.tokenPath.previous] {
                var link = start
                while link >= 0, !isLinked[link] {
                    isLinked[link] = true
                    link = links[link].previous
                }
            }
        }
        var newNumbers = [Int](repeating: -1, count: prefixes.count)
        var keptPrefixes: [Prefix] = []
        children = NGramTable()
        for number in prefixes.indices where isUsed[number] {
            newNumbers[number] = keptPrefixes.count
            var prefix = prefixes[number]
            if number > 0 {
                prefix.parent = newNumbers[prefix.parent]
                _ = children.insert(NGramTable.key(prefix.parent, UInt32(prefix.token)))
            }
            keptPrefixes.append(prefix)
        }
        var newLinks = [Int](repeating: -1, count: links.count)
        var keptLinks: [Link] = []
        for number in links.indices where isLinked[number] {
            newLinks[number] = keptLinks.count
            var link = links[number]
            if link.previous >= 0 { link.previous = newLinks[link.previous] }
            keptLinks.append(link)
        }
        func renumber(_ path: inout Path) {
            if path.previous >= 0 { path.previous = newLinks[path.previous] }
        }
        for place in beam.indices {
            beam[place].prefix = newNumbers[beam[place].prefix]
            renumber(&beam[place].blankPath)
            renumber(&beam[place].tokenPath)
        }
        prefixes = keptPrefixes
        links = keptLinks
        prefixLimit = max(1 << 16, 2 * prefixes.count)
        linkLimit = max(1 << 16, 2 * links.count)
    }

    // MARK: Results

    /// A candidate at its end.
    private struct Ending {
        var prefix: Int
        var acoustic: Double
        var text: TextScorer.Text
        var path: Path
        /// Tokens at the end of the path that are no part of the text.
        var surplus = 0

        var score: Double { acoustic + text.score }
    }

    /// The best texts, the best first.
    func finish() -> [Recognition] {
        var endings = self.endings(isComplete: true)
        if endings.isEmpty { endings = self.endings(isComplete: false) }
        for place in endings.indices { endings[place].text = scorer.finish(endings[place].text) }
        endings.sort { $0.score > $1.score }
        var results: [Recognition] = []
        var texts: Set<ExactText> = []
        for ending in endings where results.count < decoder.settings.bestCount {
            let result = recognition(ending)
            if texts.insert(ExactText(result.text)).inserted { results.append(result) }
        }
        return results
    }

    /// The candidates with their last word ended.
    ///
    /// * `isComplete`: whether those that the lexicon does not end are left out; else their last word is.
    private func endings(isComplete: Bool) -> [Ending] {
        var endings: [Ending] = []
        var places: [Int: Int] = [:]
        for candidate in beam {
            var number = candidate.prefix
            let total = logAdd(candidate.blank, candidate.token)
            var ending = Ending(
                prefix: number, acoustic: total, text: prefixes[number].text, path: candidate.path)
            if let closed = scorer.close(ending.text) {
                ending.text = closed
            } else if isComplete {
                continue
            } else {
                while prefixes[number].text.isOpen {
                    number = prefixes[number].parent
                    ending.surplus += 1
                }
                ending.text = prefixes[number].text
            }
            if number > 0, kinds[prefixes[number].token] == .delimiter {
                number = prefixes[number].parent
            }
            // With and without a delimiter at the end it is one text.
            if let place = places[number] {
                let other = endings[place]
                if ending.path.score < other.path.score {
                    ending.path = other.path
                    ending.prefix = other.prefix
                    ending.surplus = other.surplus
                }
                ending.acoustic = logAdd(ending.acoustic, other.acoustic)
                endings[place] = ending
            } else {
                places[number] = endings.count
                endings.append(ending)
            }
        }
        return endings
    }

    private func recognition(_ ending: Ending) -> Recognition {
        var tokens: [Recognition.Token] = []
        func add(_ token: Int, _ start: Int, _ end: Int, _ posteriors: Double) {
            tokens.append(
                .init(
                    id: token, start: start, end: end,
                    confidence: min(1, posteriors / Double(max(1, end - start)))))
        }
        if ending.prefix > 0 {
            let path = ending.path
            add(prefixes[ending.prefix].token, path.start, path.end, path.posteriors)
            var number = path.previous
            while number >= 0 {
                let link = links[number]
                add(link.token, link.start, link.end, link.posteriors)
                number = link.previous
            }
        }
        return Recognition(
            tokens.dropFirst(ending.surplus).reversed(), decoder.vocabulary, score: ending.score,
            acousticScore: ending.acoustic, languageScore: ending.text.languageScore)
    }

    /// The best text so far, its last word as it stands.
    var partial: Recognition {
        let candidate = beam.max { value($0) < value($1) } ?? beam[0]
        return recognition(
            Ending(
                prefix: candidate.prefix, acoustic: logAdd(candidate.blank, candidate.token),
                text: prefixes[candidate.prefix].text, path: candidate.path))
    }

    private func value(_ candidate: Candidate) -> Double {
        let prefix = prefixes[candidate.prefix]
        return logAdd(candidate.blank, candidate.token) + prefix.text.score + prefix.loan
    }

    /// How many words at the beginning all candidates share and none can change.
    var stableWordCount: Int {
        // The last common ancestor; parents have lower numbers.
        var common = beam[0].prefix
        for candidate in beam {
            var other = candidate.prefix
            while common != other {
                if common > other {
                    common = prefixes[common].parent
                } else {
                    other = prefixes[other].parent
                }
            }
        }
        return prefixes[common].text.wordCount
    }
}

/// ln(e^a + e^b).
@inline(__always) func logAdd(_ a: Double, _ b: Double) -> Double {
    let high = max(a, b)
    let low = min(a, b)
    // NaN is left for the ranking to refuse.
    guard low > -.infinity else { return high }
    return high + log1p(exp(low - high))
}
