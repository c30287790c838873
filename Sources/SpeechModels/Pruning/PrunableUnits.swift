public import Torch

/// The units of an encoder that can be left out, and which entries of which parameters are theirs.
///
/// One table, read from names and shapes, serves both ends: how large the encoder is with some of its
/// units, and what to cut away.
public struct PrunableUnits {
    /// A dimension of a parameter that has entries for every unit of a group.
    struct Axis {
        let group: UnitGroup
        let dimension: Int
        /// How often the units follow one another in it: twice where a gated linear unit has both its
        /// halves.
        var repeats = 1
        /// Whether what the units give is multiplied by these entries, so that factors of the units
        /// can move there.
        var consumes = false
    }

    /// The groups in the order of the network, with the number of their units.
    public let groups: [(group: UnitGroup, count: Int)]
    /// By the name of the parameter or buffer.
    let axes: [String: [Axis]]

    /// The group whose channels are projected, where they can be pruned.
    let lastConvolution: UnitGroup?

    private let countOf: [UnitGroup: Int]
    /// Parameters that belong to no unit.
    private let constant: Int
    /// Parameters that one unit of a group has, alone and with one unit of another.
    private let terms: [(groups: [UnitGroup], count: Int)]

    /// Reads names and shapes of all parameters.
    public init(_ encoder: any PrunableEncoder) {
        let store = encoder.parameters
        let table = UnitTable(encoder.config, store)
        var axes: [String: [Axis]] = [:]
        var groups: [(group: UnitGroup, count: Int)] = []
        var countOf: [UnitGroup: Int] = [:]
        for (name, tensor) in store.all {
            let found = table.axes(of: name)
            axes[name] = found.isEmpty ? nil : found
            // Every group is first seen where its units are made.
            for axis in found where countOf[axis.group] == nil {
                let width = axis.group.kind == .heads ? table.headWidth : 1
                let count = tensor.size(axis.dimension) / (width * axis.repeats)
                countOf[axis.group] = count
                groups.append((axis.group, count))
            }
        }
        var constant = 0
        var terms: [[UnitGroup]: Int] = [:]
        var order: [[UnitGroup]] = []
        for (name, tensor) in store.all where !store.isBuffer(name) {
            guard let found = axes[name] else {
                constant += tensor.count
                continue
            }
            let units = found.reduce(1) { $0 * countOf[$1.group]! }
            let key = found.map(\.group)
            if terms[key] == nil { order.append(key) }
            terms[key, default: 0] += units == 0 ? 0 : tensor.count / units
        }
        self.axes = axes
        self.groups = groups
        self.countOf = countOf
        lastConvolution = groups.last { $0.group == table.lastGroup }?.group
        self.constant = constant
        self.terms = order.map { ($0, terms[$0]!) }
    }

    /// The number of units of a group; 0 for a group that the encoder does not have.
    public func count(of group: UnitGroup) -> Int { countOf[group] ?? 0 }

    /// The number of parameters with as many units of each group; of groups that are not named, with
    /// all.
    public func size(with counts: [UnitGroup: Int]) -> Int {
        terms.reduce(constant) { sum, term in
            sum + term.groups.reduce(term.count) { $0 * (counts[$1] ?? countOf[$1]!) }
        }
    }

    /// The number of parameters as a function of the expected numbers of units, each a scalar: a scalar
    /// in `float64` with their history.
    ///
    /// Counts of different groups are taken to be independent (methods of DPHuBERT: expected counts in
    /// the place of counts).
    public func size(with counts: [UnitGroup: Tensor], device: Device = .cpu) -> Tensor {
        var total = Tensor.full([], Double(constant), dtype: .float64, device: device)
        for term in terms {
            var fixed = Double(term.count)
            var expected: Tensor?
            for group in term.groups {
                guard let count = counts[group]?.to(.float64) else {
                    fixed *= Double(countOf[group]!)
                    continue
                }
                expected = expected.map { $0 * count } ?? count
            }
            total = expected.map { total + $0 * fixed } ?? total + fixed
        }
        return total
    }
}

/// Which dimensions of which parameters belong to units, by the names of the families.
private struct UnitTable {
    /// Of every head, also of those that are gone.
    let headWidth: Int
    private let layerPrefix: String
    private let lastConvolution: Int
    /// Whether something behind the last convolution can take fewer channels.
    private let projects: Bool

