import Foundation
import SpeechCore
import TestSupport
import Testing

/// Every value of `text_metrics.json`, to the last digit.
@Suite struct ScoreFixtureTests {
    private struct Fixture: Decodable {
        let pairs: [Pair]
        let corpora: [String: Corpus]
    }

    private struct Errors: Decodable {
        let wer, cer: Double?
        let hits, substitutions, deletions, insertions, edits: Int
    }

    private struct Tokens: Decodable {
        let hyp: String
        let refs: [String]
    }

    private struct Pair: Decodable {
        let id, hyp: String
        let refs: [String]
        let wer, cer: Errors
        let bleu: [String: Double]
        let tokens: [String: Tokens]
        let chrf: Double
        let chrfPlusPlus: Double

        private enum CodingKeys: String, CodingKey {
            case id, hyp, refs, wer, cer, bleu, tokens, chrf
            case chrfPlusPlus = "chrf++"
        }
    }

    private struct Parts: Decodable {
        let score, bp: Double
        let sysLength, refLength: Int
        let counts, totals: [Int]
        let precisions: [Double]
        let signature: String?

        private enum CodingKeys: String, CodingKey {
            case score, bp, counts, totals, precisions, signature
            case sysLength = "sys_len"
            case refLength = "ref_len"
        }
    }

    private struct Corpus: Decodable {
        let ids: [String]
        let wer, cer: Errors
        let bleu: [String: Parts]
        let chrf, chrfPlusPlus, chrfLowercase: Double
        let lowercase: Parts
        let smoothNone, smoothFloor, smoothAddK: Double
        let mecab, twoReferences: Parts?
        let chrfTwoReferences: Double?

        private enum CodingKeys: String, CodingKey {
            case ids, wer, cer, bleu, chrf
            case chrfPlusPlus = "chrf++"
            case chrfLowercase = "chrf_lowercase"
            case lowercase = "bleu_lowercase_13a"
            case smoothNone = "bleu_13a_smooth_none"
            case smoothFloor = "bleu_13a_smooth_floor"
            case smoothAddK = "bleu_13a_smooth_add-k"
            case mecab = "bleu_optional_ja_mecab"
            case twoReferences = "bleu_two_references_13a"
            case chrfTwoReferences = "chrf_two_references"
        }
    }

    private let fixture: Fixture

    init() throws {
        let url = Fixtures.url("text/text_metrics.json")
        fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
    }

