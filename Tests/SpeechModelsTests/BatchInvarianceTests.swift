import SpeechCore
import SpeechModels
import TestSupport
import Testing
import Torch

/// A clip has the same output whatever it is batched with, and whatever its padding holds.
@Suite struct BatchInvarianceTests {
    /// Whisper is left out: its window is always full, and padding is silence that it hears.
    private static func isPadded(_ name: String) -> Bool { !name.hasPrefix("whisper") }

    @Test(arguments: TinyModels.names.filter(isPadded), [false, true])
    func paddedAsAlone(_ name: String, masked: Bool) throws {
        let encoder = try TinyModels.encoder(name)
        let frames = [31, 1, 17, 30]
        let lengths = TinyModels.lengths(encoder, frames: frames)
        // The padding holds noise, which nothing may see.
        let input = TinyModels.input(encoder, lengths: lengths)
        let mask = Tensor(
            frames.indices.flatMap { clip in (0..<31).map { ($0 + clip) % 4 == 0 } }, [4, 31])
        let batch = withoutGradients {
            encoder.encode(input, masked: masked ? mask : nil, request: .all(layers: 3))
        }
        #expect(batch.lengths == frames)
        for (clip, count) in frames.enumerated() {
            let values = input.values.narrow(0, clip, 1).narrow(1, 0, lengths[clip]).contiguous()
            let alone = withoutGradients {
                encoder.encode(
                    EncoderInput(values: values, lengths: nil),
                    masked: masked ? mask.narrow(0, clip, 1).narrow(1, 0, count) : nil,
                    request: .all(layers: 3))
            }
            let distance = try ClipDistance(of: clip, in: batch, from: alone)
            #expect(distance.largest <= 1e-5, "clip \(clip): \(distance.largest)")
        }
    }

