package import Foundation

/// The lines of a manifest in blocks that several threads can read, in any order.
///
/// JSON Lines are not held in memory but read from the file, block by block; of other formats all
/// utterances are.
package struct ManifestBlocks: Sendable {
    private enum Source: Sendable {
        case jsonLines(ManifestLines, blocks: [Block], folder: URL)
        case list([ManifestLine])
    }

    /// Some neighbouring lines.
    private struct Block: Sendable {
        let bytes: Range<Int>
        let firstLine: Int
    }

    /// The manifest.
    package let url: URL
    /// The number of the last line.
    package let lineCount: Int
    private let source: Source

    /// Finds the lines of a manifest of any format.
    ///
    /// * `bytes`: About how long a block is.
    /// - Throws: `FileSystemError`, or `ManifestError` when there is no line or the format is unknown.
    package init(_ url: URL, ofBytes bytes: Int) throws {
        self.url = url
        let format = try ManifestFormat.detect(url)
        guard format.hasUtteranceLines else {
            let lines = Self.lines(of: try format.scan(url))
            lineCount = lines.last?.number ?? 0
            source = .list(lines)
            return
        }
        let lines = try ManifestLines(path: url.path)
        var last = 0
        let blocks = lines.parts(ofBytes: bytes).map { part in
            let block = Block(bytes: part, firstLine: last + 1)
            lines.forEach(in: part) { _, _, _ in last += 1 }
            return block
        }
        lineCount = last
        source = .jsonLines(lines, blocks: blocks, folder: ManifestPath.folder(of: url))
    }

    /// The number of blocks.
    package var count: Int {
        switch source {
        case .jsonLines(_, let blocks, _): blocks.count
        case .list(let lines): (lines.count + Self.listBlock - 1) / Self.listBlock
        }
    }

    /// Lines of a block of those in memory.
    private static let listBlock = 8

    /// Reads a block; blank lines are left out.
    package func lines(ofBlock index: Int) -> [ManifestLine] {
        switch source {
        case .list(let lines):
            let start = index * Self.listBlock
            return Array(lines[start..<min(lines.count, start + Self.listBlock)])
        case .jsonLines(let file, let blocks, let folder):
            let block = blocks[index]
            var lines: [ManifestLine] = []
            file.forEach(in: block.bytes) { number, start, bytes in
                if bytes.isBlank { return }
                lines.append(
                    ManifestLine(
                        bytes, at: start, number: block.firstLine + number - 1, folder: folder))
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
        guard case .jsonLines(let lines, _, _) = source else {
            preconditionFailure("only JSON Lines have bytes of their own")
        }
        return try lines.withBytes(range, body)
    }

    /// Utterances and faults by their lines.
    private static func lines(of contents: ManifestContents) -> [ManifestLine] {
        let utterances = zip(contents.utterances, contents.lines).map { utterance, number in
            ManifestLine(number: number, bytes: 0..<0, content: .utterance(utterance))
        }
        let faults = contents.faults.map { fault in
            ManifestLine(
                number: fault.line, bytes: 0..<0, content: .fault(.init(detail: fault.detail)))
        }
        return (utterances + faults).sorted { $0.number < $1.number }
    }
}
