import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// A decoder of the fixtures with what the reference computes.
struct DecoderFixture {
    static let names = ["m2m100", "mbart"]

    let decoder: TextDecoder
    let expected: SafetensorsFile
    let speech: EncodedSpeech
    let tokens: Tensor

    init(_ name: String) throws {
        let folder = Fixtures.url("translation/\(name)")
        decoder = try TextDecoder.load(folder.path)
        expected = try Fixtures.safetensors("translation/\(name)/expected.safetensors")
        let states = try expected.tensor("encoder_states")
        let mask = try expected.integers("encoder_mask")
        let frames = states.size(1)
        speech = EncodedSpeech(
            states: states,
            lengths: (0..<states.size(0)).map {
                mask[($0 * frames)..<(($0 + 1) * frames)].reduce(0, +)
            })
        tokens = try expected.tensor("decoder_input_ids").to(.int64)
    }

    /// The texts of a search, without the padding behind them.
    func texts(_ search: String) throws -> [[Int]] {
        try Self.texts(expected, search)
    }

    static func texts(_ expected: SafetensorsFile, _ search: String) throws -> [[Int]] {
        let shape = try #require(expected.entry("generate.\(search)")).shape
        let ids = try expected.integers("generate.\(search)")
        return (0..<shape[0]).map { row in
            var text = Array(ids[(row * shape[1])..<((row + 1) * shape[1])])
            let end = text.dropFirst().firstIndex(of: 2)
            if let end { text.removeSubrange((end + 1)...) }
            return text
        }
    }
}

extension SafetensorsFile {
    func tensor(_ name: String) throws -> Tensor {
        try TensorShards([self]).tensor(name)
    }
}

@Suite struct TextDecoderTests {
    @Test(arguments: DecoderFixture.names)
    func reproducesTheReference(_ name: String) throws {
        let fixture = try DecoderFixture(name)
        try withoutGradients {
            let states = fixture.decoder.hiddenStates(fixture.tokens, fixture.speech)
            #expect(states.count == 3)
            // The reference lists the last one behind the final norm.
            for (index, state) in states.dropLast().enumerated() {
                expectClose(
                    state.floats(), try fixture.expected.floats("hidden_states.\(index)"),
                    within: 1e-4, "\(name) layer \(index)")
            }
            let last = fixture.decoder.decode(fixture.tokens, fixture.speech)
            expectClose(
                last.floats(), try fixture.expected.floats("last_hidden_state"), within: 1e-4, name)
            expectClose(
                fixture.decoder.logits(last).floats(), try fixture.expected.floats("logits"),
                within: 1e-4, name)
        }
    }

    /// Token by token, with two rows for each clip, everything is as at once.
    @Test(arguments: DecoderFixture.names)
    func cacheChangesNothing(_ name: String) throws {
        let fixture = try DecoderFixture(name)
        let decoder = fixture.decoder
        withoutGradients {
            // Row 2b + 1 is another text for the same clip.
            let pairs = Tensor.stack([fixture.tokens, fixture.tokens.flipped(0)], 1).flatten(0, 1)
            let twice = EncodedSpeech(
                states: Tensor.stack([fixture.speech.states, fixture.speech.states], 1)
                    .flatten(0, 1),
                lengths: fixture.speech.lengths.flatMap { [$0, $0] })
            let whole = decoder.decode(pairs, twice)
            let cache = decoder.makeCache()
            var parts: [Tensor] = []
            for range in [0..<2, 2..<3, 3..<6] {
                parts.append(
                    decoder.decode(
                        pairs.narrow(1, range.lowerBound, range.count), fixture.speech, cache: cache
                    ))
            }
            #expect(cache.length == 6)
            expectClose(
                Tensor.concatenate(parts, 1).floats(), whole.floats(), within: 2e-5, name)

            // Rows in another order, and a clip less.
            let first = decoder.makeCache()
            _ = decoder.decode(pairs.narrow(1, 0, 3), fixture.speech, cache: first)
            first.reorder(rows: [5, 4, 1, 1], clips: [2, 0])
            let rows = Tensor([Int64]([5, 4, 1, 1]), [4])
            let chosen = pairs.indexSelect(0, rows)
            let clips = Tensor([Int64]([2, 0]), [2])
            let speech = EncodedSpeech(
                states: fixture.speech.states.indexSelect(0, clips),
                lengths: [fixture.speech.lengths[2], fixture.speech.lengths[0]])
            let rest = decoder.decode(chosen.narrow(1, 3, 3), speech, cache: first)
            expectClose(
                rest.floats(), whole.indexSelect(0, rows).narrow(1, 3, 3).contiguous().floats(),
                within: 2e-5, name)
        }
    }

