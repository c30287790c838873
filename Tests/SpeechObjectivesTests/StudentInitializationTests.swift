import Foundation
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing
import Torch

@Suite(.serialized) struct StudentInitializationTests {
    /// What was done, and the names whose values are now the teacher's, by the teacher's name.
    private struct Result {
        let report: StudentInitialization.Report
        var origins: [String: String] = [:]
        var kept: Set<String> = []
    }

    /// Applies a choice and finds out by comparing values where each of the student's comes from.
    private func apply(
        _ choice: StudentInitialization, to student: any SpeechEncoder,
        from teacher: any SpeechEncoder
    ) throws -> Result {
        // Norms and biases start as the same constants everywhere: give each values of its own.
        for (index, store) in [teacher.parameters, student.parameters].enumerated() {
            for (number, tensor) in store.all.map(\.tensor).enumerated() {
                let seed = UInt64(1 + index * 10_000 + number)
                tensor.assign(.normal(tensor.shape, generator: RandomGenerator(seed: seed)))
            }
        }
        student.parameters.setTrainable(true)
        let before = student.parameters.all.map { ($0.name, $0.tensor.floats()) }
        let report = try choice.apply(to: student, teacher: teacher) { name in
            try #require(teacher.parameters[name]).to(.float64)
        }
        var result = Result(report: report)
        for (name, values) in before {
            let now = try #require(student.parameters[name])
            #expect(now.dtype == .float32)
            #expect(now.requiresGradient != student.parameters.isBuffer(name))
            if now.floats() == values {
                result.kept.insert(name)
            } else {
                result.origins[name] =
                    teacher.parameters.all.first {
                        $0.tensor.shape == now.shape && $0.tensor.floats() == now.floats()
                    }?.name
            }
        }
        // Everything is either as it was or some teacher's tensor, and the report tells which.
        #expect(result.kept.count + result.origins.count == before.count)
        #expect(Set(report.copied) == Set(result.origins.keys))
        #expect(report.copied.count == result.origins.count)
        #expect(
            report.copiedValues
                == report.copied.reduce(0) { $0 + student.parameters[$1]!.count })
        return result
    }

    private func teacher(_ family: TinyFamily, layers: Int = 6) -> any SpeechEncoder {
        family.encoder(layers: layers, width: 24, seed: 1)
    }

    /// The teacher's name of a parameter for a mapping of layers, both counted from 0.
    private func name(_ name: String, _ layers: [Int]) -> String {
        var parts = name.split(separator: ".").map(String.init)
        if parts.count > 2, parts[1] == "layers", let index = Int(parts[2]) {
            parts[2] = "\(layers[index])"
        }
        return parts.joined(separator: ".")
    }

    @Test(
        arguments: TinyFamily.allCases,
        [
            (StudentInitialization.copyEvery, [1, 3, 5]), (.copyFirst, [0, 1, 2]),
            (.automatic, [1, 3, 5]),
        ])
    func layersAreCopied(
        _ family: TinyFamily, _ expected: (StudentInitialization, [Int])
    ) throws {
        let (choice, layers) = expected
        let student = family.encoder(layers: 3, width: 24, seed: 2)
        let result = try apply(choice, to: student, from: teacher(family))
        #expect(result.report.choice == (choice == .automatic ? .copyEvery : choice))
        #expect(result.kept.isEmpty)
        #expect(result.report.copied == student.parameters.names)
        #expect(result.report.copiedValues == student.parameters.parameterCount)
        for (copied, origin) in result.origins { #expect(origin == name(copied, layers)) }
        #expect(result.origins["masked_spec_embed"] == "masked_spec_embed")
    }

    @Test(arguments: TinyFamily.allCases)
    func randomLeavesEverything(_ family: TinyFamily) throws {
        let student = family.encoder(layers: 3, width: 24, seed: 2)
        let result = try apply(.random, to: student, from: teacher(family))
        #expect(result.report.choice == .random)
        #expect(result.origins.isEmpty && result.report.copiedValues == 0)
    }

    @Test(arguments: TinyFamily.allCases)
    func automaticIsRandomWhereNothingFits(_ family: TinyFamily) throws {
        for student in [
            family.encoder(layers: 3, width: 16, heads: 2, seed: 2),  // another width
            family.encoder(layers: 7, width: 24, seed: 2),  // deeper than the teacher
            family.encoder(layers: 3, width: 24, heads: 2, seed: 2),  // other heads
        ] {
            let result = try apply(.automatic, to: student, from: teacher(family))
            #expect(result.report.choice == .random)
            #expect(result.origins.isEmpty)
        }
        // The same depth is every layer.
        let same = family.encoder(layers: 6, width: 24, seed: 2)
        let result = try apply(.automatic, to: same, from: teacher(family))
        for (copied, origin) in result.origins { #expect(origin == copied) }
        #expect(result.kept.isEmpty)
    }

    /// What lies between the input and the first hidden state.
    @Test(arguments: TinyFamily.allCases)
    func theFrontEndOfTheSameWidth(_ family: TinyFamily) throws {
        // More layers than the teacher has do not matter here.
        let student = family.encoder(layers: 8, width: 24, seed: 2)
        let result = try apply(.frontEndOnly, to: student, from: teacher(family))
        for (copied, origin) in result.origins { #expect(origin == copied) }
        let prefixes = ["feature_projection.", "feature_extractor.", "encoder.pos_conv_embed."]
        let expected = student.parameters.names.filter { name in
            prefixes.contains { name.hasPrefix($0) }
        }
        #expect(result.report.copied == expected)
        #expect(result.report.copied.count == (family == .w2vBert ? 4 : 19))
    }

    /// The relatives of wav2vec 2.0: what their layers share, and what stands behind them.
    @Test(
        arguments: [
            ("wav2vec2", "", []), ("hubert", "", []),
            ("unispeech-sat", #", "do_stable_layer_norm": true"#, ["layer_norm."]),
            ("wavlm", #", "num_buckets": 16, "max_bucket_distance": 14"#, []),
            ("wavlm", #", "num_buckets": 16, "do_stable_layer_norm": true"#, ["layer_norm."]),
            ("data2vec-audio", #", "conv_pos_kernel_size": 5"#, []),
            ("wav2vec2-conformer", #", "hidden_act": "swish""#, ["layer_norm."]),
            ("wav2vec2-conformer", #", "position_embeddings_type": "rotary""#, ["layer_norm."]),
            ("sew", "", ["upsample."]),
        ])
    func relativesOfWav2Vec2(_ model: (type: String, keys: String, behind: [String])) throws {
        let text = """
            {"model_type": "\(model.type)", "hidden_size": 16, "num_hidden_layers": 4,
             "num_attention_heads": 2, "intermediate_size": 24, "conv_dim": [8, 8],
             "conv_kernel": [10, 3], "conv_stride": [5, 2], "num_conv_pos_embeddings": 4,
             "num_conv_pos_embedding_groups": 2\(model.keys)}
            """
        let config = try EncoderFamily.named(model.type, path: "config.json")
            .config(from: Data(text.utf8), path: "config.json")
        let teacher = config.makeEncoder(in: ParameterStore(seed: 1))
        func student() throws -> any SpeechEncoder {
            try StudentDesign(layers: 2, width: 16, heads: 2, feedForward: 24)
                .config(like: config).makeEncoder(in: ParameterStore(seed: 2))
        }
        let layers = try apply(.automatic, to: student(), from: teacher)
        #expect(layers.report.choice == .copyEvery)
        #expect(layers.kept.isEmpty)
        for (copied, origin) in layers.origins {
            // WavLM's first layer holds the position bias of all.
            let isShared = copied.hasSuffix("rel_attn_embed.weight")
            #expect(origin == (isShared ? copied : name(copied, [1, 3])))
        }
        let front = try apply(.frontEndOnly, to: student(), from: teacher)
        for name in front.kept.union(front.origins.keys) {
            let isBehind =
                name.hasPrefix("encoder.layers.") || name == "masked_spec_embed"
                || model.behind.contains { name.hasPrefix("encoder.\($0)") }
            #expect(front.kept.contains(name) == isBehind, "\(name)")
        }
        for module in model.behind {
            #expect(front.kept.contains { $0.hasPrefix("encoder.\(module)") }, "\(module)")
        }
    }

    /// Families with names or modules of their own around the layers.
    @Test(
        arguments: [
            (
                """
                {"model_type": "whisper", "d_model": 16, "encoder_layers": 4,
                 "encoder_attention_heads": 2, "encoder_ffn_dim": 24, "max_source_positions": 50}
                """, "layers.", ["layer_norm."], ["conv1.", "conv2.", "embed_positions."]
            ),
            (
                """
                {"model_type": "seamless_m4t_v2", "hidden_size": 16, "speech_encoder_layers": 4,
                 "speech_encoder_attention_heads": 2, "speech_encoder_intermediate_size": 24}
                """, "encoder.layers.",
                ["encoder.layer_norm.", "intermediate_ffn.", "inner_layer_norm."],
                ["feature_projection."]
            ),
        ])
    func othersThanWav2Vec2(
        _ model: (text: String, layers: String, behind: [String], front: [String])
    ) throws {
        let data = Data(model.text.utf8)
        let family = try #require(
            EncoderFamily.all.first { model.text.contains("\"\($0.modelType)\"") })
        let config = try family.config(from: data, path: "config.json")
        let teacher = config.makeEncoder(in: ParameterStore(seed: 1))
        func student() throws -> any SpeechEncoder {
            try StudentDesign(layers: 2, width: 16, heads: 2, feedForward: 24)
                .config(like: config).makeEncoder(in: ParameterStore(seed: 2))
        }
        let layers = try apply(.automatic, to: student(), from: teacher)
        #expect(layers.report.choice == .copyEvery && layers.kept.isEmpty)
        for (copied, origin) in layers.origins {
            let expected = copied.replacing(model.layers + "1.", with: model.layers + "3.")
                .replacing(model.layers + "0.", with: model.layers + "1.")
            #expect(origin == expected)
        }
        let front = try apply(.frontEndOnly, to: student(), from: teacher)
        let all = front.kept.union(front.origins.keys)
        for name in all {
            let isFront = model.front.contains { name.hasPrefix($0) }
            #expect(front.origins[name] == (isFront ? name : nil), "\(name)")
        }
        for module in model.front + model.behind {
            #expect(all.contains { $0.hasPrefix(module) }, "\(module)")
        }
    }

    /// Where layers follow the norm, it belongs to the front end.
    @Test func theNormBeforeTheLayersIsFrontEnd() throws {
        var config = Wav2Vec2Config()
        config.frontEnd.channels = [8]
        config.frontEnd.kernels = [10]
        config.frontEnd.strides = [5]
        config.positionalKernel = 4
        config.positionalGroups = 2
        let small = config.resized(layers: 2, width: 16, heads: 2, feedForward: 24)
        for isPreNorm in [false, true] {
            var config = small
            config.isPreNorm = isPreNorm
            let teacher = config.makeEncoder(in: ParameterStore(seed: 1))
            let student = config.asStudent().makeEncoder(in: ParameterStore(seed: 2))
            let result = try apply(.frontEndOnly, to: student, from: teacher)
            #expect(result.origins.keys.contains("encoder.layer_norm.weight") == !isPreNorm)
            #expect(result.kept.contains("encoder.layer_norm.bias") == isPreNorm)
        }
    }

    /// Of another width only whole modules of equal shape are taken: the magnitude of the
    /// positional convolution would fit, its direction does not.
    @Test(arguments: TinyFamily.allCases)
    func theFrontEndOfAnotherWidth(_ family: TinyFamily) throws {
        let student = family.encoder(layers: 2, width: 16, heads: 2, seed: 2)
        let teacher = teacher(family)
        let result = try apply(.frontEndOnly, to: student, from: teacher)
        let prefixes = ["feature_projection.layer_norm.", "feature_extractor."]
        let expected = student.parameters.names.filter { name in
            prefixes.contains { name.hasPrefix($0) }
        }
        #expect(result.report.copied == expected && !expected.isEmpty)
        if family == .wav2Vec2 {
            let magnitude = "encoder.pos_conv_embed.conv.parametrizations.weight.original0"
            #expect(
                student.parameters[magnitude]?.shape == teacher.parameters[magnitude]?.shape)
            #expect(result.kept.contains(magnitude))
        }
    }

    /// Fine-tuned models often come without a vector for masked frames.
    @Test(arguments: TinyFamily.allCases)
    func aTeacherWithoutMaskVector(_ family: TinyFamily) throws {
        let config: any EncoderConfig
        switch family.config(layers: 4, width: 24) {
        case var w2vBert as W2VBertConfig:
            w2vBert.maskTimeProbability = 0
            config = w2vBert
        case var wav2Vec2 as Wav2Vec2Config:
            wav2Vec2.maskTimeProbability = 0
            config = wav2Vec2
        default:
            Issue.record("another family")
            return
        }
        let teacher = config.makeEncoder(in: ParameterStore(seed: 1))
        #expect(teacher.parameters["masked_spec_embed"] == nil)
        let design = StudentDesign(layers: 2, width: 24, heads: 4, feedForward: 48)
        let student = try design.config(like: config).makeEncoder(in: ParameterStore(seed: 2))
        let result = try apply(.automatic, to: student, from: teacher)
        #expect(result.report.choice == .copyEvery)
        #expect(result.kept == ["masked_spec_embed"])
    }

    @Test(arguments: TinyFamily.allCases)
    func whatDoesNotFitIsRefused(_ family: TinyFamily) throws {
        let teacher = teacher(family, layers: 4)
        func refuses(
            _ choice: StudentInitialization, _ student: any SpeechEncoder, _ fragments: [String]
        ) {
            let before = student.parameters.all.map { $0.tensor.floats() }
            let error = expectError(
                ObjectiveError.self, containing: ["student.initialization"] + fragments
            ) {
                try choice.apply(to: student, teacher: teacher) { name in
                    try #require(teacher.parameters[name])
                }
            }
            #expect(error?.exitStatus == .badInput)
            // Nothing is half done.
            #expect(student.parameters.all.map { $0.tensor.floats() } == before)
        }
        for choice in [StudentInitialization.copyEvery, .copyFirst] {
            let narrow = family.encoder(layers: 2, width: 16, heads: 2, seed: 2)
            refuses(choice, narrow, [choice.rawValue, "width", "[16", "[24"])
            let deep = family.encoder(layers: 5, width: 24, seed: 2)
            refuses(choice, deep, ["the teacher's 4 layers", "found 5 layers"])
            let otherHeads = family.encoder(layers: 2, width: 24, heads: 2, seed: 2)
            refuses(
                choice, otherHeads,
                family == .wav2Vec2 ? ["heads", "2 attention heads", "teacher has 4"] : ["heads"])
        }
        let other: TinyFamily = family == .w2vBert ? .wav2Vec2 : .w2vBert
        refuses(
            .frontEndOnly, other.encoder(layers: 2, width: 20, heads: 2, seed: 2),
            ["front_end_only", "no parameter in common"])
    }

    /// What the reader of the teacher's file throws is thrown on.
    @Test func theReadersErrorIsThrown() {
        struct Unreadable: Error {}
        let family = TinyFamily.w2vBert
        #expect(throws: Unreadable.self) {
            try StudentInitialization.copyEvery.apply(
                to: family.encoder(layers: 2, width: 24, seed: 1), teacher: teacher(family)
            ) { _ in throw Unreadable() }
        }
    }

    /// What joins frames is the student's own.
    @Test(arguments: TinyFamily.allCases)
    func joinedFramesStartAnew(_ family: TinyFamily) throws {
        let teacher = teacher(family)
        var design = StudentDesign(layers: 3, width: 24, heads: 4, feedForward: 48)
        design.timeReduction = 2
        design.reusesAttention = family == .wav2Vec2
        let config = try design.config(like: teacher.config)
        func student() -> any SpeechEncoder {
            config.makeEncoder(in: ParameterStore(seed: 2))
        }
        let own = ["encoder.time_reduction.bias", "encoder.time_reduction.weight"]
        let result = try apply(.copyEvery, to: student(), from: teacher)
        #expect(result.kept.sorted() == own)
        #expect(try apply(.automatic, to: student(), from: teacher).report.choice == .copyEvery)
        #expect(try apply(.frontEndOnly, to: student(), from: teacher).kept.isSuperset(of: own))
    }
}
