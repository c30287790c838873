import Foundation
import SpeechCore
import TestSupport
import Testing

/// The same figures as jiwer and sacreBLEU on random texts in many scripts, to the last digit.
@Suite struct ScoreOracleTests {
    /// Whether that Python has both.
    private static let hasOracle: Bool = {
        guard let python = PythonOracle.path else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", "import jiwer, sacrebleu"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    private static let script = """
        import json, logging, random, sys
        import jiwer
        from sacrebleu.metrics import BLEU, CHRF
        from sacrebleu.significance import PairedTest
        logging.disable(logging.CRITICAL)
        chance = random.Random(11)
        alphabets = ["abcdeABCDEéßçñİıΣσς", "абвгдАБВ", "αβγςΣΟΔ", "كتبـ\\u064e\\u0651ةى", "נמשך״׳",
                     "नमस्ते\\u094d।", "தமிழ்", "ไทยำ\\u0e48ๆ", "中文字𠮷台臺、。", "ひらカナー々・ｶﾞ", "한국어",
                     "0123456789٣७", ".,;:!?'\\"()-–—…%$€+=<>&/@", "👩\\u200d👧🇨🇭🙂©²½", "e\\u0301u\\u0308"]
        spaces = [" "] * 12 + ["  ", "\\t", "\\u00a0", "\\u3000", " \\t", "\\u200b", "\\x1c", "\\x85"]
        fixed = ["&quot;", "&amp;", "<skipped>", "U.S.", "1,000.5", "10%", "e-mail", "don't", "(hi)", "3-", "-"]
        def word():
            if chance.random() < 0.15:
                return chance.choice(fixed)
            pool = chance.choice(alphabets)
            return "".join(chance.choice(pool) for _ in range(chance.randint(1, 6)))
        vocabulary = [word() for _ in range(400)]
        def text(limit):
            parts = [chance.choice(vocabulary) for _ in range(chance.randint(0, limit))]
            out = "".join(p + chance.choice(spaces) for p in parts)
            return out if chance.random() < 0.3 else out.strip()
        def noisy(source):
            units = list(source) if chance.random() < 0.5 else source.split(" ")
            joint = "" if units == list(source) else " "
            out = []
            for unit in units:
                if chance.random() < 0.8:
                    out.append(unit)
                elif chance.random() < 0.5:
                    out += [chance.choice(vocabulary)] * chance.randint(1, 2)
            return joint.join(out)
        def errors(o):
            return [o.hits, o.substitutions, o.deletions, o.insertions]
        def corpus(count, limit, statistics):
            refs = [text(limit) for _ in range(count)]
            other = [text(limit) for _ in range(count)]
            hyps, second = [noisy(r) for r in refs], [noisy(r) for r in refs]
            w, c = jiwer.process_words(refs, hyps), jiwer.process_characters(refs, hyps)
            case = {"refs": refs, "other": other, "hyps": hyps, "second": second,
                    "wer": w.wer, "wer_counts": errors(w), "mer": w.mer, "wil": w.wil, "wip": w.wip,
                    "cer": c.cer, "cer_counts": errors(c), "bleu": {}, "two": {}, "sentence": {}}
            for name in ("13a", "intl", "zh", "char", "none"):
                for lower in (False, True):
                    key = name + (" lower" if lower else "")
                    metric = BLEU(tokenize=name, lowercase=lower)
                    case["bleu"][key] = metric.corpus_score(hyps, [refs]).score
                    case["two"][key] = metric.corpus_score(hyps, [refs, other]).score
                metric = BLEU(tokenize=name, effective_order=True)
                case["sentence"][name] = [metric.sentence_score(h, [r]).score for h, r in zip(hyps, refs)]
            for order in (0, 2):
                for lower in (False, True):
                    metric = CHRF(word_order=order, lowercase=lower)
                    key = f"chrf{order}" + (" lower" if lower else "")
                    case["bleu"][key] = metric.corpus_score(hyps, [refs]).score
                    case["two"][key] = metric.corpus_score(hyps, [refs, other]).score
                case["sentence"][f"chrf{order}"] = [
                    CHRF(word_order=order).sentence_score(h, [r]).score for h, r in zip(hyps, refs)]
            if statistics:
                case["lines"] = []
                for metric in (BLEU(), CHRF(word_order=2)):
                    score = metric.corpus_score(hyps, [refs], n_bootstrap=statistics)
                    case["lines"].append(score.format(1, False, str(metric.get_signature())))
                    case.setdefault("mean", []).append(float(score._mean))
                    case.setdefault("ci", []).append(float(score._ci))
                for kind in ("bs", "ar"):
                    tests = PairedTest([("a", hyps), ("b", second)], {"BLEU": BLEU(references=[refs]),
                        "chrF": CHRF(word_order=2, references=[refs])}, None, kind, statistics)
                    _, scores = tests()
                    case[kind] = [scores[name][1].p_value for name in ("BLEU", "chrF2++")]
            return case
        cases = [corpus(chance.randint(1, 12), chance.choice([3, 12, 30]), 0) for _ in range(25)]
        cases += [corpus(80, 15, 200), corpus(3, 200, 0)]
        long = []
        for size, symbols in ((4000, 3000), (5000, 20)):
            words = [str(chance.randrange(symbols)) for _ in range(size)]
            heard = [w if chance.random() < 0.7 else str(chance.randrange(symbols)) for w in words
                     if chance.random() < 0.9]
            ref, hyp = " ".join(words), " ".join(heard)
            long.append({"ref": ref, "hyp": hyp, "wer": errors(jiwer.process_words(ref, hyp)),
                         "cer": errors(jiwer.process_characters(ref, hyp))})
        json.dump({"cases": cases, "long": long}, open(sys.argv[1] + "/report.json", "w"))
        """

    private struct Report: Decodable {
        struct Long: Decodable {
            let ref, hyp: String
            let wer, cer: [Int]
        }
        let cases: [Case]
        let long: [Long]
    }

    private struct Case: Decodable {
        let refs, other, hyps, second: [String]
        let wer, mer, wil, wip, cer: Double
        let werCounts, cerCounts: [Int]
        let bleu, two: [String: Double]
        let sentence: [String: [Double]]
        let lines: [String]?
        let mean, ci, bs, ar: [Double]?

        private enum CodingKeys: String, CodingKey {
            case refs, other, hyps, second, wer, mer, wil, wip, cer, bleu, two, sentence, lines
            case mean, ci, bs, ar
            case werCounts = "wer_counts"
            case cerCounts = "cer_counts"
        }

        func texts(twoReferences: Bool = false) -> [ScoredText] {
            refs.indices.map { index in
                ScoredText(
                    id: String(index + 1),
                    references: twoReferences ? [refs[index], other[index]] : [refs[index]],
                    hypothesis: hyps[index])
            }
        }
    }

    private static let words = ErrorRate(unit: .word)
    private static let characters = ErrorRate(unit: .character(.codePoint))

    private func counts(_ errors: ErrorCounts) -> [Int] {
        [errors.hits, errors.substitutions, errors.deletions, errors.insertions]
    }

    /// A metric's value for a corpus by the name that the script gives it.
    private func value(_ name: String, _ texts: [ScoredText], sentence: Bool) throws -> Double {
        let parts = name.split(separator: " ")
        let lowercase = parts.count > 1
        switch parts[0] {
        case "chrf0": return CHRF(lowercase: lowercase).corpusScore(texts)
        case "chrf2": return CHRF(wordOrder: 2, lowercase: lowercase).corpusScore(texts)
        default:
            let tokenizer = try #require(BLEUTokenizer(rawValue: String(parts[0])))
            return try BLEU(
                tokenizer: tokenizer, lowercase: lowercase, effectiveOrder: sentence
            ).corpusScore(texts).score
        }
    }

    @Test(.enabled(if: hasOracle)) func agreesWithJiwerAndSacreBLEU() throws {
        try withTemporaryDirectory { folder in
            try PythonOracle.run(Self.script, [folder.path])
            let url = folder.appendingPathComponent("report.json")
            let report = try JSONDecoder().decode(Report.self, from: Data(contentsOf: url))
            #expect(report.cases.count == 27)
            for (number, item) in report.cases.enumerated() {
                try compare(item, "case \(number)")
            }
            for long in report.long {
                let words = Self.words.sentenceScore(reference: long.ref, hypothesis: long.hyp)
                #expect(counts(words) == long.wer)
                let characters = Self.characters.sentenceScore(
                    reference: long.ref, hypothesis: long.hyp)
                #expect(counts(characters) == long.cer)
            }
        }
    }

    private func compare(_ item: Case, _ what: String) throws {
        let texts = item.texts()
        let errors = Self.words.corpusScore(texts)
        #expect(counts(errors) == item.werCounts, "\(what)")
        #expect(errors.rate == item.wer, "\(what)")
        #expect(errors.matchErrorRate == item.mer, "\(what)")
        #expect(errors.informationLost == item.wil, "\(what)")
        #expect(errors.informationPreserved == item.wip, "\(what)")
        let characterErrors = Self.characters.corpusScore(texts)
        #expect(counts(characterErrors) == item.cerCounts, "\(what)")
        #expect(characterErrors.rate == item.cer, "\(what)")
        for (name, expected) in item.bleu {
            #expect(try value(name, texts, sentence: false) == expected, "\(what) \(name)")
        }
        for (name, expected) in item.two {
            let both = item.texts(twoReferences: true)
            #expect(try value(name, both, sentence: false) == expected, "\(what) two \(name)")
        }
        for (name, expected) in item.sentence {
            for (text, score) in zip(texts, expected) {
                #expect(try value(name, [text], sentence: true) == score, "\(what) \(name)")
            }
        }
        guard let lines = item.lines, let mean = item.mean, let ci = item.ci else { return }
        let settings = ScoreSettings(
            metrics: [.bleu, .chrfPlusPlus], allowsEmptyReferences: true, bootstrapSamples: 200)
        let scores = try ScoreReport(texts, settings: settings).total.scores
        #expect(scores.map { $0.line() } == lines)
        for (score, (mean, width)) in zip(scores, zip(mean, ci)) {
            let interval = try #require(score.confidence)
            // The reference sums resamples of chrF in single precision.
            #expect(abs(interval.mean - mean) < 1e-4)
            #expect(abs(interval.halfWidth - width) < 1e-5)
        }
        for (test, expected) in [(SignificanceTest.bootstrap, item.bs), (.randomization, item.ar)] {
            let found = try ScoreComparison.compare(
                texts, with: item.second, settings: settings, test: test, samples: 200)
            #expect(found.map(\.pValue) == expected, "\(test)")
        }
    }
}
