internal import SpeechCore

/// The speakers of one language; each speaks in one split only.
///
/// A speaker is a variant of espeak-ng's voices with a speed and a pitch. The variants are dealt out to
/// the splits first, the same for all languages: what is heard in one split is heard in no other one,
/// neither with another pitch nor in another language.
struct CorpusSpeakers {
    struct Speaker: Equatable {
        let name: String
        let variant: String
        /// Words a minute.
        let speed: Int
        /// From 0 to 99.
        let pitch: Int
    }

    private var speakers: [CorpusDesign.Split: [Speaker]] = [:]

    /// Draws the speakers.
    ///
    /// - Parameters:
    ///   - code: The language, which begins the speakers' names.
    ///   - design: How many there are, and of which splits; has been checked.
    ///   - variants: The variants that are installed, at least as many as there are splits.
    ///   - dealer: Deals the variants out; the same in each language.
    ///   - generator: Draws variants, speeds and pitches of this language.
    init(
        _ code: String, _ design: CorpusDesign, variants: [EspeakProgram.Variant],
        dealer: SeededGenerator, _ generator: inout SeededGenerator
    ) {
        var dealer = dealer
        let dealt = zip(Self.owners(variants.count, design), Self.mixed(variants, &dealer))
        let owners = Self.owners(design.voices, design)
        for split in design.splits {
            let pool = dealt.filter { $0.0 == split }.map(\.1)
            let order = Self.mixed(pool, &generator)
            speakers[split] = (0..<owners.filter { $0 == split }.count).map { index in
                let variant = order[index % order.count].name
                let round = index / order.count
                return Speaker(
                    name: "\(code)-\(variant)" + (round == 0 ? "" : "-\(round + 1)"),
                    variant: variant, speed: 130 + generator.uniform(below: 61),
                    pitch: 30 + generator.uniform(below: 41))
            }
        }
    }

    subscript(split: CorpusDesign.Split) -> [Speaker] { speakers[split] ?? [] }

    /// The variants in a random order, women and men in turn as long as there are both.
    private static func mixed(
        _ variants: [EspeakProgram.Variant], _ generator: inout SeededGenerator
    ) -> [EspeakProgram.Variant] {
        var first = variants.filter(\.isWoman)
        var second = variants.filter { !$0.isWoman }
        generator.shuffle(&first)
        generator.shuffle(&second)
        if generator.uniform() < 0.5 { swap(&first, &second) }
        return (0..<max(first.count, second.count)).flatMap { index in
            first.dropFirst(index).prefix(1) + second.dropFirst(index).prefix(1)
        }
    }

    /// The split of each of `count` voices: those of valid and test come first, at least one each.
    private static func owners(_ count: Int, _ design: CorpusDesign) -> [CorpusDesign.Split] {
        func share(_ fraction: Double) -> Int {
            fraction > 0 ? max(1, Int((fraction * Double(count)).rounded())) : 0
        }
        var valid = share(design.validFraction)
        var test = share(design.testFraction)
        // One at least is left for training.
        while valid + test >= count, max(valid, test) > 1 {
            if valid > test { valid -= 1 } else { test -= 1 }
        }
        return (0..<count).map { $0 < valid ? .valid : $0 < valid + test ? .test : .train }
    }
}
