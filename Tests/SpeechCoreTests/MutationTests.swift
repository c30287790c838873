import FileMutation
import Foundation
import TestSupport
import Testing

/// Whatever a few edits make of a file: an error of its reader, or tensors that can all be read.
///
/// `make fuzz` tries many more, each within a limit of time and memory.
@Suite struct MutationTests {
    @Test(arguments: MutatedFormat.allCases) func mutants(_ format: MutatedFormat) throws {
        let mutator = FileMutator(format, seed: 17)
        var accepted = 0
        var refusals: Set<String> = []
        try withTemporaryDirectory { folder in
            let path = folder.appendingPathComponent("x").path
            for index in 0..<2000 {
                // Overwritten in place: no mapping of the last round is left.
                try Data(mutator.mutant(index)).write(to: URL(fileURLWithPath: path))
                do {
                    try format.read(path)
                    accepted += 1
                } catch {
                    let refusal = try #require(
                        format.refusal(error), "mutant \(index): \(error)")
                    refusals.insert(refusal)
                }
            }
        }
        // Some edits are harmless (names, values); if none were, nothing was read.
        #expect(accepted > 50 && accepted < 1500, "\(accepted)")
        // Some have fewer ways to be wrong: gzip's are cut off or damaged.
        let kinds =
            switch format {
            case .gzip: 2
            case .tar: 3
            case .sentencePiece: 4
            default: 5
            }
        #expect(refusals.count >= kinds, "\(refusals)")
    }

    @Test func aMutantIsAFunctionOfSeedAndIndex() {
        for format in MutatedFormat.allCases {
            let mutants = { (seed: UInt64) in
                (0..<50).map { FileMutator(format, seed: seed).mutant($0) }
            }
            #expect(mutants(1) == mutants(1))
            #expect(mutants(1) != mutants(2))
        }
    }
}
