import Foundation
import SpeechCore
import SpeechModels

extension Fingerprint {
    /// Of a teacher, without reading gigabytes: its configuration, every tensor's name, shape and
    /// type, and up to 4096 bytes of its values.
    static func of(_ model: LoadedModel) -> String { of(model.directory, model.weights) }

    /// Of any model, in the same way.
    static func of(_ directory: ModelDirectory, _ weights: TensorShards) -> String {
        var fingerprint = Fingerprint()
        fingerprint.add(directory.configData)
        for name in weights.names {
            fingerprint.add(name.utf8)
            guard let entry = weights.entry(name), let file = weights.file(of: name)
            else { continue }
            fingerprint.add("\(entry.dtype.rawValue)\(entry.shape)".utf8)
            try? file.withBytes(of: name) { fingerprint.add($0.prefix(4096)) }
        }
        return fingerprint.text
    }

    /// Of small files, such as a tokenizer's: all that they hold.
    static func of(_ files: [(name: String, data: Data)]) -> String {
        var fingerprint = Fingerprint()
        for (name, data) in files {
            fingerprint.add(name.utf8)
            fingerprint.add(data)
        }
        return fingerprint.text
    }

    /// Of a data set and what it is augmented with: the names and lengths of all clips, in order.
    static func of(_ dataset: Dataset, _ augmentation: [Utterance]) -> String {
        var fingerprint = Fingerprint()
        for corpus in dataset.corpora {
            withUnsafeBytes(of: corpus.fingerprint.littleEndian) { fingerprint.add($0) }
        }
        fingerprint.add("\(dataset.report.utterances)".utf8)
        for clip in augmentation { fingerprint.add("\(clip.id)\n\(clip.duration)\n".utf8) }
        return fingerprint.text
    }
}
