/// Makes tar archives byte by byte, valid ones and others.
package struct TarBytes {
    /// The archive so far, without its end mark.
    package var bytes: [UInt8] = []

    /// An empty archive.
    package init() {}

    /// Appends a member.
    ///
    /// * `kind`: the type flag, '0' for a file.
    /// * `prefix`: what POSIX writers put before a long name.
    /// * `isGNU`: the older magic of GNU tar instead of POSIX's.
    /// * `statedSize`: a size other than that of the content.
    package mutating func add(
        _ name: String, _ content: [UInt8], kind: Character = "0", prefix: String = "",
        isGNU: Bool = false, statedSize: [UInt8]? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ field: [UInt8], at offset: Int) {
            header.replaceSubrange(offset..<offset + field.count, with: field)
        }
        func octal(_ value: Int, digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return Array((String(repeating: "0", count: digits - text.count) + text).utf8)
        }
        put(Array(name.utf8.prefix(100)), at: 0)
        put(octal(0o644, digits: 7), at: 100)
        put(statedSize ?? octal(content.count, digits: 11), at: 124)
        put(octal(0, digits: 11), at: 136)
        put(Array(repeating: 0x20, count: 8), at: 148)
        header[156] = kind.asciiValue ?? 0
        put(Array((isGNU ? "ustar  \0" : "ustar\u{0}00").utf8), at: 257)
        put(Array(prefix.utf8), at: 345)
        let sum = header.reduce(0) { $0 + Int($1) }
        put(octal(sum, digits: 6) + [0, 0x20], at: 148)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Appends attributes, of the next member or with `isGlobal` of all that follow.
    package mutating func addAttributes(_ pairs: [(String, String)], isGlobal: Bool = false) {
        var records: [UInt8] = []
        for (key, value) in pairs {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count > length { length += 1 }
            records += Array((String(length) + rest).utf8)
        }
        add("PaxHeader", records, kind: isGlobal ? "g" : "x")
    }

    /// The whole archive.
    package func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
