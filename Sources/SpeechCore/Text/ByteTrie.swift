/// A set of byte strings with a number for each, searched from their beginnings.
struct ByteTrie: Sendable {
    /// The children of node i are the nodes `children[i]..<children[i + 1]`, ascending by label.
    private var children: [Int32] = []
    private var labels: [UInt8] = [0]
    /// The number of the string that ends at a node, or -1.
    private var values: [Int32] = []

    /// Builds the trie of strings that are all different.
    init(_ strings: [(bytes: [UInt8], value: Int)]) {
        let sorted = strings.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        // Nodes in the order of their depth, each as the strings that go through it.
        var nodes: [(range: Range<Int>, depth: Int)] = [(0..<sorted.count, 0)]
        var index = 0
        while index < nodes.count {
            var (range, depth) = nodes[index]
            children.append(Int32(nodes.count))
            var value: Int32 = -1
            if let first = range.first, sorted[first].bytes.count == depth {
                value = Int32(sorted[first].value)
                range = first + 1..<range.upperBound
            }
            values.append(value)
            var start = range.lowerBound
            while start < range.upperBound {
                let label = sorted[start].bytes[depth]
                var end = start + 1
                while end < range.upperBound, sorted[end].bytes[depth] == label { end += 1 }
                nodes.append((start..<end, depth + 1))
                labels.append(label)
                start = end
            }
            index += 1
        }
        children.append(Int32(nodes.count))
    }

    /// Where a search begins.
    static let root = 0

    /// The node behind a byte, or nil where no string goes on with it.
    func child(of node: Int, _ byte: UInt8) -> Int? {
        var (low, high) = (Int(children[node]), Int(children[node + 1]))
        while low < high {
            let middle = (low + high) / 2
            if labels[middle] < byte { low = middle + 1 } else { high = middle }
        }
        return low < Int(children[node + 1]) && labels[low] == byte ? low : nil
    }

    /// The number of the string that ends at a node.
    func value(at node: Int) -> Int? { values[node] >= 0 ? Int(values[node]) : nil }

    /// The number of a string.
    func value(of bytes: some Sequence<UInt8>) -> Int? {
        var node = Self.root
        for byte in bytes {
            guard let next = child(of: node, byte) else { return nil }
            node = next
        }
        return value(at: node)
    }

    /// The length of the longest string that stands at a place; nil where there is none.
    func longestMatch(_ bytes: [UInt8], at start: Int) -> Int? {
        var node = Self.root
        var longest: Int?
        for position in start..<bytes.count {
            guard let next = child(of: node, bytes[position]) else { break }
            node = next
            if values[node] >= 0 { longest = position + 1 - start }
        }
        return longest
    }

    /// The strings that stand in some bytes, the longest at each place, and what is between them,
    /// which has no value.
    func parts(of bytes: [UInt8]) -> [(range: Range<Int>, value: Int?)] {
        var parts: [(range: Range<Int>, value: Int?)] = []
        var start = 0
        var position = 0
        while position < bytes.count {
            guard let length = longestMatch(bytes, at: position) else {
                position += 1
                continue
            }
            if start < position { parts.append((start..<position, nil)) }
            let range = position..<position + length
            parts.append((range, value(of: bytes[range])))
            position = range.upperBound
            start = position
        }
        if start < bytes.count { parts.append((start..<bytes.count, nil)) }
        return parts
    }
}
