/// The front end as fairseq writes it: a Python expression such as
/// `[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] * 2`, of (channels, taps, stride).
///
/// Read as lists of three numbers, sums and repetitions; nothing is evaluated.
package struct FairseqConvolutions: Equatable {
    /// Channels, taps and stride of each layer.
    package private(set) var layers: [[Int]] = []

    /// More layers than any front end has.
    private static let layerLimit = 64

    /// Nil where the text is anything else.
    package init?(_ text: String) {
        var reader = Reader(text)
        repeat {
            guard let list = reader.list() else { return nil }
            var count = 1
            if reader.skip("*") {
                guard let number = reader.number() else { return nil }
                count = number
            }
            guard layers.count + list.count * min(count, Self.layerLimit + 1) <= Self.layerLimit
            else { return nil }
            for _ in 0..<count { layers += list }
        } while reader.skip("+")
        guard reader.isAtEnd, !layers.isEmpty else { return nil }
    }

    private struct Reader {
        private var rest: Substring.UnicodeScalarView

        init(_ text: String) { rest = Substring(text).unicodeScalars }

        var isAtEnd: Bool {
            mutating get {
                skipSpaces()
                return rest.isEmpty
            }
        }

        private mutating func skipSpaces() {
            rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "\n" }
        }

        mutating func skip(_ sign: Unicode.Scalar) -> Bool {
            skipSpaces()
            guard rest.first == sign else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number() -> Int? {
            skipSpaces()
            let digits = rest.prefix { ("0"..."9").contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count > 6 ? nil : Int(String(digits))
        }

        /// `(a, b, c)`, with or without a comma behind the last.
        private mutating func layer() -> [Int]? {
            guard skip("(") else { return nil }
            var numbers: [Int] = []
            while let number = number() {
                numbers.append(number)
                guard skip(",") else { break }
            }
            guard skip(")"), numbers.count == 3, numbers.allSatisfy({ $0 > 0 }) else { return nil }
            return numbers
        }

        /// `[(a, b, c), …]`.
        mutating func list() -> [[Int]]? {
            guard skip("[") else { return nil }
            var layers: [[Int]] = []
            repeat {
                guard layers.count < FairseqConvolutions.layerLimit, let layer = layer() else {
                    return nil
                }
                layers.append(layer)
            } while skip(",") && !skipsTo("]")
            return skip("]") ? layers : nil
        }

        /// Whether the next sign is this one, which stays.
        private mutating func skipsTo(_ sign: Unicode.Scalar) -> Bool {
            skipSpaces()
            return rest.first == sign
        }
    }
}
