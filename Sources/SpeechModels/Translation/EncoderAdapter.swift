import Foundation
import SpeechCore
import Torch

extension SpeechEncoder {
    /// The same encoder with Hugging Face's own adapter behind it, newly initialised, where its family
    /// has one and it has none yet; else nil.
    ///
    /// Of wav2vec 2.0 and its relatives these are XLS-R's three convolutions, of w2v-BERT half a
    /// feed-forward network and the layer of UnitY; where widths differ a linear map and a norm come
    /// first. Both give an eighth of the frames.
    ///
    /// * `width`: of the output.
    /// - Throws: `ModelError.invalidConfig` where the family cannot have that width.
    public func addingAdapter(width: Int, seed: UInt64) throws -> (any SpeechEncoder)? {
        guard let config = try config.addingAdapter(width: width) else { return nil }
        let store = ParameterStore(
            seed: seed, dtype: parameters.dtype, device: parameters.device)
        let encoder = config.makeEncoder(in: store)
        withoutGradients {
            for (name, tensor) in parameters.all { store[name]?.assign(tensor) }
        }
        encoder.precision = precision
        return encoder
    }
}

extension EncoderConfig {
    /// The configuration with an adapter; nil where there is one already, or the family has none.
    fileprivate func addingAdapter(width: Int) throws -> (any EncoderConfig)? {
        let path = "config.json of the encoder"
        let data = try ModelWriter.configData(self)
        let file = try JSONFile(path: path, data: data)
        guard try file.bool("add_adapter") == false, file.value("adapter_kernel_size") != nil
        else { return nil }
        var object = file.object
        let isW2VBert = object["use_intermediate_ffn_before_adapter"] != nil
        object["add_adapter"] = .bool(true)
        object["num_adapter_layers"] = .integer(isW2VBert ? 1 : 3)
        object["adapter_kernel_size"] = .integer(isW2VBert ? 8 : 3)
        object["adapter_stride"] = .integer(isW2VBert ? 8 : 2)
        if isW2VBert { object["use_intermediate_ffn_before_adapter"] = .bool(true) }
        object["output_hidden_size"] = .integer(width)
        let changed = Data(JSONValue.object(object).text().utf8)
        return try EncoderFamily.of(configuration: changed, path: path)
            .config(from: changed, path: path)
    }
}
