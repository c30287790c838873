import SpeechCore

/// The settings of a fairseq model, found wherever its version of fairseq keeps them.
///
/// Since the end of 2020 checkpoints hold `cfg`, with the sections `model` and `task`; before that `args`,
/// the command line in one object. A model for recognition holds the settings of its encoder in `w2v_args`,
/// in either form (`fairseq/checkpoint_utils.py`, `fairseq/models/wav2vec/wav2vec2_asr.py`).
struct FairseqModel {
    /// The family.
    let kind: FairseqKind
    /// The settings of the encoder.
    let encoder: PickleSettings
    /// The settings of the task that the encoder, or the recognizer around it, was trained for.
    let task: PickleSettings
    /// The settings of the recognizer around the encoder, or nil where there is none.
    let recognizer: PickleSettings?
    /// The symbols that the file itself holds, of whoever trained a recognizer.
    let symbols: [String]?
    private let path: String

    private static let recognizers: Set<String> = ["wav2vec_ctc", "hubert_ctc"]

    /// Nil where the file is none of fairseq's.
    ///
    /// - Throws: `ConversionError` or `PickleError` for a model that cannot be converted.
    init?(_ root: PickleSettings, path: String) throws {
        guard let (model, task) = try Self.sections(root, flat: "args") else { return nil }
        self.path = path
        self.task = task
        let name = try Self.name(of: model)
        guard let name, Self.recognizers.contains(name) else {
            recognizer = nil
            symbols = nil
            encoder = model
            kind = try Self.kind(name, model, path)
            return
        }
        guard let inner = try model.section("w2v_args") else {
            throw ConversionError.wrongSetting(
                path: path, key: model.name("w2v_args"), expected: "the settings of the encoder",
                found: "nothing")
        }
        recognizer = model
        symbols = try root.section("task_state")?.section("target_dictionary")?.strings("symbols")
        encoder = try inner.section("model") ?? inner
        kind = try Self.kind(try Self.name(of: encoder), encoder, path)
    }

    /// `cfg.model` and `cfg.task`, or the one object of the older form for both.
    private static func sections(
        _ root: PickleSettings, flat: String
    ) throws -> (model: PickleSettings, task: PickleSettings)? {
        if let config = try root.section("cfg"), let model = try config.section("model") {
            return (model, try config.section("task") ?? model)
        }
        return try root.section(flat).map { ($0, $0) }
    }

    private static func name(of model: PickleSettings) throws -> String? {
        // In the older form `_name` may be that of the task.
        try model.string("arch") ?? model.string("_name")
    }

    private static func kind(
        _ name: String?, _ model: PickleSettings, _ path: String
    ) throws -> FairseqKind {
        guard let name, let kind = FairseqKind(rawValue: name) else {
            throw ConversionError.wrongSetting(
                path: path, key: model.name("arch or _name"),
                expected: "wav2vec2, hubert, data2vec_audio, or wav2vec_ctc or hubert_ctc with one "
                    + "of these inside", found: name.map { "'\($0)'" } ?? "nothing")
        }
        return kind
    }

    // MARK: Settings

    func wrong(_ key: String, _ expected: String, _ found: String) -> ConversionError {
        .wrongSetting(path: path, key: encoder.name(key), expected: expected, found: found)
    }

    private func required<T>(_ key: String, _ expected: String, _ value: T?) throws -> T {
        guard let value else { throw wrong(key, expected, "nothing") }
        return value
    }

    /// A whole number without which nothing can be converted.
    func size(_ key: String) throws -> Int {
        try required(key, "a whole number", encoder.integer(key, in: 1...1 << 16))
    }

    /// The layers of the front end.
    func convolutions() throws -> FairseqConvolutions {
        let key = "conv_feature_layers"
        let expected = "a list such as [(512, 10, 5)] + [(512, 3, 2)] * 4"
        let text = try required(key, expected, encoder.string(key))
        guard let layers = FairseqConvolutions(text) else {
            throw wrong(key, expected, "'\(text.prefix(100))'")
        }
        return layers
    }

    /// Whether every layer of the front end has LayerNorm; otherwise the first has group norm.
    func hasLayerNormFrontEnd() throws -> Bool {
        let key = "extractor_mode"
        switch try required(key, "default or layer_norm", encoder.string(key)) {
        case "default": return false
        case "layer_norm": return true
        case let other: throw wrong(key, "default or layer_norm", "'\(other)'")
        }
    }

    func flag(_ key: String) throws -> Bool { try encoder.bool(key) ?? false }

    /// Whether norms stand before attention and feed-forward networks; no tensor tells.
    func isPreNorm() throws -> Bool {
        try required("layer_norm_first", "true or false", encoder.bool("layer_norm_first"))
    }

    /// Taps of the positional convolution and how many stand behind one another.
    func positions() throws -> (taps: Int, layers: Int) {
        let taps = try encoder.integer("conv_pos", in: 1...1 << 12) ?? 128
        let depth = try encoder.integer("pos_conv_depth", in: 1...64) ?? 1
        switch kind {
        case .data2Vec:
            guard depth > 1 else {
                throw wrong("pos_conv_depth", "several convolutions as data2vec has", "\(depth)")
            }
            return (max(3, taps / depth), depth)
        case .wav2Vec2, .hubert:
            guard depth == 1 else {
                throw wrong("pos_conv_depth", "1 as \(kind.rawValue) has", "\(depth)")
            }
            return (taps, 1)
        }
    }

    /// Hugging Face's name of the activation function.
    func activation() throws -> String {
        let names = [
            "gelu": "gelu", "gelu_fast": "gelu_new", "gelu_accurate": "gelu_new", "relu": "relu",
            "swish": "swish",
        ]
        let name = try encoder.string("activation_fn") ?? "gelu"
        guard let known = names[name] else {
            throw wrong("activation_fn", names.keys.sorted().joined(separator: ", "), "'\(name)'")
        }
        return known
    }

    /// A setting of training, which the recognizer overrides.
    func number(_ key: String, recognizerKey: String? = nil) throws -> Double {
        try recognizer?.number(recognizerKey ?? key) ?? encoder.number(key) ?? 0
    }

    /// Whether clips are normalised.
    func normalizes() throws -> Bool { try task.bool("normalize") ?? false }

    /// Samples per second.
    func samplingRate() throws -> Int {
        try task.integer("sample_rate", in: 1000...384_000) ?? 16_000
    }
}
