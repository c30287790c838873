import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct ScoreReportTests {
    private let texts = [
        ScoredText(
            id: "1", language: "de", reference: "Guten Morgen, Welt!",
            hypothesis: "guten morgen welt"),
        ScoredText(id: "2", language: "de", reference: "ja", hypothesis: "ja"),
        ScoredText(id: "3", language: "ja", reference: "駅で会いましょう。", hypothesis: "駅で会いました"),
        ScoredText(id: "4", language: "ja", reference: "今日は雨", hypothesis: ""),
    ]

    @Test func scoresByLanguageAndTogether() throws {
        let settings = ScoreSettings(
            metrics: [.wer, .cer, .bleu, .chrf, .chrfPlusPlus], forms: [.raw, .normalized],
            worst: 2,
            keepsSegments: true)
        let report = try ScoreReport(texts, settings: settings)
        #expect(report.languages.map(\.language) == ["de", "ja"])
        #expect(report.languages.map(\.utterances) == [2, 2])
        #expect(report.languages.map(\.isWrittenWithoutSpaces) == [false, true])
        let (german, japanese) = (report.languages[0], report.languages[1])
        #expect(german[.wer]?.value == 0.75)
        #expect(german[.wer, .normalized]?.value == 0)
        #expect(german[.wer]?.errors == ErrorCounts(hits: 1, substitutions: 3))
        // Normalised there are 8 and 4 characters: す to た, う deleted, and all of the last.
        #expect(japanese[.cer, .normalized]?.errors?.referenceLength == 12)
        #expect(japanese[.cer, .normalized]?.errors?.edits == 6)
        #expect(report.total[.wer]?.errors?.referenceLength == 6)
        #expect(report.total[.wer]?.value == 5 / 6.0)
        let macro = report.macroAverages.first { $0.metric == .wer && $0.form == .raw }
        #expect(macro?.value == (0.75 + 1) / 2)
        #expect(macro?.languages == 2)
        let mixed = report.macroAverages.first { $0.metric == nil && $0.form == .normalized }
        #expect(mixed?.value == (0 + 0.5) / 2)
        // 13a and char: no BLEU of both together.
        #expect(german[.bleu]?.signature.contains("tok:13a") == true)
        #expect(japanese[.bleu]?.signature.contains("tok:char") == true)
        #expect(report.total[.bleu] == nil)
        #expect(
            german[.chrfPlusPlus]?.signature
                == "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0")
        #expect(
            german[.chrfPlusPlus, .normalized]?.signature
                == "nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|norm:colld-1|version:2.6.0")
        #expect(german[.cer]?.signature == "nrefs:1|unit:code-point|norm:none|like:jiwer-4.0.0")
        #expect(report.worst.map(\.id) == ["4", "3"])
        #expect(report.worst.map(\.metric) == [.cer, .cer])
        #expect(report.segments?.map(\.id) == ["1", "2", "3", "4"])
        #expect(report.segments?[1].values.prefix(2) == [0, 0])
        #expect(report.segments?[1].values[2] == 100.00000000000004)
        #expect(report.warnings.isEmpty)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(ScoreReport.self, from: data) == report)
        let again = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(ScoreSettings.self, from: again) == settings)
    }

    @Test func scoresTranslationsByPair() throws {
        let rows: [(source: String, target: String?, text: String)] = [
            ("de", "en", "one two three four"), ("sw", "en", "five"), ("de", "fr", "un deux"),
            ("de", "en", "six"), ("de", nil, "seven"),
        ]
        let texts = rows.enumerated().map { index, row in
            ScoredText(
                id: "\(index)", language: row.target, sourceLanguage: row.source,
                reference: row.text,
                hypothesis: index == 1 ? "six" : row.text)
        }
        let settings = ScoreSettings(metrics: [.bleu, .chrfPlusPlus, .wer], forms: [.raw])
        let report = try ScoreReport(texts, settings: settings)
        #expect(report.languages.map(\.name) == ["de-?", "de-en", "sw-en", "de-fr"])
        #expect(report.languages.map(\.utterances) == [1, 2, 1, 1])
        #expect(report.languages.map { $0[.wer]?.value } == [0, 0, 1, 0])
        #expect(report.languages[1].sourceLanguage == "de" && report.languages[1].language == "en")
        #expect(report.macroAverages.first { $0.metric == .wer }?.value == 0.25)
        #expect(report.total.name == nil && report.total[.wer]?.value == 1 / 9.0)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(ScoreReport.self, from: data) == report)
        let text = try JSONDecoder().decode(ScoredText.self, from: JSONEncoder().encode(texts[1]))
        #expect(text == texts[1])
    }

    @Test func printsLinesAsTheToolsDo() throws {
        let settings = ScoreSettings(metrics: [.wer, .bleu, .chrf], tokenizer: .international)
        let lines = try ScoreReport(texts, settings: settings).total.scores.map { $0.line() }
        #expect(
            lines[0]
                == "WER|nrefs:1|unit:word|norm:none|like:jiwer-4.0.0 = 83.3 (wer = 0.8333333333333334 "
                + "substitutions = 4 deletions = 1 insertions = 0 hits = 1 mer = 0.8333 wil = 0.9667 "
                + "wip = 0.0333)")
        #expect(
            lines[1].hasPrefix(
                "BLEU|nrefs:1|case:mixed|eff:no|tok:intl|smooth:exp|version:2.6.0 = "))
        #expect(lines[1].hasSuffix("hyp_len = 5 ref_len = 9)"))
        #expect(
            lines[2].hasPrefix(
                "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = "))
    }

    @Test func refusesWhatCannotBeScored() throws {
        expectError(ScoreError.self, containing: ["expected"]) { try ScoreReport([]) }
        let empty = [
            ScoredText(id: "a7", reference: " \t", hypothesis: "x"),
            ScoredText(id: "a8", reference: "y", hypothesis: ""),
        ]
        expectError(ScoreError.self, containing: ["a7", "at least one word"]) {
            try ScoreReport(empty)
        }
        let allowed = try ScoreReport(empty, settings: ScoreSettings(allowsEmptyReferences: true))
        #expect(allowed.total[.wer]?.value == 2)
        let unknown = [ScoredText(id: "u", language: "qqq", reference: "a", hypothesis: "a")]
        expectError(ScoreError.self, containing: ["'u'", "'qqq'", "qqq_Latn"]) {
            try ScoreReport(unknown)
        }
        let named = [ScoredText(id: "u", language: "qqq_Latn", reference: "a", hypothesis: "a")]
        #expect(try ScoreReport(named).total[.wer]?.value == 0)
        expectError(ScoreError.self, containing: ["expected 1", "found 2"]) {
            try ScoreComparison.compare(named, with: ["a", "b"])
        }
    }

    @Test func warnsOfMixedScripts() throws {
        let texts = [
            ScoredText(id: "1", language: "ru", reference: "кот", hypothesis: "kot"),
            ScoredText(id: "2", language: "ru", reference: "дом", hypothesis: "дoм"),
            ScoredText(id: "3", language: "ru", reference: "сад", hypothesis: "sad"),
        ]
        let warnings = try ScoreReport(texts).warnings
        #expect(warnings.count == 2)
        #expect(warnings[0].hasPrefix("2 hypothesis(es) in 'ru' written in another script"))
        #expect(warnings[0].contains("'1' in Latn, expected Cyrl"))
        #expect(warnings[1].contains("several alphabets") && warnings[1].contains("'2' with 'дoм'"))
    }

    @Test func resamplesTellSystemsApart() throws {
        var generator = SeededGenerator(seed: 3)
        let words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
        func noisy(_ text: [String], _ rate: Double) -> String {
            text.map { generator.uniform() < rate ? "noise" : $0 }.joined(separator: " ")
        }
        let references = (0..<200).map { _ in
            (0..<8).map { _ in words[generator.uniform(below: 6)] }
        }
        let good = references.map { noisy($0, 0.1) }
        let alike = references.map { noisy($0, 0.1) }
        let bad = references.map { noisy($0, 0.3) }
        let texts = references.indices.map { index in
            ScoredText(
                id: "\(index)", reference: references[index].joined(separator: " "),
                hypothesis: good[index])
        }
        let settings = ScoreSettings(metrics: [.wer, .bleu], bootstrapSamples: 300)
        for test in SignificanceTest.allCases {
            let differs = try ScoreComparison.compare(
                texts, with: bad, settings: settings, test: test, samples: 300)
            #expect(differs.allSatisfy { $0.pValue == 1 / 301.0 })
            #expect(differs[0].system > differs[0].baseline)
            let same = try ScoreComparison.compare(
                texts, with: alike, settings: settings, test: test, samples: 300)
            #expect(same.allSatisfy { $0.pValue > 0.05 })
            let equal = try ScoreComparison.compare(
                texts, with: good, settings: settings, test: test, samples: 300)
            #expect(equal.map(\.system) == equal.map(\.baseline))
        }
        let score = try #require(try ScoreReport(texts, settings: settings).total[.wer])
        let interval = try #require(score.confidence)
        // The standard error of 1600 words, of which one in ten is wrong, is 0.0075.
        #expect(interval.low < score.value && score.value < interval.high)
        #expect(abs(interval.halfWidth - 1.96 * 0.0075) < 0.004)
        #expect(abs(interval.mean - score.value) < 0.002)
        #expect(score.signature.contains("nrefs:1|bs:300|seed:12345|"))
    }

    @Test func laysOutErrorsInColumns() {
        let words = UtteranceAlignment(
            ScoredText(
                id: "1", reference: "quite a bit of 会議 sentence",
                hypothesis: "quite bit of an 会議室 sentences"),
            metric: .wer)
        #expect(
            words.text() == """
                REF: quite a bit of ** 会議   sentence
                HYP: quite * bit of an 会議室 sentences
                           D        I  S      S
                """)
        #expect(words.errors == ErrorCounts(hits: 3, substitutions: 2, deletions: 1, insertions: 1))
        let characters = UtteranceAlignment(
            ScoredText(id: "2", reference: "駅で会う", hypothesis: "駅前で会"), metric: .cer)
        #expect(
            characters.text() == """
                REF: 駅**で会う
                HYP: 駅前で会**
                       I     D
                """)
        let narrow = UtteranceAlignment(
            ScoredText(id: "3", reference: "one two three", hypothesis: "one too three"),
            metric: .wer)
        #expect(
            narrow.text(width: 14)
                == "REF: one two\nHYP: one too\n         S\n\nREF: three\nHYP: three\n")
        #expect(DisplayWidth.columns("कि👩‍👩‍👧🇨🇭e\u{301}한") == 1 + 1 + 2 + 2 + 1 + 2)
    }

    @Test func readsLines() throws {
        try withTemporaryDirectory { folder in
            func file(_ name: String, _ text: String) throws -> String {
                let url = folder.appendingPathComponent(name)
                try Data(text.utf8).write(to: url)
                return url.path
            }
            let references = try file("ref", "\u{FEFF}eins zwei\r\ndrei\n")
            let hypotheses = try file("hyp", "eins zwei\n\n")
            let languages = try file("lang", "de\n de \n")
            let texts = try ScoredLines(
                references: [references], hypotheses: hypotheses, languages: languages
            ).read()
            #expect(texts.map(\.references) == [["eins zwei"], ["drei"]])
            #expect(texts.map(\.hypothesis) == ["eins zwei", ""])
            #expect(texts.map(\.language) == ["de", "de"])
            #expect(texts.map(\.id) == ["1", "2"])
            func expect(
                _ fragments: [String], references: String? = nil, hypotheses other: String? = nil,
                languages: String? = nil, language: String? = nil
            ) throws {
                let lines = ScoredLines(
                    references: [references ?? folder.appendingPathComponent("ref").path],
                    hypotheses: other ?? hypotheses, languages: languages, language: language)
                expectError(ScoreError.self, containing: fragments) { try lines.read() }
            }
            try expect(["ref' has 2 lines", "one' has 1"], hypotheses: file("one", "x"))
            try expect(["lang3' has 3"], languages: file("lang3", "de\nde\nde\n"))
            try expect(["bad' line 2", "'xyz1'"], languages: file("bad", "de\nxyz1\n"))
            try expect(["'klingonisch'"], language: "klingonisch")
            try expect(
                ["gaps' lines 1, 3:", "one word"], references: file("gaps", " \nx\n\n"),
                hypotheses: file("three", "a\nb\nc\n"))
            try expect(["nothing' has no lines"], references: file("nothing", ""))
            let broken = folder.appendingPathComponent("broken")
            try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: broken)
            try expect(["broken' line 2", "UTF-8"], hypotheses: broken.path)
        }
    }
}
