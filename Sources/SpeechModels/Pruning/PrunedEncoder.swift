import Torch

extension PrunableEncoder {
    /// This encoder without the units whose factor is 0; the factors of those that stay move into the
    /// next linear map.
    ///
    /// Output and sizes are those of the gated encoder, but for channels of the waveform front end: a
    /// LayerNorm over channels behind them no longer counts the zeros of those that are gone. Of the
    /// last convolution the factors stay as they are, in `scalesFrontEnd`, for a norm follows.
    ///
    /// * `factors`: of any groups, one for each unit.
    public func pruned(_ factors: [UnitGroup: [Double]]) -> any PrunableEncoder {
        let units = PrunableUnits(self)
        for (group, values) in factors {
            precondition(values.count == units.count(of: group), "\(values.count) of \(group)")
        }
        let kept = factors.mapValues { values in values.indices.filter { values[$0] != 0 } }
        guard let config = config as? any StructuredConfig else {
            preconditionFailure("\(config.modelType) has no layers of sizes of their own")
        }
        let store = ParameterStore(
            source: PrunedTensors(parameters, units, factors, kept),
            dtype: parameters.dtype, device: parameters.device)
        let encoder = config.pruned(kept).makeEncoder(in: store)
        precondition(store.mismatch.isEmpty, "\(store.mismatch)")
        guard let encoder = encoder as? any PrunableEncoder else {
            preconditionFailure("a pruned \(config.modelType) is of another kind")
        }
        encoder.precision = precision
        return encoder
    }
}

extension StructuredConfig {
    /// The same encoder with only some units, whose numbers are given by group.
    fileprivate func pruned(_ kept: [UnitGroup: [Int]]) -> any EncoderConfig {
        var structure = EncoderStructure(of: self)
        for index in structure.layers.indices {
            var layer = structure.layers[index]
            func count(_ kind: UnitGroup.Kind, network: Int = 0) -> Int? {
                kept[UnitGroup(kind, layer: index, network: network)]?.count
            }
            if let heads = kept[UnitGroup(.heads, layer: index)] {
                // Counted from those that there were before anything was pruned.
                let numbers = heads.map { layer.keptHeads?[$0] ?? $0 }
                layer.heads = heads.count
                layer.keptHeads = sharesPositionBias && !heads.isEmpty ? numbers : nil
            }
            if hasConformerLayers {
                layer.firstFeedForward = count(.feedForward) ?? layer.firstFeedForward
                layer.feedForward = count(.feedForward, network: 1) ?? layer.feedForward
                layer.convolutionChannels =
                    count(.conformerConvolution) ?? layer.convolutionChannels
            } else {
                layer.feedForward = count(.feedForward) ?? layer.feedForward
            }
            structure.layers[index] = layer
        }
        var channels = frontEndChannels ?? []
        for index in channels.indices {
            guard let left = kept[UnitGroup(.convolution, layer: index)] else { continue }
            channels[index] = left.count
            if index == channels.count - 1 { structure.scalesFrontEnd = true }
        }
        var config = with(frontEndChannels: channels)
        config.structure = structure
        return config
    }

    /// The output channels of the waveform front end, where there is one.
    private var frontEndChannels: [Int]? {
        (self as? any WaveformEncoderConfig)?.base.frontEnd.channels
            ?? (self as? Wav2Vec2Config)?.frontEnd.channels
    }

    private func with(frontEndChannels channels: [Int]) -> any StructuredConfig {
        if var config = self as? any WaveformEncoderConfig & StructuredConfig {
            config.base.frontEnd.channels = channels
            return config
        }
        guard var config = self as? Wav2Vec2Config else { return self }
        config.frontEnd.channels = channels
        return config
    }
}

/// The parameters of an encoder, cut to the units that stay.
private struct PrunedTensors: TensorSource {
    private let store: ParameterStore
    private let units: PrunableUnits
    private let factors: [UnitGroup: [Double]]
    private let kept: [UnitGroup: [Int]]

    init(
        _ store: ParameterStore, _ units: PrunableUnits, _ factors: [UnitGroup: [Double]],
        _ kept: [UnitGroup: [Int]]
    ) {
        self.store = store
        self.units = units
        self.factors = factors
        self.kept = kept
    }

    /// The factors of the last convolution where the encoder had none before.
    private var newScale: [Double]? {
        guard let group = units.lastConvolution, store[ConvolutionalFrontEnd.scaleName] == nil
        else { return nil }
        return factors[group]
    }

    var names: [String] {
        store.names + (newScale == nil ? [] : [ConvolutionalFrontEnd.scaleName])
    }

    func shape(of name: String) -> [Int]? {
        if name == ConvolutionalFrontEnd.scaleName, let scale = newScale {
            return [scale.filter { $0 != 0 }.count]
        }
        guard var shape = store[name]?.shape else { return nil }
        for axis in units.axes[name] ?? [] {
            guard let left = kept[axis.group]?.count else { continue }
            shape[axis.dimension] = shape[axis.dimension] / units.count(of: axis.group) * left
        }
        return shape
    }

    func tensor(_ name: String) -> Tensor {
        if name == ConvolutionalFrontEnd.scaleName, let scale = newScale {
            let left = scale.filter { $0 != 0 }
            return Tensor(left.map(Float.init), [left.count])
        }
        return withoutGradients {
            (units.axes[name] ?? []).reduce(store[name]!.to(.cpu).copied()) { cut($0, $1) }
        }
    }

    private func cut(_ tensor: Tensor, _ axis: PrunableUnits.Axis) -> Tensor {
        guard let values = factors[axis.group], let left = kept[axis.group] else { return tensor }
        let length = tensor.size(axis.dimension)
        let width = length / (values.count * axis.repeats)
        // Entry e of a repetition belongs to unit e / width.
        let entries = (0..<axis.repeats).flatMap { repetition in
            left.flatMap { unit in
                (0..<width).map { Int64((repetition * values.count + unit) * width + $0) }
            }
        }
        let index = Tensor(entries, [entries.count])
        var cut = tensor.indexSelect(axis.dimension, index)
        if axis.consumes {
            let scale = (0..<axis.repeats).flatMap { _ in
                left.flatMap { Array(repeating: Float(values[$0]), count: width) }
            }
            var shape = Array(repeating: 1, count: tensor.rank)
            shape[axis.dimension] = scale.count
            cut = cut * Tensor(scale, shape).to(cut.dtype)
        }
        return cut
    }
}
