import ArgumentParser
import Foundation
import SpeechCore
import SpeechModels
import SpeechTraining
import Torch

/// `colld encode`: hidden states of audio or of prepared input.
struct EncodeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Write the hidden states of audio, or of prepared input.",
        discussion: """
            An output that ends in .safetensors or .npy is one file. It holds last_hidden_state \
            [B, T', D'] and lengths [B], and for the layers asked for hidden_states.<i> [B, T, D] (0 \
            is the input of the first layer) and, with --ffn, ffn.<i> (layers from 0; before scaling \
            and residual sum). Behind an adapter, which shortens last_hidden_state, \
            output_lengths [B] counts its valid frames. With --logits it also holds logits \
            [B, T', V] of a CTC head over V tokens. Clips are encoded one by one and padded with \
            zeros to the longest.

            Any other output is a folder with a file for each clip, named by its path or its id in \
            the manifest, and index.jsonl, which lists them. Clips are computed in batches of similar \
            length. The same command goes on where it was stopped; a clip that cannot be used is \
            passed over and listed in skipped.jsonl. An .npy file is one tensor [T, D], and with \
            several tensors there is a file for each: <clip>.<tensor>.npy.
            """)

    @Option(help: "A model directory, or a repository in the local Hugging Face cache.")
    var model: String

    @Option(parsing: .upToNextOption, help: "Audio files, or folders of them.")
    var audio: [String] = []

    @Option(help: "A manifest of utterances: JSON Lines or fairseq TSV.")
    var manifest: String?

    @Option(
        help: ArgumentHelp(
            "A safetensors file with input_values or input_features, and optionally "
                + "attention_mask.",
            valueName: "file"))
    var input: String?

    @Option(help: ArgumentHelp("The file or the folder to write.", valueName: "path"))
    var output: String

    @Option(help: "all, last, or numbers with commas such as 0,6,12.")
    var layers = LayersOption.last

    @Flag(help: "Also write feed-forward features.")
    var ffn = false

    @Flag(help: "Also write what the head of a recogniser (CTC) makes of them.")
    var logits = false

    @Option(help: "The language whose adapter and vocabulary to use, such as fra (MMS).")
    var language: String?

    @Option(help: "The type to compute in: fp32, bf16 or fp16.")
    var precision = PrecisionOption.fp32

    @Flag(
        help: """
            Let the padding of --input into the clips as transformers does, instead of giving each the \
            output that it has alone.
            """)
    var referencePadding = false

    @OptionGroup var storage: EncodeStorageOptions
    @OptionGroup var folder: EncodeFolderOptions
    @OptionGroup var deviceOptions: DeviceOptions

    @Flag(help: "Print a summary as JSON.")
    var json = false

    func validate() throws {
        let sources = [!audio.isEmpty, manifest != nil, input != nil].filter { $0 }
        guard sources.count == 1 else {
            throw ValidationError("give one of --audio, --manifest and --input")
        }
        guard input == nil || isFile else {
            throw ValidationError("--input needs a file as --output, such as x.safetensors")
        }
        guard input != nil || !referencePadding else {
            throw ValidationError("--reference-padding is for the padding of --input")
        }
        if let other = EncodeOutput.Format.allCases.first(where: {
            URL(fileURLWithPath: output).pathExtension == $0.rawValue
        }), let format = storage.format, format != other {
            throw ValidationError(
                "--format \(format.rawValue) does not fit the output '\(output)'")
        }
        guard storage.output(for: output).format != .npy || storage.dtype != .bfloat16 else {
            throw ValidationError("--dtype bfloat16 does not exist in .npy files")
        }
    }

    func run() throws {
        let clips =
            try manifest.map { try EncodeClip.manifest(URL(fileURLWithPath: $0)) }
            ?? EncodeClip.files(audio)
        let target = URL(fileURLWithPath: output)
        if isFile { try Self.requireWritable(target) }
        let device = try deviceOptions.prepare()
        let model = try withTorchErrors {
            try ModelLoader.load(
                self.model, language: language, dtype: precision.dtype, device: device)
        }
        let task = try withTorchErrors {
            try EncodeTask(
                model, layers: layers.layers, feedForward: ffn, logits: logits,
                padding: referencePadding ? .reference : .isolated)
        }
        if device == .cpu { MemoryLimit.apply() }
        let summary =
            isFile
            ? try encodeFile(clips, task, model, to: target)
            : try encodeFolder(clips, task, on: device, to: target)
        if json { print(try Output.json(summary)) }
    }

    /// Whether the output is one file: told by its ending, or by what stands there.
    private var isFile: Bool {
        let endings = EncodeOutput.Format.allCases.map(\.rawValue)
        if endings.contains(URL(fileURLWithPath: output).pathExtension) { return true }
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: output, isDirectory: &isFolder)
            && !isFolder.boolValue
    }

    private func encodeFile(
        _ clips: [EncodeClip], _ task: EncodeTask, _ model: LoadedModel, to url: URL
    ) throws -> EncodeSummary {
        let start = ContinuousClock.now
        let batch: EncodedBatch
        var samples = 0
        if let input {
            let file = try EncoderInputFile(path: input, for: model)
            batch = try task.encode(file.values, file.shape, lengths: file.lengths)
        } else {
            let rate = model.featureExtractor.samplingRate
            let waveforms = try clips.map {
                (name: $0.path, samples: try $0.read(samplingRate: rate))
            }
            samples = waveforms.reduce(0) { $0 + $1.samples.count }
            batch = try task.encode(waveforms)
        }
        try storage.output(for: output).write(batch, to: url)
        return EncodeSummary(
            output: url.path, clips: batch.lengths.count, encoded: batch.lengths.count,
            audioSeconds: Double(samples) / Double(model.featureExtractor.samplingRate),
            frames: batch.lengths.reduce(0, +), seconds: start.duration(to: .now) / .seconds(1))
    }

    private func encodeFolder(
        _ clips: [EncodeClip], _ task: EncodeTask, on device: Device, to url: URL
    ) throws -> EncodeSummary {
        var settings = EncodeFolderTask.Settings(output: url, modelName: self.model)
        settings.storage = storage.output(for: output)
        settings.batchSeconds = folder.batchSeconds ?? (device == .cpu ? 10 : 240)
        settings.isStrict = folder.strict
        settings.startsOver = folder.overwrite
        let reporter = RunReporter(showsProgress: !folder.noProgress)
        let summary = try EncodeFolderTask(task, settings, reporter: reporter).run(clips)
        reporter.note(summary.description)
        return summary
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
