import Foundation

/// The columns of a table while lines are read.
struct IndexRows: Sendable {
    var starts: [UInt64] = []
    var durations: [Double] = []
    var lengths: [UInt32] = []
    var shardNumbers: [UInt32] = []
    var languageNumbers: [UInt16] = []
    /// Hashes of the ids.
    var ids: [UInt64] = []
    var languages: [String?] = []
    var shards: [String] = []
    var faults: [ManifestError.LineFault] = []
    var lineCount = 0
    private var languagePlaces: [String?: UInt16] = [:]
    private var shardPlaces: [String: UInt32] = [:]

    mutating func add(_ utterance: Utterance, start: Int, length: Int) {
        var id = Fingerprint()
        id.add(utterance.id.utf8)
        starts.append(UInt64(start))
        durations.append(utterance.duration)
        lengths.append(UInt32(clamping: length))
        languageNumbers.append(place(ofLanguage: utterance.lang))
        shardNumbers.append(
            utterance.byteRange == nil ? IndexTable.noShard : place(ofShard: utterance.audioPath))
        ids.append(id.value)
    }

    /// Adds the rows of the next part.
    mutating func append(_ other: IndexRows) {
        let languages = other.languages.map { place(ofLanguage: $0) }
        let shards = other.shards.map { place(ofShard: $0) }
        starts += other.starts
        durations += other.durations
        lengths += other.lengths
        ids += other.ids
        languageNumbers += other.languageNumbers.lazy.map { languages[Int($0)] }
        shardNumbers += other.shardNumbers.lazy.map {
            $0 == IndexTable.noShard ? $0 : shards[Int($0)]
        }
        faults += other.faults.map { .init(line: $0.line + lineCount, detail: $0.detail) }
        lineCount += other.lineCount
    }

    private mutating func place(ofLanguage language: String?) -> UInt16 {
        if let known = languagePlaces[language] { return known }
        precondition(languages.count < UInt16.max, "more languages than a table can hold")
        languages.append(language)
        let place = UInt16(languages.count - 1)
        languagePlaces[language] = place
        return place
    }

    private mutating func place(ofShard path: String) -> UInt32 {
        if let known = shardPlaces[path] { return known }
        shards.append(path)
        let place = UInt32(shards.count - 1)
        shardPlaces[path] = place
        return place
    }

    func ascending() -> [UInt32] {
        durations.withUnsafeBufferPointer { durations in
            var order = (0..<UInt32(durations.count)).map { $0 }
            order.sort {
                let (first, second) = (durations[Int($0)], durations[Int($1)])
                return first == second ? $0 < $1 : first < second
            }
            return order
        }
    }

    /// - Throws: `ManifestError.duplicateIDs`.
    func requireUniqueIDs(_ lines: ManifestLines, folder: URL, path: String) throws {
        let order = ids.withUnsafeBufferPointer { ids in
            (0..<UInt32(ids.count)).sorted {
                let (first, second) = (ids[Int($0)], ids[Int($1)])
                return first == second ? $0 < $1 : first < second
            }
        }
        var linesOfID: [String: [Int]] = [:]
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, ids[Int(order[end])] == ids[Int(order[start])] { end += 1 }
            // Equal hashes are almost surely equal ids; the lines decide.
            if end - start > 1 {
                for number in order[start..<end] {
                    let begin = Int(starts[Int(number)])
                    let id = lines.withBytes(begin..<begin + Int(lengths[Int(number)])) {
                        try? JSONLinesManifest.utterance($0, folder: folder).get().id
                    }
                    guard let id else { continue }
                    linesOfID[id, default: []].append(lines.number(ofLineAt: begin))
                }
            }
            start = end
        }
        let duplicates = linesOfID.filter { $0.value.count > 1 }.sorted {
            $0.value[1] < $1.value[1]
        }
        guard duplicates.isEmpty else {
            throw ManifestError.duplicateIDs(
                path: path, ids: duplicates.map(\.key), lines: duplicates.map(\.value))
        }
    }
}
