import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// Encoders whose layers have sizes of their own.
@Suite struct EncoderStructureTests {
    private static let families = [
        "w2v-bert", "w2v-bert relative", "w2v-bert rotary", "wav2vec2 base", "wav2vec2 large",
        "hubert base", "data2vec", "unispeech-sat", "wavlm base", "wavlm large",
        "conformer relative", "conformer rotary",
    ]

    private func config(_ name: String) throws -> any StructuredConfig {
        try #require(try TinyModels.config(name) as? any StructuredConfig)
    }

    private func structure(_ config: any StructuredConfig) -> EncoderStructure {
        func open(_ config: some StructuredConfig) -> EncoderStructure { .init(of: config) }
        return open(config)
    }

    private func outputs(
        _ encoder: any SpeechEncoder, frames: [Int] = [14, 11], isTraining: Bool = false
    ) -> EncoderOutput {
        let lengths = TinyModels.lengths(encoder, frames: frames)
        encoder.isTraining = isTraining
        defer { encoder.isTraining = false }
        return withoutGradients {
            encoder.encode(
                TinyModels.input(encoder, lengths: lengths),
                request: .all(layers: encoder.layerCount))
        }
    }

    private func expectSame(
        _ found: EncoderOutput, _ expected: EncoderOutput, tolerance: Float = 0,
        _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(found.lengths == expected.lengths, sourceLocation: sourceLocation)
        func compare(_ a: Tensor?, _ b: Tensor?, _ part: String) throws {
            let (a, b) = (try #require(a).floats(), try #require(b).floats())
            let largest = zip(a, b).map { abs($0 - $1) }.max() ?? 0
            #expect(
                a.count == b.count && largest <= tolerance, "\(what) \(part): \(largest)",
                sourceLocation: sourceLocation)
        }
        for (layer, state) in expected.hiddenStates {
            try compare(found.hiddenStates[layer], state, "state \(layer)")
        }
        for (layer, features) in expected.feedForward {
            try compare(found.feedForward[layer], features, "feed-forward \(layer)")
        }
        try compare(found.lastHiddenState, expected.lastHiddenState, "last")
    }

    @Test(arguments: families) func aPlainStructureChangesNothing(_ name: String) throws {
        let config = try config(name)
        let own = try config.with(structure: structure(config))
        #expect(own.modelType == "colld" && own.baseModelType == config.modelType)
        let plain = config.makeEncoder(in: ParameterStore(seed: 4))
        let structured = own.makeEncoder(in: ParameterStore(seed: 4))
        #expect(structured.parameters.names == plain.parameters.names)
        try expectSame(outputs(structured), outputs(plain))
        for samples in [8000, 32000] {
            let (a, b) = (
                own.multiplyAccumulates(inputLength: samples),
                config.multiplyAccumulates(inputLength: samples)
            )
            #expect(a.map(\.part) == b.map(\.part) && a.map(\.count) == b.map(\.count))
        }
        #expect(try own.with(structure: nil).modelType == config.modelType)
    }

    /// Any sizes that a family can have.
    private func random(
        _ config: any StructuredConfig, _ generator: inout SeededGenerator
    ) -> EncoderStructure {
        func size(_ most: Int) -> Int { generator.uniform(below: most + 1) }
        var heads = 0
        let isConformer = config.hasConformerLayers
        let layers = (0..<config.layerCount).map { _ in
            let reuses = !isConformer && heads > 0 && size(2) == 0
            let own = reuses ? heads : size(config.headCount)
            if own > 0 { heads = own }
            var kept: [Int]?
            if config.sharesPositionBias && !reuses && own > 0 {
                var all = Array(0..<config.headCount)
                while all.count > own { all.remove(at: size(all.count - 1)) }
                kept = all
            }
            return EncoderStructure.Layer(
                heads: own, keptHeads: kept, reusesAttention: reuses, feedForward: size(40),
                firstFeedForward: isConformer ? size(40) : nil,
                convolutionChannels: isConformer ? size(40) : nil)
        }
        return EncoderStructure(
            layers: layers, headWidth: 1 + size(12), timeReduction: 1 + size(2),
            scalesFrontEnd: config.featureExtractor == .wav2vec2 && size(1) == 0)
    }

