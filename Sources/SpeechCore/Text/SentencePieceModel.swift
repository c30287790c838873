/// A tokenizer of sub-words as SentencePiece trains them, read from its `.model` file.
///
/// Gives the ids, pieces and texts of sentencepiece 0.2.3 for models of the kinds unigram, BPE and
/// characters, with byte fallback, user-defined and control symbols.
public struct SentencePieceModel: Sendable {
    /// How a text is divided.
    public enum Kind: Int, Sendable {
        /// The most likely pieces, each by itself.
        case unigram = 1
        /// Merged from characters, the best pair first.
        case bpe = 2
        /// Character by character.
        case characters = 4
    }

    /// One entry of the vocabulary.
    public struct Piece: Sendable, Equatable {
        /// What a piece stands for.
        public enum Kind: Int, Sendable {
            /// A part of a text.
            case normal = 1
            /// Whatever has no piece.
            case unknown = 2
            /// Something that is in no text: the beginning of a sentence, its end, padding.
            case control = 3
            /// A part of a text that is never divided.
            case userDefined = 4
            /// A part of a text that is only divided further.
            case unused = 5
            /// One byte of a character without a piece.
            case byte = 6
        }

        /// The text, with "▁" for a space.
        public var text: String
        /// The logarithm of its probability (unigram), or minus its rank (BPE).
        public var score: Float
        /// What it stands for.
        public var kind: Kind
    }

    /// How a text is divided.
    public let kind: Kind
    /// The vocabulary by id.
    public let pieces: [Piece]
    /// The id of whatever has no piece.
    public let unknown: Int
    /// Whether characters without a piece are written as their bytes.
    public let hasByteFallback: Bool
    /// The path of the file, for messages.
    public let path: String
    let normalizer: SentencePieceNormalizer
    /// What is done to a decoded text.
    private let denormalizer: SentencePieceNormalizer?
    /// What the unknown piece becomes in a text.
    private let unknownSurface: String
    /// Unknown, control and byte pieces, which are found in no text.
    private let reserved: [ExactText: Int]
    /// All other pieces.
    private let trie: ByteTrie
    private let symbols: ByteTrie?
    private let bytePieces: [Int]
    private let lowestScore, highestScore: Float

    init(_ file: SentencePieceFile) throws(SentencePieceError) {
        path = file.path
        kind = file.kind
        pieces = file.pieces
        unknown = file.unknown
        reserved = file.reserved
        hasByteFallback = file.hasByteFallback
        bytePieces = file.bytePieces
        unknownSurface = file.unknownSurface
        trie = ByteTrie(file.found)
        let symbols = file.found.filter { file.pieces[$0.value].kind == .userDefined }
        self.symbols = symbols.isEmpty ? nil : ByteTrie(symbols)
        var normalizer = file.normalizer
        try normalizer.prepare(symbols: self.symbols, path: path)
        self.normalizer = normalizer
        if var denormalizer = file.denormalizer, !denormalizer.charsMap.isEmpty {
            try denormalizer.prepare(symbols: nil, path: path)
            self.denormalizer = denormalizer
        } else {
            denormalizer = nil
        }
        let scores = pieces.lazy.filter { $0.kind == .normal }.map(\.score)
        lowestScore = scores.reduce(Float.greatestFiniteMagnitude) { min($0, $1) }
        // The library begins with its smallest positive number, too.
        highestScore = scores.reduce(Float.leastNormalMagnitude) { max($0, $1) }
    }

    /// The number of pieces.
    public var count: Int { pieces.count }

    /// The id of a piece; nil where there is none.
    public func id(of piece: String) -> Int? {
        reserved[ExactText(piece)] ?? trie.value(of: piece.utf8)
    }

    // MARK: Text to pieces

    /// The ids of a text's pieces.
    public func encode(_ text: String) -> [Int] { segments(of: text).map(\.id) }

    /// The pieces of a text; what has none stands there as it is, a whole run of it as one.
    public func encodePieces(_ text: String) -> [String] { segments(of: text).map(\.text) }

