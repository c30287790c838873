internal import SpeechCore

/// The speakers of one language; each speaks in one split only.
///
/// A speaker is a variant of espeak-ng's voices with a speed and a pitch. All speakers of a variant are
/// in the same split, so that a split has no voice of another one with another pitch.
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
    ///   - generator: Draws the order of the variants, speeds and pitches.
    init(
        _ code: String, _ design: CorpusDesign, variants: [EspeakProgram.Variant],
        _ generator: inout SeededGenerator
    ) {
        let order = Self.mixed(variants, &generator)
        let used = min(design.voices, order.count)
        let owners = Self.owners(used, design)
        for index in 0..<design.voices {
            let variant = order[index % used]
            let round = index / used
            let speaker = Speaker(
                name: "\(code)-\(variant)" + (round == 0 ? "" : "-\(round + 1)"),
                variant: variant, speed: 130 + generator.uniform(below: 61),
                pitch: 30 + generator.uniform(below: 41))
            speakers[owners[index % used], default: []].append(speaker)
        }
    }

    subscript(split: CorpusDesign.Split) -> [Speaker] { speakers[split] ?? [] }

    /// The variants in a random order, women and men in turn as long as there are both.
    private static func mixed(
        _ variants: [EspeakProgram.Variant], _ generator: inout SeededGenerator
    ) -> [String] {
        var women = variants.filter(\.isWoman).map(\.name)
        var men = variants.filter { !$0.isWoman }.map(\.name)
        generator.shuffle(&women)
        generator.shuffle(&men)
        return (0..<max(women.count, men.count)).flatMap { index in
            women.dropFirst(index).prefix(1) + men.dropFirst(index).prefix(1)
        }
    }

    /// The split of each of `count` variants: those of valid and test come first, at least one each.
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
