import Foundation

/// One search, frame by frame.
final class CTCBeamSearch {
    typealias Path = TokenPaths.Path

    struct Candidate {
        var prefix: Int
        /// ln Σ of the paths that end with a blank, and of those that end with the last token.
        var blank: Double
        var token: Double
        var blankPath: Path
        var tokenPath: Path
        /// ln Σ of all paths.
        var total: Double

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
        let value: Double
    }

    let decoder: CTCBeamDecoder
    let scorer: TextScorer
    let kinds: [DecoderVocabulary.Kind]
    private(set) var prefixes: PrefixTree
    private(set) var paths = TokenPaths()
    /// The candidates, the best first.
    private(set) var beam: [Candidate]
    /// The tokens that may extend a candidate.
    private let extending: [Int]
    private let delimiters: [Int]
    private var frame = 0
    /// The sizes at which what has no way to the beam is thrown away.
    private var prefixLimit = 1 << 16
    private var linkLimit = 1 << 16

    // Kept from frame to frame for their memory.
    private var stays: [Candidate] = []
    private var extensions: [Extension] = []
    private var ranking = TopScores()
    /// The tokens of the frame that may extend a candidate, the likeliest first.
    private var tokens: [(value: Float, token: Int)] = []
    /// The candidates by that which they have one token more than, as lists; -1 ends one.
    private var firstChild: [Int] = []
    private var nextSibling: [Int] = []
    /// By token, the place of the last candidate that has a child with it.
    private var parentPlace: [Int]