    private func segments(of text: String) -> [(text: String, id: Int)] {
        let bytes = normalizer(Array(text.utf8))
        let parts: [(range: Range<Int>, id: Int)] =
            switch kind {
            case .unigram: unigramParts(of: bytes)
            case .bpe: mergedParts(of: bytes)
            case .characters:
                characters(of: bytes).map { ($0.range, trie.value(of: bytes[$0.range]) ?? unknown) }
            }
        var segments: [(text: String, id: Int)] = []
        var isBehindUnknown = false
        for (range, id) in parts {
            let isUnknown = id == unknown
            if isUnknown && hasByteFallback {
                for byte in bytes[range] {
                    let id = bytePieces[Int(byte)]
                    segments.append((pieces[id].text, id))
                }
            } else {
                let text = String(decoding: bytes[range], as: UTF8.self)
                if isUnknown && isBehindUnknown {
                    segments[segments.count - 1].text += text
                } else {
                    segments.append((text, id))
                }
            }
            isBehindUnknown = isUnknown
        }
        return segments
    }

    /// Characters, and user-defined symbols, which stay whole.
    private func characters(of bytes: [UInt8]) -> [(range: Range<Int>, isSymbol: Bool)] {
        var characters: [(range: Range<Int>, isSymbol: Bool)] = []
        var start = 0
        while start < bytes.count {
            let symbol = symbols?.longestMatch(bytes, at: start)
            let length = min(bytes.count - start, symbol ?? UTF8Scan.length(of: bytes[start]))
            characters.append((start..<start + length, symbol != nil))
            start += length
        }
        return characters
    }

    /// The pieces with the highest sum of scores.
    ///
    /// After `EncodeOptimized` of `unigram_model.cc`, with its mixture of single and double precision,
    /// on which equal sums depend.
    private func unigramParts(of bytes: [UInt8]) -> [(range: Range<Int>, id: Int)] {
        struct End {
            var id = -1
            var score: Float = 0
            var start = -1
        }
        let unknownScore = Double(lowestScore - 10)
        var ends = [End](repeating: End(), count: bytes.count + 1)
        var start = 0
        while start < bytes.count {
            let scoreHere = Double(ends[start].score)
            let length = min(bytes.count - start, UTF8Scan.length(of: bytes[start]))
            func offer(_ id: Int, _ score: Double, at end: Int) {
                let sum = score + scoreHere
                if ends[end].start < 0 || sum > Double(ends[end].score) {
                    ends[end] = End(id: id, score: Float(sum), start: start)
                }
            }
            var hasCharacter = false
            var node = ByteTrie.root
            var end = start
            while end < bytes.count, let next = trie.child(of: node, bytes[end]) {
                node = next
                end += 1
                guard let id = trie.value(at: node), pieces[id].kind != .unused else { continue }
                let score =
                    pieces[id].kind == .userDefined
                    ? Double(Float(end - start) * highestScore) - 0.1 : Double(pieces[id].score)
                offer(id, score, at: end)
                if end - start == length { hasCharacter = true }
            }
            if !hasCharacter { offer(unknown, unknownScore, at: start + length) }
            start += length
        }
        var parts: [(range: Range<Int>, id: Int)] = []
        var end = bytes.count
        while end > 0 {
            parts.append((ends[end].start..<end, ends[end].id))
            end = ends[end].start
        }
        return parts.reversed()
    }

