public import Foundation
import SpeechCore
import SpeechModels
public import SpeechObjectives
import Torch

/// Chooses a sub-network of a once-for-all student after its training and writes it as a model of its
/// own.
public struct SubnetTask {
    /// A sub-network and what is known about it.
    public struct Candidate: Codable, Sendable {
        /// The sizes, for people.
        public var sizes: String
        /// Layers, width, heads and units of all layers alike.
        public var layers, width, heads, feedForward: Int
        /// All its parameters.
        public var parameters: Int
        /// Its loss on a validation manifest, where one was given.
        public var loss: Double?

        private enum CodingKeys: String, CodingKey {
            case sizes, layers, width, heads, parameters, loss
            case feedForward = "feed_forward"
        }

        /// The sub-network itself.
        public var network: SubNetwork {
            SubNetwork(layers: layers, width: width, heads: heads, feedForward: feedForward)
        }
    }

    private let directory: RunDirectory
    private let config: DistillConfig
    private let settings: OnceForAllSettings
    private let model: LoadedModel
    private let space: SearchSpace
    private let device: Device

    /// Reads a finished run.
    ///
    /// * `run`: its directory.
    /// - Throws: `ConfigError` for a run of another objective, and what `ModelLoader` throws.
    public init(run: URL, device name: String, threads: Int) throws {
        device = try RunEnvironment.prepare(device: name, threads: threads)
        directory = RunDirectory(run)
        config = try ConfigDocument.read(DistillConfig(), file: directory.config.path)
        guard case .onceForAll(let settings) = config.objective else {
            throw ConfigError.invalidValue(
                file: directory.config.path, key: "objective.name",
                expected: ObjectiveConfig.Name.onceForAll.rawValue,
                found: config.objective.name.rawValue)
        }
        self.settings = settings
        let device = device
        let path = directory.model.path
        model = try RunEnvironment.building("student") {
            try ModelLoader.load(path, device: device)
        }
        space = try settings.space.resolved(for: model.encoder.config)
    }

    /// What a sub-network has to be; nil where it may be anything.
    public struct Choice: Sendable {
        /// The number of layers and the width.
        public var shape: (layers: Int, width: Int)?
        /// Attention heads of a layer.
        public var heads: Int?
        /// Feed-forward units of a layer.
        public var feedForward: Int?
        /// The most parameters.
        public var maxParameters: Int?

        /// Anything.
        public init() {}

        fileprivate func allows(_ candidate: Candidate) -> Bool {
            let hasShape =
                shape.map { $0.layers == candidate.layers && $0.width == candidate.width } ?? true
            return hasShape && candidate.heads == heads ?? candidate.heads
                && candidate.feedForward == feedForward ?? candidate.feedForward
                && candidate.parameters <= maxParameters ?? .max
        }
    }

    /// The sub-networks with layers alike that were trained, the largest first.
    ///
    /// - Throws: `ObjectiveError.invalidSetting` where none is as wanted.
    public func candidates(_ choice: Choice) throws -> [Candidate] {
        let supernet = Supernet(model.encoder)
        let all = try space.uniform.map { network in
            Candidate(
                sizes: network.description, layers: network.layers.count, width: network.width,
                heads: network.layers[0].heads, feedForward: network.layers[0].feedForward,
                parameters: try supernet.subNetwork(network).parameters.parameterCount, loss: nil)
        }.sorted { $0.parameters > $1.parameters }
        let fitting = all.filter(choice.allows)
        guard !fitting.isEmpty else {
            throw ObjectiveError.invalidSetting(
                key: "sub-network",
                expected: "one that was trained: "
                    + all.map { "\($0.sizes), \($0.parameters) parameters" }
                    .joined(separator: "; "),
                found: "none of them allowed by --design, --heads, --feed-forward and "
                    + "--max-parameters")
        }
        return fitting
    }

    /// The loss of each candidate on a manifest, the lowest first.
    ///
    /// * `report`: is told of each candidate that is measured.
    /// - Throws: what reading the teachers and the data throws.
    public func measured(
        _ candidates: [Candidate], on manifest: URL, report: (Candidate) -> Void
    ) throws -> [Candidate] {
        let sources = try RunProvenance.read(from: directory.provenance).models
            .filter { $0.role == "teacher" }
        let device = device
        let type = config.teacher.precision.dtype(on: device)
        let teachers = try sources.map { source in
            try RunEnvironment.building("teacher") {
                try ModelLoader.load(source.name, dtype: type, device: device)
            }
        }
        model.encoder.precision = config.trainer.precision.dtype(on: device)
        let objective = try OnceForAll(
            settings, teachers: teachers.map(\.encoder), student: model.encoder,
            seed: config.common.seed &+ 1)
        let checkpoint = directory.linkedStep("best") ?? directory.linkedStep("last") ?? 0
        try TrainingCheckpoint.restore(
            objective.heads.all, from: directory.checkpoint(step: checkpoint),
            "heads.safetensors")
        var dataset = config.dataset
        dataset.corpusWeights = []
        let data = try TrainingData(
            manifests: [manifest], config: dataset, augmenter: nil, targets: nil,
            student: (model.encoder, model.featureExtractor.independentOfBatch()),
            teachers: teachers.map { ($0.encoder, $0.featureExtractor.independentOfBatch()) },
            minimumFrames: objective.minimumFrames, seed: config.common.seed, startBatch: 0,
            isValidation: true, device: device)
        let measured = try candidates.map { candidate in
            var candidate = candidate
            candidate.loss = try loss(of: candidate.network, objective, data)
            report(candidate)
            return candidate
        }
        return measured.sorted { ($0.loss ?? .infinity) < ($1.loss ?? .infinity) }
    }

    private func loss(
        of network: SubNetwork, _ objective: OnceForAll, _ data: TrainingData
    ) throws -> Double {
        data.rewind()
        var sum = 0.0
        var count = 0
        var index = 0
        var skipped: [SkippedUtterance] = []
        while let loaded = try data.nextOfPass() {
            skipped += loaded.skipped
            try RunEnvironment.building("batch of the validation") {
                guard let batch = data.inputs(of: loaded) else { return }
                let context = LossContext(
                    seed: BatchSeed(seed: config.common.seed, step: 0, batch: index), step: 0,
                    steps: 1, isValidation: true)
                let report = try withoutGradients {
                    try objective.loss(of: network, on: batch, context)
                }
                sum += report.sum.item()
                count += report.count
            }
            index += 1
        }
        guard count > 0 else { throw DatasetError.allSkipped(skipped: skipped) }
        return sum / Double(count)
    }

    /// Writes a sub-network as a model directory.
    ///
    /// - Throws: `RunError.occupied` for a folder that is not empty, `FileSystemError` where it cannot be
    ///   written.
    public func write(_ candidate: Candidate, to url: URL) throws {
        try RunDirectory.requireFree(url)
        let network = try Supernet(model.encoder).subNetwork(candidate.network)
        let own = network.config.makeEncoder(in: ParameterStore(seed: 0))
        withoutGradients {
            for (name, tensor) in own.parameters.all {
                tensor.assign(network.parameters[name]!.contiguous())
            }
        }
        let teacher = try RunProvenance.read(from: directory.provenance).models
            .first { $0.role == "teacher" }
        let card = ModelCard(
            teacher: model.directory, teacherName: teacher?.name ?? "",
            objective: config.objective.name, student: own.config,
            parameters: candidate.parameters, step: config.regime.steps,
            validationLoss: candidate.loss)
        try ModelWriter.write(
            own, featureExtractor: model.featureExtractor, card: card.text, to: url)
    }
}
