extension BLEUTokenizer {
    /// mteval-v14's tokens: punctuation apart unless digits are on both sides, symbols apart.
    static func international(_ text: [UInt8]) -> [UInt8] {
        let scalars = TextBytes.scalars(text, 0..<text.count)
        let classes = scalars.map(ScalarClass.init)
        let space = ScalarClass.other
        // Regular expressions over pairs; a pair is used up by its match.
        var first: [Int32] = []
        var firstClasses: [ScalarClass] = []
        first.reserveCapacity(scalars.count * 2)
        firstClasses.reserveCapacity(scalars.count * 2)
        var index = 0
        while index < scalars.count {
            first.append(scalars[index])
            firstClasses.append(classes[index])
            if index + 1 < scalars.count, classes[index] != .number,
                classes[index + 1] == .punctuation
            {
                first += [0x20, scalars[index + 1], 0x20]
                firstClasses += [space, .punctuation, space]
                index += 2
            } else {
                index += 1
            }
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count * 2)
        func append(_ place: Int) {
            let isSymbol = firstClasses[place] == .symbol
            if isSymbol { result.append(0x20) }
            // The scalars come from a valid text.
            if let scalar = Unicode.Scalar(UInt32(first[place])), let units = UTF8.encode(scalar) {
                result.append(contentsOf: units)
            }
            if isSymbol { result.append(0x20) }
        }
        index = 0
        while index < first.count {
            if index + 1 < first.count, firstClasses[index] == .punctuation,
                firstClasses[index + 1] != .number
            {
                result.append(0x20)
                append(index)
                result.append(0x20)
                append(index + 1)
                index += 2
            } else {
                append(index)
                index += 1
            }
        }
        return TextBytes.singleSpaced(result)
    }

    /// What the rules tell apart.
    private enum ScalarClass: UInt8 {
        case number, punctuation, symbol, other

        private static let ascii: [ScalarClass] = (0..<128).map { of(Unicode.Scalar($0)) }

        init(_ value: Int32) {
            if value < 128 {
                self = Self.ascii[Int(value)]
            } else {
                self = Unicode.Scalar(UInt32(value)).map(Self.of) ?? .other
            }
        }

        private static func of(_ scalar: Unicode.Scalar) -> ScalarClass {
            switch scalar.properties.generalCategory {
            case .decimalNumber, .letterNumber, .otherNumber: return .number
            case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
                .initialPunctuation, .finalPunctuation, .otherPunctuation:
                return .punctuation
            case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: return .symbol
            default: return .other
            }
        }
    }
}
