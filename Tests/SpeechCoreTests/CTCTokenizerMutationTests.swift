import Foundation
import SpeechCore
import TestSupport
import Testing

/// Damaged files of a tokenizer: an error that names a file, or a tokenizer that works.
@Suite struct CTCTokenizerMutationTests {
    private static let files = ["vocab.json", "tokenizer_config.json"]

    @Test(arguments: ["wav2vec2_ctc", "wav2vec2_mms_ctc"], files)
    func anyBytes(_ model: String, _ name: String) throws {
        try withTemporaryDirectory { folder in
            for file in Self.files + ["config.json", "special_tokens_map.json"] {
                try FileManager.default.copyItem(
                    at: Fixtures.model(model).appendingPathComponent(file),
                    to: folder.appendingPathComponent(file))
            }
            let url = folder.appendingPathComponent(name)
            let original = try Data(contentsOf: url)
            var random = SeededGenerator(seed: 11)
            var failures = 0
            for _ in 0..<400 {
                var data = original
                for _ in 0...Int(random.next() % 3) {
                    let place = Int(random.next() % UInt64(data.count))
                    switch random.next() % 4 {
                    case 0: data[place] = UInt8(truncatingIfNeeded: random.next())
                    case 1: data.remove(at: place)
                    case 2: data.insert(UInt8(ascii: "0") + UInt8(random.next() % 75), at: place)
                    default: data.replaceSubrange(place..., with: Data(data[place...].reversed()))
                    }
                    if data.isEmpty { data = Data("{".utf8) }
                }
                try data.write(to: url)
                do {
                    let tokenizer = try CTCTokenizer(ModelDirectory(folder.path))
                    let ids = (0..<50).map { _ in Int(random.next() % 60) }
                    let text = tokenizer?.decode(ids, skipsSpecialTokens: true).text ?? ""
                    _ = try tokenizer?.encode(text)
                } catch let error as any ReportedError {
                    failures += 1
                    #expect(error.exitStatus == .badInput)
                    #expect("\(error)".contains(".json"), "\(error)")
                }
            }
            #expect(failures > 0)
        }
    }
}