    @Test(arguments: families) func anySizesAreWrittenAndReadBack(_ name: String) throws {
        let plain = try config(name)
        var generator = SeededGenerator(seed: 11)
        for round in 0..<4 {
            let config = try plain.with(structure: random(plain, &generator))
            let encoder = config.makeEncoder(in: ParameterStore(seed: UInt64(round)))
            if let scale = encoder.parameters["feature_extractor.scale"] {
                #expect(encoder.parameters.isBuffer("feature_extractor.scale"))
                scale.assign(Tensor((0..<24).map { 0.1 * Float($0 + 1) }, [24]))
            }
            try withTemporaryDirectory { folder in
                let url = folder.appendingPathComponent("model")
                try ModelWriter.write(
                    encoder, featureExtractor: config.standardExtractor.makeExtractor(), card: "",
                    to: url)
                let loaded = try ModelLoader.load(url.path)
                #expect(loaded.family.modelType == "colld")
                #expect(loaded.family.baseModelType == plain.modelType)
                #expect(loaded.encoder.config.structure == config.structure)
                try expectSame(outputs(loaded.encoder), outputs(encoder), "\(round)")

                let inspection = try ModelInspection(ModelDirectory(url.path), seconds: [1])
                #expect(inspection.problems.isEmpty)
                #expect(inspection.parameters == encoder.parameters.parameterCount)
                #expect(inspection.structure == config.structure)
                #expect(
                    inspection.family == "colld" && inspection.baseFamily == plain.modelType)
                #expect(inspection.parts.map(\.parameters).reduce(0, +) == inspection.parameters)
                #expect(!inspection.parts.contains { $0.name == "other" })
                let error = expectError(
                    ModelError.self,
                    containing: [url.path, "config.json", "model_type", "colld", "Hugging Face"]
                ) { try HuggingFaceExport(ModelDirectory(url.path)) }
                #expect(error?.exitStatus == .badInput)
            }
        }
    }

    @Test func theFormIsDocumented() throws {
        let data = try ModelWriter.configData(try TinyModels.config("colld wavlm"))
        let object = try JSONFile(path: "written", data: data).object
        #expect(object["model_type"] == .string("colld"))
        #expect(object["base_model_type"] == .string("wavlm"))
        #expect(object["architectures"] == nil)
        #expect(object["hidden_size"] == .integer(32) && object["num_buckets"] == .integer(16))
        guard case .object(let structure)? = object["structure"],
            case .array(let layers)? = structure["layers"]
        else {
            Issue.record("no structure")
            return
        }
        #expect(structure["head_width"] == .integer(8))
        #expect(structure["time_reduction"] == .integer(1))
        #expect(structure["scales_front_end"] == .bool(false))
        #expect(layers.count == 3)
        guard case .object(let first) = layers[0] else { return }
        #expect(first["heads"] == .integer(2) && first["feed_forward"] == .integer(20))
        #expect(first["kept_heads"] == .array([.integer(1), .integer(3)]))
        #expect(first["reuses_attention"] == .bool(false))
        #expect(first["convolution_channels"] == nil && first["first_feed_forward"] == nil)
    }

    /// What a norm stands before takes it along, what it stands behind does not.
    @Test func emptyPartsHaveNoParameters() throws {
        func names(_ name: String) throws -> [String] {
            let plain = try config(name)
            var layers = structure(plain).layers
            layers[1].heads = 0
            layers[1].feedForward = 0
            if plain.hasConformerLayers {
                layers[1].firstFeedForward = 0
                layers[1].convolutionChannels = 0
            }
            let encoder = try plain.with(structure: .init(layers: layers, headWidth: 8))
                .makeEncoder(in: ParameterStore(seed: 1))
            let output = outputs(encoder)
            #expect(output.feedForward[2]?.floats().allSatisfy { $0 == 0 } == true)
            let prefix = "encoder.layers.1."
            return encoder.parameters.names.filter { $0.hasPrefix(prefix) }
                .map { String($0.dropFirst(prefix.count)) }.sorted()
        }
        let (own, final) = (
            ["layer_norm.bias", "layer_norm.weight"],
            ["final_layer_norm.bias", "final_layer_norm.weight"]
        )
        #expect(try names("hubert base") == (own + final).sorted())
        #expect(try names("wav2vec2 large") == [])
        #expect(try names("w2v-bert") == final)
    }

    /// Copies the parts of a full encoder that a smaller one has.
    private func copy(
        _ full: any SpeechEncoder, to pruned: any SpeechEncoder, heads: [[Int]], units: [[Int]],
        channels: [[Int]] = []
    ) throws {
        let plain = full.config
        let width = plain.width / plain.headCount
        func indices(_ items: [Int]) -> Tensor { Tensor(items.map(Int64.init), [items.count]) }
        for (name, tensor) in pruned.parameters.all {
            var source = try #require(full.parameters[name])
            let parts = name.split(separator: ".")
            if name.hasPrefix("encoder.layers."), let layer = Int(parts[2]) {
                let inner = heads[layer].flatMap { head in
                    (0..<width).map { head * width + $0 }
                }
                let isInput = ["q_proj", "k_proj", "v_proj", "linear_q", "linear_k", "linear_v"]
                    .contains { parts.contains(Substring($0)) }
                if isInput { source = source.indexSelect(0, indices(inner)) }
                if name.hasSuffix("out_proj.weight") || name.hasSuffix("linear_out.weight") {
                    source = source.indexSelect(1, indices(inner))
                }
                if name.hasSuffix("gru_rel_pos_const") {
                    source = source.indexSelect(1, indices(heads[layer]))
                }
                if name.contains("intermediate_dense") {
                    source = source.indexSelect(0, indices(units[layer]))
                }
                if name.hasSuffix("output_dense.weight") {
                    source = source.indexSelect(1, indices(units[layer]))
                }
                if name.hasSuffix("pointwise_conv1.weight") {
                    let both = channels[layer] + channels[layer].map { $0 + plain.width }
                    source = source.indexSelect(0, indices(both))
                }
                if name.contains("depthwise_conv") || name.contains("batch_norm") {
                    source = source.indexSelect(0, indices(channels[layer]))
                }
                if name.hasSuffix("pointwise_conv2.weight") {
                    source = source.indexSelect(1, indices(channels[layer]))
                }
            }
            #expect(source.shape == tensor.shape, "\(name)")
            tensor.assign(source.contiguous())
        }
    }

    /// Sets columns of a matrix [O, I, …] to zero, so that what comes in there has no effect.
    private func silence(_ matrix: Tensor?, columns kept: [Int]) throws {
        let matrix = try #require(matrix)
        let factors = (0..<matrix.size(1)).map { kept.contains($0) ? Float(1) : 0 }
        var shape = Array(repeating: 1, count: matrix.shape.count)
        shape[1] = factors.count
        matrix.assign(matrix * Tensor(factors, shape))
    }

    /// A pruned encoder computes what the full one does with the pruned parts silenced.
    @Test(arguments: [
        "hubert base", "wav2vec2 large", "wavlm base", "wavlm large", "conformer rotary",
        "w2v-bert",
    ])
    func pruningIsSilencing(_ name: String) throws {
        let plain = try config(name)
        let full = plain.makeEncoder(in: ParameterStore(seed: 8))
        let heads = [[1, 3], [0], [0, 1, 2]]
        let units = [Array(0..<7), [3, 5, 40], Array(10..<48)]
        // Behind a LayerNorm over channels all of them are needed.
        let channels =
            name == "w2v-bert"
            ? Array(repeating: Array(0..<32), count: 3) : [Array(4..<20), [31], Array(0..<30)]
        let isConformer = plain.hasConformerLayers
        var generator = RandomGenerator(seed: 5)
        for (parameter, tensor) in full.parameters.all where parameter.contains("gru_rel_pos") {
            // Gates that are alike for all heads would prove nothing.
            tensor.assign(Tensor.normal(tensor.shape, generator: generator))
            generator = RandomGenerator(seed: UInt64(parameter.count))
        }
        let layers = (0..<3).map { layer in
            EncoderStructure.Layer(
                heads: heads[layer].count,
                keptHeads: plain.sharesPositionBias ? heads[layer] : nil,
                feedForward: units[layer].count,
                firstFeedForward: isConformer ? units[layer].count : nil,
                convolutionChannels: isConformer ? channels[layer].count : nil)
        }
        let pruned = try plain.with(structure: .init(layers: layers, headWidth: 8))
            .makeEncoder(in: ParameterStore(seed: 1))
        try copy(full, to: pruned, heads: heads, units: units, channels: channels)
        for layer in 0..<3 {
            let prefix = "encoder.layers.\(layer)."
            let inner = heads[layer].flatMap { head in (0..<8).map { head * 8 + $0 } }
            let parameters = full.parameters
            if isConformer {
                try silence(parameters[prefix + "self_attn.linear_out.weight"], columns: inner)
                for part in ["ffn1", "ffn2"] {
                    try silence(
                        parameters[prefix + part + ".output_dense.weight"], columns: units[layer])
                }
                try silence(
                    parameters[prefix + "conv_module.pointwise_conv2.weight"],
                    columns: channels[layer])
            } else {
                try silence(parameters[prefix + "attention.out_proj.weight"], columns: inner)
                try silence(
                    parameters[prefix + "feed_forward.output_dense.weight"], columns: units[layer])
            }
        }
        for isTraining in [false, true] {
            try expectSame(
                outputs(pruned, isTraining: isTraining), outputs(full, isTraining: isTraining),
                tolerance: 2e-5)
        }
    }

    /// A layer whose input is that of the layer before it, and which attends as that one, is a layer
    /// with the queries and keys of the other.
    @Test(arguments: ["wav2vec2 large", "hubert large", "wavlm large"])
    func reusedAttentionIsThatOfTheLayerBefore(_ name: String) throws {
        let plain = try config(name)
        let two = EncoderStructure(
            layers: [
                .init(heads: 4, feedForward: 0),
                .init(heads: 4, reusesAttention: true, feedForward: 48),
                .init(heads: 0, feedForward: 0),
            ], headWidth: 8)
        let reusing = try plain.with(structure: two).makeEncoder(in: ParameterStore(seed: 3))
        #expect(reusing.parameters["encoder.layers.1.attention.q_proj.weight"] == nil)
        #expect(reusing.parameters["encoder.layers.1.attention.k_proj.bias"] == nil)
        #expect(reusing.parameters["encoder.layers.1.attention.gru_rel_pos_const"] == nil)
        // The first layer adds nothing.
        let output = try #require(
            reusing.parameters["encoder.layers.0.attention.out_proj.weight"])
        output.assign(output * 0)
        let one = try plain.with(
            structure: .init(
                layers: [.init(heads: 4, feedForward: 48)]
                    + Array(repeating: .init(heads: 0, feedForward: 0), count: 2), headWidth: 8)
        ).makeEncoder(in: ParameterStore(seed: 1))
        for (parameter, tensor) in one.parameters.all {
            var source = parameter
            let ofFirst = ["q_proj", "k_proj", "gru_rel", "rel_attn"]
            if parameter.hasPrefix("encoder.layers.0."),
                !ofFirst.contains(where: parameter.contains)
            {
                source = parameter.replacing("layers.0", with: "layers.1")
            }
            tensor.assign(try #require(reusing.parameters[source]))
        }
        for isTraining in [false, true] {
            let (found, expected) = (
                outputs(reusing, isTraining: isTraining), outputs(one, isTraining: isTraining)
            )
            let (a, b) = (
                try #require(found.lastHiddenState).floats(),
                try #require(expected.lastHiddenState).floats()
            )
            #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 })
            let (first, second) = (
                try #require(found.hiddenStates[1]).floats(),
                try #require(found.hiddenStates[2]).floats()
            )
            #expect(zip(first, second).contains { abs($0 - $1) > 1e-3 })
        }
    }

    /// Probabilities that are computed once in training, and the fused kernel otherwise.
    @Test(arguments: ["colld wav2vec2 large", "colld data2vec", "colld wavlm"])
    func trainingComputesTheSame(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        try expectSame(
            outputs(encoder), outputs(encoder, isTraining: true), tolerance: 2e-5)
    }

    /// The frames behind a reduction by r are ⌊T / r⌋, whatever the padding.
    @Test(arguments: ["w2v-bert", "wav2vec2 base", "wav2vec2 large", "wavlm base"], [2, 3])
    func timeReductionJoinsFrames(_ name: String, _ factor: Int) throws {
        let plain = try config(name)
        var structure = structure(plain)
        structure.timeReduction = factor
        let config = try plain.with(structure: structure)
        let encoder = config.makeEncoder(in: ParameterStore(seed: 2))
        let weight = try #require(encoder.parameters["encoder.time_reduction.weight"])
        #expect(weight.shape == [32, 32, factor])
        #expect(encoder.parameters["encoder.time_reduction.bias"]?.shape == [32])

        let reference = plain.makeEncoder(in: ParameterStore(seed: 2))
        let all = [13, 7, 9, factor]
        let lengths = TinyModels.lengths(reference, frames: all)
        let input = TinyModels.input(reference, lengths: lengths)
        let batch = withoutGradients { encoder.encode(input, request: .all(layers: 3)) }
        #expect(batch.lengths == all.map { $0 / factor } && batch.outputLengths == batch.lengths)
        #expect(lengths.map { encoder.frameCount(inputLength: $0) } == batch.lengths)
        #expect(batch.hiddenStates[0]?.shape == [4, 13 / factor, 32])
        #expect(batch.feedForward[2]?.shape == [4, 13 / factor, 32])
        for (clip, length) in lengths.enumerated() {
            let values = input.values.narrow(0, clip, 1).narrow(1, 0, length).contiguous()
            let alone = withoutGradients {
                encoder.encode(
                    EncoderInput(values: values, lengths: nil), request: .all(layers: 3))
            }
            let distance = try ClipDistance(of: clip, in: batch, from: alone)
            #expect(distance.largest <= 1e-5, "clip \(clip): \(distance.largest)")
        }
        // The first hidden state is the convolution of what it would be without one.
        for (parameter, tensor) in reference.parameters.all {
            tensor.assign(try #require(encoder.parameters[parameter]))
        }
        let unreduced = try #require(
            withoutGradients {
                reference.encode(input, request: .all(layers: 3)).hiddenStates[0]
            })
        let bias = try #require(encoder.parameters["encoder.time_reduction.bias"])
        for frame in 0..<(13 / factor) {
            var expected = bias
            for tap in 0..<factor {
                let taken = unreduced.select(0, 0).select(0, factor * frame + tap)
                expected = expected + weight.select(2, tap).matmul(taken)
            }
            let found = try #require(batch.hiddenStates[0]).select(0, 0).select(0, frame)
            expectClose(found.floats(), expected.floats(), within: 1e-5)
        }
    }

    /// Frames can be hidden at the rate of the layers and at that of the front end.
    @Test(arguments: ["colld wav2vec2 large", "colld w2v-bert"])
    func masksComeAtEitherRate(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let lengths = TinyModels.lengths(encoder, frames: [9]).map {
            name.contains("w2v-bert") ? $0 + 1 : $0
        }
        let input = TinyModels.input(encoder, lengths: lengths)
        let reduced = (0..<9).map { $0 % 4 == 1 }
        let full = reduced.flatMap { [$0, $0] }
        func run(_ mask: [Bool]) throws -> [Float] {
            try #require(
                withoutGradients {
                    encoder.encode(
                        input, masked: Tensor(mask, [1, mask.count]), request: .last)
                }.lastHiddenState
            ).floats()
        }
        let tail = lengths[0] == 19 ? [false] : []
        #expect(try run(reduced) == run(full + tail))
        #expect(try run(reduced) != run(Array(repeating: false, count: 9)))
    }

    /// Gradients of the convolutions over samples are scaled, nothing else is.
    @Test(arguments: ["wav2vec2 base", "wav2vec2 large", "sew", "colld hubert"])
    func frontEndsLearnMoreSlowly(_ name: String) throws {
        let config = try TinyModels.config(name).asStudent()
        func run(_ scale: Double, isTraining: Bool = true) throws -> (
            loss: Double, gradients: [String: [Float]]
        ) {
            let encoder = config.makeEncoder(in: ParameterStore(seed: 3))
            let waveform = try #require(encoder as? any WaveformEncoder)
            waveform.frontEndGradient = scale
            encoder.isTraining = isTraining
            encoder.parameters.setTrainable(true)
            let lengths = TinyModels.lengths(encoder, frames: [9, 7])
            let output = encoder.encode(TinyModels.input(encoder, lengths: lengths))
            let last = try #require(output.lastHiddenState)
            let weights = Tensor.normal(last.shape, generator: RandomGenerator(seed: 9))
            let loss = (last * weights).sum()
            loss.backward()
            let gradients = encoder.parameters.trainable.reduce(into: [String: [Float]]()) {
                $0[$1.name] = $1.tensor.gradient?.floats()
            }
            return (loss.item(), gradients)
        }
        let full = try run(1)
        let isOfFrontEnd = { (name: String) in name.hasPrefix("feature_extractor.") }
        for scale in [0.1, 0] {
            let scaled = try run(scale)
            // Without a record for gradients other kernels compute the front end.
            expectClose(scaled.loss, full.loss, within: 1e-4, "loss")
            for (parameter, gradient) in full.gradients {
                let isScaled = isOfFrontEnd(parameter)
                let found = scaled.gradients[parameter]
                if isScaled && scale == 0 {
                    #expect(found == nil, "\(parameter)")
                    continue
                }
                let largest = gradient.map { abs($0) }.max() ?? 0
                expectClose(
                    try #require(found), gradient.map { (isScaled ? Float(scale) : 1) * $0 },
                    within: 1e-4 * Double(max(1, largest)), parameter)
            }
        }
        // Only in training.
        let evaluated = try run(0, isTraining: false).gradients
        for (parameter, gradient) in full.gradients {
            expectClose(try #require(evaluated[parameter]), gradient, within: 1e-6, parameter)
        }
    }

    @Test func whatCannotBeBuiltIsRefused() throws {
        func refuses(
            _ name: String, _ fragments: String...,
            change: (inout EncoderStructure) -> Void
        ) throws {
            let plain = try config(name)
            var structure = structure(plain)
            change(&structure)
            let error = expectError(ModelError.self, containing: ["config.json"] + fragments) {
                try plain.with(structure: structure, path: "config.json")
            }
            #expect(error?.exitStatus == .badInput)
        }
        try refuses("hubert base", "structure.layers", "3", "2") { $0.layers.removeLast() }
        try refuses("hubert base", "structure.head_width", "0") { $0.headWidth = 0 }
        try refuses("hubert base", "structure.time_reduction", "0") { $0.timeReduction = 0 }
        try refuses("hubert base", "structure.layers.1.heads", "-1") { $0.layers[1].heads = -1 }
        try refuses("hubert base", "layers.2.feed_forward", "-3") {
            $0.layers[2].feedForward = -3
        }
        try refuses("hubert base", "layers.0.reuses_attention", "before") {
            $0.layers[0].reusesAttention = true
        }
        try refuses("hubert base", "layers.1.heads", "4", "3") {
            $0.layers[1].reusesAttention = true
            $0.layers[1].heads = 3
        }
        try refuses("hubert base", "layers.0.kept_heads", "[0, 1, 2, 3]") {
            $0.layers[0].keptHeads = [0, 1, 2, 3]
        }
        try refuses("hubert base", "layers.0.convolution_channels", "Transformer") {
            $0.layers[0].convolutionChannels = 3
        }
        try refuses("wavlm base", "layers.0.kept_heads", "2 of 4 heads", "nothing") {
            $0.layers[0].heads = 2
        }
        for kept in [[1, 0], [0, 4], [0], [1, 1]] {
            try refuses("wavlm base", "layers.0.kept_heads", "2 rising", "\(kept)") {
                $0.layers[0].heads = 2
                $0.layers[0].keptHeads = kept
            }
        }
        try refuses("w2v-bert", "scales_front_end") { $0.scalesFrontEnd = true }
        try refuses("w2v-bert", "layers.1.first_feed_forward", "nothing") {
            $0.layers[1].firstFeedForward = nil
        }
        try refuses("w2v-bert", "layers.1.reuses_attention", "conformer") {
            $0.layers[1].reusesAttention = true
        }
        for name in ["sew", "whisper", "seamless"] {
            let config = try TinyModels.config(name)
            expectError(ModelError.self, containing: ["base_model_type", config.modelType]) {
                try config.with(structure: .init(layers: [], headWidth: 8))
            }
        }
    }

    @Test func whatIsNoStructureIsRefused() throws {
        let valid = try #require(TinyModels.texts["colld hubert"])
        func refuses(_ text: String, _ fragments: String...) {
            expectError(ModelError.self, containing: ["config.json"] + fragments) {
                try TinyModels.config(text: text)
            }
        }
        refuses(valid.replacing("\"hubert\"", with: "\"sew\""), "base_model_type", "sew", "wavlm")
        refuses(valid.replacing("\"hubert\"", with: "\"colld\""), "base_model_type", "'colld'")
        refuses(valid.replacing("base_model_type", with: "x"), "base_model_type", "nothing")
        refuses(valid.replacing("\"structure\"", with: "\"x\""), "structure", "nothing")
        refuses(
            valid.replacing("scales_front_end", with: "scale_front_end"), "structure",
            "'scale_front_end'")
        refuses(valid.replacing("\"feed_forward\": 33", with: "\"ffn\": 33"), "'ffn'")
        refuses(valid.replacing("\"heads\": 3, ", with: ""), "heads")
        refuses(#"{"model_type": "x"}"#, "colld", "'x'")
    }
}
