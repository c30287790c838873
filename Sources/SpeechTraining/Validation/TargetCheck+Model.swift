internal import Foundation
internal import SpeechCore
internal import SpeechModels

extension TargetCheck {
    /// Checks texts for a model, of which only the configuration and the tokenizer are read.
    ///
    /// * `model`: A model directory or a repository in the local cache, for the frames; its vocabulary
    ///   counts where no other is given and it has one.
    /// * `vocabulary`: A `vocab.json`, or the folder of one.
    /// - Throws: `ModelError`, or the errors of `ModelDirectory` and `CTCTokenizer`.
    public init(model: String?, vocabulary: String?) throws {
        let directory = try model.map { try ModelDirectory($0) }
        let frames = try directory.map { directory in
            let config = try ModelLoader.config(of: directory)
            let extractor = try ModelLoader.featureExtractor(of: directory, config)
            let geometry = FrameGeometry(config, extractor)
            return Frames(samplingRate: geometry.samplingRate) {
                geometry.outputCount(samples: $0)
            }
        }
        if let vocabulary {
            let url = URL(fileURLWithPath: vocabulary)
            let isFile = url.lastPathComponent == "vocab.json"
            try self.init(
                vocabulary: isFile ? url.deletingLastPathComponent() : url, frames: frames)
        } else if let directory,
            FileManager.default.fileExists(
                atPath: directory.url.appendingPathComponent("vocab.json").path)
        {
            try self.init(vocabulary: directory.url, frames: frames)
        } else {
            self.init(frames: frames)
        }
    }
}
