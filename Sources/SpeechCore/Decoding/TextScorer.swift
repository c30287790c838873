/// What the models behind a beam search say of a text that grows token by token.
struct TextScorer: Sendable {
    /// A text so far.
    struct Text {
        var language = NGramModel.State.empty
        /// Everything that is added to the acoustic score, without loans.
        var score = 0.0
        /// ln P of the language model.
        var languageScore = 0.0
        /// The word that is being spelled.
        var hash = WordHash()
        /// Characters of it.
        var length = 0
        /// The best ln P of the words of the model that begin so; -infinity where there are none.
        var outlook = -Float.infinity
        var lexicon = Lexicon.root
        var hot = 0
        /// Whether a word is being spelled.
        var isOpen = false
        /// Whether a space stands before the next word.
        var isSpaced = false
        var wordCount = 0
    }

    let settings: CTCBeamDecoder.Settings
    let vocabulary: DecoderVocabulary
    let model: NGramModel?
    let lexicon: Lexicon?
    let hotWords: HotWordAutomaton?
    private let predictsCharacters: Bool
    /// nil without a model of words.
    private let outlook: WordOutlook?
    /// The most that a new token can add to what `extend` and `loan` give together.
    let bestGain: Gain
    private let isBounded: Bool
    /// The units of each token in a model of characters.
    private let units: [[Int]]

    init(
        _ settings: CTCBeamDecoder.Settings, _ vocabulary: DecoderVocabulary, _ model: NGramModel?,
        _ lexicon: Lexicon?, _ hotWords: HotWordAutomaton?
    ) {
        self.settings = settings
        self.vocabulary = vocabulary
        self.model = model
        self.lexicon = lexicon
        self.hotWords = hotWords
        predictsCharacters = model?.unit == .character
        isBounded = vocabulary.words != .characters
        outlook = model.flatMap { $0.unit == .word ? WordOutlook($0) : nil }
        if let model, model.unit == .character {
            units = vocabulary.scalars.map { $0.map { model.number(of: String($0)) } }
        } else {
            units = []
        }
        bestGain = Gain(settings, vocabulary, hasModel: model != nil, hotWords)
    }

    /// Before the first token.
    var start: Text {
        var text = Text()
        if let model { text.language = model.start }
        if isBounded { spell(HotWordAutomaton.space, &text) }
        return text
    }

    /// What the search adds for a word that is not complete yet, lest it pays only at its end: the share
    /// of hot words, β, and what the likeliest word that begins so costs by itself, or an unknown one.
    func loan(_ text: Text) -> Double { wordLoan(text) + (hotWords?.loan(text.hot) ?? 0) }

    /// The loan without that of hot words.
    func wordLoan(_ text: Text) -> Double {
        guard text.isOpen, model != nil else { return 0 }
        guard let outlook else { return settings.wordBonus }
        let weight = settings.languageModelWeight
        let unknown = weight * Double(outlook.unknown) + unknownPenalty(text.length)
        guard text.outlook > -.infinity else { return settings.wordBonus + unknown }
        return settings.wordBonus + max(unknown, weight * Double(text.outlook))
    }

    /// Half of it for six characters, half for the word: so words written together do not count as one.
    private func unknownPenalty(_ length: Int) -> Double {
        settings.unknownWordPenalty * Double(length + 6) / 12
    }

    /// The text with one more token; nil where the lexicon has no such word.
    ///
    /// * `closed`: the text with its last word ended.
    func extend(_ text: Text, _ token: Int, closed: Text?) -> Text? {
        switch vocabulary.kinds[token] {
        case .blank, .ignored: return nil
        case .delimiter:
            guard var next = closed else { return nil }
            next.isSpaced = next.wordCount > 0
            return next
        case .tag:
            return closed
        case .start:
            guard var next = closed else { return nil }
            next.isSpaced = next.wordCount > 0
            open(&next)
            return spell(token, &next) ? next : nil
        case .inside:
            var next = text
            if !next.isOpen { open(&next) }
            return spell(token, &next) ? next : nil
        case .whole:
            var next = text
            open(&next)
            return spell(token, &next) ? close(next) : nil
        }
    }

