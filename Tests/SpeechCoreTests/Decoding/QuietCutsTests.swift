import SpeechCore
import Testing

@Suite("cuts at quiet places") struct QuietCutsTests {
    /// Ones, but for a stretch of silence.
    private func recording(_ count: Int, quiet: [Range<Int>] = []) -> [Float] {
        var samples = [Float](repeating: 1, count: count)
        for range in quiet { for place in range { samples[place] = 0 } }
        return samples
    }

    @Test("a short recording is one piece, an empty one none")
    func short() {
        #expect(QuietCuts.pieces(of: recording(100), longest: 100, window: 8) == [0..<100])
        #expect(QuietCuts.pieces(of: [], longest: 100, window: 8).isEmpty)
    }

    /// The window from 68 to 76 is the last silent one of the second half.
    @Test("a piece ends in the last of the quietest windows of its second half")
    func silence() {
        let samples = recording(170, quiet: [20..<40, 64..<78])
        #expect(QuietCuts.pieces(of: samples, longest: 100, window: 8) == [0..<74, 74..<170])
    }

    @Test("pieces cover everything, none too long and none a remnant", arguments: [101, 333, 1000])
    func cover(_ count: Int) {
        let pieces = QuietCuts.pieces(of: recording(count), longest: 100, window: 8)
        #expect(pieces.flatMap { Array($0) } == Array(0..<count))
        #expect(pieces.allSatisfy { (25...100).contains($0.count) }, "\(pieces)")
    }
}
