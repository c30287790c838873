/// The best of many scores, found without sorting the rest; of equal ones the first.
struct TopScores {
    private var capacity = 1
    private var best = -Double.infinity
    /// A heap with the worst on top.
    private var items: [(score: Double, number: Int)] = []

    /// Forgets all scores.
    mutating func begin(capacity: Int) {
        self.capacity = capacity
        best = -.infinity
        items.removeAll(keepingCapacity: true)
    }

    /// Adds a score, unless it is -infinity or NaN, under a number higher than those before.
    mutating func add(_ score: Double, _ number: Int) {
        guard score > -.infinity else { return }
        best = max(best, score)
        if items.count < capacity {
            items.append((score, number))
            rise(items.count - 1)
        } else if score > items[0].score {
            items[0] = (score, number)
            sink()
        }
    }

    /// A score below this one changes nothing any more.
    ///
    /// * `threshold`: that of `finish`.
    func floor(threshold: Double) -> Double {
        max(best - threshold, items.count < capacity ? -.infinity : items[0].score)
    }

    /// The numbers of the best scores that are within a threshold of the best one, the best first.
    mutating func finish(threshold: Double) -> [Int] {
        let limit = best - threshold
        return items.filter { $0.score >= limit }
            .sorted { ($0.score, $1.number) > ($1.score, $0.number) }.map(\.number)
    }

    /// Whether one item goes before another.
    private func isWorse(_ a: Int, _ b: Int) -> Bool {
        items[a].score < items[b].score
            || items[a].score == items[b].score && items[a].number > items[b].number
    }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0, isWorse(place, (place - 1) / 2) {
            items.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private mutating func sink() {
        var place = 0
        while true {
            var worst = place
            for child in [2 * place + 1, 2 * place + 2] where child < items.count {
                if isWorse(child, worst) { worst = child }
            }
            if worst == place { return }
            items.swapAt(place, worst)
            place = worst
        }
    }
}
