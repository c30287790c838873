/// What a pickle may hold.
///
/// Nothing that a pickle names is looked up, imported or called in either dialect.
package enum PickleDialect: Sendable {
    /// Dictionaries of tensors and nothing else, as model directories have them.
    case tensors
    /// What training programs save: tensors beside settings, dictionaries of symbols, meters and the
    /// optimizer's state. Objects of a fixed list of classes are kept as data.
    case trainingState

    /// What a module and a name stand for, or nil where they are refused.
    func callable(_ name: String) -> PickleCallable? {
        if let callable = PickleCallable.ofTensors[name] { return callable }
        guard self == .trainingState else { return nil }
        if name == "collections.defaultdict" { return .defaultDict }
        return Self.inert.contains(name) ? .inert(name) : nil
    }

    /// The classes and functions whose results are kept as records.
    ///
    /// All of these are data classes or describe types; a record is made of any of them in the same way.
    private static let inert: Set<String> = {
        var names: Set<String> = [
            "argparse.Namespace", "collections.Counter", "typing.Any", "typing.Dict", "typing.List",
            "typing.Optional", "typing.Tuple", "typing.Union", "_operator.getitem",
            "_codecs.encode",
            "torch.device", "torch.Size", "numpy.dtype", "numpy.ndarray", "pathlib.PosixPath",
            "fairseq.data.dictionary.Dictionary", "fairseq.data.dictionary.TruncatedDictionary",
            "fairseq.meters.AverageMeter", "fairseq.meters.StopwatchMeter",
            "fairseq.meters.TimeMeter",
        ]
        func add(_ module: String, _ members: [String]) {
            names.formUnion(members.map { "\(module).\($0)" })
        }
        // Protocol 2 has Python 2's names of the built-in types.
        let types = [
            "bool", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object",
            "set",
            "str", "tuple",
        ]
        add("builtins", types)
        add("__builtin__", types + ["long", "unicode"])
        add(
            "torch",
            [
                "bfloat16", "bool", "float", "float16", "float32", "float64", "half", "int16",
                "int32", "int64", "int8", "long", "uint8",
            ])
        add("numpy.core.multiarray", ["scalar", "_reconstruct"])
        add("numpy._core.multiarray", ["scalar", "_reconstruct"])
        add(
            "numpy",
            ["bool_", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "uint8"])
        add("omegaconf.dictconfig", ["DictConfig"])
        add("omegaconf.listconfig", ["ListConfig"])
        add("omegaconf.base", ["ContainerMetadata", "Metadata"])
        add(
            "omegaconf.nodes",
            [
                "AnyNode", "BooleanNode", "BytesNode", "EnumNode", "FloatNode",
                "InterpolationResultNode", "IntegerNode", "PathNode", "StringNode", "ValueNode",
            ])
        add(
            "fairseq.dataclass.configs",
            [
                "CheckpointConfig", "CommonConfig", "CommonEvalConfig", "DatasetConfig",
                "DistributedTrainingConfig", "EMAConfig", "EvalLMConfig", "FairseqBMUFConfig",
                "FairseqConfig", "FairseqDataclass", "GenerationConfig", "InteractiveConfig",
                "OptimizationConfig",
            ])
        add("fairseq.dataclass.constants", ["StrEnum"])
        add(
            "fairseq.logging.meters",
            ["AverageMeter", "Meter", "StopwatchMeter", "SumMeter", "TimeMeter"])
        add("fairseq.models.wav2vec.wav2vec2", ["Wav2Vec2Config"])
        add(
            "fairseq.models.wav2vec.wav2vec2_asr",
            ["Wav2Vec2AsrConfig", "Wav2Vec2CtcConfig", "Wav2Vec2Seq2SeqConfig"])
        add("fairseq.models.hubert.hubert", ["HubertConfig"])
        add("fairseq.models.hubert.hubert_asr", ["HubertAsrConfig", "HubertCtcConfig"])
        add("fairseq.tasks.audio_pretraining", ["AudioPretrainingConfig", "InferredW2vConfig"])
        add("fairseq.tasks.audio_finetuning", ["AudioFinetuningConfig"])
        add("fairseq.tasks.hubert_pretraining", ["HubertPretrainingConfig"])
        add("fairseq.criterions.wav2vec_criterion", ["Wav2VecCriterionConfig"])
        add("fairseq.criterions.hubert_criterion", ["HubertCriterionConfig"])
        add("fairseq.criterions.ctc", ["CtcCriterionConfig"])
        add("fairseq.optim.adam", ["FairseqAdamConfig"])
        add("fairseq.optim.composite", ["CompositeOptimizerConfig", "OptimizerAndSchedulerConfig"])
        return names
    }()
}
