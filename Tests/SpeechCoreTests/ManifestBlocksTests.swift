import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite("Manifests in blocks") struct ManifestBlocksTests {
    private func line(_ number: Int) -> String {
        #"{"audio_filepath": "a/\#(number).wav", "duration": \#(number), "id": "u\#(number)"}"#
    }

    private func numbers(_ blocks: ManifestBlocks) -> [Int] {
        (0..<blocks.count).flatMap { blocks.lines(ofBlock: $0).map(\.number) }
    }

    @Test("blocks of any size give what a scan gives", arguments: [1, 40, 60, 100, 10_000])
    func sizes(_ size: Int) throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            // A mark, CR LF, blank lines, faults, bytes that are no UTF-8, no end of the last line.
            var data = Data([0xEF, 0xBB, 0xBF])
            data += Data((line(1) + "\r\n" + line(2) + "\n\n  \r\n{\"a\": 1}\n").utf8)
            data += Data("{\"audio_filepath\": \"".utf8) + Data([0xFF]) + Data("\"}\n".utf8)
            data += Data((line(7) + "\n" + line(8)).utf8)
            try data.write(to: url)
            let contents = try ManifestFormat.jsonLines.scan(url)
            #expect(contents.lines == [1, 2, 7, 8])
            #expect(contents.faults.map(\.line) == [5, 6])
            let blocks = try ManifestBlocks(url, ofBytes: size)
            #expect(blocks.lineCount == 8)
            #expect(size > 1000 ? blocks.count == 1 : blocks.count > 1)
            #expect(numbers(blocks) == [1, 2, 5, 6, 7, 8])
            let lines = (0..<blocks.count).flatMap { blocks.lines(ofBlock: $0) }
            var utterances: [Utterance] = []
            var faults: [String] = []
            for line in lines {
                switch line.content {
                case .utterance(let utterance):
                    utterances.append(utterance)
                    let text = blocks.withBytes(line.bytes) { String(decoding: $0, as: UTF8.self) }
                    #expect(text == self.line(line.number))
                case .fault(let fault): faults.append(fault.detail)
                }
            }
            #expect(utterances == contents.utterances)
            #expect(faults == contents.faults.map(\.detail))
        }
    }

    @Test("what can be read of a line at fault is kept")
    func faults() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            let text = """
                {"audio_filepath": "a.wav", "duration": 2.5, "lang": "de", "text": " "}
                {"audio_filepath": "a.wav", "duration": -2.5, "lang": "de"}
                {"audio_filepath": "a.wav", "duration": 3, "offset": -1, "lang": 7}
                no JSON
                """
            try text.write(to: url, atomically: true, encoding: .utf8)
            let found = try ManifestBlocks(url, ofBytes: 1 << 20).lines(ofBlock: 0).map { line in
                guard case .fault(let fault) = line.content else { return "" }
                return "\(fault.lang ?? "-") \(fault.duration ?? 0) \(fault.hasBlankText)"
            }
            #expect(found == ["de 2.5 true", "de 0.0 false", "- 3.0 false", "- 0.0 false"])
        }
    }

    @Test("other formats come in blocks, too")
    func tsv() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.tsv")
            try "/data\na.wav\t16000\nb.wav\tx\nc.wav\t8000\n"
                .write(to: url, atomically: true, encoding: .utf8)
            let blocks = try ManifestBlocks(url, ofBytes: 2)
            #expect(!blocks.holdsJSONLines)
            #expect(numbers(blocks) == [2, 3, 4])
            #expect(blocks.count == 1)
        }
    }

    @Test("no lines are an error")
    func empty() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("m.jsonl")
            try " \n\n".write(to: url, atomically: true, encoding: .utf8)
            expectError(ManifestError.self, containing: ["m.jsonl", "empty"]) {
                try ManifestBlocks(url, ofBytes: 2)
            }
        }
    }
}
