import FileMutation
import Foundation
import SpeechCore
import SpeechModels
import TestSupport
import Testing

/// Checkpoints of fairseq that cannot be converted.
@Suite(.serialized) struct FairseqErrorTests {
    /// Changes the value behind a key in the pickle of the fixture without checksums.
    private func edited(_ key: String, _ change: (inout [UInt8], Int) throws -> Void) throws -> Data
    {
        var bytes = [UInt8](try Data(contentsOf: Fixtures.url("fairseq/ctc_args_legacy.pt")))
        let text = PickleBytes.text(key)
        let range = try #require(bytes.firstRange(of: text), "\(key)")
        // The instruction that remembers the key stands between it and its value.
        let wide = bytes[range.upperBound] == UInt8(ascii: "r")
        try change(&bytes, range.upperBound + (wide ? 5 : 2))
        return Data(bytes)
    }

    private func fails<E: Error>(_ type: E.Type, _ data: Data, _ fragments: [String]) throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("model.pt")
            try data.write(to: url)
            expectError(type, containing: ["model.pt"] + fragments) {
                let output = folder.appendingPathComponent("output")
                try FileManager.default.createDirectory(
                    at: output, withIntermediateDirectories: true)
                try CheckpointConversion(path: url.path).fill(output)
            }
        }
    }

    @Test(
        "a size that the tensors do not have",
        arguments: [
            ("encoder_layers", 2), ("encoder_embed_dim", 16), ("encoder_ffn_embed_dim", 24),
            ("conv_pos", 8), ("conv_pos_groups", 4),
        ])
    func sizes(_ key: String, _ size: Int) throws {
        let data = try edited(key) { bytes, place in
            #expect(bytes[place] == UInt8(ascii: "K") && Int(bytes[place + 1]) == size)
            bytes[place + 1] += 1
        }
        try fails(
            ConversionError.self, data,
            ["'args.w2v_args.\(key)'", "expected \(size) as 'encoder.", "found \(size + 1)"])
    }

    @Test func headsMustDivideTheWidth() throws {
        let data = try edited("encoder_attention_heads") { bytes, place in bytes[place + 1] = 5 }
        try fails(ModelError.self, data, ["num_attention_heads", "a divisor of", "5"])
    }

    @Test func flags() throws {
        let bias = try edited("conv_bias") { bytes, place in bytes[place] = 0x89 }
        try fails(ConversionError.self, bias, ["conv_bias'", "expected true", "found false"])
        let first = try edited("layer_norm_first") { bytes, place in
            bytes[place] = UInt8(ascii: "N")
        }
        try fails(
            ConversionError.self, first, ["layer_norm_first'", "true or false", "found nothing"])
        let text = try edited("layer_norm_first") { bytes, place in bytes[place] = UInt8(ascii: "}")
        }
        try fails(PickleError.self, text, ["layer_norm_first'", "true or false", "a dictionary"])
        let depth = try edited("pos_conv_depth") { bytes, place in bytes[place + 1] = 3 }
        try fails(ConversionError.self, depth, ["pos_conv_depth'", "1 as wav2vec2", "3"])
        let quantized = try edited("quantize_input") { bytes, place in bytes[place] = 0x88 }
        try fails(ConversionError.self, quantized, ["quantize_input'", "false", "true"])
    }

    /// Texts of the same length in place of others.
    @Test(arguments: [
        ("layer_norm", "layer_nurm", "extractor_mode", "default or layer_norm"),
        ("(12, 10, 5)", "(13, 10, 5)", "conv_feature_layers", "expected 12 as"),
        ("(12, 10, 5)", "(12, 11, 5)", "conv_feature_layers", "expected 10 as"),
        ("(12, 10, 5)", "(12, 10, -)", "conv_feature_layers", "a list such as"),
        ("(12, 10, 5)", "__import__(", "conv_feature_layers", "a list such as"),
        ("gelu", "tanh", "activation_fn", "gelu, gelu_accurate"),
        ("wav2vec_ctc", "wav2vec_xyz", "arch", "hubert_ctc"),
    ])
    func texts(_ old: String, _ new: String, _ key: String, _ expected: String) throws {
        var bytes = [UInt8](try Data(contentsOf: Fixtures.url("fairseq/ctc_args_legacy.pt")))
        // The first that is a text of its own or part of one, behind its key.
        let start = try #require(bytes.firstRange(of: Array(key.utf8))).upperBound
        let range = try #require(bytes[start...].firstRange(of: Array(old.utf8)))
        bytes.replaceSubrange(range, with: Array(new.utf8))
        try fails(ConversionError.self, Data(bytes), [key, expected])
    }

    @Test func tensors() throws {
        func renamed(_ old: String, _ new: String) throws -> Data {
            var bytes = [UInt8](try Data(contentsOf: Fixtures.url("fairseq/ctc_args_legacy.pt")))
            let range = try #require(bytes.firstRange(of: Array(old.utf8)), "\(old)")
            bytes.replaceSubrange(range, with: Array(new.utf8))
            return Data(bytes)
        }
        try fails(
            ConversionError.self,
            try renamed("encoder.layers.0.fc1.bias", "encoder.layers.0.fc9.bias"),
            ["wav2vec2", "1 others", "fc9.bias"])
        try fails(
            PickleError.self,
            try renamed("encoder.layers.0.fc1.bias", "encoder.layers.1.fc1.bias"), ["found two"])
        try fails(
            ModelError.self,
            try renamed("w2v_model.post_extract_proj.bias", "w2v_model.post_extract_proj.bios"),
            ["missing: feature_projection.projection.bias", "unused"])
    }

    @Test func filesThatAreNotFairseqs() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("plain.pt")
            let body = PickleBytes.dictionary([("epoch", PickleBytes.integer(1))])
            try Data(PickleBytes.archive(body, [])).write(to: url)
            expectError(ConversionError.self, containing: ["plain.pt", "'cfg'", "config.json"]) {
                try CheckpointConversion(path: url.path)
            }
        }
    }
}

