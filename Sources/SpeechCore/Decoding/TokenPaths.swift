import Foundation

/// The best single paths to the candidates of a search, which share their beginnings.
struct TokenPaths {
    /// A token with its frames on some path behind others, which have lower numbers.
    struct Link {
        var previous: Int
        let token: Int
        let start, end: Int
        let posteriors: Double
    }

    /// The best single path to a prefix that ends in a certain way.
    struct Path {
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

    private(set) var links: [Link] = []

    var count: Int { links.count }

    subscript(number: Int) -> Link { links[number] }

    /// A path with a new token in a frame.
    ///
    /// * `token`: the last token of the path so far; nil where it has none.
    /// * `value`: the log-probability of the new one.
    mutating func extend(
        _ path: Path, endingWith token: Int?, score: Double, value: Double, frame: Int
    ) -> Path {
        var previous = path.previous
        if let token {
            links.append(
                Link(
                    previous: previous, token: token, start: path.start, end: path.end,
                    posteriors: path.posteriors))
            previous = links.count - 1
        }
        return Path(
            score: score, previous: previous, start: frame, end: frame + 1,
            posteriors: exp(value))
    }

    /// Throws away all but some links and those before them, and gives the new numbers by the old ones.
    mutating func compact(keeping numbers: some Sequence<Int>) -> [Int] {
        var isLinked = [Bool](repeating: false, count: links.count)
        for var number in numbers {
            while number >= 0, !isLinked[number] {
                isLinked[number] = true
                number = links[number].previous
            }
        }
        var newNumbers = [Int](repeating: -1, count: links.count)
        var kept: [Link] = []
        for number in links.indices where isLinked[number] {
            newNumbers[number] = kept.count
            var link = links[number]
            if link.previous >= 0 { link.previous = newNumbers[link.previous] }
            kept.append(link)
        }
        links = kept
        return newNumbers
    }
}