    /// The text with its last word ended; nil where the lexicon does not have that word.
    func close(_ text: Text) -> Text? {
        guard text.isOpen else { return text }
        if let lexicon, !lexicon.endsWord(at: text.lexicon) { return nil }
        var text = text
        text.isOpen = false
        text.wordCount += 1
        if let model {
            text.score += settings.wordBonus
            if !predictsCharacters { predict(model.number(of: text.hash), model, &text) }
        }
        if isBounded { spell(HotWordAutomaton.space, &text) }
        return text
    }

    /// A closed text at its end.
    func finish(_ text: Text) -> Text {
        var text = text
        if settings.scoresSentenceEnd, let model, let end = model.sentenceEnd {
            predict(end, model, &text)
        }
        return text
    }

    private func open(_ text: inout Text) {
        text.isOpen = true
        text.hash = WordHash()
        text.length = 0
        text.outlook = -.infinity
        text.lexicon = Lexicon.root
        if text.isSpaced {
            // A model of a script without spaces says nothing of them.
            if let model, let space = model.space, predictsCharacters {
                predict(space, model, &text)
            }
            if !isBounded { spell(HotWordAutomaton.space, &text) }
        }
        text.isSpaced = false
    }

    /// Goes on with a word; false where no word of the lexicon does.
    private func spell(_ token: Int, _ text: inout Text) -> Bool {
        if let lexicon {
            guard let node = lexicon.node(text.lexicon, vocabulary.scalars[token]) else {
                return false
            }
            text.lexicon = node
        }
        if let model {
            if predictsCharacters {
                for unit in units[token] { predict(unit, model, &text) }
            } else {
                text.hash.append(vocabulary.bytes[token])
                // Where no word begins so, none goes on.
                if let outlook, text.length == 0 || text.outlook > -.infinity {
                    text.outlook = outlook(text.hash)
                }
            }
        }
        text.length += vocabulary.scalars[token].count
        if hotWords != nil {
            for character in vocabulary.scalars[token] { spell(character, &text) }
        }
        return true
    }

    private func spell(_ character: Unicode.Scalar, _ text: inout Text) {
        guard let hotWords else { return }
        let (node, gain) = hotWords.step(text.hot, character)
        text.hot = node
        text.score += gain
    }

    private func predict(_ unit: Int, _ model: NGramModel, _ text: inout Text) {
        let (value, next) = model.score(unit, after: text.language)
        text.language = next
        text.languageScore += value
        text.score += settings.languageModelWeight * value
        if unit == model.unknown {
            text.score += unknownPenalty(predictsCharacters ? 1 : text.length)
        }
    }
}

extension TextScorer {
    /// The most that one more token can add to a score, so that the search need not look at all.
    struct Gain: Sendable {
        /// Of a token that goes on with a word.
        let inside: Double
        /// Of one that begins a word.
        let opening: Double

        init(
            _ settings: CTCBeamDecoder.Settings, _ vocabulary: DecoderVocabulary, hasModel: Bool,
            _ hotWords: HotWordAutomaton?
        ) {
            // ln P is below 0, and does not rise while a word is spelled.
            let isBounded =
                !hasModel || settings.languageModelWeight >= 0 && settings.unknownWordPenalty <= 0
            let longest = vocabulary.scalars.map(\.count).max() ?? 0
            // A token may end a word, stand behind a space and end the next one.
            let hot = hotWords.map { Double(longest + 3) * $0.bestGain + $0.bestLoan } ?? 0
            inside = isBounded ? hot : .infinity
            opening = inside + (hasModel ? max(0, settings.wordBonus) : 0)
        }
    }
}