    init(_ config: any EncoderConfig, _ store: ParameterStore) {
        headWidth =
            (config as? any StructuredConfig)?.structure?.headWidth
            ?? config.width / config.headCount
        layerPrefix = config.layerPrefix
        let prefix = Self.convolutions
        lastConvolution =
            store.names.compactMap { name in
                name.hasPrefix(prefix) ? Self.numbered(name.dropFirst(prefix.count))?.index : nil
            }.max() ?? -1
        projects =
            store["feature_projection.projection.weight"] != nil
            || store["feature_projection.weight"] != nil
    }

    /// The last convolution of the front end.
    var lastGroup: UnitGroup { UnitGroup(.convolution, layer: lastConvolution) }

    private static let convolutions = "feature_extractor.conv_layers."

    /// `3.attention.q_proj.weight` to its number and the rest.
    private static func numbered(_ name: Substring) -> (index: Int, rest: Substring)? {
        guard let dot = name.firstIndex(of: "."), let index = Int(name[..<dot]) else { return nil }
        return (index, name[name.index(after: dot)...])
    }

    func axes(of name: String) -> [PrunableUnits.Axis] {
        if name.hasPrefix(layerPrefix) {
            guard let (layer, rest) = Self.numbered(name.dropFirst(layerPrefix.count)) else {
                return []
            }
            return Self.axis(rest, layer: layer).map { [$0] } ?? []
        }
        if name.hasPrefix(Self.convolutions) {
            guard let (index, rest) = Self.numbered(name.dropFirst(Self.convolutions.count)) else {
                return []
            }
            var axes: [PrunableUnits.Axis] = []
            if index < lastConvolution || projects { axes.append(channels(index, 0)) }
            if rest == "conv.weight" && index > 0 {
                axes.append(channels(index - 1, 1, consumes: true))
            }
            return axes
        }
        guard lastConvolution >= 0, projects else { return [] }
        switch name {
        case ConvolutionalFrontEnd.scaleName: return [channels(lastConvolution, 0, consumes: true)]
        case "feature_projection.projection.weight", "feature_projection.weight":
            return [channels(lastConvolution, 1)]
        case "feature_projection.layer_norm.weight", "feature_projection.layer_norm.bias",
            "layer_norm.weight", "layer_norm.bias":
            return [channels(lastConvolution, 0)]
        default: return []
        }
    }

    private func channels(
        _ index: Int, _ dimension: Int, consumes: Bool = false
    ) -> PrunableUnits.Axis {
        .init(
            group: UnitGroup(.convolution, layer: index), dimension: dimension, consumes: consumes)
    }

    private static func axis(_ rest: Substring, layer: Int) -> PrunableUnits.Axis? {
        func units(
            _ kind: UnitGroup.Kind, _ dimension: Int = 0, network: Int = 0, repeats: Int = 1,
            consumes: Bool? = nil
        ) -> PrunableUnits.Axis {
            .init(
                group: UnitGroup(kind, layer: layer, network: network), dimension: dimension,
                repeats: repeats, consumes: consumes ?? (dimension == 1))
        }
        let parts = rest.split(separator: ".")
        guard parts.count == 3 else {
            switch rest {
            case "self_attn.pos_bias_u", "self_attn.pos_bias_v": return units(.heads)
            case "attention.gru_rel_pos_const": return units(.heads, 1, consumes: false)
            default: return nil
            }
        }
        let (block, map) = (parts[0], parts[1])
        switch (block, map) {
        case ("attention", "q_proj"), ("attention", "k_proj"), ("attention", "v_proj"),
            ("self_attn", "linear_q"), ("self_attn", "linear_k"), ("self_attn", "linear_v"),
            ("self_attn", "linear_pos"):
            return units(.heads)
        case ("attention", "out_proj"), ("self_attn", "linear_out"):
            return parts[2] == "weight" ? units(.heads, 1) : nil
        case ("feed_forward", _), ("ffn1", _), ("ffn2", _):
            let network = block == "ffn2" ? 1 : 0
            if map == "intermediate_dense" { return units(.feedForward, network: network) }
            return parts[2] == "weight" ? units(.feedForward, 1, network: network) : nil
        case ("conv_module", "pointwise_conv1"):
            return units(.conformerConvolution, repeats: 2)
        case ("conv_module", "depthwise_conv"), ("conv_module", "depthwise_layer_norm"),
            ("conv_module", "batch_norm"):
            return units(.conformerConvolution)
        case ("conv_module", "pointwise_conv2"):
            return units(.conformerConvolution, 1)
        default: return nil
        }
    }
}