    /// Characters merged to pieces, of all pairs the one with the highest score first.
    ///
    /// After `SampleEncode` of `bpe_model.cc`.
    private func mergedParts(of bytes: [UInt8]) -> [(range: Range<Int>, id: Int)] {
        let characters = characters(of: bytes)
        guard !characters.isEmpty else { return [] }
        var symbols = characters.indices.map { index in
            MergedSymbol(
                range: characters[index].range, previous: index - 1,
                next: index + 1 < characters.count ? index + 1 : -1,
                isFrozen: characters[index].isSymbol)
        }
        var agenda = MergeAgenda()
        /// How a piece that is only divided further was put together.
        var origins: [Range<Int>: (Range<Int>, Range<Int>)] = [:]
        func consider(_ left: Int, _ right: Int) {
            guard left >= 0, right >= 0, !symbols[left].isFrozen, !symbols[right].isFrozen else {
                return
            }
            let range = symbols[left].range.lowerBound..<symbols[right].range.upperBound
            guard let id = trie.value(of: bytes[range]) else { return }
            agenda.push(
                .init(left: left, right: right, score: pieces[id].score, size: range.count))
            if pieces[id].kind == .unused {
                origins[range] = (symbols[left].range, symbols[right].range)
            }
        }
        for index in symbols.indices.dropFirst() { consider(index - 1, index) }
        while let pair = agenda.pop() {
            let left = symbols[pair.left].range
            let right = symbols[pair.right].range
            guard !left.isEmpty, !right.isEmpty, left.count + right.count == pair.size else {
                continue
            }
            symbols[pair.left].range = left.lowerBound..<right.upperBound
            symbols[pair.right].range = right.upperBound..<right.upperBound
            let next = symbols[pair.right].next
            symbols[pair.left].next = next
            if next >= 0 { symbols[next].previous = pair.left }
            consider(symbols[pair.left].previous, pair.left)
            consider(pair.left, next)
        }
        var parts: [(range: Range<Int>, id: Int)] = []
        func divide(_ range: Range<Int>) {
            let id = trie.value(of: bytes[range]) ?? unknown
            if pieces[id].kind == .unused, let (left, right) = origins[range] {
                divide(left)
                divide(right)
            } else {
                parts.append((range, id))
            }
        }
        var index = 0
        while index >= 0 {
            divide(symbols[index].range)
            index = symbols[index].next
        }
        return parts
    }

    // MARK: Pieces to text

    /// The text of some ids; those of no piece count as unknown.
    public func decode(_ ids: [Int]) -> String {
        var text: [UInt8] = []
        var byteRun: [UInt8] = []
        func finishBytes() {
            var position = 0
            while position < byteRun.count {
                let length = UTF8Scan.validLength(byteRun, at: position)
                text +=
                    length.map { byteRun[position..<position + $0] } ?? UTF8Scan.replacement[...]
                position += length ?? 1
            }
            byteRun = []
        }
        var isAtStart = true
        var hasSeenSpace = false
        for id in ids.map({ pieces.indices.contains($0) ? $0 : unknown }) {
            let piece = pieces[id]
            if piece.kind == .byte, let byte = SentencePieceFile.byte(of: piece.text) {
                byteRun.append(byte)
                continue
            }
            finishBytes()
            if hasSeenSpace || !text.isEmpty { isAtStart = false }
            hasSeenSpace = false
            switch piece.kind {
            case .control: break
            case .unknown: text += unknownSurface.utf8
            default:
                var bytes = Array(piece.text.utf8)[...]
                if isAtStart, normalizer.addsSpace || normalizer.removesExtraSpaces,
                    bytes.starts(with: SentencePieceNormalizer.space)
                {
                    bytes = bytes.dropFirst(SentencePieceNormalizer.space.count)
                    hasSeenSpace = !normalizer.removesExtraSpaces
                }
                text += bytes.replacing(SentencePieceNormalizer.space, with: [0x20])
            }
        }
        finishBytes()
        return String(decoding: denormalizer?(text) ?? text, as: UTF8.self)
    }
}

/// A part of a text while pairs are merged.
private struct MergedSymbol {
    /// Empty once it is merged into the one before it.
    var range: Range<Int>
    /// Its neighbours; -1 where there is none.
    var previous, next: Int
    /// Whether it is never merged.
    var isFrozen: Bool
}

/// Pairs that can be merged: the highest score first, of equals the leftmost.
private struct MergeAgenda {
    struct Pair {
        var left, right: Int
        var score: Float
        /// Bytes of both together; if symbols are longer by now, the pair is no more.
        var size: Int

        func comes(before other: Pair) -> Bool {
            score > other.score || (score == other.score && left < other.left)
        }
    }

    /// A binary heap.
    private var pairs: [Pair] = []

    mutating func push(_ pair: Pair) {
        pairs.append(pair)
        var index = pairs.count - 1
        while index > 0, pairs[index].comes(before: pairs[(index - 1) / 2]) {
            pairs.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func pop() -> Pair? {
        guard let first = pairs.first, let last = pairs.popLast() else { return nil }
        guard !pairs.isEmpty else { return first }
        pairs[0] = last
        var index = 0
        while true {
            var best = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < pairs.count && pairs[child].comes(before: pairs[best]) {
                best = child
            }
            guard best != index else { return first }
            pairs.swapAt(index, best)
            index = best
        }
    }
}
