import Foundation

extension NGramModel {
    /// Reads an ARPA file, which gzip may have compressed.
    ///
    /// Weights are logarithms to base 10 there. A missing weight of back-off is 0. A model without
    /// `<unk>` gets one of 10^-100, as in KenLM. An n-gram whose last words are no n-gram of their own
    /// (pruned models) is kept by giving these the probability that back-off gives them.
    ///
    /// * `unit`: what the model predicts; nil for characters where no word is longer than one.
    /// - Throws: `NGramError.malformed`, `NGramError.wrongCount`, `FileSystemError`, or `GzipError`.
    public init(path: String, unit: Unit? = nil) throws {
        var reader = ARPAReader(path: path)
        try ManifestLines.forEach(path: path) { try reader.read($1, number: $0) }
        self = try reader.finish(unit: unit)
    }
}

/// Puts a model together from the lines of an ARPA file.
private struct ARPAReader {
    private enum Place: Equatable {
        case preamble, head, section(Int), end
    }

    private let path: String
    private var place = Place.preamble
    private var line = 0
    /// What the head says, from order 1.
    private var expected: [Int] = []
    /// n-grams of the section so far.
    private var found = 0
    private var levels: [NGramModel.Level] = []
    private var words: [String] = []
    private var numbers = NGramTable()
    /// The words of an n-gram, in their order.
    private var ids: [Int] = []
    private var fields: [Range<Int>] = []

    init(path: String) { self.path = path }

    private func malformed(_ expected: String, _ found: String) -> NGramError {
        .malformed(path: path, line: line, expected: expected, found: found)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        "'" + String(decoding: bytes.prefix(60), as: UTF8.self) + "'"
    }

    mutating func read(_ bytes: UnsafeRawBufferPointer, number: Int) throws {
        line = number
        split(bytes)
        guard !fields.isEmpty else { return }
        let isMark = bytes[fields[0].lowerBound] == UInt8(ascii: "\\") && fields.count == 1
        let mark = isMark ? String(decoding: bytes[fields[0]], as: UTF8.self) : nil
        switch place {
        case .preamble:
            if mark == "\\data\\" { place = .head }
        case .head:
            if let mark { try open(mark) } else { try readCount(bytes) }
        case .section(let order):
            if let mark {
                guard found == expected[order - 1] else {
                    throw NGramError.wrongCount(
                        path: path, line: line, order: order, expected: expected[order - 1],
                        found: found)
                }
                try open(mark)
            } else {
                try readNGram(bytes, order: order)
            }
        case .end:
            throw malformed("nothing behind \\end\\", Self.text(bytes))
        }
    }

    /// Finds what stands between spaces and tabs.
    private mutating func split(_ bytes: UnsafeRawBufferPointer) {
        fields.removeAll(keepingCapacity: true)
        var start = 0
        for position in 0...bytes.count {
            let isSpace =
                position == bytes.count || bytes[position] == 0x20 || bytes[position] == 0x09
            guard isSpace else { continue }
            if position > start { fields.append(start..<position) }
            start = position + 1
        }
    }

    /// Reads `ngram 2=100`.
    private mutating func readCount(_ bytes: UnsafeRawBufferPointer) throws {
        let order = expected.count + 1
        let text = String(decoding: bytes, as: UTF8.self)
        let parts = text.dropFirst("ngram".count).split(separator: "=").map {
            Int($0.filter { $0 != " " && $0 != "\t" })
        }
        guard text.hasPrefix("ngram"), parts.count == 2, parts[0] == order, let count = parts[1],
            count >= 0, order <= Self.orderLimit
        else { throw malformed("'ngram \(order)=' with a number", Self.text(bytes)) }
        expected.append(count)
    }

    /// Far beyond any model in use.
    private static let orderLimit = 32

    /// Goes on to the section that `\2-grams:` or `\end\` begins.
    private mutating func open(_ mark: String) throws {
        let next = levels.count + 1
        guard !expected.isEmpty else {
            throw malformed("'ngram 1=' with a number", "'\(mark)'")
        }
        let wanted = next <= expected.count ? "\\\(next)-grams:" : "\\end\\"
        guard mark == wanted else { throw malformed(wanted, "'\(mark)'") }
        if levels.count == 1 { addUnknownWord() }
        guard next <= expected.count else {
            place = .end
            return
        }
        // A wrong head must not take memory.
        let capacity = min(expected[next - 1], 1 << 20)
        var level = NGramModel.Level(table: NGramTable(capacity: next > 1 ? capacity : 0))
        level.probabilities.reserveCapacity(capacity)
        level.backoffs.reserveCapacity(next < expected.count ? capacity : 0)
        levels.append(level)
        found = 0
        place = .section(next)
    }

    private mutating func addUnknownWord() {
        guard numbers.find(WordHash("<unk>").value) < 0, numbers.find(WordHash("<UNK>").value) < 0
        else { return }
        _ = numbers.insert(WordHash("<unk>").value)
        words.append("<unk>")
        levels[0].probabilities.append(Float(-100 * log(10.0)))
        levels[0].backoffs.append(0)
    }

    // MARK: n-grams

