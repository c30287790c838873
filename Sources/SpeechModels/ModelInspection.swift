import Foundation
public import SpeechCore
import Torch

/// What a model directory holds, told from its configuration and the headers of its weight files.
///
/// No weights are read. The network is built once on tensors that share the memory of the largest, so
/// that every parameter is counted where the family puts it and what does not fit is found.
public struct ModelInspection: Encodable, Sendable {
    /// A part of the encoder.
    public struct Part: Encodable, Sendable {
        /// Its name, such as `attention`.
        public let name: String
        /// The number of values in its parameters.
        public let parameters: Int
        /// Multiply-accumulate operations for one second of audio, one value for each length of
        /// `secondsOfAudio`; nil for parts whose products are not counted.
        public let macsPerSecond: [Double]?

        private enum CodingKeys: String, CodingKey {
            case name, parameters
            case macsPerSecond = "macs_per_second"
        }
    }

    /// One file of weights.
    public struct File: Encodable, Sendable {
        /// The name in the directory.
        public let name: String
        /// `safetensors`, or the ending of another format.
        public let format: String
        /// The size in bytes.
        public let bytes: Int
    }

    /// The head of a recogniser.
    public struct Head: Encodable, Sendable {
        /// The number of tokens that it scores, the blank among them.
        public let vocabularySize: Int
        /// The number of tokens in the vocabulary of the tokenizer; nil without one that can be read.
        public let tokenizerSize: Int?
        /// Why head and tokenizer cannot be used together, or nil.
        public let problem: String?

        private enum CodingKeys: String, CodingKey {
            case vocabularySize = "vocabulary_size"
            case tokenizerSize = "tokenizer_size"
            case problem
        }
    }

    /// Where it was read.
    public let path: String
    /// `model_type`.
    public let family: String
    /// The class that wrote the checkpoint (`architectures`), or nil.
    public let architecture: String?
    /// The class of the bare encoder.
    public let encoderClass: String
    /// The number of layers.
    public let layers: Int
    /// The width of the hidden states.
    public let width: Int
    /// Attention heads of each layer.
    public let heads: Int
    /// Units of each feed-forward network.
    public let feedForward: Int
    /// The family whose layers a model of the family `colld` has, else nil.
    public let baseFamily: String?
    /// The sizes of layers that have their own, else nil; `heads` and `feedForward` are then those
    /// before pruning.
    public let structure: EncoderStructure?
    /// The width of the last hidden state.
    public let outputWidth: Int
    /// The parts of the encoder, front to back; their parameters sum up to `parameters`.
    public let parts: [Part]
    /// The number of values in all parameters of the encoder.
    public let parameters: Int
    /// The head of a recogniser, if the checkpoint has one.
    public let head: Head?
    /// The languages that have an adapter of their own.
    public let languages: [String]
    /// The number of values in buffers, which are saved and not trained.
    public let buffers: Int
    /// The number of values of each element type in the files, those of `ignored` included.
    public let dtypes: [String: Int]
    /// The files of weights.
    public let files: [File]
    /// Tensors of heads and the like that the encoder leaves out.
    public let ignored: [String]
    /// The number of their values.
    public let ignoredParameters: Int
    /// The lengths in seconds that operations are counted for.
    public let secondsOfAudio: [Double]
    /// All operations for one second of audio, one value for each length.
    public let macsPerSecond: [Double]
    /// Samples per second of the audio.
    public let samplingRate: Int
    /// Frames per second of the hidden states.
    public let framesPerSecond: Double
    /// Samples that one frame of the front end sees.
    public let receptiveField: Int
    /// The shortest clip in samples.
    public let minimumSamples: Int
    /// The longest clip in samples, or nil for any length; longer audio is heard in several pieces,
    /// and every piece costs as much as the longest.
    public let maximumSamples: Int?
    /// The class of the feature extractor.
    public let featureExtractor: String
    /// What the model card says under `license`, or nil.
    public let license: String?
    /// What keeps the model from loading: missing, mis-shaped and unused tensors.
    public let problems: [String]

    private enum CodingKeys: String, CodingKey {
        case path, family, architecture, layers, width, heads, parts, parameters, buffers, dtypes
        case files, ignored, license, problems, head, languages, structure
        case baseFamily = "base_family"
        case encoderClass = "encoder_class"
        case feedForward = "feed_forward"
        case outputWidth = "output_width"
        case ignoredParameters = "ignored_parameters"
        case secondsOfAudio = "seconds_of_audio"
        case macsPerSecond = "macs_per_second"
        case samplingRate = "sampling_rate"
        case framesPerSecond = "frames_per_second"
        case receptiveField = "receptive_field"
        case minimumSamples = "minimum_samples"
        case maximumSamples = "maximum_samples"
        case featureExtractor = "feature_extractor"
    }

