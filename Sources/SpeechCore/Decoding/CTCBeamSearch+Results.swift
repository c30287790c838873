extension CTCBeamSearch {
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
            let total = candidate.total
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
                let link = paths[number]
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
        let candidate = beam[0]
        return recognition(
            Ending(
                prefix: candidate.prefix, acoustic: candidate.total,
                text: prefixes[candidate.prefix].text, path: candidate.path))
    }

    /// How many words at the beginning all candidates share and none can change.
    var stableWordCount: Int {
        prefixes[prefixes.commonAncestor(beam.map(\.prefix))].text.wordCount
    }
}
