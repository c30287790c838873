import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

extension LoadedModel {
    /// An encoder with this one's weights and other dropout and masks, which its `config.json` then
    /// says, too.
    ///
    /// * `seed`: of the first values of what the checkpoint lacks.
    /// - Throws: `ModelError`, or the errors of the weights' format.
    func fineTunedEncoder(
        _ config: FinetuneModelConfig, masking: LatentMasking, seed: UInt64, device: Device
    ) throws -> any SpeechEncoder {
        let shares = masking.configKeys + config.shares.map { ($0.configKey, $0.value) }
        let own = try encoder.config.with(
            shares.map { ($0.0, .number($0.1)) } + [("apply_spec_augment", .bool(true))],
            path: directory.configPath)
        let tuned = own.makeEncoder(in: ParameterStore(seed: seed, device: device))
        try withoutGradients {
            for (name, tensor) in tuned.parameters.all {
                if let stored = encoder.parameters[name] {
                    tensor.assign(stored)
                } else if let shape = storedShape(name), shape == tensor.shape {
                    tensor.assign(try storedTensor(name).to(device))
                }
            }
        }
        return tuned
    }
}

extension SpeechEncoder {
    /// What is said of an encoder before it is fine-tuned.
    ///
    /// * `name`: what the command calls its model.
    func note(from name: String) -> String {
        let size = String(format: "%.1f M", Double(parameters.parameterCount) / 1e6)
        return "encoder \(config.baseModelType) \(config.layerCount)x\(config.width), \(size) "
            + "parameters, \(precision), from \(name)"
    }
}
