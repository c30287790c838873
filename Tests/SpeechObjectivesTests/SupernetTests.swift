import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

/// Encoders inside encoders.
@Suite struct SupernetTests {
    /// Of width 24 with 3 heads of 8 and 48 units, 3 layers.
    private func supernet(_ family: TinyFamily) -> Supernet {
        let whole = family.encoder(layers: 3, width: 24, heads: 3, seed: 1)
        whole.parameters.setTrainable(true)
        return Supernet(whole)
    }

    private static let networks = [
        SubNetwork(layers: 3, width: 24, heads: 3, feedForward: 48),
        SubNetwork(layers: 2, width: 16, heads: 2, feedForward: 32),
        SubNetwork(layers: 3, width: 8, heads: 3, feedForward: 20),
        SubNetwork(
            width: 16,
            layers: [
                .init(heads: 1, feedForward: 40), .init(heads: 3, feedForward: 8),
                .init(heads: 2, feedForward: 24),
            ]),
    ]

    /// What runs is the encoder that a model directory of the leading weights would give, and it is
    /// plain where Hugging Face can say its sizes.
    @Test(arguments: TinyFamily.allCases, SupernetTests.networks)
    func runsTheLeadingWeights(_ family: TinyFamily, _ network: SubNetwork) throws {
        let supernet = supernet(family)
        let inside = try supernet.subNetwork(network)
        let structure = (inside.config as? any StructuredConfig)?.structure
        #expect(
            structure != nil || [16, 24].contains(network.width) && network.isUniform)
        let copy = inside.config.makeEncoder(in: ParameterStore(seed: 9))
        #expect(copy.parameters.names == inside.parameters.names)
        withoutGradients {
            for (name, tensor) in copy.parameters.all {
                let whole = supernet.parameters[name]!
                var leading = whole
                for (dimension, length) in tensor.shape.enumerated() {
                    if name.hasSuffix("pointwise_conv1.weight") && dimension == 0 {
                        // Values and gates of the linear unit are halves of the rows.
                        let half = whole.size(0) / 2
                        leading = .concatenate(
                            [
                                leading.narrow(0, 0, length / 2),
                                leading.narrow(0, half, length / 2),
                            ], 0)
                    } else {
                        leading = leading.narrow(dimension, 0, length)
                    }
                }
                tensor.assign(leading.contiguous())
            }
        }
        let depth = network.layers.count
        let input = family.input(frames: [14, 9])
        let expected = withoutGradients {
            copy.encode(input, request: LayerRequest(hiddenStates: [1, depth], feedForward: [1]))
        }
        supernet.choice = network
        let found = supernet.encode(
            input, request: LayerRequest(hiddenStates: [1, 3], feedForward: [1]))
        for (ours, theirs) in [
            (found.hiddenStates[1]!, expected.hiddenStates[1]!),
            (found.hiddenStates[3]!, expected.hiddenStates[depth]!),
            (found.feedForward[1]!, expected.feedForward[1]!),
        ] {
            #expect(ours.size(2) == 24 && theirs.size(2) == network.width)
            let missing = 24 - network.width
            let padded = missing == 0 ? theirs : theirs.padded([0, missing])
            expectClose(ours.floats(), padded.floats(), within: 1e-5)
        }
        #expect(found.lengths == expected.lengths)
    }

    /// Gradients reach the leading weights only.
    @Test(arguments: TinyFamily.allCases)
    func gradientsReachTheLeadingWeights(_ family: TinyFamily) throws {
        let supernet = supernet(family)
        supernet.choice = SubNetwork(layers: 2, width: 16, heads: 2, feedForward: 32)
        let output = supernet.encode(
            family.input(frames: [12]), request: LayerRequest(hiddenStates: [3]))
        (output.hiddenStates[3]! * output.hiddenStates[3]!).sum().backward()
        let name = "feature_projection.projection.weight"
        let gradient = Matrix(try #require(supernet.parameters[name]?.gradient)).rows
        #expect(gradient.prefix(16).allSatisfy { row in row.contains { $0 != 0 } })
        #expect(gradient.dropFirst(16).allSatisfy { row in row.allSatisfy { $0 == 0 } })
        let unused = supernet.parameters.all.filter { $0.name.hasPrefix("encoder.layers.2.") }
        #expect(!unused.isEmpty && unused.allSatisfy { $0.tensor.gradient == nil })
    }

    /// Every choice is drawn, and drawn again from the same seed.
    @Test func sampling() throws {
        let config = TinyFamily.wav2Vec2.config(layers: 3, width: 24, heads: 3)
        let space = try SearchSpace(
            layers: [3, 2], widths: [24, 16], heads: [3, 2], feedForwardRatios: [1, 2]
        ).resolved(for: config)
        var generator = SeededGenerator(seed: 1, stream: 2)
        var again = SeededGenerator(seed: 1, stream: 2)
        var seen: Set<SubNetwork> = []
        for _ in 0..<3000 {
            let network = space.sample(using: &generator)
            #expect(network == space.sample(using: &again))
            #expect([24, 16].contains(network.width))
            #expect(
                network.layers.allSatisfy {
                    [3, 2].contains($0.heads)
                        && [1, 2].contains($0.feedForward / network.width)
                })
            seen.insert(network)
        }
        // 2 widths, and 4 kinds of each of 2 or 3 layers.
        #expect(seen.count == 2 * (16 + 64))
        #expect(space.uniform.count == 16 && Set(space.uniform).isSubset(of: seen))
        #expect(space.largest == SubNetwork(layers: 3, width: 24, heads: 3, feedForward: 48))
        #expect(space.smallest == SubNetwork(layers: 2, width: 16, heads: 2, feedForward: 16))
        let own = try SearchSpace().resolved(for: config)
        #expect(own.uniform == [space.largest])
    }

    @Test func sizesOutsideTheStudentAreRefused() {
        let config = TinyFamily.wav2Vec2.config(layers: 3, width: 24, heads: 3)
        func refuses(_ key: String, _ found: String, _ change: (inout SearchSpace) -> Void) {
            var space = SearchSpace()
            change(&space)
            expectError(
                ObjectiveError.self, containing: ["objective.space.\(key)", "found \(found)"]
            ) { try space.resolved(for: config) }
        }
        refuses("layers", "[2, 4]") { $0.layers = [4, 2] }
        refuses("widths", "[25]") { $0.widths = [25] }
        refuses("heads", "[0, 3]") { $0.heads = [3, 0] }
        refuses("feed_forward_ratios", "[2.5]") { $0.feedForwardRatios = [2.5] }
    }

    /// What one batch trains is one of the space, another for each, and validations know the
    /// smallest, the largest and one between.
    @Test func trainsOneOfThemAtATime() throws {
        let family = TinyFamily.w2vBert
        var settings = OnceForAllSettings()
        settings.space = SearchSpace(
            layers: [1, 2], widths: [16, 24], heads: [2, 3], feedForwardRatios: [1, 2])
        settings.regression.topLayers = 2
        let student = family.encoder(layers: 2, width: 24, heads: 3, seed: 2)
        student.parameters.setTrainable(true)
        let objective = try OnceForAll(
            settings, teachers: [family.encoder(layers: 3, width: 16, seed: 1)], student: student,
            seed: 3)
        let batch = family.batch(frames: [50, 40])
        var losses: Set<Double> = []
        for step in 0..<6 {
            let report = try objective.report(batch, BatchSeed(seed: 7, step: step, batch: 0))
            report.sum.backward()
            losses.insert(report.sum.item() / Double(report.count))
        }
        #expect(losses.count == 6)
        #expect(objective.heads.all.contains { $0.tensor.gradient != nil })
        let validation = LossContext(
            seed: firstBatch, step: 3, steps: 10, isValidation: true, withDiagnostics: true)
        let report = try withoutGradients { try objective.loss(on: batch, validation) }
        let metrics = Dictionary(report.metrics.map { ($0.name, $0.value) }) { $1 }
        let parts = ["smallest", "middle", "largest"].compactMap { metrics["\($0)/loss"] }
        #expect(parts.count == 3 && Set(parts).count == 3)
        expectClose(
            report.sum.item() / Double(report.count), parts.reduce(0, +) / 3, within: 1e-5)
        let json = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(OnceForAllSettings.self, from: json) == settings)
    }
}
