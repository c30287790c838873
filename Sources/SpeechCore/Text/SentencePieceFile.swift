extension SentencePieceModel {
    /// Reads a `.model` file.
    ///
    /// - Throws: `SentencePieceError` naming the file and what is wrong in it, or `FileSystemError`.
    public init(path: String) throws {
        let file = try MappedFile(path: path)
        let bytes = file.withBytes(0..<file.count) { Array($0) }
        try self.init(bytes: bytes, path: path)
    }

    /// Reads the bytes of a `.model` file.
    ///
    /// * `path`: What messages call the file.
    /// - Throws: `SentencePieceError`.
    public init(bytes: [UInt8], path: String) throws {
        let file: SentencePieceFile
        do {
            file = try SentencePieceFile(bytes, path: path)
        } catch let fault as ProtobufReader.Fault {
            throw SentencePieceError.malformed(
                path: path, offset: fault.offset, detail: fault.detail)
        }
        try self.init(file)
    }
}

/// What a `.model` file says: the message `ModelProto` of `sentencepiece_model.proto`.
struct SentencePieceFile {
    let path: String
    private(set) var kind = SentencePieceModel.Kind.unigram
    private(set) var pieces: [SentencePieceModel.Piece] = []
    private(set) var unknown = 0
    private(set) var hasByteFallback = false
    private(set) var unknownSurface = " \u{2047} "
    private(set) var normalizer = SentencePieceNormalizer()
    private(set) var denormalizer: SentencePieceNormalizer?
    /// Pieces that are found in no text.
    private(set) var reserved: [ExactText: Int] = [:]
    /// Pieces that are found in texts.
    private(set) var found: [(bytes: [UInt8], value: Int)] = []
    /// The pieces of all bytes, where there is byte fallback.
    private(set) var bytePieces: [Int] = []
    private var addsSpaceBehind = false

    init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        var fields = ProtobufReader(bytes)
        while let (number, value) = try fields.next() {
            switch (number, value) {
            case (1, .bytes(let range)): try readPiece(bytes, range)
            case (2, .bytes(let range)): try readTrainerSpec(bytes, range)
            case (3, .bytes(let range)):
                normalizer = try readNormalizer(bytes, range)
            case (5, .bytes(let range)):
                denormalizer = try readNormalizer(bytes, range)
            default: break
            }
        }
        normalizer.addsSpaceBehind = addsSpaceBehind
        try checkPieces()
    }

    private func text(_ bytes: [UInt8], _ range: Range<Int>) throws -> String {
        guard let text = String(validating: bytes[range], as: UTF8.self) else {
            throw SentencePieceError.malformed(
                path: path, offset: range.lowerBound, detail: "expected UTF-8, found other bytes")
        }
        return text
    }

    private mutating func readPiece(_ bytes: [UInt8], _ range: Range<Int>) throws {
        var piece = SentencePieceModel.Piece(text: "", score: 0, kind: .normal)
        var fields = ProtobufReader(bytes, in: range)
        while let (number, value) = try fields.next() {
            switch (number, value) {
            case (1, .bytes(let range)): piece.text = try text(bytes, range)
            case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
            case (3, .varint(let raw)):
                guard let number = Int(exactly: raw),
                    let kind = SentencePieceModel.Piece.Kind(rawValue: number)
                else {
                    throw invalid(pieces.count, "a type from 1 to 6", "\(raw)")
                }
                piece.kind = kind
            default: break
            }
        }
        guard piece.score.isFinite else {
            throw invalid(pieces.count, "a finite score", "\(piece.score)")
        }
        pieces.append(piece)
    }

    private mutating func readTrainerSpec(_ bytes: [UInt8], _ range: Range<Int>) throws {
        var fields = ProtobufReader(bytes, in: range)
        while let (number, value) = try fields.next() {
            switch (number, value) {
            case (3, .varint(let raw)):
                guard let number = Int(exactly: raw),
                    let known = SentencePieceModel.Kind(rawValue: number)
                else {
                    throw SentencePieceError.unsupported(
                        path: path, key: "trainer_spec.model_type",
                        expected: "1 (unigram), 2 (BPE) or 4 (characters)", found: "\(raw)")
                }
                kind = known
            case (24, .varint(let flag)): addsSpaceBehind = flag != 0
            case (35, .varint(let flag)): hasByteFallback = flag != 0
            case (44, .bytes(let range)): unknownSurface = try text(bytes, range)
            default: break
            }
        }
    }

    private func readNormalizer(
        _ bytes: [UInt8], _ range: Range<Int>
    ) throws -> SentencePieceNormalizer {
        var normalizer = SentencePieceNormalizer()
        var fields = ProtobufReader(bytes, in: range)
        while let (number, value) = try fields.next() {
            switch (number, value) {
            case (1, .bytes(let range)): normalizer.name = try text(bytes, range)
            case (2, .bytes(let range)): normalizer.charsMap = Array(bytes[range])
            case (3, .varint(let flag)): normalizer.addsSpace = flag != 0
            case (4, .varint(let flag)): normalizer.removesExtraSpaces = flag != 0
            case (5, .varint(let flag)): normalizer.escapesSpaces = flag != 0
            default: break
            }
        }
        return normalizer
    }

    private func invalid(_ index: Int, _ expected: String, _ found: String) -> SentencePieceError {
        .invalidPiece(path: path, index: index, expected: expected, found: found)
    }

    /// As `ModelInterface::InitializePieces` does.
    private mutating func checkPieces() throws {
        var unknown: Int?
        var texts: Set<ExactText> = []
        var bytes: [Int?] = Array(repeating: nil, count: 256)
        for (index, piece) in pieces.enumerated() {
            guard !piece.text.isEmpty else { throw invalid(index, "a text", "none") }
            switch piece.kind {
            case .normal, .userDefined, .unused:
                guard texts.insert(ExactText(piece.text)).inserted else {
                    throw invalid(index, "a text of its own", "'\(piece.text)' once more")
                }
                found.append((Array(piece.text.utf8), index))
            case .unknown, .control, .byte:
                guard reserved.updateValue(index, forKey: ExactText(piece.text)) == nil else {
                    throw invalid(index, "a text of its own", "'\(piece.text)' once more")
                }
            }
            if piece.kind == .unknown {
                guard unknown == nil else { throw invalid(index, "one unknown piece", "another") }
                unknown = index
            }
            if piece.kind == .byte {
                guard hasByteFallback, let byte = Self.byte(of: piece.text) else {
                    throw invalid(
                        index, hasByteFallback ? "a byte from <0x00> to <0xFF>" : "no byte",
                        "'\(piece.text)'")
                }
                bytes[Int(byte)] = index
            }
        }
        guard let unknown else {
            throw invalid(pieces.count, "an unknown piece", "none")
        }
        self.unknown = unknown
        guard hasByteFallback else { return }
        bytePieces = bytes.compactMap { $0 }
        guard bytePieces.count == 256 else {
            throw invalid(pieces.count, "pieces for 256 bytes", "\(bytePieces.count)")
        }
    }

    /// The byte of a piece: 0x0A of `<0x0A>`.
    static func byte(of piece: String) -> UInt8? {
        guard piece.hasPrefix("<0x"), piece.hasSuffix(">"), piece.utf8.count == 6 else {
            return nil
        }
        let digits = piece.dropFirst(3).dropLast()
        guard digits.allSatisfy({ $0.isHexDigit && !$0.isLowercase }) else { return nil }
        return UInt8(digits, radix: 16)
    }
}
