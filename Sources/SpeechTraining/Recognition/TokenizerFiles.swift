import Foundation
import SpeechCore

/// A tokenizer and the files that it is read from, which go into the model that is trained with it.
struct TokenizerFiles {
    /// The tokenizer.
    let tokenizer: CTCTokenizer
    /// The files by name.
    let files: [(name: String, data: Data)]

    private static let names = [
        "vocab.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    ]

    /// Reads the tokenizer of a folder.
    ///
    /// - Throws: `RecognitionError.noTokenizer`, or the errors of `CTCTokenizer`.
    init(folder: URL, language: String? = nil, hint: String) throws {
        guard let tokenizer = try CTCTokenizer(folder: folder, language: language) else {
            throw RecognitionError.noTokenizer(path: folder.path, hint: hint)
        }
        self.tokenizer = tokenizer
        files = try Self.read(Self.names, in: folder)
    }

    /// The files of these names that a folder has.
    ///
    /// - Throws: `FileSystemError` where one cannot be read.
    static func read(_ names: [String], in folder: URL) throws -> [(name: String, data: Data)] {
        try names.compactMap { name in
            let url = folder.appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: url.path) else { return nil }
            let file = try MappedFile(path: url.path)
            return (name, file.withBytes(0..<file.count) { Data($0) })
        }
    }

    /// Takes a vocabulary that was just built.
    ///
    /// - Throws: `FileSystemError` where the folder for temporary files cannot be used.
    init(_ vocabulary: CTCVocabulary) throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-\(UUID().uuidString)", isDirectory: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try vocabulary.write(to: folder)
        try self.init(folder: folder, hint: "")
    }
}
