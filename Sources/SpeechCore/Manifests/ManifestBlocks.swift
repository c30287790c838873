package import Foundation

/// The lines of a manifest in blocks that several threads can read, in any order.
///
/// JSON Lines are not held in memory but read from the file, block by block; of other formats all
/// utterances are.
package struct ManifestBlocks: Sendable {
    private enum Source: Sendable {
        case jsonLines(MappedFile, blocks: [Block], folder: URL)
        case lines([ManifestLine], blockSize: Int)
    }

    /// Some neighbouring lines.
    private struct Block: Sendable {
        let bytes: Range<Int>
        let firstLine: Int
    }

    /// The manifest.
    package let url: URL
    /// The number of lines, blank ones among them.
    package let lineCount: Int
    private let source: Source

    /// Finds the lines of a manifest of any format.
    ///
    /// * `blockSize`: Lines of a block, at least 1.
    /// - Throws: `FileSystemError`, or `ManifestError` when there is no line or the format is unknown.
    package init(_ url: URL, blockSize: Int) throws {
        precondition(blockSize > 0)
        self.url = url
        let format = try ManifestFormat.detect(url)
        guard format.name == ManifestFormat.jsonLines.name else {
            let lines = Self.lines(of: try format.scan(url))
            lineCount = lines.count
            source = .lines(lines, blockSize: blockSize)
            return
        }
        let file = try MappedFile(path: url.path)
        var blocks: [Block] = []
        var number = 1
        var blockStart = 0
        var blockLine = 1
        Self.forEachLine(in: file, 0..<file.count) { _, end in
            number += 1
            guard number - blockLine == blockSize else { return }
            blocks.append(Block(bytes: blockStart..<end, firstLine: blockLine))
            (blockStart, blockLine) = (end, number)
        }
        if blockStart < file.count {
            blocks.append(Block(bytes: blockStart..<file.count, firstLine: blockLine))
        }
        lineCount = number - 1
        source = .jsonLines(file, blocks: blocks, folder: ManifestPath.folder(of: url))
    }

    /// The number of blocks.
    package var count: Int {
        switch source {
        case .jsonLines(_, let blocks, _): blocks.count
        case .lines(let lines, let blockSize): (lines.count + blockSize - 1) / blockSize
        }
    }

    /// Reads a block; blank lines are left out.
    package func lines(ofBlock index: Int) -> [ManifestLine] {
        switch source {
        case .lines(let lines, let blockSize):
            return Array(lines[index * blockSize..<min(lines.count, (index + 1) * blockSize)])
        case .jsonLines(let file, let blocks, let folder):
            var lines: [ManifestLine] = []
            var number = blocks[index].firstLine
            Self.forEachLine(in: file, blocks[index].bytes) { range, _ in
                defer { number += 1 }
                file.withBytes(range) { bytes in
                    if bytes.isBlank { return }
                    lines.append(
                        ManifestLine(
                            number: number, bytes: range,
                            content: JSONLinesManifest.parse(
                                bytes, number: number, folder: folder)))
                }
            }
            return lines
        }
    }

    /// Whether there are bytes of lines to be copied.
    package var holdsJSONLines: Bool {
        if case .jsonLines = source { true } else { false }
    }

    /// Reads the bytes of a line of JSON Lines again.
    package func withBytes<R>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> R
    ) rethrows -> R {
        guard case .jsonLines(let file, _, _) = source else {
            preconditionFailure("only JSON Lines have bytes of their own")
        }
        return try file.withBytes(range, body)
    }

    /// Utterances and faults by their lines.
    private static func lines(of contents: ManifestContents) -> [ManifestLine] {
        let utterances = zip(contents.utterances, contents.lines).map { utterance, number in
            ManifestLine(number: number, bytes: 0..<0, content: .utterance(utterance))
        }
        let faults = contents.faults.map { fault in
            ManifestLine(
                number: fault.line, bytes: 0..<0, content: .fault(.init(fault: fault)))
        }
        return (utterances + faults).sorted { $0.number < $1.number }
    }

    /// Calls `body` with the place of each line without its end, and where the next line begins.
    private static func forEachLine(
        in file: MappedFile, _ range: Range<Int>, _ body: (Range<Int>, _ next: Int) -> Void
    ) {
        file.withBytes(range) { bytes in
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            var start = range.lowerBound == 0 && bytes.starts(with: mark) ? mark.count : 0
            while start < bytes.count, let base = bytes.baseAddress {
                let found = memchr(base + start, 0x0A, bytes.count - start)
                let end = found.map { UnsafeRawPointer($0) - base } ?? bytes.count
                let next = min(end + 1, bytes.count)
                let hasReturn = end > start && bytes[end - 1] == UInt8(ascii: "\r")
                body(
                    range.lowerBound + start..<range.lowerBound + (hasReturn ? end - 1 : end),
                    range.lowerBound + next)
                start = next
            }
        }
    }
}