    @Test(arguments: DecoderFixture.names)
    func paddingIsNotHeard(_ name: String) throws {
        let fixture = try DecoderFixture(name)
        withoutGradients {
            let together = fixture.decoder.decode(fixture.tokens, fixture.speech)
            for (clip, length) in fixture.speech.lengths.enumerated() {
                let alone = EncodedSpeech(
                    states: fixture.speech.states.narrow(0, clip, 1).narrow(1, 0, length),
                    lengths: [length])
                let state = fixture.decoder.decode(fixture.tokens.narrow(0, clip, 1), alone)
                expectClose(
                    state.floats(), together.select(0, clip).contiguous().floats(), within: 1e-5)
            }
        }
    }

    @Test func newDecodersFollowTheirSeed() throws {
        var config = TextDecoderConfig(.mbart)
        config.vocabularySize = 20
        config.width = 8
        config.layerCount = 1
        config.headCount = 2
        config.feedForwardWidth = 12
        config.maximumPositions = 9
        config.tiesEmbeddings = false
        let one = try TextDecoder(new: config, seed: 3)
        let two = try TextDecoder(new: config, seed: 3)
        let three = try TextDecoder(new: config, seed: 4)
        #expect(one.parameters.names.contains("lm_head.weight"))
        let name = "model.decoder.embed_tokens.weight"
        let weights = [one, two, three].compactMap { $0.parameters[name]?.floats() }
        #expect(weights[0] == weights[1] && weights[0] != weights[2])
        #expect(weights[0][8..<16].allSatisfy { $0 == 0 })  // padding
        #expect(weights[0].count == 160)
        let places = try #require(
            one.parameters["model.decoder.embed_positions.weight"]
        ).floats()
        #expect(places.count == 8 * 11 && places[..<8] == [0, 0, 0, 0, 1, 1, 1, 1])
        expectClose(
            Array(places[16..<21]), [0.9093, 0.0927, 0.0043, 0.0002, -0.4161], within: 1e-4)

