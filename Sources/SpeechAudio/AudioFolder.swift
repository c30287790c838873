internal import Foundation

extension AudioFormat {
    /// The endings of file names, without the dot and in small letters.
    public var fileExtensions: [String] {
        switch self {
        case .wav: ["wav", "wave"]
        case .flac: ["flac"]
        case .mp3: ["mp3"]
        case .vorbis: ["ogg", "oga"]
        case .opus: ["opus"]
        }
    }

    /// Whether a file's name ends as those of audio files do that `AudioReader` reads.
    public static func isAudio(_ path: String) -> Bool {
        let ending = (path as NSString).pathExtension.lowercased()
        return allCases.contains { $0.fileExtensions.contains(ending) }
    }
}

/// Finds the audio files of a folder.
public enum AudioFolder {
    /// The audio files below a folder, told by their endings, as paths relative to it and sorted.
    ///
    /// Hidden files and folders are passed over, links are followed; a link to a folder that it lies
    /// in is not followed again.
    ///
    /// - Throws: `AudioError.unreadable` for a folder that cannot be listed.
    public static func files(in folder: String) throws -> [String] {
        var files: [String] = []
        try collect(folder, below: "", ancestors: [], into: &files)
        return files.sorted()
    }

    private static func collect(
        _ folder: String, below prefix: String, ancestors: [String], into files: inout [String]
    ) throws {
        let place = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        guard !ancestors.contains(place) else { return }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw AudioError.unreadable(path: folder, reason: error.localizedDescription)
        }
        for name in names where !name.hasPrefix(".") {
            let path = folder.hasSuffix("/") ? folder + name : folder + "/" + name
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
                // A link to nothing is reported when it is read.
                if AudioFormat.isAudio(name) { files.append(prefix + name) }
                continue
            }
            if isFolder.boolValue {
                try collect(
                    path, below: prefix + name + "/", ancestors: ancestors + [place], into: &files)
            } else if AudioFormat.isAudio(name) {
                files.append(prefix + name)
            }
        }
    }
}
