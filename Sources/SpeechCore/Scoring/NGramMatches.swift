/// Counts the n-grams that two sequences share.
struct NGramMatches {
    /// What is counted for one order.
    struct Counts {
        /// N-grams of the hypothesis.
        var hypothesis = 0
        /// N-grams of the reference.
        var reference = 0
        /// N-grams that both have, each as often as the side that has it less often.
        var matches = 0
    }

    /// The place of each symbol among those of the sequences at hand, plus 1.
    private var places: [Int32] = []

    /// Counts for the orders from 1.
    ///
    /// * `references`: several count as one that has each n-gram as often as the one that has it most.
    ///   `Counts.reference` is of the last.
    mutating func counts(
        _ hypothesis: [Int32], _ references: [[Int32]], orders: Int
    ) -> [Counts] {
        var result = [Counts](repeating: Counts(), count: orders)
        for order in 0..<orders {
            result[order].hypothesis = max(0, hypothesis.count - order)
            result[order].reference = max(0, (references.last?.count ?? 0) - order)
        }
        var symbols: [Int32] = []
        func number(_ sequence: [Int32]) -> [UInt64] {
            sequence.map { symbol in
                let index = Int(symbol)
                if index >= places.count {
                    places += Array(repeating: 0, count: max(index + 1, 1024) - places.count)
                }
                if places[index] == 0 {
                    symbols.append(symbol)
                    places[index] = Int32(symbols.count)
                }
                return UInt64(places[index])
            }
        }
        let own = number(hypothesis)
        let others = references.map(number)
        for symbol in symbols { places[Int(symbol)] = 0 }
        // A number is never 0, so an n-gram that goes over the end ends in zeros.
        let bits = UInt64.bitWidth - UInt64(symbols.count).leadingZeroBitCount
        if bits * orders <= 64 {
            let keys = Self.keys(own, bits: bits, orders: orders)
            let otherKeys = others.map { Self.keys($0, bits: bits, orders: orders) }
            for order in 0..<orders {
                result[order].matches = Self.matches(
                    keys, otherKeys, shift: bits * (orders - 1 - order), ending: bits)
            }
            return result
        }
        // So many different symbols that n-grams do not fit into a word: each order is numbered anew.
        var (numbers, otherNumbers) = (own, others)
        for order in 0..<orders {
            if order > 0 {
                var known: [UInt64: UInt64] = [:]
                func extend(_ numbers: [UInt64], _ symbols: [UInt64]) -> [UInt64] {
                    zip(numbers, symbols.dropFirst(order)).map { number, symbol in
                        let pair = number << 32 | symbol
                        if let value = known[pair] { return value }
                        let value = UInt64(known.count + 1)
                        known[pair] = value
                        return value
                    }
                }
                numbers = extend(numbers, own)
                otherNumbers = zip(otherNumbers, others).map { extend($0, $1) }
            }
            result[order].matches = Self.matches(
                numbers.sorted(), otherNumbers.map { $0.sorted() }, shift: 0, ending: 64)
        }
        return result
    }

    /// The longest n-gram at each place as one word, in order of size.
    private static func keys(_ symbols: [UInt64], bits: Int, orders: Int) -> [UInt64] {
        guard bits > 0 else { return [] }
        var keys = [UInt64](repeating: 0, count: symbols.count)
        var key: UInt64 = 0
        let shift = UInt64(bits * (orders - 1))
        for index in symbols.indices.reversed() {
            key = key >> UInt64(bits) | symbols[index] << shift
            keys[index] = key
        }
        keys.sort()
        return keys
    }

    /// The n-grams that both have when only the bits from `shift` on count.
    ///
    /// * `ending`: the lowest bits of an n-gram, all 0 where it goes over the end of its sequence.
    private static func matches(
        _ keys: [UInt64], _ others: [[UInt64]], shift: Int, ending: Int
    ) -> Int {
        let last = ending == 64 ? UInt64.max : (1 << UInt64(ending)) - 1
        var starts = [Int](repeating: 0, count: others.count)
        var matches = 0
        var start = 0
        while start < keys.count {
            let key = keys[start] >> UInt64(shift)
            var end = start + 1
            while end < keys.count, keys[end] >> UInt64(shift) == key { end += 1 }
            if key & last != 0 {
                var most = 0
                for (place, other) in others.enumerated() {
                    var index = starts[place]
                    while index < other.count, other[index] >> UInt64(shift) < key { index += 1 }
                    let first = index
                    while index < other.count, other[index] >> UInt64(shift) == key { index += 1 }
                    starts[place] = index
                    most = max(most, index - first)
                }
                matches += min(end - start, most)
            }
            start = end
        }
        return matches
    }
}
