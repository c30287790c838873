/// Keys numbered in the order they came: the children of n-grams, or of the nodes of a trie.
///
/// Open addressing over 32-bit numbers, so that a key costs about 16 bytes.
struct NGramTable: Sendable {
    /// The keys by number.
    private(set) var keys: [UInt64] = []
    /// The number of a key plus one; 0 for a free slot.
    private var slots: [UInt32]
    private var shift: UInt64

    /// An empty table with room for some keys.
    init(capacity: Int = 0) {
        var bits: UInt64 = 4
        while 1 << bits < capacity * 3 / 2 { bits += 1 }
        slots = [UInt32](repeating: 0, count: 1 << Int(bits))
        shift = 64 - bits
        keys.reserveCapacity(capacity)
    }

    /// The key of a child: its parent's number and what leads to it.
    static func key(_ parent: Int, _ label: UInt32) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: parent)) << 32 | UInt64(label)
    }

    var count: Int { keys.count }

    /// The number of a key; -1 where there is none.
    func find(_ key: UInt64) -> Int {
        keys.withUnsafeBufferPointer { keys in
            slots.withUnsafeBufferPointer { slots in
                let mask = slots.count - 1
                var slot = Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)
                while true {
                    let number = Int(slots[slot]) - 1
                    if number < 0 || keys[number] == key { return number }
                    slot = (slot + 1) & mask
                }
            }
        }
    }

    /// The number of a key, which is the next one for a new key.
    mutating func insert(_ key: UInt64) -> (number: Int, isNew: Bool) {
        let found = find(key)
        if found >= 0 { return (found, false) }
        precondition(keys.count < Int(UInt32.max) - 1, "a table of 2^32 n-grams")
        keys.append(key)
        if keys.count * 3 > slots.count * 2 {
            grow()
        } else {
            place(keys.count - 1)
        }
        return (keys.count - 1, true)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        shift -= 1
        for number in keys.indices { place(number) }
    }

    private mutating func place(_ number: Int) {
        let mask = slots.count - 1
        var slot = Int((keys[number] &* 0x9E37_79B9_7F4A_7C15) >> shift)
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(number + 1)
    }
}
