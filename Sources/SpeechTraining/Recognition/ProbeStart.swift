import Foundation
import SpeechCore
import SpeechModels
import SpeechObjectives
import Torch

/// A frozen encoder and the probe of it before the first update.
struct ProbeStart {
    let model: LoadedModel
    let probe: any RecognitionProbe
    let tokenizer: TokenizerFiles
    /// The number of tokens, the blank among them.
    let vocabularySize: Int
    /// For people.
    let notes: [String]

    /// Takes the encoder of a model as it is, of any family, and builds a probe for a vocabulary.
    ///
    /// * `tokenizer`: the folder of an existing vocabulary; nil for what the run file says.
    /// - Throws: `RecognitionError`, `ModelError`, `VocabularyError`, `CTCTokenizerError`, or the
    ///   errors of the weights' format.
    init(
        model name: String, tokenizer folder: URL?, train: [URL], _ design: ProbeDesign,
        _ config: FinetuneConfig, device: Device
    ) throws {
        model = try ModelLoader.load(
            name, dtype: config.trainer.precision.dtype(on: device), device: device)
        let (vocabulary, origin, coverage) = try RecognizerStart.tokenizer(
            of: model, folder, train, config.tokenizer, prefersOwn: false)
        let blank = vocabulary.files.tokenizer.blank
        try RecognizerStart.requireFit(
            vocabulary, CTCConfig(vocabularySize: vocabulary.size, blank: blank))
        tokenizer = vocabulary.files
        vocabularySize = vocabulary.size
        probe = design.makeProbe(
            of: model.encoder, vocabularySize: vocabulary.size,
            in: ParameterStore(seed: config.common.seed &+ 1, device: device))
        let size = String(format: "%.2f M", Double(probe.parameters.parameterCount) / 1e6)
        notes =
            [
                "probe \(design.rawValue), \(size) parameters",
                RecognizerStart.note((vocabulary.files, vocabulary.size, nil), origin),
            ] + coverage
    }
}