    private mutating func readNGram(_ bytes: UnsafeRawBufferPointer, order: Int) throws {
        found += 1
        guard found <= expected[order - 1] else {
            throw NGramError.wrongCount(
                path: path, line: line, order: order, expected: expected[order - 1], found: found)
        }
        let isLongest = order == expected.count
        let hasBackoff = fields.count == order + 2
        guard fields.count == order + 1 || hasBackoff && !isLongest else {
            throw malformed(
                "a probability and \(order) word\(order == 1 ? "" : "s")"
                    + (isLongest ? "" : ", perhaps a weight of back-off"), Self.text(bytes))
        }
        let probability = try number(bytes, fields[0])
        guard probability <= 0 else {
            throw malformed(
                "the logarithm of a probability, at most 0", "\(probability)")
        }
        let backoff = hasBackoff ? try number(bytes, fields[order + 1]) : 0
        let index: Int
        if order == 1 {
            index = try addWord(bytes, fields[1])
        } else {
            try readWords(bytes, order)
            index = try add()
        }
        precondition(index == levels[order - 1].probabilities.count)
        levels[order - 1].probabilities.append(Float(probability * log(10.0)))
        if !isLongest { levels[order - 1].backoffs.append(Float(backoff * log(10.0))) }
    }

    private mutating func addWord(_ bytes: UnsafeRawBufferPointer, _ field: Range<Int>) throws
        -> Int
    {
        let rebased = UnsafeRawBufferPointer(rebasing: bytes[field])
        guard let word = String(validating: rebased, as: UTF8.self) else {
            throw malformed("UTF-8", "other bytes")
        }
        let (index, isNew) = numbers.insert(WordHash(word).value)
        guard isNew else { throw malformed("each n-gram once", "'\(word)' again") }
        words.append(word)
        return index
    }

    private mutating func readWords(_ bytes: UnsafeRawBufferPointer, _ order: Int) throws {
        ids.removeAll(keepingCapacity: true)
        for field in fields[1...order] {
            var hash = WordHash()
            hash.append(UnsafeRawBufferPointer(rebasing: bytes[field]))
            let id = numbers.find(hash.value)
            guard id >= 0 else {
                throw malformed(
                    "words of the 1-grams",
                    Self.text(UnsafeRawBufferPointer(rebasing: bytes[field])))
            }
            ids.append(id)
        }
    }

    /// The n-gram of some of the words; -1 where there is none.
    private func find(_ range: Range<Int>) -> Int {
        var index = ids[range.upperBound - 1]
        for (depth, place) in range.dropLast().reversed().enumerated() {
            index = levels[depth + 1].table.find(NGramTable.key(index, UInt32(ids[place])))
            if index < 0 { return -1 }
        }
        return index
    }

    private func name(_ ids: ArraySlice<Int>) -> String {
        "'" + ids.map { words[$0] }.joined(separator: " ") + "'"
    }

    /// Enters the n-gram of `ids` and returns its number.
    private mutating func add() throws -> Int {
        let order = ids.count
        guard find(0..<order - 1) >= 0 else {
            throw malformed(
                "the words before the last one, \(name(ids.dropLast())), among the "
                    + "\(order - 1)-grams", "none")
        }
        var parent = ids[order - 1]
        for length in 2..<max(2, order) {
            let label = UInt32(ids[order - length])
            let (index, isNew) = levels[length - 1].table.insert(NGramTable.key(parent, label))
            if isNew {
                let context = find(order - length..<order - 1)
                let backoff = context < 0 ? 0 : levels[length - 2].backoffs[context]
                levels[length - 1].probabilities.append(
                    backoff + levels[length - 2].probabilities[parent])
                levels[length - 1].backoffs.append(0)
            }
            parent = index
        }
        let (index, isNew) = levels[order - 1].table.insert(
            NGramTable.key(parent, UInt32(ids[0])))
        guard isNew else { throw malformed("each n-gram once", "\(name(ids[...])) again") }
        return index
    }

    // MARK: Numbers

    private func number(_ bytes: UnsafeRawBufferPointer, _ field: Range<Int>) throws -> Double {
        let rebased = UnsafeRawBufferPointer(rebasing: bytes[field])
        guard let value = Self.number(rebased) else {
            throw malformed("a number", Self.text(rebased))
        }
        return value
    }

    /// A decimal number; much faster than by way of a string.
    private static func number(_ bytes: UnsafeRawBufferPointer) -> Double? {
        var position = 0
        func byte() -> UInt8 { position < bytes.count ? bytes[position] : 0 }
        func sign() -> Double {
            guard byte() == UInt8(ascii: "-") || byte() == UInt8(ascii: "+") else { return 1 }
            defer { position += 1 }
            return byte() == UInt8(ascii: "-") ? -1 : 1
        }
        func digits(_ value: inout Double) -> Int {
            let start = position
            while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte()) {
                value = value * 10 + Double(byte() - UInt8(ascii: "0"))
                position += 1
            }
            return position - start
        }
        let factor = sign()
        var value = 0.0
        var count = digits(&value)
        var exponent = 0.0
        if byte() == UInt8(ascii: ".") {
            position += 1
            let decimals = digits(&value)
            count += decimals
            exponent -= Double(decimals)
        }
        if count > 0, byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") {
            position += 1
            let factor = sign()
            var power = 0.0
            guard digits(&power) > 0 else { return nil }
            exponent += factor * power
        }
        guard count > 0, position == bytes.count else { return nil }
        let result = factor * (exponent == 0 ? value : value * pow(10, exponent))
        return result.isFinite ? result : nil
    }

    // MARK: The end

    mutating func finish(unit: NGramModel.Unit?) throws -> NGramModel {
        guard place == .end else {
            line += 1
            throw malformed(
                place == .preamble ? "\\data\\" : "more lines up to \\end\\",
                "the end of the file")
        }
        return NGramModel(levels: levels, words: words, numbers: numbers, unit: unit)
    }
}
