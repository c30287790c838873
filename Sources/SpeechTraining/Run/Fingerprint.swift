import Foundation
import SpeechCore
import SpeechModels

/// A short text that tells inputs of a run apart: a 64-bit FNV-1a hash.
struct Fingerprint {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Sixteen hexadecimal digits.
    var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    /// Of a teacher, without reading gigabytes: its configuration, every tensor's name, shape and
    /// type, and up to 4096 bytes of its values.
    static func of(_ model: LoadedModel) -> String {
        var fingerprint = Fingerprint()
        fingerprint.add(model.directory.configData)
        for name in model.weights.names {
            fingerprint.add(name.utf8)
            guard let entry = model.weights.entry(name), let file = model.weights.file(of: name)
            else { continue }
            fingerprint.add("\(entry.dtype.rawValue)\(entry.shape)".utf8)
            try? file.withBytes(of: name) { fingerprint.add($0.prefix(4096)) }
        }
        return fingerprint.text
    }

    /// Of a data set: the names and lengths of its utterances, in order.
    static func of(_ dataset: Dataset) -> String {
        var fingerprint = Fingerprint()
        for (utterance, duration) in zip(dataset.utterances, dataset.durations) {
            fingerprint.add("\(utterance.id)\n\(duration)\n".utf8)
        }
        return fingerprint.text
    }
}