    /// Convolutions of adapters of any kernel and stride, which count frames in their own ways.
    @Test(
        arguments: ["w2v-bert", "wav2vec2 large", "data2vec", "conformer relative"],
        [(2, 2), (3, 1), (3, 2), (3, 4), (4, 2), (4, 3), (5, 2), (1, 2)])
    func adaptersPaddedAsAlone(_ name: String, _ size: (kernel: Int, stride: Int)) throws {
        let text = try #require(TinyModels.texts[name]).replacing(
            #""hidden_size""#,
            with: """
                "add_adapter": true, "num_adapter_layers": 2, "output_hidden_size": 20,
                "adapter_kernel_size": \(size.kernel), "adapter_stride": \(size.stride),
                "hidden_size"
                """)
        let encoder = try TinyModels.config(text: text).makeEncoder(in: ParameterStore(seed: 1))
        let frames = [40, 25, 38, 24]
        let lengths = TinyModels.lengths(encoder, frames: frames)
        let input = TinyModels.input(encoder, lengths: lengths)
        let batch = withoutGradients { encoder.encode(input, request: .all(layers: 3)) }
        for (clip, length) in lengths.enumerated() {
            let values = input.values.narrow(0, clip, 1).narrow(1, 0, length).contiguous()
            let alone = withoutGradients {
                encoder.encode(
                    EncoderInput(values: values, lengths: nil), request: .all(layers: 3))
            }
            #expect(batch.outputLengths[clip] == alone.outputLengths[0])
            let made = try #require(alone.lastHiddenState).size(1)
            #expect((1...made).contains(alone.outputLengths[0]))
            let distance = try ClipDistance(of: clip, in: batch, from: alone)
            #expect(distance.largest <= 1e-5, "clip \(clip): \(distance.largest)")
        }
    }

    /// Models whose clips depend on their batch in the reference.
    private static let leaking = [
        "data2vec_audio", "hubert_base", "hubert_posbn", "seamless_m4t_v2",
        "seamless_m4t_v2_encoder", "sew", "store_bin_legacy_pickle",
        "store_bin_weight_g", "store_safetensors_weight_g", "unispeech_sat_base",
        "w2vbert_adapter_ctc", "w2vbert_intermediate_ffn", "wav2vec2_adapter", "wav2vec2_base",
        "wav2vec2_conformer_relative", "wav2vec2_conformer_rotary", "wavlm_base",
    ]

    /// Speech of very different lengths from samples to states, and that the reference's padding would
    /// be seen here.
    @Test(arguments: ParityTests.models.filter(isPadded))
    func fixturesPaddedAsAlone(_ name: String) throws {
        let fixture = try ParityTests.Case(name)
        let encoder = fixture.model.encoder
        let extractor = fixture.model.featureExtractor
        let (first, second) = (
            try fixture.expected.floats("raw.0"), try fixture.expected.floats("raw.1")
        )
        let shortest = Array(
            second.prefix(FrameGeometry(encoder.config, extractor).minimumSamples))
        let batches = [
            [second, first], [first, second, second + first + second, shortest],
            [first + second.dropLast(1234) + first, shortest],
            [shortest, Array(first.dropLast(487)), first + second],
        ]
        func run(_ clips: [[Float]], _ padding: PaddingPolicy) throws -> EncoderOutput {
            let features = try extractor.following(.isolated).extract(clips)
            return withoutGradients {
                encoder.encode(
                    EncoderInput(features, padding: padding),
                    request: .all(layers: encoder.layerCount))
            }
        }
        var leak = 0.0
        for clips in batches {
            let isolated = try run(clips, .isolated)
            let reference = try run(clips, .reference)
            for clip in clips.indices {
                let features = try extractor.extract([clips[clip]])
                let alone = withoutGradients {
                    encoder.encode(
                        EncoderInput(features), request: .all(layers: encoder.layerCount))
                }
                let distance = try ClipDistance(of: clip, in: isolated, from: alone)
                #expect(distance.largest <= 2e-5, "clip \(clip): \(distance.largest)")
                leak = max(
                    leak, try ClipDistance(of: clip, in: reference, from: alone).largest)
            }
        }
        if Self.leaking.contains(name) { #expect(leak > 1e-2) } else { #expect(leak <= 2e-5) }
    }

    /// What a student learns from a batch is what it learns from its clips.
    @Test(arguments: TinyModels.names) func gradientsAreThoseOfTheClips(_ name: String) throws {
        let encoder = try TinyModels.config(name).asStudent().makeEncoder(
            in: ParameterStore(seed: 3))
        let store = encoder.parameters
        store.setTrainable(true)
        let frames = [9, 24, 13]
        let lengths = TinyModels.lengths(encoder, frames: frames)
        let input = TinyModels.input(encoder, lengths: lengths)
        let weight = Tensor.normal([24, 32], generator: RandomGenerator(seed: 9))
        func score(_ output: EncoderOutput, _ row: Int, clip: Int) throws -> Tensor {
            let states = try #require(output.hiddenStates[3]).select(0, row)
            return (states.narrow(0, 0, frames[clip]) * weight.narrow(0, 0, frames[clip])).sum()
        }
        func gradients() -> [String: [Float]] {
            defer { store.clearGradients() }
            return store.trainable.reduce(into: [:]) { $0[$1.name] = $1.tensor.gradient?.floats() }
        }
        let request = LayerRequest(hiddenStates: [3])
        let batch = encoder.encode(input, request: request)
        try frames.indices.map { try score(batch, $0, clip: $0) }.reduce(Tensor.zeros([]), +)
            .backward()
        let together = gradients()
        for (clip, length) in lengths.enumerated() {
            // Whisper hears its whole window, whatever is in it.
            let heard = encoder.config is WhisperConfig ? input.values.size(1) : length
            let values = input.values.narrow(0, clip, 1).narrow(1, 0, heard).contiguous()
            let alone = encoder.encode(EncoderInput(values: values, lengths: nil), request: request)
            try score(alone, 0, clip: clip).backward()
        }
        let apart = gradients()
        #expect(together.keys.sorted() == apart.keys.sorted() && together.count > 30)
        for (parameter, gradient) in together {
            let expected = try #require(apart[parameter])
            let size = expected.reduce(1e-3) { max($0, abs($1)) }
            expectClose(gradient, expected, within: 1e-4 * Double(size), parameter)
        }
    }

    /// A clip without a frame would be attention over nothing.
    @Test func everyClipHasAFrame() async {
        await #expect(processExitsWith: .failure) {
            let encoder = try TinyModels.encoder("wav2vec2 large")
            let input = EncoderInput(values: .ones([2, 800]), lengths: [800, 399])
            _ = withoutGradients { encoder.encode(input) }
        }
        await #expect(processExitsWith: .failure) {
            let encoder = try TinyModels.encoder("w2v-bert")
            let input = EncoderInput(values: .ones([2, 4, 160]), lengths: [0, 4])
            _ = withoutGradients { encoder.encode(input) }
        }
        await #expect(processExitsWith: .failure) {
            let encoder = try TinyModels.encoder("sew")
            let input = EncoderInput(values: .ones([2, 1600]), lengths: [1600, 400])
            _ = withoutGradients { encoder.encode(input) }
        }
    }

    /// Lengths that fill the batch are no mask at all, and lead to the same numbers.
    @Test func fullLengthsNeedNoMask() throws {
        let encoder = try TinyModels.encoder("w2v-bert")
        let input = TinyModels.input(encoder, lengths: [9, 9])
        #expect(input.lengths == nil)
        #expect(TinyModels.input(encoder, lengths: [9, 8]).lengths == [9, 8])
    }

    /// Masked prediction replaces exactly the frames of the mask, unless the configuration says no.
    @Test(arguments: ["w2v-bert", "wav2vec2 large"])
    func masksReplaceFrames(_ name: String) throws {
        let encoder = try TinyModels.encoder(name)
        let input = TinyModels.input(
            encoder, lengths: TinyModels.lengths(encoder, frames: [10]))
        func first(_ encoder: any SpeechEncoder, _ masked: [Bool]) throws -> [Float] {
            let output = withoutGradients {
                encoder.encode(
                    input, masked: Tensor(masked, [1, 10]),
                    request: LayerRequest(hiddenStates: [0], wantsLastHiddenState: false))
            }
            return try #require(output.hiddenStates[0]).floats()
        }
        let none = [Bool](repeating: false, count: 10)
        var some = none
        (some[2], some[7]) = (true, true)
        let plain = try first(encoder, none)
        let replaced = try first(encoder, some)
        #expect(plain != replaced)
        if name == "w2v-bert" {
            let embedding = try #require(encoder.parameters["masked_spec_embed"]).floats()
            for frame in 0..<10 {
                let range = frame * 32..<(frame + 1) * 32
                #expect(Array(replaced[range]) == (some[frame] ? embedding : Array(plain[range])))
            }
        }
        let text = try #require(TinyModels.texts[name])
            .replacing("{", with: #"{"apply_spec_augment": false, "#)
        let deaf = try TinyModels.config(text: text).makeEncoder(in: ParameterStore(seed: 1))
        #expect(try first(deaf, none) == first(deaf, some))
    }
}

