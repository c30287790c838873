import ArgumentParser
import Foundation
import SpeechAudio
import SpeechCore
import SpeechModels
import SpeechTraining
import Torch

/// `colld encode`: hidden states of audio or of prepared input.
struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the hidden states of audio files, or of prepared input, to a file.",
        discussion: """
            The output holds last_hidden_state [B, T', D'] and lengths [B], and for the layers asked \
            for hidden_states.<i> [B, T, D] (0 is the input of the first layer) and, with --ffn, \
            ffn.<i> (layers from 0; before scaling and residual sum). Behind an adapter, which \
            shortens last_hidden_state, output_lengths [B] counts its valid frames. With --logits \
            it also holds logits [B, T', V] of a CTC head over V tokens.

            Audio files are encoded one by one, so that each has the same output whatever it is \
            encoded with, and padded with zeros to the longest.
            """)

    @Option(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(parsing: .upToNextOption, help: "Audio files.")
    var audio: [String] = []

    @Option(
        help: ArgumentHelp(
            "A safetensors file with input_values or input_features, and optionally "
                + "attention_mask.",
            valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("The safetensors file to write.", valueName: "file"))
    var output: String

    @Option(help: "all, last, or numbers with commas such as 0,6,12.")
    var layers = LayersOption.last

    @Flag(help: "Also write feed-forward features.")
    var ffn = false

    @Flag(help: "Also write what the head of a recogniser (CTC) makes of them.")
    var logits = false

    @Option(help: "The language whose adapter and vocabulary to use, such as fra (MMS).")
    var language: String?

    @Option(help: "fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    @OptionGroup var deviceOptions: DeviceOptions

    func validate() throws {
        guard audio.isEmpty != (input == nil) else {
            throw ValidationError("give either --audio or --input")
        }
    }

    func run() throws {
        let target = URL(fileURLWithPath: output)
        try Self.requireWritable(target)
        let device = try deviceOptions.prepare()
        let model = try withTorchErrors {
            try ModelLoader.load(
                self.model, language: language, dtype: precision.dtype, device: device)
        }
        let task = try withTorchErrors {
            try EncodeTask(model, layers: layers.layers, feedForward: ffn, logits: logits)
        }
        let batch: EncodedBatch
        if let input {
            let file = try EncoderInputFile(path: input, for: model)
            batch = try task.encode(file.values, file.shape, lengths: file.lengths)
        } else {
            let rate = model.featureExtractor.samplingRate
            batch = try task.encode(
                audio.map { path in
                    (path, try AudioReader.read(path, samplingRate: rate))
                })
        }
        try SafetensorsWriter.write(batch.entries, to: target)
    }

    /// Finds out before the work, not behind it, that the output has no place.
    private static func requireWritable(_ url: URL) throws {
        let folder = url.deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        if access(folder, W_OK) != 0 {
            throw FileSystemError.cannotWrite(path: url.path, operation: "create", code: errno)
        }
        if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder),
            isFolder.boolValue
        {
            throw FileSystemError.cannotWrite(path: url.path, operation: "create", code: EISDIR)
        }
    }
}

/// Layers, as the flag spells them.
struct LayersOption: ExpressibleByArgument {
    let layers: EncodeTask.Layers

    static let last = LayersOption(layers: .last)

    init(layers: EncodeTask.Layers) { self.layers = layers }

    init?(argument: String) {
        switch argument {
        case "all": layers = .all
        case "last": layers = .last
        default:
            let numbers = argument.split(separator: ",", omittingEmptySubsequences: false)
                .map { Int($0.trimmingCharacters(in: .whitespaces)) }
            guard !numbers.contains(nil) else { return nil }
            layers = .chosen(numbers.compactMap { $0 })
        }
    }

    var defaultValueDescription: String { "last" }
}