    init(_ decoder: CTCBeamDecoder) {
        self.decoder = decoder
        scorer = decoder.scorer
        let kinds = decoder.vocabulary.kinds
        self.kinds = kinds
        extending = kinds.indices.filter { kinds[$0] != .blank && kinds[$0] != .ignored }
        delimiters = kinds.indices.filter { kinds[$0] == .delimiter }
        parentPlace = [Int](repeating: -1, count: kinds.count)
        let start = scorer.start
        prefixes = PrefixTree(start: start, loan: scorer.loan(start))
        beam = [
            Candidate(
                prefix: 0, blank: 0, token: -.infinity, blankPath: Path(score: 0),
                tokenPath: .none, total: 0)
        ]
    }

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
                if prefixes.count > prefixLimit || paths.count > linkLimit { compact() }
            }
        }
    }

    private func step(_ row: UnsafeBufferPointer<Float>) {
        chooseTokens(row)
        stay(row)
        joinChildren(row)
        ranking.begin(capacity: decoder.settings.beamSize)
        for place in stays.indices {
            stays[place].total = logAdd(stays[place].blank, stays[place].token)
            ranking.add(value(stays[place]), place)
        }
        extensions.removeAll(keepingCapacity: true)
        for place in beam.indices { extend(place) }
        choose()
    }

    private func chooseTokens(_ row: UnsafeBufferPointer<Float>) {
        tokens.removeAll(keepingCapacity: true)
        let threshold = Float(decoder.settings.tokenThreshold)
        var best = -1
        for token in extending {
            let value = row[token]
            if value >= threshold { tokens.append((value, token)) }
            if value > (best < 0 ? -.infinity : row[best]) { best = token }
        }
        if tokens.isEmpty, best >= 0 { tokens.append((row[best], best)) }
        tokens.sort { ($0.value, $1.token) > ($1.value, $0.token) }
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

    /// Adds to each candidate what comes from one of the beam that has one token less.
    private func joinChildren(_ row: UnsafeBufferPointer<Float>) {
        firstChild.removeAll(keepingCapacity: true)
        nextSibling.removeAll(keepingCapacity: true)
        for _ in beam {
            firstChild.append(-1)
            nextSibling.append(-1)
        }
        for place in beam.indices {
            let prefix = prefixes[beam[place].prefix]
            guard prefix.parent >= 0 else { continue }
            let parent = prefixes[prefix.parent].place
            guard parent >= 0 else { continue }
            nextSibling[place] = firstChild[parent]
            firstChild[parent] = place
            let value = Double(row[prefix.token])
            let (mass, path) = entry(beam[parent], prefix.token)
            guard mass + value > -.infinity else { continue }
            stays[place].token = logAdd(stays[place].token, mass + value)
            if path.score + value > stays[place].tokenPath.score {
                stays[place].tokenPath = extended(
                    beam[parent], path, score: path.score + value, value: value)
            }
        }
    }

    /// The paths of a candidate that a token may follow: without a blank between them two equal tokens
    /// are one.
    private func entry(_ candidate: Candidate, _ token: Int) -> (mass: Double, path: Path) {
        token == prefixes[candidate.prefix].token
            ? (candidate.blank, candidate.blankPath) : (candidate.total, candidate.path)
    }

    private func extended(
        _ candidate: Candidate, _ path: Path, score: Double, value: Double
    ) -> Path {
        let last = candidate.prefix == 0 ? nil : prefixes[candidate.prefix].token
        return paths.extend(path, endingWith: last, score: score, value: value, frame: frame)
    }

    /// Finds the tokens behind a candidate that may come into the beam.
    private func extend(_ place: Int) {
        let candidate = beam[place]
        let closed = prefixes.closed(candidate.prefix, scorer)
        let prefix = prefixes[candidate.prefix]
        var child = firstChild[place]
        while child >= 0 {
            parentPlace[prefixes[beam[child].prefix].token] = place
            child = nextSibling[child]
        }
        defer {
            child = firstChild[place]
            while child >= 0 {
                parentPlace[prefixes[beam[child].prefix].token] = -1
                child = nextSibling[child]
            }
        }
        let takesDelimiters = takesDelimiters(candidate.prefix)
        let threshold = decoder.settings.beamThreshold
        // No token can bring more than this; the floor only rises.
        let gain = scorer.bestGain
        let inside =
            prefix.text.score + scorer.wordLoan(prefix.text)
            + (prefix.text.isOpen ? gain.inside : gain.opening)
        let outside = (closed?.score ?? -.infinity) + gain.opening
        let best = candidate.total + max(inside, outside)
        for (value, token) in tokens {
            let value = Double(value)
            let floor = ranking.floor(threshold: threshold)
            if best + value < floor { break }
            if parentPlace[token] == place || takesDelimiters && kinds[token] == .delimiter {
                continue
            }
            let (mass, path) = entry(candidate, token)
            let bound = kinds[token] == .inside ? inside : outside
            guard mass + value > -.infinity, mass + value + bound >= floor,
                let next = scorer.extend(prefix.text, token, closed: closed)
            else { continue }
            let loan = scorer.loan(next)
            ranking.add(mass + value + next.score + loan, stays.count + extensions.count)
            extensions.append(
                Extension(
                    place: place, token: token, text: next, loan: loan, mass: mass + value,
                    pathScore: path.score + value, value: value))
        }
    }

    /// Makes the best of what there is the new beam.
    private func choose() {
        let chosen = ranking.finish(threshold: decoder.settings.beamThreshold)
        guard !chosen.isEmpty else { return }
        for candidate in beam { prefixes.move(candidate.prefix, to: -1) }
        let old = beam
        beam.removeAll(keepingCapacity: true)
        for number in chosen {
            let next: Candidate
            if number < stays.count {
                next = stays[number]
            } else {
                let item = extensions[number - stays.count]
                let source = old[item.place]
                let path = extended(
                    source, entry(source, item.token).path, score: item.pathScore,
                    value: item.value)
                next = Candidate(
                    prefix: prefixes.child(
                        source.prefix, token: item.token, text: item.text, loan: item.loan),
                    blank: -.infinity, token: item.mass, blankPath: .none, tokenPath: path,
                    total: item.mass)
            }
            prefixes.move(next.prefix, to: beam.count)
            beam.append(next)
        }
    }

    /// What candidates are ranked by.
    func value(_ candidate: Candidate) -> Double {
        let prefix = prefixes[candidate.prefix]
        return candidate.total + prefix.text.score + prefix.loan
    }

    /// Throws away what no candidate stands on.
    private func compact() {
        let newPrefixes = prefixes.compact(keeping: beam.map(\.prefix))
        let newLinks = paths.compact(
            keeping: beam.flatMap { [$0.blankPath.previous, $0.tokenPath.previous] })
        func renumber(_ path: inout Path) {
            if path.previous >= 0 { path.previous = newLinks[path.previous] }
        }
        for place in beam.indices {
            beam[place].prefix = newPrefixes[beam[place].prefix]
            renumber(&beam[place].blankPath)
            renumber(&beam[place].tokenPath)
        }
        prefixLimit = max(1 << 16, 2 * prefixes.count)
        linkLimit = max(1 << 16, 2 * paths.count)
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
