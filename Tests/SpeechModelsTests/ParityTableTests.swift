import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// How far every fixture is from the reference, as a table for people.
@Suite(.serialized) struct ParityTableTests {
    /// What the reference says, by the kind of tensor: a column of the table.
    enum Kind: String, CaseIterable {
        case hiddenStates = "hidden"
        case feedForward = "ffn"
        case output
        case alone
        case masked
        case logits

        /// The kind of a tensor of `expected.safetensors`, nil for inputs, masks and the like.
        init?(_ name: String) {
            if name.hasPrefix("alone.") {
                self = .alone
            } else if name == "spec.last_hidden_state" {
                self = .masked
            } else if name.hasPrefix("ctc."), name.hasSuffix(".logits") {
                self = .logits
            } else if name.contains(".hidden_states.") {
                self = .hiddenStates
            } else if name.contains(".ffn.") {
                self = .feedForward
            } else if name.hasSuffix(".last_hidden_state") || name.hasSuffix(".encoder_output") {
                self = .output
            } else {
                return nil
            }
        }
    }

    /// Prints family × largest difference, and holds every number to the tolerance.
    @Test func theLargestDifferenceOfEveryFixture() throws {
        var families: Set<String> = []
        var lines = [Self.line("fixture", "family", Kind.allCases.map(\.rawValue))]
        for name in ParityTests.models {
            let fixture = try ParityTests.Case(name)
            let found = try Self.tensors(fixture, name)
            var largest: [Kind: Double] = [:]
            for tensor in fixture.expected.names {
                // The reference gives feed-forward features of a run without a mask, too.
                guard let kind = Kind(tensor), let values = found[tensor] else { continue }
                let expected = try fixture.expected.floats(tensor)
                try #require(values.count == expected.count, "\(name): \(tensor)")
                let distance = zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
                #expect(Double(distance) <= ParityTests.tolerance, "\(name): \(tensor)")
                largest[kind] = max(largest[kind] ?? 0, Double(distance))
            }
            for kind in [Kind.hiddenStates, .feedForward, .output] {
                #expect(largest[kind] != nil, "\(name): nothing compared of \(kind)")
            }
            families.insert(fixture.model.family.modelType)
            lines.append(
                Self.line(
                    name, fixture.model.family.modelType,
                    Kind.allCases.map { kind in
                        largest[kind].map { String(format: "%.1e", $0) } ?? "-"
                    }))
        }
        print(lines.joined(separator: "\n"))
        #expect(families == Set(EncoderFamily.all.map(\.modelType)))
    }

    private static func line(_ name: String, _ family: String, _ cells: [String]) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            text.padding(toLength: width, withPad: " ", startingAt: 0)
        }
        return padded(name, 30) + padded(family, 20)
            + cells.map { padded($0, 9) }.joined()
    }

    /// Everything that a fixture expects and an encoder gives, by the reference's names.
    private static func tensors(
        _ fixture: ParityTests.Case, _ name: String
    ) throws -> [String: [Float]] {
        var found: [String: [Float]] = [:]
        func keep(_ output: EncoderOutput, _ prefix: String) {
            for (layer, tensor) in output.hiddenStates {
                found["\(prefix).hidden_states.\(layer)"] = tensor.floats()
            }
            for (layer, tensor) in output.feedForward {
                found["\(prefix).ffn.\(layer - 1)"] = tensor.floats()
            }
            found["\(prefix).encoder_output"] = output.encoderOutput?.floats()
            found["\(prefix).last_hidden_state"] = output.lastHiddenState?.floats()
        }
        keep(fixture.run(), "mask")
        keep(fixture.run(useMask: false), "nomask")
        if let entry = fixture.expected.entry("spec.mask_time_indices") {
            let frames = try fixture.expected.integers("spec.mask_time_indices").map { $0 != 0 }
            let output = fixture.run(masked: Tensor(frames, entry.shape))
            found["spec.last_hidden_state"] = output.lastHiddenState?.floats()
        }
        for clip in fixture.lengths.indices {
            let name = "alone.\(clip).last_hidden_state"
            guard let frames = fixture.expected.entry(name)?.shape[0] else { continue }
            let features = try fixture.model.featureExtractor.extract([
                fixture.expected.floats("raw.\(clip)")
            ])
            let output = withoutGradients { fixture.model.encoder.encode(EncoderInput(features)) }
            found[name] = output.lastHiddenState?.select(0, 0).narrow(0, 0, frames).floats()
        }
        for (prefix, language) in [("ctc", nil), ("ctc.fra", "fra")] as [(String, String?)] {
            guard fixture.expected.entry("\(prefix).logits") != nil else { continue }
            let other = try ParityTests.Case(name, language: language)
            let head = try other.model.loadHead()
            let last = try #require(other.run().lastHiddenState)
            found["\(prefix).logits"] = withoutGradients { head(last) }.floats()
        }
        return found
    }
}