        config.headCount = 3
        expectError(ModelError.self, containing: ["decoder_attention_heads", "divisor"]) {
            try TextDecoder(new: config, seed: 1)
        }
    }

    @Test func configurationsComeBack() throws {
        for name in DecoderFixture.names {
            let config = try DecoderFixture(name).decoder.config
            let data = try JSONEncoder().encode(config)
            #expect(try TextDecoderConfig(data: data, path: "config.json") == config)
        }
        expectError(ModelError.self, containing: ["c.json", "eos_token_id", "10", "12"]) {
            try TextDecoderConfig(
                data: Data(#"{"model_type": "mbart", "vocab_size": 10, "eos_token_id": 12}"#.utf8),
                path: "c.json")
        }
        expectError(ModelError.self, containing: ["c.json", "model_type", "m2m_100"]) {
            try TextDecoderConfig(data: Data(#"{"model_type": "t5"}"#.utf8), path: "c.json")
        }
    }

    @Test func whatDoesNotFitIsListed() throws {
        try withTemporaryDirectory { folder in
            let source = Fixtures.url("translation/mbart")
            let config = try String(
                contentsOf: source.appendingPathComponent("config.json"), encoding: .utf8)
            try Data(
                config.replacingOccurrences(
                    of: #""decoder_layers": 2"#, with: #""decoder_layers": 1"#
                ).utf8
            ).write(to: folder.appendingPathComponent("config.json"))
            try FileManager.default.copyItem(
                at: source.appendingPathComponent("model.safetensors"),
                to: folder.appendingPathComponent("model.safetensors"))
            expectError(
                ModelError.self, containing: ["unused: model.decoder.layers.1.fc1.weight"]
            ) { try TextDecoder.load(folder.path) }
        }
        expectError(ModelError.self, containing: ["model_type", "m2m_100, mbart", "whisper"]) {
            try TextDecoder.load(Fixtures.model("whisper_full").path)
        }
    }

    /// Checkpoints hold the embeddings under several names, and tables that are computed.
    @Test(arguments: ["today", "repeated", "only as a head", "bare", "not tied", "with a bias"])
    func readsWhatOthersWrote(_ form: String) throws {
        let source = Fixtures.url("translation/m2m100")
        let file = try Fixtures.safetensors("translation/m2m100/model.safetensors")
        var config = try String(
            contentsOf: source.appendingPathComponent("config.json"), encoding: .utf8)
        let table = "model.shared.weight"
        let shared = try file.tensor(table)
        var tensors: [(name: String, tensor: Tensor)] = try file.names.map {
            ($0, try file.tensor($0))
        }
        switch form {
        case "repeated":
            for name in ["model.decoder.embed_tokens", "model.encoder.embed_tokens", "lm_head"] {
                tensors.append(("\(name).weight", shared))
            }
            tensors.append(("model.decoder.embed_positions.weights", shared))
            tensors.append(("model.encoder.embed_positions.weights", shared))
            tensors.append(("final_logits_bias", .zeros([1, 53])))
        case "only as a head":
            tensors = tensors.map { ($0.name == table ? "lm_head.weight" : $0.name, $0.tensor) }
        case "bare":
            tensors = tensors.map { (String($0.name.dropFirst("model.".count)), $0.tensor) }
        case "not tied":
            config = config.replacingOccurrences(
                of: #""tie_word_embeddings": true"#, with: #""tie_word_embeddings": false"#)
            tensors.append(("lm_head.weight", shared * 2))
        case "with a bias": tensors.append(("final_logits_bias", .ones([1, 53])))
        default: break
        }
        try withTemporaryDirectory { folder in
            try Data(config.utf8).write(to: folder.appendingPathComponent("config.json"))
            try SafetensorsWriter.write(
                tensors.map { SafetensorsEntry(name: $0.name, tensor: $0.tensor) },
                to: folder.appendingPathComponent("model.safetensors"))
            guard form != "with a bias" else {
                expectError(ModelError.self, containing: ["final_logits_bias", "zeros"]) {
                    try TextDecoder.load(folder.path)
                }
                return
            }
            let decoder = try TextDecoder.load(folder.path)
            let fixture = try DecoderFixture("m2m100")
            let logits = withoutGradients {
                decoder.logits(decoder.decode(fixture.tokens, fixture.speech))
            }
            let factor: Float = form == "not tied" ? 2 : 1
            expectClose(
                logits.floats(), try fixture.expected.floats("logits").map { $0 * factor },
                within: 2e-4, form)
        }
    }

    @Test func trainingChangesWhatIsChosen() throws {
        let decoder = try DecoderFixture("mbart").decoder
        let names = decoder.parameters.names
        #expect(names.filter(DecoderTraining.frozen.includes).isEmpty)
        #expect(names.allSatisfy(DecoderTraining.full.includes))
        let some = names.filter(DecoderTraining.normsAndCrossAttention.includes)
        // Two layers of three norms and four projections, a norm at either end; weights and biases.
        #expect(some.count == 2 * (2 * (3 + 4) + 2))
        #expect(!some.contains { $0.contains(".self_attn.") || $0.contains("embed_") })
    }
}
