/// One step from a reference to a hypothesis.
public enum EditOperation: UInt8, Sendable, Hashable {
    /// The same unit on both sides.
    case hit
    /// One unit for another.
    case substitution
    /// A unit of the reference that is missing.
    case deletion
    /// A unit that the reference has not.
    case insertion
}

/// Aligns sequences with as few insertions, deletions and substitutions as possible.
///
/// Columns of the matrix of distances are bits of machine words (Hyyrö, "A bit-vector algorithm for
/// computing Levenshtein and Damerau edit distances", 2003); pairs whose matrix would be large are
/// halved first (Hirschberg, 1975). Of several shortest alignments the one of RapidFuzz is taken, which
/// jiwer counts: common ends are hits, and backwards a deletion goes before an insertion before a
/// substitution.
struct EditAligner {
    /// The bytes of a matrix that is not halved; RapidFuzz's.
    private static let matrixLimit = 1 << 20

    /// The place in `masks` of each symbol of the reference at hand, plus 1.
    private var places: [Int32] = []
    /// For each symbol a row of words with a bit for each place where the reference has it.
    private var masks: [UInt64] = []
    /// Rows of the matrix: where it grows by one, and where it falls by one, along the reference.
    private var rising: [UInt64] = []
    private var falling: [UInt64] = []

    /// The steps from a reference to a hypothesis, in order.
    ///
    /// Symbols are numbers from 0; what memory is needed grows with the largest.
    mutating func operations(
        _ reference: [Int32], _ hypothesis: [Int32]
    ) -> [EditOperation] {
        var result: [EditOperation] = []
        result.reserveCapacity(max(reference.count, hypothesis.count))
        align(reference[...], hypothesis[...], limit: .max, into: &result)
        return result
    }

    /// The number of steps of each kind.
    mutating func counts(_ reference: [Int32], _ hypothesis: [Int32]) -> ErrorCounts {
        ErrorCounts(operations(reference, hypothesis))
    }

    /// Appends the steps; `limit` is at least the distance.
    private mutating func align(
        _ reference: ArraySlice<Int32>, _ hypothesis: ArraySlice<Int32>, limit: Int,
        into result: inout [EditOperation]
    ) {
        var (reference, hypothesis) = (reference, hypothesis)
        let prefix = zip(reference, hypothesis).prefix { $0 == $1 }.count
        reference = reference.dropFirst(prefix)
        hypothesis = hypothesis.dropFirst(prefix)
        let suffix = zip(reference.reversed(), hypothesis.reversed()).prefix { $0 == $1 }.count
        reference = reference.dropLast(suffix)
        hypothesis = hypothesis.dropLast(suffix)
        result.append(contentsOf: repeatElement(.hit, count: prefix))
        defer { result.append(contentsOf: repeatElement(.hit, count: suffix)) }
        guard !reference.isEmpty, !hypothesis.isEmpty else {
            result.append(contentsOf: repeatElement(.deletion, count: reference.count))
            result.append(contentsOf: repeatElement(.insertion, count: hypothesis.count))
            return
        }
        let limit = min(limit, max(reference.count, hypothesis.count))
        let band = min(reference.count, 2 * limit + 1)
        let bytes = 2 * band * hypothesis.count / 8
        if bytes < Self.matrixLimit || reference.count < 65 || hypothesis.count < 10 {
            fillMatrix(reference, hypothesis)
            trace(reference, hypothesis, into: &result)
            return
        }
        let middle = hypothesis.startIndex + hypothesis.count / 2
        let cut = split(reference, hypothesis[..<middle], hypothesis[middle...])
        align(
            reference[..<cut.place], hypothesis[..<middle], limit: cut.left, into: &result)
        align(
            reference[cut.place...], hypothesis[middle...], limit: cut.right, into: &result)
    }

    /// Where the best alignment cuts a reference when the hypothesis is halved, and what each half
    /// costs.
    private mutating func split(
        _ reference: ArraySlice<Int32>, _ first: ArraySlice<Int32>, _ second: ArraySlice<Int32>
    ) -> (place: Int, left: Int, right: Int) {
        let left = distances(Array(reference), Array(first))
        let right = distances(Array(reference.reversed()), Array(second.reversed()))
        let count = reference.count
        var best = (place: 0, left: left[0], right: right[count])
        var bestSum = Int.max
        for place in 1...count where left[place] + right[count - place] < bestSum {
            bestSum = left[place] + right[count - place]
            best = (place, left[place], right[count - place])
        }
        if left[0] + right[count] < bestSum { best = (0, left[0], right[count]) }
        return (reference.startIndex + best.place, best.left, best.right)
    }

    /// The distance of every prefix of a reference to a hypothesis.
    private mutating func distances(_ reference: [Int32], _ hypothesis: [Int32]) -> [Int] {
        let words = prepareMasks(reference[...])
        var row = Row(words: words)
        for symbol in hypothesis { advance(&row, place: place(of: symbol), words: words) }
        clearPlaces(reference[...])
        var result = [hypothesis.count]
        result.reserveCapacity(reference.count + 1)
        for index in 0..<reference.count {
            let (word, bit) = (index / 64, UInt64(1) << UInt64(index % 64))
            let step =
                (row.rising[word] & bit != 0 ? 1 : 0) - (row.falling[word] & bit != 0 ? 1 : 0)
            result.append(result[index] + step)
        }
        return result
    }

