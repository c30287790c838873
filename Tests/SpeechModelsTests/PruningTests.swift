import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Gates on the units of an encoder, the size that they leave, and the encoder that is left.
@Suite(.serialized) struct PruningTests {
    private static let names = [
        "w2v-bert", "w2v-bert relative", "w2v-bert rotary", "wav2vec2 large", "hubert base",
        "hubert batch norm", "data2vec", "conformer relative", "conformer rotary",
        "unispeech-sat", "wavlm base", "wavlm large",
    ]
    private static let conformers = names.filter {
        $0.contains("bert ") || $0.contains("conformer")
    }

    private func encoder(_ name: String, text: String? = nil) throws -> any PrunableEncoder {
        let config = try text.map { try TinyModels.config(text: $0) } ?? TinyModels.config(name)
        return try #require(
            config.makeEncoder(in: ParameterStore(seed: 1)) as? any PrunableEncoder)
    }

    /// Every third unit closed, the others more or less open.
    private func factors(
        _ units: PrunableUnits, _ kinds: [UnitGroup.Kind], offset: Int = 0
    ) -> [UnitGroup: [Double]] {
        units.groups.filter { kinds.contains($0.group.kind) }.reduce(into: [:]) { factors, entry in
            factors[entry.group] = (0..<entry.count).map { unit in
                let place = unit + entry.group.layer + offset
                return place % 3 == 0 ? 0 : 0.3 + 0.1 * Double(place % 8)
            }
        }
    }

    private func gates(_ factors: [UnitGroup: [Double]]) -> EncoderGates {
        EncoderGates(factors.mapValues { Tensor($0.map(Float.init), [$0.count]) })
    }

    private func input(_ encoder: any SpeechEncoder) -> EncoderInput {
        TinyModels.input(encoder, lengths: TinyModels.lengths(encoder, frames: [12, 9]))
    }

    /// All hidden states and the last one, valid frames only.
    private func states(
        _ encoder: any PrunableEncoder, _ gates: EncoderGates? = nil
    ) throws -> [[Float]] {
        encoder.gates = gates
        defer { encoder.gates = nil }
        let output = withoutGradients {
            encoder.encode(input(encoder), request: .all(layers: encoder.layerCount))
        }
        let all = (0...encoder.layerCount).map { output.hiddenStates[$0]! }
        return (all + [try #require(output.lastHiddenState)]).flatMap { state in
            (0..<2).map { state.select(0, $0).narrow(0, 0, output.lengths[$0]).floats() }
        }
    }

    private func expectSame(_ a: [[Float]], _ b: [[Float]], within tolerance: Double) {
        for (a, b) in zip(a, b) { expectClose(a, b, within: tolerance) }
    }

    @Test(arguments: names) func openGatesChangeNothing(_ name: String) throws {
        let encoder = try encoder(name)
        let units = PrunableUnits(encoder)
        let open = Dictionary(
            uniqueKeysWithValues: units.groups.map {
                ($0.group, [Double](repeating: 1, count: $0.count))
            }
        )
        let plain = try states(encoder)
        expectSame(try states(encoder, gates(open)), plain, within: 1e-5)
        // Without the norm over open channels to the last bit.
        let exact = open.filter { $0.key.kind != .conformerConvolution }
        #expect(try states(encoder, gates(exact)) == plain)
        #expect(try states(encoder) == plain)
    }

    @Test(arguments: names) func headsAndFeedForwardUnitsArePrunedExactly(_ name: String) throws {
        let encoder = try encoder(name)
        let factors = factors(PrunableUnits(encoder), [.heads, .feedForward])
        let gated = try states(encoder, gates(factors))
        #expect(gated != (try states(encoder)))
        let pruned = encoder.pruned(factors)
        expectSame(try states(pruned), gated, within: 2e-5)
    }

    @Test(arguments: ["w2v-bert"] + conformers)
    func conformerChannelsArePrunedExactly(_ name: String) throws {
        let encoder = try encoder(name)
        let factors = factors(
            PrunableUnits(encoder), UnitGroup.Kind.allCases.filter { $0 != .convolution })
        expectSame(
            try states(encoder.pruned(factors)), try states(encoder, gates(factors)), within: 2e-5)
    }

    /// A LayerNorm behind the convolutions counts the zeros of closed channels, one for every channel
    /// over time does not.
    @Test func frontEndChannels() throws {
        for name in ["wav2vec2 large", "hubert base", "conformer rotary", "wavlm large"] {
            let encoder = try encoder(name)
            let factors = factors(PrunableUnits(encoder), [.convolution, .heads])
            let (pruned, gated) = (
                try states(encoder.pruned(factors)), try states(encoder, gates(factors))
            )
            #expect(pruned.allSatisfy { $0.allSatisfy(\.isFinite) })
            let gap = zip(pruned.joined(), gated.joined()).map { abs($0 - $1) }.max() ?? 0
            #expect(gap > 1e-4 && gap < 100, "\(name): \(gap)")
        }
        let text = try #require(TinyModels.texts["hubert base"])
            .replacing(#""hidden_size""#, with: #""feat_proj_layer_norm": false, "hidden_size""#)
        let encoder = try encoder("hubert", text: text)
        let factors = factors(PrunableUnits(encoder), [.convolution])
        expectSame(
            try states(encoder.pruned(factors)), try states(encoder, gates(factors)), within: 2e-5)
    }

    @Test(arguments: names) func sizesAreTrue(_ name: String) throws {
        let encoder = try encoder(name)
        let units = PrunableUnits(encoder)
        let none: [UnitGroup: Int] = [:]
        #expect(units.size(with: none) == encoder.parameters.parameterCount)
        for kinds in UnitGroup.Kind.allCases.map({ [$0] }) + [UnitGroup.Kind.allCases] {
            let factors = factors(units, kinds)
            let counts = factors.mapValues { $0.filter { $0 > 0 }.count }
            let pruned = encoder.pruned(factors)
            #expect(units.size(with: counts) == pruned.parameters.parameterCount, "\(kinds)")
            #expect(PrunableUnits(pruned).size(with: none) == pruned.parameters.parameterCount)
            let expected = units.size(with: counts.mapValues { Tensor.full([], Double($0)) })
            #expect(expected.item() == Double(pruned.parameters.parameterCount))
        }
    }

    /// As DPHuBERT counts: convolutions, attention 3 (D + 1) H d + (H d + 1) D, feed-forward networks
    /// (D + 1) F + (F + 1) D.
    @Test func sizesFollowTheFormula() throws {
        let units = PrunableUnits(try encoder("hubert base"))
        let (d, width) = (32, 8)
        func attention(_ heads: Int) -> Int {
            3 * (d + 1) * heads * width + (heads * width + 1) * d
        }
        func feedForward(_ count: Int) -> Int { (d + 1) * count + (count + 1) * d }
        let none: [UnitGroup: Int] = [:]
        let whole = units.size(with: none)
        let smaller = units.size(with: [
            UnitGroup(.heads, layer: 1): 3, UnitGroup(.feedForward, layer: 2): 10,
        ])
        #expect(
            whole - smaller == attention(4) - attention(3) + feedForward(48) - feedForward(10))
        // Two neighbouring convolutions: 24 × 24 × 3 taps, then 24 × 24 × 3 on both sides.
        let narrow = units.size(with: [
            UnitGroup(.convolution, layer: 1): 5, UnitGroup(.convolution, layer: 2): 7,
        ])
        #expect(whole - narrow == 3 * (3 * 24 * 24 - 24 * 5 - 5 * 7 - 7 * 24))
        // The norm over channels and the projection behind the last one.
        let last = units.size(with: [UnitGroup(.convolution, layer: 6): 20])
        #expect(whole - last == 4 * (2 * 24 + 2 + 32))

        let conformer = PrunableUnits(try encoder("w2v-bert"))
        #expect(conformer.groups.allSatisfy { $0.group.kind != .convolution })
        let all = conformer.size(with: none)
        let cut = conformer.size(with: [UnitGroup(.conformerConvolution, layer: 0): 12])
        // 2 D C + k C + 2 C + C D
        #expect(all - cut == 20 * (2 * 32 + 7 + 2 + 32))
        let second = conformer.size(with: [UnitGroup(.feedForward, layer: 0, network: 1): 8])
        #expect(all - second == 40 * (2 * 32 + 1))
    }

    /// The derivative of the size by the counts, against differences of whole sizes.
    @Test func theSizeIsDifferentiable() throws {
        let units = PrunableUnits(try encoder("wav2vec2 large"))
        let counts = units.groups.reduce(into: [UnitGroup: Tensor]()) {
            $0[$1.group] = Tensor.full([], Double($1.count) - 0.5, dtype: .float64)
        }
        for tensor in counts.values { tensor.requiresGradient = true }
        units.size(with: counts).backward()
        for (group, tensor) in counts {
            func size(_ change: Double) -> Double {
                var moved = counts
                moved[group] = Tensor.full([], tensor.item() + change, dtype: .float64)
                return withoutGradients { units.size(with: moved).item() }
            }
            let found = try #require(tensor.gradient).item()
            expectClose(found, (size(1) - size(-1)) / 2, within: 1e-6, "\(group)")
        }
    }

    @Test(arguments: ["wavlm base", "w2v-bert", "conformer rotary"])
    func whatIsPrunedCanBeWrittenReadAndPrunedAgain(_ name: String) throws {
        let encoder = try encoder(name)
        let kinds = UnitGroup.Kind.allCases
        let once = encoder.pruned(factors(PrunableUnits(encoder), kinds))
        let extractor = once.config.standardExtractor.makeExtractor()
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("colld-pruned-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try ModelWriter.write(once, featureExtractor: extractor, card: "", to: folder)
        let loaded = try ModelLoader.load(folder.path)
        let read = try #require(loaded.encoder as? any PrunableEncoder)
        #expect(try states(read) == (try states(once)))
        #expect(loaded.encoder.parameters.parameterCount == once.parameters.parameterCount)

        let factors = factors(
            PrunableUnits(once), [.heads, .feedForward, .conformerConvolution], offset: 1)
        let twice = once.pruned(factors)
        #expect(twice.parameters.parameterCount < once.parameters.parameterCount)
        expectSame(try states(twice), try states(once, gates(factors)), within: 2e-5)
    }

    @Test(arguments: ["w2v-bert", "wavlm base", "conformer relative"])
    func gradientsReachEveryGate(_ name: String) throws {
        let encoder = try encoder(name)
        let units = PrunableUnits(encoder)
        let factors = units.groups.reduce(into: [UnitGroup: Tensor]()) {
            $0[$1.group] = Tensor.full([$1.count], 0.7)
        }
        for tensor in factors.values { tensor.requiresGradient = true }
        encoder.gates = EncoderGates(factors)
        let output = encoder.encode(input(encoder))
        let state = try #require(output.lastHiddenState)
        (state * Tensor.normal(state.shape, generator: RandomGenerator(seed: 3))).sum().backward()
        for (group, _) in units.groups {
            let gradient = try #require(factors[group]?.gradient, "\(group)")
            #expect(gradient.isAllFinite())
            #expect(gradient.floats().contains { $0 != 0 }, "\(group)")
        }
    }

    @Test(arguments: TinyModels.names) func projectedFeatures(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        func run(_ request: LayerRequest) -> EncoderOutput {
            withoutGradients { encoder.encode(input(encoder), request: request) }
        }
        #expect(run(.last).projectedFeatures == nil)
        let output = run(
            LayerRequest(
                hiddenStates: [0], wantsLastHiddenState: false, wantsProjectedFeatures: true))
        let features = try #require(output.projectedFeatures)
        let first = try #require(output.hiddenStates[0])
        let structure = (encoder.config as? any StructuredConfig)?.structure
        let reduction = structure?.timeReduction ?? 1
        #expect(features.shape == [2, reduction * first.size(1), encoder.width])
        // Conformers add nothing before their first layer.
        let isFirst =
            encoder is any PrunableEncoder
            && !encoder.parameters.names.contains { $0.contains("pos_conv") }
        #expect((features.floats() == first.floats()) == (isFirst && reduction == 1))
    }
}