/// How far the valid frames of one clip in a batch are from those of the clip alone.
struct ClipDistance {
    /// The largest absolute difference in any state, feature or output; infinite for NaN.
    private(set) var largest = 0.0

    init(of clip: Int, in batch: EncoderOutput, from alone: EncoderOutput) throws {
        let (frames, outputs) = (alone.lengths[0], alone.outputLengths[0])
        #expect(batch.lengths[clip] == frames && batch.outputLengths[clip] == outputs)
        func compare(_ padded: Tensor?, _ single: Tensor?, _ count: Int) throws {
            let padded = try #require(padded).select(0, clip).narrow(0, 0, count).floats()
            let single = try #require(single).select(0, 0).narrow(0, 0, count).floats()
            for (a, b) in zip(padded, single) {
                let distance = Double(abs(a - b))
                largest = max(largest, distance <= .infinity ? distance : .infinity)
            }
        }
        for (layer, state) in alone.hiddenStates {
            try compare(batch.hiddenStates[layer], state, frames)
        }
        for (layer, feature) in alone.feedForward {
            try compare(batch.feedForward[layer], feature, frames)
        }
        // SEW's output is at the rate of the front end.
        let rate = alone.lastHiddenState?.size(1) == alone.encoderOutput?.size(1) ? outputs : frames
        try compare(batch.encoderOutput, alone.encoderOutput, rate)
        try compare(batch.lastHiddenState, alone.lastHiddenState, outputs)
    }
}