    /// One row of the matrix.
    private struct Row {
        var rising: [UInt64]
        var falling: [UInt64]

        init(words: Int) {
            rising = Array(repeating: .max, count: words)
            falling = Array(repeating: 0, count: words)
        }
    }

    private func advance(_ row: inout Row, place: Int, words: Int) {
        var (carryUp, carryDown) = (UInt64(1), UInt64(0))
        for word in 0..<words {
            let step = Self.step(
                match: place == 0 ? 0 : masks[(place - 1) * words + word], row.rising[word],
                row.falling[word], &carryUp, &carryDown)
            (row.rising[word], row.falling[word]) = step
        }
    }

    /// Sets all rows of the matrix.
    private mutating func fillMatrix(
        _ reference: ArraySlice<Int32>, _ hypothesis: ArraySlice<Int32>
    ) {
        let words = prepareMasks(reference)
        let size = words * hypothesis.count
        if rising.count < size {
            rising = Array(repeating: 0, count: size)
            falling = rising
        }
        var start = 0
        for symbol in hypothesis {
            let place = place(of: symbol)
            var (carryUp, carryDown) = (UInt64(1), UInt64(0))
            for word in 0..<words {
                let isFirst = start == 0
                let before = start - words + word
                (rising[start + word], falling[start + word]) = Self.step(
                    match: place == 0 ? 0 : masks[(place - 1) * words + word],
                    isFirst ? .max : rising[before], isFirst ? 0 : falling[before],
                    &carryUp, &carryDown)
            }
            start += words
        }
        clearPlaces(reference)
    }

    /// The next 64 columns of a row from those of the row before it.
    @inline(__always)
    private static func step(
        match: UInt64, _ rising: UInt64, _ falling: UInt64, _ carryUp: inout UInt64,
        _ carryDown: inout UInt64
    ) -> (rising: UInt64, falling: UInt64) {
        let match = match | carryDown
        let diagonal = ((match & rising) &+ rising) ^ rising | match | falling
        var up = falling | ~(diagonal | rising)
        var down = diagonal & rising
        let (upOut, downOut) = (up >> 63, down >> 63)
        up = up << 1 | carryUp
        down = down << 1 | carryDown
        (carryUp, carryDown) = (upOut, downOut)
        return (down | ~(diagonal | up), up & diagonal)
    }

    /// Appends the steps that the matrix says, which are found from the end.
    private func trace(
        _ reference: ArraySlice<Int32>, _ hypothesis: ArraySlice<Int32>,
        into result: inout [EditOperation]
    ) {
        let words = (reference.count + 63) / 64
        let start = result.count
        var (column, row) = (reference.count, hypothesis.count)
        func isSet(_ bits: [UInt64], _ row: Int, _ column: Int) -> Bool {
            bits[row * words + column / 64] >> UInt64(column % 64) & 1 == 1
        }
        while row > 0, column > 0 {
            if isSet(rising, row - 1, column - 1) {
                column -= 1
                result.append(.deletion)
                continue
            }
            row -= 1
            if row > 0, isSet(falling, row - 1, column - 1) {
                result.append(.insertion)
            } else {
                column -= 1
                let isHit =
                    reference[reference.startIndex + column]
                    == hypothesis[hypothesis.startIndex + row]
                result.append(isHit ? .hit : .substitution)
            }
        }
        result.append(contentsOf: repeatElement(.deletion, count: column))
        result.append(contentsOf: repeatElement(.insertion, count: row))
        result[start...].reverse()
    }

    /// Numbers the symbols of a reference, sets their bits and returns the words of a row.
    private mutating func prepareMasks(_ reference: ArraySlice<Int32>) -> Int {
        let words = (reference.count + 63) / 64
        let largest = Int(reference.max() ?? 0)
        if places.count <= largest {
            places += Array(repeating: 0, count: largest + 1 - places.count)
        }
        masks.removeAll(keepingCapacity: true)
        var count = 0
        for (index, symbol) in reference.enumerated() {
            var place = Int(places[Int(symbol)])
            if place == 0 {
                count += 1
                place = count
                places[Int(symbol)] = Int32(count)
                masks.append(contentsOf: repeatElement(0, count: words))
            }
            masks[(place - 1) * words + index / 64] |= 1 << UInt64(index % 64)
        }
        return words
    }

    private func place(of symbol: Int32) -> Int {
        Int(symbol) < places.count ? Int(places[Int(symbol)]) : 0
    }

    private mutating func clearPlaces(_ reference: ArraySlice<Int32>) {
        for symbol in reference { places[Int(symbol)] = 0 }
    }
}

extension ErrorCounts {
    /// The number of steps of each kind.
    init(_ operations: [EditOperation]) {
        self.init()
        for operation in operations {
            switch operation {
            case .hit: hits += 1
            case .substitution: substitutions += 1
            case .deletion: deletions += 1
            case .insertion: insertions += 1
            }
        }
    }
}
