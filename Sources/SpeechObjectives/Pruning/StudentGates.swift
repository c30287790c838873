import SpeechCore
import SpeechModels
import Torch

/// A gate for every unit of a student that may be pruned.
struct StudentGates {
    /// Expected and possible numbers of open units of one kind.
    struct Count {
        let kind: UnitGroup.Kind
        let open: Double
        let all: Int
    }

    private let units: PrunableUnits
    private let gates: [(group: UnitGroup, gate: HardConcrete)]
    private let device: Device

    /// * `scope`: where `<group>.log_alpha` become parameters.
    init(_ scope: ParameterScope, _ units: PrunableUnits, kinds: [UnitGroup.Kind], device: Device) {
        self.units = units
        self.device = device
        gates = units.groups.filter { kinds.contains($0.group.kind) }.map { group, count in
            // Feed-forward units begin with even odds, all others almost surely open.
            let dropRate = group.kind == .feedForward ? 0.5 : 0.01
            let gate = HardConcrete(scope[group.description], count: count, dropRate: dropRate)
            return (group, gate)
        }
    }

    /// Gates as training draws them, a function of the batch's place in its run.
    func sampled(_ seed: BatchSeed) -> EncoderGates {
        var generator = SeededGenerator(
            seed: seed.seed, stream: 0x6761_7465, UInt64(seed.step), UInt64(seed.batch))
        let source = RandomGenerator(seed: generator.next())
        let epsilon = HardConcrete.epsilon
        return EncoderGates(
            gates.reduce(into: [:]) { factors, entry in
                let uniform = Tensor.uniform(
                    entry.gate.logAlpha.shape, from: epsilon, to: 1 - epsilon, generator: source)
                factors[entry.group] = entry.gate.sample(uniform.to(device))
            })
    }

    /// Gates without chance, on the host.
    func evaluated() -> [UnitGroup: [Double]] {
        gates.reduce(into: [:]) { $0[$1.group] = $1.gate.evaluated() }
    }

    /// Gates without chance, as an encoder takes them.
    func evaluated() -> EncoderGates {
        let values: [UnitGroup: [Double]] = evaluated()
        return EncoderGates(
            values.mapValues { Tensor($0.map(Float.init), [$0.count], device: device) })
    }

    /// The expected number of parameters, a scalar in `float64` whose gradient reaches the gates.
    var expectedSize: Tensor {
        units.size(
            with: gates.reduce(into: [:]) { $0[$1.group] = $1.gate.expectedCount },
            device: device)
    }

    /// The number of parameters that is left where every group has one unit.
    var smallestSize: Int {
        units.size(with: gates.reduce(into: [:]) { $0[$1.group] = 1 })
    }

    /// The number of parameters that `evaluated` leaves.
    var evaluatedSize: Int {
        let values: [UnitGroup: [Double]] = evaluated()
        return units.size(with: values.mapValues { $0.filter { $0 > 0 }.count })
    }

    /// By kind.
    var counts: [Count] {
        UnitGroup.Kind.allCases.compactMap { kind in
            let ofKind = gates.filter { $0.group.kind == kind }
            guard !ofKind.isEmpty else { return nil }
            return Count(
                kind: kind, open: ofKind.reduce(0) { $0 + $1.gate.expectedCount.item() },
                all: ofKind.reduce(0) { $0 + $1.gate.logAlpha.count })
        }
    }
}
