import Foundation
import SpeechAudio
import SpeechCore

/// A clip as a shard holds it.
struct PackedClip: Sendable {
    /// The name of its members without their endings.
    let key: String
    /// FLAC, one channel.
    let audio: Data
    /// What is known of the utterance besides, a JSON object.
    let metadata: Data
    /// The utterance, with the length of the packed audio; its place in a shard is not known yet.
    let utterance: Utterance
}

/// Turns utterances into members of shards; may be used from several threads.
struct ClipPacker: Sendable {
    /// What became of an utterance.
    enum Outcome: Sendable {
        case packed(PackedClip)
        case skipped(SkippedUtterance)
    }

    let samplingRate: Int

    /// Decodes a clip and encodes it.
    ///
    /// * `number`: its place in all shards, which makes its name unique.
    /// - Throws: what goes wrong beyond this clip.
    func pack(_ utterance: Utterance, number: Int) throws -> Outcome {
        do {
            // As long as the manifest says, at most: the end may be rounded.
            let samples = try AudioReader.read(
                utterance.audioPath, bytes: utterance.byteRange, offset: utterance.offset,
                duration: utterance.duration, samplingRate: samplingRate)
            let audio = try AudioWriter.encode(
                samples, samplingRate: samplingRate, format: .flac, name: utterance.audioPath)
            var packed = utterance
            packed.byteRange = nil
            packed.offset = 0
            packed.duration = Double(samples.count) / Double(samplingRate)
            packed.samples = samples.count
            return .packed(
                PackedClip(
                    key: Self.key(packed.id, number: number), audio: audio,
                    metadata: metadata(packed), utterance: packed))
        } catch let error as any ReportedError where error.exitStatus == .badInput {
            return .skipped(SkippedUtterance(utterance, reason: error.description))
        }
    }

    private func metadata(_ utterance: Utterance) -> Data {
        var object = JSONObject()
        object["id"] = .string(utterance.id)
        object["duration"] = .number(utterance.duration)
        object["sampling_rate"] = .integer(samplingRate)
        object["num_samples"] = utterance.samples.map(JSONValue.integer)
        object["text"] = utterance.text.map(JSONValue.string)
        object["lang"] = utterance.lang.map(JSONValue.string)
        object["speaker"] = utterance.speaker.map(JSONValue.string)
        object["target_text"] = utterance.targetText.map(JSONValue.string)
        object["target_lang"] = utterance.targetLang.map(JSONValue.string)
        return Data(JSONValue.object(object).text().utf8)
    }

    /// The number and what file names can hold of the id.
    ///
    /// Readers of WebDataset end a key at its first dot, and order nothing: the number makes
    /// it unique.
    private static func key(_ id: String, number: Int) -> String {
        let digits = String(number)
        let plain = id.unicodeScalars.map { scalar -> Character in
            let isPlain =
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || scalar == "-" || scalar == "_"
            return isPlain ? Character(scalar) : "_"
        }
        var name = ""
        for character in plain {
            guard name.utf8.count + character.utf8.count <= 80 else { break }
            name.append(character)
        }
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits + "-" + name
    }
}