    private func expectErrors(_ found: ErrorCounts, _ expected: Errors, _ what: String) {
        let counts = [found.hits, found.substitutions, found.deletions, found.insertions]
        #expect(
            counts == [
                expected.hits, expected.substitutions, expected.deletions, expected.insertions,
            ], "\(what)")
        #expect(found.edits == expected.edits, "\(what)")
        #expect(found.rate == expected.wer ?? expected.cer, "\(what)")
    }

    private func expectParts(_ found: BLEUScore, _ expected: Parts, _ what: String) {
        #expect(found.score == expected.score, "\(what)")
        #expect(found.brevityPenalty == expected.bp, "\(what)")
        #expect(found.hypothesisLength == expected.sysLength, "\(what)")
        #expect(found.referenceLength == expected.refLength, "\(what)")
        #expect(found.counts == expected.counts, "\(what)")
        #expect(found.totals == expected.totals, "\(what)")
        #expect(found.precisions == expected.precisions, "\(what)")
    }

    @Test func everyPair() throws {
        #expect(fixture.pairs.count == 42)
        for pair in fixture.pairs {
            expectErrors(
                ErrorRate(unit: .word)
                    .sentenceScore(reference: pair.refs[0], hypothesis: pair.hyp),
                pair.wer, "\(pair.id) WER")
            expectErrors(
                ErrorRate(unit: .character(.codePoint))
                    .sentenceScore(reference: pair.refs[0], hypothesis: pair.hyp),
                pair.cer, "\(pair.id) CER")
            for (name, expected) in pair.bleu {
                let tokenizer = try #require(BLEUTokenizer(rawValue: name))
                let tokens = try #require(pair.tokens[name])
                let found = try tokenizer.tokenize([pair.hyp] + pair.refs)
                for (text, token) in zip(found, [tokens.hyp] + tokens.refs) {
                    // Not ==, which takes different spellings of a character as equal.
                    #expect(Array(text.utf8) == Array(token.utf8), "\(pair.id) \(name)")
                }
                let score = try BLEU(tokenizer: tokenizer, effectiveOrder: true)
                    .sentenceScore(references: pair.refs, hypothesis: pair.hyp)
                #expect(score.score == expected, "\(pair.id) \(name)")
            }
            #expect(
                CHRF().sentenceScore(references: pair.refs, hypothesis: pair.hyp) == pair.chrf,
                "\(pair.id)")
            #expect(
                CHRF(wordOrder: 2).sentenceScore(references: pair.refs, hypothesis: pair.hyp)
                    == pair.chrfPlusPlus, "\(pair.id)")
        }
    }

    private func texts(_ corpus: Corpus, references: Int = 1) throws -> [ScoredText] {
        try corpus.ids.map { id in
            let pair = try #require(fixture.pairs.first { $0.id == id })
            return ScoredText(
                id: id, references: Array(pair.refs.prefix(references)), hypothesis: pair.hyp)
        }
    }

    @Test func everyCorpus() throws {
        #expect(fixture.corpora.count == 7)
        for (name, corpus) in fixture.corpora {
            let texts = try texts(corpus)
            expectErrors(ErrorRate(unit: .word).corpusScore(texts), corpus.wer, name)
            expectErrors(
                ErrorRate(unit: .character(.codePoint)).corpusScore(texts), corpus.cer, name)
            #expect(corpus.bleu.count == 5)
            for (tokenizer, expected) in corpus.bleu {
                let bleu = BLEU(tokenizer: try #require(BLEUTokenizer(rawValue: tokenizer)))
                expectParts(try bleu.corpusScore(texts), expected, "\(name) \(tokenizer)")
                #expect(try bleu.signature(references: 1) == expected.signature)
            }
            expectParts(
                try BLEU(lowercase: true).corpusScore(texts), corpus.lowercase, "\(name) lower")
            for (smoothing, expected) in [
                (BLEU.Smoothing.none, corpus.smoothNone), (.floor(0.1), corpus.smoothFloor),
                (.addK(1), corpus.smoothAddK),
            ] {
                #expect(
                    try BLEU(smoothing: smoothing).corpusScore(texts).score == expected, "\(name)")
            }
            #expect(CHRF().corpusScore(texts) == corpus.chrf, "\(name)")
            #expect(CHRF(wordOrder: 2).corpusScore(texts) == corpus.chrfPlusPlus, "\(name)")
            #expect(CHRF(lowercase: true).corpusScore(texts) == corpus.chrfLowercase, "\(name)")
            if let expected = corpus.twoReferences {
                let both = try self.texts(corpus, references: 2)
                expectParts(try BLEU().corpusScore(both), expected, "\(name) two")
                #expect(CHRF().corpusScore(both) == corpus.chrfTwoReferences)
            }
        }
        #expect(fixture.corpora["en"]?.twoReferences != nil)
    }

    private static let hasMeCab = (try? BLEUTokenizer.japaneseMeCab.signature()) != nil

    @Test(.enabled(if: hasMeCab)) func japaneseWords() throws {
        let corpus = try #require(fixture.corpora["ja"])
        let bleu = BLEU(tokenizer: .japaneseMeCab)
        expectParts(try bleu.corpusScore(texts(corpus)), try #require(corpus.mecab), "ja-mecab")
        #expect(try bleu.signature(references: 1).contains("tok:ja-mecab-0.996-IPA"))
        #expect(try BLEUTokenizer.japaneseMeCab.tokenize(["", "  駅で\n会う "]) == ["", "駅 で 会う"])
    }
}
