import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

/// Models that the SentencePiece library trains for us.
@Suite struct SentencePieceTrainerTests {
    /// Words of a made-up language, frequent ones first.
    private static let corpus: TextCorpus = {
        var random = SeededGenerator(seed: 4)
        let syllables = ["ka", "to", "mi", "re", "sü", "ла", "шо", "ne"]
        let words = (0..<120).map { _ in
            (0...random.uniform(below: 3)).map { _ in syllables[random.uniform(below: 8)] }.joined()
        }
        return TextCorpus(
            (0..<600).map { _ in
                let count = 1 + random.uniform(below: 8)
                return .init(
                    (0..<count).map { _ in
                        words[random.uniform(below: 1 + random.uniform(below: 120))]
                    }
                    .joined(separator: " "))
            })
    }()

    private func train(
        _ settings: SentencePieceTrainer.Settings, on corpus: TextCorpus = corpus
    ) throws -> SentencePieceModel {
        let data = try SentencePieceTrainer.train(
            settings, preparation: .init(normalization: .nfkc), on: corpus)
        return try SentencePieceModel(bytes: Array(data), path: "trained.model")
    }

    @Test(arguments: [SentencePieceModel.Kind.unigram, .bpe])
    func trainsModels(_ kind: SentencePieceModel.Kind) throws {
        let model = try train(
            .init(
                kind: kind, vocabularySize: 60, characterCoverage: 1,
                controlSymbols: ["[a]", "[b]"]))
        #expect(model.kind == kind && model.count == 60)
        #expect(
            model.pieces.prefix(6).map(\.text) == ["<pad>", "<unk>", "<s>", "</s>", "[a]", "[b]"])
        #expect(
            model.pieces.prefix(6).map(\.kind)
                == [.control, .unknown, .control, .control, .control, .control])
        let text = "kato süre лашо"
        #expect(model.decode(model.encode(text)) == text)
        #expect(model.encode(text).count < text.unicodeScalars.count)
        #expect(!model.encode(text).contains(model.unknown))
    }

    @Test func theSameTwice() throws {
        let settings = SentencePieceTrainer.Settings(vocabularySize: 60, characterCoverage: 1)
        let first = try SentencePieceTrainer.train(
            settings, preparation: .init(), on: Self.corpus)
        #expect(
            first
                == (try SentencePieceTrainer.train(settings, preparation: .init(), on: Self.corpus))
        )
    }

    @Test func bytesHaveWayOut() throws {
        let model = try train(
            .init(kind: .bpe, vocabularySize: 340, characterCoverage: 1, hasByteFallback: true))
        #expect(model.decode(model.encode("ka 😀")) == "ka 😀")
    }

    @Test func carriesWhatTheLibrarySays() throws {
        let error = expectError(VocabularyError.self, containing: ["the given texts", "too high"]) {
            try train(.init(vocabularySize: 9000, characterCoverage: 1))
        }
        #expect(error?.exitStatus == .badInput)
        // Not the place in the library's sources.
        #expect("\(error!)".contains("cannot make a vocabulary: Vocabulary size"), "\(error!)")
        expectError(VocabularyError.self, containing: ["smaller than"]) {
            try train(.init(kind: .bpe, vocabularySize: 8, characterCoverage: 1))
        }
        expectError(VocabularyError.self, containing: ["character_coverage"]) {
            try train(.init(vocabularySize: 60, characterCoverage: 0.5))
        }
        expectError(VocabularyError.self, containing: ["expected text"]) {
            try train(.init(), on: TextCorpus([.init(" "), .init(nil)]))
        }
    }

    /// `spm_train`, where it is installed.
    private static let program: String? =
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/spm_train" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    /// The pieces and settings that the library's own program writes.
    @Test(.enabled(if: program != nil), arguments: ["unigram", "bpe"])
    func equalsTheProgram(_ kind: String) throws {
        try withTemporaryDirectory { folder in
            let input = folder.appendingPathComponent("input.txt")
            var texts: [String] = []
            try Self.corpus.forEach { texts.append($0.text ?? "") }
            try texts.map { $0 + "\n" }.joined()
                .write(to: input, atomically: true, encoding: .utf8)
            let prefix = folder.appendingPathComponent("m").path
            let process = Process()
            process.executableURL = URL(fileURLWithPath: try #require(Self.program))
            process.arguments = [
                "--input=\(input.path)", "--model_prefix=\(prefix)", "--model_type=\(kind)",
                "--vocab_size=60", "--character_coverage=1", "--normalization_rule_name=nfkc",
                "--pad_id=0", "--unk_id=1", "--bos_id=2", "--eos_id=3", "--control_symbols=[a],[b]",
                "--minloglevel=4",
            ]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            let theirs = try Data(contentsOf: URL(fileURLWithPath: prefix + ".model"))
            let ours = try SentencePieceTrainer.train(
                .init(
                    kind: kind == "bpe" ? .bpe : .unigram, vocabularySize: 60, characterCoverage: 1,
                    controlSymbols: ["[a]", "[b]"]), preparation: .init(), on: Self.corpus)
            let (pieces, settings) = try content(ours)
            let (theirPieces, theirSettings) = try content(theirs)
            #expect(pieces == theirPieces)
            // The program writes settings that nobody changed, too, and the paths of its files.
            #expect(settings.isSubset(of: theirSettings), "\(settings.subtracting(theirSettings))")
        }
    }

    /// A model's pieces byte by byte, and its settings of training and of the normalizer.
    private func content(_ model: Data) throws -> (pieces: [[UInt8]], settings: Set<String>) {
        let bytes = Array(model)
        var pieces: [[UInt8]] = []
        var settings: Set<String> = []
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            guard case .bytes(let range) = value else { continue }
            if number == 1 { pieces.append(Array(bytes[range])) }
            guard number == 2 || number == 3 else { continue }
            var fields = ProtobufReader(bytes, in: range)
            while let (key, value) = try fields.next() {
                settings.insert("\(number).\(key): \(value.content(bytes))")
            }
        }
        return (pieces, settings)
    }
}

extension ProtobufReader.Value {
    fileprivate func content(_ file: [UInt8]) -> String {
        if case .bytes(let range) = self { return String(decoding: file[range], as: UTF8.self) }
        return "\(self)"
    }
}