    /// Inspects an opened directory.
    ///
    /// * `seconds`: The lengths of audio that operations are counted for, each positive.
    /// - Throws: `ModelError`, or the errors of `ModelDirectory` and of the weights' format. Tensors
    ///   that do not fit are no error here; see `problems`.
    public init(_ directory: ModelDirectory, seconds: [Double] = [1, 10, 60]) throws {
        let config = try ModelLoader.config(of: directory)
        let family = try EncoderFamily.of(directory)
        let extractor = try ModelLoader.featureExtractor(of: directory, config)
        let weights = try directory.openWeights()
        let infos = Dictionary(
            uniqueKeysWithValues: weights.names.compactMap { name in
                weights.entry(name).map { (name, $0) }
            })
        let outline = EncoderOutline(config, family, infos)
        let geometry = FrameGeometry(config, extractor)
        let rate = Double(extractor.samplingRate)
        let counts = seconds.map { length in
            let samples = Int(length * rate)
            let pieces = extractor.maximumSamples.map { (samples + $0 - 1) / $0 } ?? 1
            return config.multiplyAccumulates(
                inputLength: extractor.inputLength(samples: samples)
            ).map { (part: $0.part, count: Double(pieces * $0.count) / length) }
        }

        path = directory.url.path
        self.family = family.modelType
        baseFamily = family.baseModelType == family.modelType ? nil : family.baseModelType
        structure = config.structure
        architecture = try directory.architecture
        encoderClass = config.architecture
        layers = config.layerCount
        width = config.width
        heads = config.headCount
        feedForward = config.feedForwardWidth
        outputWidth = config.outputWidth
        parts = Self.parts(outline.parameters, counts, config)
        parameters = outline.parameters.reduce(0) { $0 + $1.count }
        head = try Self.head(directory, family, infos["lm_head.weight"])
        languages = try directory.adapterLanguages
        buffers = outline.buffers.reduce(0) { $0 + $1.count }
        dtypes = infos.values.reduce(into: [:]) { sums, info in
            sums[info.dtype.rawValue, default: 0] += info.elementCount
        }
        files = weights.files.map { Self.file($0.path) }
        ignored = outline.ignored
        ignoredParameters = outline.ignored.reduce(0) { $0 + (infos[$1]?.elementCount ?? 0) }
        secondsOfAudio = seconds
        macsPerSecond = counts.map { $0.reduce(0) { $0 + $1.count } }
        samplingRate = extractor.samplingRate
        framesPerSecond = geometry.framesPerSecond
        receptiveField = geometry.receptiveField
        minimumSamples = geometry.minimumSamples
        maximumSamples = extractor.maximumSamples
        featureExtractor = extractor.config.kind.rawValue
        license = Self.license(directory)
        problems = outline.problems
    }

    /// Joins parameters and operations of one name, in the order of the network.
    private static func parts(
        _ parameters: [(name: String, count: Int)], _ counts: [[(part: String, count: Double)]],
        _ config: any EncoderConfig
    ) -> [Part] {
        var order: [String] = []
        var sums: [String: Int] = [:]
        for (name, count) in parameters {
            let part = EncoderOutline.part(of: name, config)
            if sums[part] == nil { order.append(part) }
            sums[part, default: 0] += count
        }
        for (part, _) in counts.first ?? [] where sums[part] == nil {
            order.append(part)
        }
        return order.map { part in
            let macs = counts.compactMap { count in count.first { $0.part == part }?.count }
            return Part(
                name: part, parameters: sums[part] ?? 0,
                macsPerSecond: macs.isEmpty ? nil : macs)
        }
    }

    private static func head(
        _ directory: ModelDirectory, _ family: EncoderFamily, _ weight: SafetensorsTensorInfo?
    ) throws -> Head? {
        guard family.hasRecognizers, let size = weight?.shape.first else { return nil }
        do {
            let tokenizer = try CTCTokenizer(directory)
            do {
                try tokenizer?.requireFit(CTCConfig(directory), vocabularySize: size)
            } catch let error as any ReportedError {
                return Head(
                    vocabularySize: size, tokenizerSize: tokenizer?.vocabulary.count,
                    problem: "\(error)")
            }
            return Head(
                vocabularySize: size, tokenizerSize: tokenizer?.vocabulary.count, problem: nil)
        } catch let error as any ReportedError {
            return Head(vocabularySize: size, tokenizerSize: nil, problem: "\(error)")
        }
    }

    private static func file(_ path: String) -> File {
        let url = URL(fileURLWithPath: path)
        // Files of the Hugging Face cache are links.
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: url.resolvingSymlinksInPath().path)
        return File(
            name: url.lastPathComponent, format: url.pathExtension,
            bytes: (attributes?[.size] as? NSNumber)?.intValue ?? 0)
    }

    /// The line `license: …` between the first two lines of three dashes.
    private static func license(_ directory: ModelDirectory) -> String? {
        let card = directory.url.appendingPathComponent("README.md")
        guard let text = try? String(contentsOf: card, encoding: .utf8) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.trimmingCharacters(in: .whitespaces) }
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else {
            return nil
        }
        let key = "license:"
        let value = lines[..<end].first { $0.hasPrefix(key) }?.dropFirst(key.count)
            .trimmingCharacters(in: CharacterSet(charactersIn: " \t\r'\""))
        return value?.isEmpty == false ? value : nil
    }
}

