import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Searches against `generate` of `transformers`.
@Suite struct BeamSearchTests {
    static let searches: [(name: String, search: BeamSearch, forced: Int?)] = {
        func search(_ beams: Int, _ change: (inout BeamSearch) -> Void = { _ in }) -> BeamSearch {
            var search = BeamSearch()
            search.beams = beams
            search.maximumLength = 14
            change(&search)
            return search
        }
        return [
            ("greedy", search(1), nil),
            ("beam5", search(5), nil),
            ("beam5_short", search(5) { $0.lengthPenalty = 0.2 }, nil),
            ("beam5_long", search(5) { $0.lengthPenalty = 2 }, nil),
            ("beam3_early", search(3) { $0.stopsEarly = true }, nil),
            ("beam4_forced", search(4) { $0.forcedEnd = 2 }, 7),
        ]
    }()

    @Test(arguments: DecoderFixture.names, searches.indices)
    func findsWhatTheReferenceFinds(_ name: String, _ index: Int) throws {
        let (key, search, forced) = Self.searches[index]
        let fixture = try DecoderFixture(name)
        let prefix = TargetPrefix(start: [2], forced: forced)
        let found = search(
            fixture.decoder, fixture.speech, prefixes: Array(repeating: prefix, count: 3))
        #expect(found.map { $0[0].tokens } == (try fixture.texts(key)), "\(name) \(key)")
        #expect(found.allSatisfy { $0.count == search.beams })
        if search.beams > 1 {
            expectClose(
                found.map { $0[0].score }, try fixture.expected.doubles("generate.\(key).scores"),
                within: 1e-4, "\(name) \(key)")
        }
        for texts in found {
            #expect(texts.map(\.score) == texts.map(\.score).sorted(by: >))
            for text in texts {
                let skipped = forced == nil ? 1 : 2
                #expect(text.tokens.dropFirst(skipped).starts(with: text.text))
                #expect(!text.text.contains(2))
            }
        }
    }

    /// A clip is translated as if alone, also where others end before it.
    @Test(arguments: DecoderFixture.names)
    func clipsDoNotSeeEachOther(_ name: String) throws {
        let fixture = try DecoderFixture(name)
        for (_, search, forced) in Self.searches {
            let prefixes = [
                TargetPrefix(start: [2], forced: forced), TargetPrefix(start: [4]),
                TargetPrefix(start: [2], forced: 9),
            ]
            let together = search(fixture.decoder, fixture.speech, prefixes: prefixes)
            for (clip, length) in fixture.speech.lengths.enumerated() {
                let alone = EncodedSpeech(
                    states: fixture.speech.states.narrow(0, clip, 1).narrow(1, 0, length),
                    lengths: [length])
                let found = search(fixture.decoder, alone, prefixes: [prefixes[clip]])[0]
                #expect(found.map(\.tokens) == together[clip].map(\.tokens))
            }
        }
    }

    /// Scores are what the decoder gives the whole text.
    @Test func scoresAreOfTheWholeText() throws {
        let fixture = try DecoderFixture("m2m100")
        var search = BeamSearch()
        search.beams = 4
        search.maximumLength = 9
        search.lengthPenalty = 0.7
        let found = search(
            fixture.decoder, fixture.speech,
            prefixes: Array(repeating: TargetPrefix(start: [2, 11]), count: 3))
        for (clip, texts) in found.enumerated() {
            let length = fixture.speech.lengths[clip]
            let speech = EncodedSpeech(
                states: fixture.speech.states.narrow(0, clip, 1).narrow(1, 0, length),
                lengths: [length])
            for text in texts where text.tokens.contains(1) == false {
                let tokens = text.tokens.map { Int64($0) }
                let scores = withoutGradients {
                    fixture.decoder.logits(
                        fixture.decoder.decode(Tensor(tokens, [1, tokens.count]), speech)
                    ).logSoftmax(-1).select(0, 0).doubles()
                }
                let vocabulary = fixture.decoder.config.vocabularySize
                let sum = (2..<tokens.count).reduce(0.0) {
                    $0 + scores[($1 - 1) * vocabulary + Int(tokens[$1])]
                }
                let power = Double(tokens.count - 2)
                expectClose(text.score, sum / pow(power, 0.7), within: 1e-4)
            }
        }
    }
}
