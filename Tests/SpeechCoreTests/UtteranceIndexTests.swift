import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct UtteranceIndexTests {
    private static let languages: [String?] = ["de", "fr", nil]

    /// A manifest line by line.
    private func lines(_ count: Int) -> [String] {
        var generator = SeededGenerator(seed: 8)
        return (0..<count).map { number in
            let language = Self.languages[number % 3].map { #", "lang": "\#($0)""# } ?? ""
            let duration = 1 + Double(generator.uniform(below: 9000)) / 1000
            return #"{"audio_filepath": "a/\#(number).wav", "duration": \#(duration)\#(language)}"#
        }
    }

    /// In a folder of its own.
    private func withManifest(
        _ text: String, _ body: (URL) throws -> Void
    ) throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            try Data(text.utf8).write(to: url)
            try body(url)
        }
    }

    private func expectHolds(_ index: UtteranceIndex, _ utterances: [Utterance]) throws {
        #expect(index.count == utterances.count)
        #expect(try (0..<index.count).map { try index.utterance($0) } == utterances)
        #expect(index.durations() == utterances.map(\.duration))
        let ascending = index.ascending().map { Int($0) }
        #expect(
            ascending
                == utterances.indices.sorted {
                    (utterances[$0].duration, $0) < (utterances[$1].duration, $1)
                })
        #expect(
            index.languageNumbers().map { index.languages[Int($0)] } == utterances.map(\.lang))
    }

    @Test func aSmallManifestNeedsNoFile() throws {
        try withManifest(lines(200).joined(separator: "\r\n") + "\n\n") { url in
            let index = try UtteranceIndex.open(url)
            try expectHolds(index, try JSONLinesManifest.read(url))
            let folder = url.deletingLastPathComponent().path
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["m.jsonl"])
        }
    }

    @Test func shardsAreCounted() throws {
        let utterances = (0..<7).map {
            Utterance(
                id: "\($0)", audioPath: "/s/\($0 % 2).tar",
                byteRange: $0 < 5 ? $0 * 10..<$0 * 10 + 9 : nil, duration: 1)
        }
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            try JSONLinesManifest.write(utterances, to: url)
            let index = try UtteranceIndex.open(url)
            #expect(index.shardCount == 2)
            #expect(index.shardNumbers() == [0, 1, 0, 1, 0, .max, .max])
            try expectHolds(index, utterances)
        }
    }

    @Test func otherFormatsAreKeptInMemory() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.tsv")
            try Data("/data\na.wav\t16000\nb.wav\t8000\n".utf8).write(to: url)
            try Data("hello\nworld\n".utf8).write(to: folder.appendingPathComponent("m.wrd"))
            let index = try UtteranceIndex.open(url)
            try expectHolds(index, try TSVManifest.read(url))
            #expect(try index.utterance(1).text == "world")
        }
    }

    @Test func aLargeManifestIsReadOnceAndAgainWhenItChanged() throws {
        let many = lines(12_000)
        try withManifest(many.joined(separator: "\n")) { url in
            let file = url.appendingPathExtension("idx")
            func made() throws -> (Int, Int) {
                var status = stat()
                #expect(stat(file.path, &status) == 0)
                return (Int(status.st_ino), Int(status.st_size))
            }
            let utterances = try JSONLinesManifest.read(url)
            let first = try UtteranceIndex.open(url)
            try expectHolds(first, utterances)
            let (file1, size) = try made()
            // The figure that ten million utterances depend on.
            #expect(size < 64 * many.count)
            let second = try UtteranceIndex.open(url)
            try expectHolds(second, utterances)
            #expect(second.fingerprint == first.fingerprint)
            #expect(try made().0 == file1)

            // Two letters in the middle; the size stays.
            var changed = many
            changed[6001] = changed[6001].replacingOccurrences(of: "fr", with: "it")
            #expect(changed != many)
            try Data(changed.joined(separator: "\n").utf8).write(to: url)
            let third = try UtteranceIndex.open(url)
            try expectHolds(third, try JSONLinesManifest.read(url))
            #expect(try made().0 != file1)
        }
    }

    @Test func aDamagedIndexIsMadeAnew() throws {
        try withManifest(lines(10_500).joined(separator: "\n")) { url in
            let file = url.appendingPathExtension("idx")
            let utterances = try JSONLinesManifest.read(url)
            _ = try UtteranceIndex.open(url)
            let whole = try Data(contentsOf: file)
            var generator = SeededGenerator(seed: 2)
            var damaged = [Data(), Data("no index".utf8), whole.prefix(95), whole.dropLast(1)]
            damaged.append(whole + Data([0]))
            // Numbers that would lead outside: of an order, a language, a length.
            for place in [96 + 12 * 10_500, 96 + 24 * 10_500, 96 + 28 * 10_500, 96 + 8 * 10_500] {
                var data = whole
                for byte in 0..<12 { data[place + byte] = 0xFF }
                damaged.append(data)
            }
            for _ in 0..<40 {
                var data = whole
                data[generator.uniform(below: 96)] ^= UInt8(1 << generator.uniform(below: 8))
                damaged.append(data)
            }
            for (number, data) in damaged.enumerated() {
                try data.write(to: file)
                let index = try UtteranceIndex.open(url)
                #expect(index.durations() == utterances.map(\.duration), "damage \(number)")
                #expect(index.ascending().allSatisfy { $0 < 10_500 }, "damage \(number)")
            }
        }
    }

    @Test func manyMayOpenAManifestAtOnce() throws {
        try withManifest(lines(11_000).joined(separator: "\n")) { url in
            let expected = try JSONLinesManifest.read(url).map(\.duration)
            let path = url.path
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                let index = try? UtteranceIndex.open(URL(fileURLWithPath: path))
                #expect(index?.durations() == expected)
            }
            let names = try FileManager.default.contentsOfDirectory(
                atPath: url.deletingLastPathComponent().path)
            #expect(names.sorted() == ["m.jsonl", "m.jsonl.idx"])
        }
    }

    @Test func aFolderThatCannotBeWrittenIsNoFailure() throws {
        try withManifest(lines(10_100).joined(separator: "\n")) { url in
            // Nobody can put a file where a folder with something in it stands.
            let place = url.deletingLastPathComponent().appendingPathComponent("m.jsonl.idx/x")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let cache = url.deletingLastPathComponent().appendingPathComponent("cache")
            let utterances = try JSONLinesManifest.read(url)
            try expectHolds(try UtteranceIndex.open(url, cache: cache), utterances)
            let stored = try FileManager.default.subpathsOfDirectory(atPath: cache.path)
            #expect(stored.count == 1 && stored[0].hasSuffix(".idx"))
            try expectHolds(try UtteranceIndex.open(url, cache: cache), utterances)
        }
    }

    @Test func linesAtFaultAreNumberedThroughTheWholeFile() throws {
        // Long lines, so that the parts that are read in parallel are many.
        var long = (0..<24).map { number in
            #"{"audio_filepath": "\#(number).wav", "duration": 2, "text": ""#
                + String(repeating: "a", count: 600_000) + #""}"#
        }
        long[13] = #"{"audio_filepath": "13.wav", "duration": -2}"#
        long[21] = "{"
        try withManifest(long.joined(separator: "\n")) { url in
            expectError(
                ManifestError.self, containing: ["m.jsonl:14: ", "duration", "m.jsonl:22: "]
            ) { try UtteranceIndex.open(url) }
        }
        long[13] = #"{"audio_filepath": "2.wav", "duration": 2}"#
        long[21] = long[13]
        try withManifest(long.joined(separator: "\n")) { url in
            #expect(
                throws: ManifestError.duplicateIDs(
                    path: url.path, ids: ["2.wav"], lines: [[3, 14, 22]])
            ) { try UtteranceIndex.open(url) }
        }
        try withManifest("\n \n") { url in
            #expect(throws: ManifestError.empty(path: url.path)) { try UtteranceIndex.open(url) }
        }
    }

    @Test func writingIntoAnOpenManifestIsNoticed() throws {
        try withManifest(lines(50).joined(separator: "\n")) { url in
            let index = try UtteranceIndex.open(url)
            let utterances = try JSONLinesManifest.read(url)
            // Replacing it changes nothing for who has it open.
            let other = url.appendingPathExtension("new")
            try Data("other".utf8).write(to: other)
            #expect(rename(other.path, url.path) == 0)
            #expect(try index.utterance(49) == utterances[49])
        }
        try withManifest(lines(50).joined(separator: "\n")) { url in
            let index = try UtteranceIndex.open(url)
            let file = try FileHandle(forWritingTo: url)
            try file.truncate(atOffset: 100)
            try file.close()
            #expect(throws: ManifestError.self) { try index.utterance(49) }
            let error = expectError(ManifestError.self, containing: [url.path, "changed"]) {
                try index.utterance(40)
            }
            #expect(error?.exitStatus == .badInput)
        }
    }
}
