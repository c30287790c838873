/// The size that a RIFF/WAVE file promises for its samples, against what is there.
///
/// libsndfile quietly shortens the frame count of a file that was cut off, so the promise has to be
/// read from the header itself. RF64 and W64, which state their sizes elsewhere, are not judged.
struct WaveDataChunk {
    let promisedBytes: Int
    let presentBytes: Int
    private let bytesPerFrame: Int

    /// The frames that the header promises.
    var promisedFrames: Int { promisedBytes / max(1, bytesPerFrame) }

    /// Whether bytes are missing; false for a stream that was written without knowing its length.
    ///
    /// Programs that write to a pipe put a placeholder for the size: 0, 0x7FFFF000 or more.
    var isCutShort: Bool { promisedBytes < 0x7fff_f000 && presentBytes < promisedBytes }

    /// Walks the chunks of a file; nil when it is no RIFF file or has no sample chunk.
    init?(_ source: EncodedAudio) {
        let start = source.bytes(at: 0, count: 12)
        guard start.count == 12, start.starts(with: "RIFF".utf8),
            start.dropFirst(8).elementsEqual("WAVE".utf8)
        else { return nil }
        var position = 12
        var bytesPerFrame = 0
        // A damaged file could otherwise lead from chunk to tiny chunk for ever.
        for _ in 0..<1000 {
            let header = source.bytes(at: position, count: 24)
            guard header.count >= 8 else { return nil }
            let name = header.prefix(4)
            let size = Int(Self.littleEndian(header.dropFirst(4).prefix(4)))
            if name.elementsEqual("fmt ".utf8), header.count >= 22 {
                bytesPerFrame = Int(Self.littleEndian(header.dropFirst(20).prefix(2)))
            }
            if name.elementsEqual("data".utf8) {
                promisedBytes = size
                presentBytes = source.count - position - 8
                self.bytesPerFrame = bytesPerFrame
                return
            }
            position += 8 + size + size % 2
        }
        return nil
    }

    private static func littleEndian(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
