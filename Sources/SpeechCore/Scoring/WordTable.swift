/// Numbers words from 0 in the order in which they first come; equal bytes are equal words.
///
/// `Dictionary` over `String` would take different spellings of one character as equal, and several
/// times as long.
struct WordTable {
    /// The bytes of all words, one behind the other.
    private var bytes: [UInt8] = []
    /// Where each word begins, and where the last one ends.
    private var starts = [0]
    private var hashes: [UInt64] = []
    /// Open addressing: the number of a word plus 1, or 0.
    private var slots: [Int32] = Array(repeating: 0, count: 1 << 10)

    /// How many words there are.
    var count: Int { hashes.count }

    /// A word by its number.
    subscript(_ number: Int32) -> String {
        String(decoding: bytes[starts[Int(number)]..<starts[Int(number) + 1]], as: UTF8.self)
    }

    /// The numbers of words that are ranges of a text.
    mutating func numbers(_ text: [UInt8], _ words: [Range<Int>]) -> [Int32] {
        text.withUnsafeBufferPointer { text in
            words.map { number(UnsafeBufferPointer(rebasing: text[$0])) }
        }
    }

    private mutating func number(_ word: UnsafeBufferPointer<UInt8>) -> Int32 {
        let hash = Self.hash(word)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let known = Int(slots[slot] - 1)
            if hashes[known] == hash {
                let (start, end) = (starts[known], starts[known + 1])
                let isSame =
                    end - start == word.count
                    && bytes.withUnsafeBufferPointer { $0[start..<end].elementsEqual(word) }
                if isSame { return Int32(known) }
            }
            slot = (slot + 1) & mask
        }
        bytes.append(contentsOf: word)
        starts.append(bytes.count)
        hashes.append(hash)
        slots[slot] = Int32(hashes.count)
        if hashes.count * 2 > slots.count { grow() }
        return Int32(hashes.count - 1)
    }

    private mutating func grow() {
        var wider = [Int32](repeating: 0, count: slots.count * 2)
        let mask = wider.count - 1
        for (number, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while wider[slot] != 0 { slot = (slot + 1) & mask }
            wider[slot] = Int32(number + 1)
        }
        slots = wider
    }

    /// Eight bytes at a time, each product folded.
    private static func hash(_ word: UnsafeBufferPointer<UInt8>) -> UInt64 {
        func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let product = a.multipliedFullWidth(by: b)
            return product.high ^ product.low
        }
        var hash = UInt64(word.count) ^ 0x9E37_79B9_7F4A_7C15
        var index = 0
        while index < word.count {
            var part: UInt64 = 0
            let end = min(index + 8, word.count)
            while index < end {
                part = part << 8 | UInt64(word[index])
                index += 1
            }
            hash = mix(hash ^ part, 0xD6E8_FEB8_6659_FD93 ^ hash >> 32)
        }
        return mix(hash, 0xA076_1D64_78BD_642F)
    }
}
