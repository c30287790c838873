public import SpeechModels
public import Torch

/// An encoder that runs as any of the smaller ones inside it, whose weights are the leading parts of
/// its own (LightHuBERT, section 3.1; Once-for-All).
///
/// Hidden states come with the full width, zero behind that of the chosen one: a head that multiplies
/// all channels then does what one with as many columns less would do. The last layer is the last
/// that the chosen one has.
public final class Supernet: SpeechEncoder {
    /// The encoder with all weights.
    public let whole: any SpeechEncoder
    /// What runs; nil for all of it.
    public var choice: SubNetwork?

    /// Takes an encoder of the largest sizes.
    public init(_ whole: any SpeechEncoder) { self.whole = whole }

    /// That of the whole encoder.
    public var config: any EncoderConfig { whole.config }
    /// Those of the whole encoder.
    public var parameters: ParameterStore { whole.parameters }
    /// The type that layers compute in.
    public var precision: DType {
        get { whole.precision }
        set { whole.precision = newValue }
    }
    /// Whether dropout is active.
    public var isTraining: Bool {
        get { whole.isTraining }
        set { whole.isTraining = newValue }
    }
    /// Whether frames can be hidden from it.
    public var isMaskable: Bool { whole.isMaskable }

    /// Runs the chosen sub-network.
    public func encode(
        _ input: EncoderInput, masked: Tensor?, request: LayerRequest
    ) -> EncoderOutput {
        guard let choice else { return whole.encode(input, masked: masked, request: request) }
        let network: any SpeechEncoder
        do {
            network = try subNetwork(choice)
        } catch {
            preconditionFailure("a sub-network from outside the space: \(error)")
        }
        let depth = choice.layers.count
        func inside(_ layer: Int) -> Int { layer == layerCount ? depth : min(layer, depth) }
        var inner = request
        inner.hiddenStates = Set(request.hiddenStates.map(inside))
        inner.feedForward = Set(request.feedForward.map(inside))
        let output = network.encode(input, masked: masked, request: inner)
        func widened(_ state: Tensor) -> Tensor {
            let missing = width - state.size(-1)
            return missing == 0 ? state : state.padded([0, missing])
        }
        return output.replacingLayers(
            hiddenStates: Dictionary(
                uniqueKeysWithValues: request.hiddenStates.map {
                    ($0, widened(output.hiddenStates[inside($0)]!))
                }),
            feedForward: Dictionary(
                uniqueKeysWithValues: request.feedForward.map {
                    ($0, widened(output.feedForward[inside($0)]!))
                }))
    }

    /// A sub-network as an encoder of its own, whose weights are views of this one's.
    ///
    /// - Throws: `ModelError.invalidConfig` for sizes that the family cannot have.
    public func subNetwork(_ choice: SubNetwork) throws -> any SpeechEncoder {
        let config = try choice.config(within: whole.config)
        let network = config.makeEncoder(in: ParameterStore(slicing: parameters))
        network.precision = precision
        network.isTraining = isTraining
        return network
    }
}