/// An encoder without weights: its names and shapes beside those of a checkpoint.
private struct EncoderOutline {
    /// In the order of construction.
    let parameters: [(name: String, count: Int)]
    let buffers: [(name: String, count: Int)]
    /// Names in the files that the family leaves out.
    let ignored: [String]
    let problems: [String]

    init(
        _ config: any EncoderConfig, _ family: EncoderFamily,
        _ infos: [String: SafetensorsTensorInfo]
    ) {
        let source = HeaderSource(family, infos)
        let store = ParameterStore(source: source)
        // Asks the store for every parameter.
        _ = config.makeEncoder(in: store)
        let all = store.all.map { (name: $0.name, count: $0.tensor.count) }
        parameters = all.filter { !store.isBuffer($0.name) }
        buffers = all.filter { store.isBuffer($0.name) }
        let left = source.names.filter { !store.requested.contains($0) }
        ignored = left.filter { family.isIgnored($0) }.compactMap { source.stored[$0] }
        let mistyped = all.compactMap { name, _ in source.stored[name] }.compactMap { name in
            infos[name].flatMap { $0.dtype.isFloatingPoint ? nil : (name, $0.dtype.rawValue) }
        }
        problems =
            store.mismatch.missing.map { "missing: \($0)" }
            + mistyped.map { "type of \($0.0): expected floating-point numbers, found \($0.1)" }
            + store.mismatch.misshaped.map {
                "shape of \($0.name): expected \($0.expected), found \($0.found)"
            }
            + left.filter { !family.isIgnored($0) }.compactMap { source.stored[$0] }
            .map { "unused: \($0)" }
    }

    /// The part that a parameter belongs to, in the words of `EncoderConfig.multiplyAccumulates`.
    static func part(of name: String, _ config: any EncoderConfig) -> String {
        // The same name before the layers of SEW and behind those of Whisper.
        let isLast = config.modulesBehindLayers.contains("layer_norm.")
        let starts = [
            ("feature_extractor.", "front end"), ("conv1.", "front end"), ("conv2.", "front end"),
            ("feature_projection.", "feature projection"),
            ("feature_projection", "feature projection"),
            ("masked_spec_embed", "mask embedding"), ("encoder.upsample.", "upsampling"),
            ("layer_norm.", isLast ? "encoder norm" : "input norm"),
            ("inner_layer_norm.", "output norm"),
            ("encoder.pos_conv_embed.", "positional convolution"),
            ("encoder.time_reduction.", "time reduction"),
            ("encoder.layer_norm.", "encoder norm"), ("adapter.", "adapter"),
            ("intermediate_ffn", "intermediate feed-forward"),
        ]
        if let start = starts.first(where: { name.hasPrefix($0.0) }) { return start.1 }
        guard name.hasPrefix(config.layerPrefix) else { return "other" }
        // <i>.<block>…
        let block =
            name.dropFirst(config.layerPrefix.count).split(separator: ".").dropFirst().first ?? ""
        let blocks = [
            ("adapter_layer", "language adapters"), ("conv_module", "convolution"),
            ("feed_forward", "feed-forward"), ("attention", "attention"),
            ("self_attn", "attention"), ("ffn", "feed-forward"), ("fc", "feed-forward"),
        ]
        guard !block.hasSuffix("layer_norm") else { return "layer norms" }
        return blocks.first { block.hasPrefix($0.0) }?.1 ?? "other"
    }
}

/// The shapes of a checkpoint, without its values.
private final class HeaderSource: TensorSource {
    /// The encoder's name of a tensor to its name in the file.
    let stored: [String: String]
    private let infos: [String: SafetensorsTensorInfo]
    /// As many zeros as the largest tensor has values.
    private let zeros: Tensor

    init(_ family: EncoderFamily, _ infos: [String: SafetensorsTensorInfo]) {
        self.infos = infos
        zeros = .zeros([infos.values.map(\.elementCount).max() ?? 0])
        stored = infos.keys.sorted().reduce(into: [:]) { names, name in
            names[family.encoderName(of: name)] = name
        }
    }

    var names: [String] { stored.keys.sorted() }

    func shape(of name: String) -> [Int]? { stored[name].flatMap { infos[$0]?.shape } }

    /// A tensor of the right shape; all share one memory.
    func tensor(_ name: String) -> Tensor {
        let shape = shape(of: name) ?? []
        return zeros.narrow(0, 0, shape.reduce(1, *)).reshape(shape)
    }
}
