/// Why a `.model` file of SentencePiece cannot be used.
public enum SentencePieceError: ReportedError, Equatable {
    /// The file is no protobuf message, or one that ends early; `offset` is a byte of the file.
    case malformed(path: String, offset: Int, detail: String)
    /// A setting with a value that is not read.
    case unsupported(path: String, key: String, expected: String, found: String)
    /// A piece that does not fit the others; `index` is its id.
    case invalidPiece(path: String, index: Int, expected: String, found: String)
    /// The table of the normalizer is damaged.
    case invalidCharsMap(path: String, expected: String, found: String)

    /// What was expected and what was found, for a person to read.
    public var description: String {
        switch self {
        case .malformed(let path, let offset, let detail):
            "'\(path)' is no SentencePiece model: byte \(offset): \(detail)"
        case .unsupported(let path, let key, let expected, let found):
            "'\(path)', \(key): expected \(expected), found \(found)"
        case .invalidPiece(let path, let index, let expected, let found):
            "'\(path)', piece \(index): expected \(expected), found \(found)"
        case .invalidCharsMap(let path, let expected, let found):
            "'\(path)', precompiled_charsmap: expected \(expected), found \(found)"
        }
    }

    /// Always bad input.
    public var exitStatus: ExitStatus { .badInput }
}