/// Python expressions that are lists of layers, and others.
@Suite struct FairseqConvolutionsTests {
    @Test func layers() {
        let text = "[(512, 10, 5)] + [(512, 3, 2)] * 4 + [(512,2,2)] * 2"
        #expect(
            FairseqConvolutions(text)?.layers
                == [[512, 10, 5]] + Array(repeating: [512, 3, 2], count: 4)
                + Array(repeating: [512, 2, 2], count: 2))
        #expect(
            FairseqConvolutions(" [ (1,2,3,) ,\n(4 , 5,6), ]")?.layers == [[1, 2, 3], [4, 5, 6]])
        #expect(FairseqConvolutions("[(1,2,3)]*0 + [(4,5,6)]")?.layers == [[4, 5, 6]])
    }

    @Test(arguments: [
        "", "[]", "[(1, 2)]", "[(1, 2, 3, 4)]", "[(1, 2, 0)]", "[(1, 2, -3)]", "[(1, 2, 3)] *",
        "[(1, 2, 3)] +", "[(1, 2, 3)] * 65", "[(1, 2, 3)] * 99999999999999999999", "(1, 2, 3)",
        "[(1, 2, 3)", "[(1, 2, 3]", "[(1, 2, 3)]; import os", "[(a, 2, 3)]", "[(1.0, 2, 3)]",
        "4 * [(1, 2, 3)]", "[(1, 2, 3) (1, 2, 3)]", "[(1 2 3)]", "[(1234567, 2, 3)]",
        "[(1, 2, 3)] * 40 + [(1, 2, 3)] * 40",
    ]) func others(_ text: String) {
        #expect(FairseqConvolutions(text) == nil)
    }

    @Test func lengthCostsNothing() {
        let long = String(repeating: "[(1,2,3)]*9+", count: 100_000)
        #expect(FairseqConvolutions(long) == nil)
        #expect(FairseqConvolutions(String(repeating: "[", count: 1_000_000)) == nil)
    }
}
