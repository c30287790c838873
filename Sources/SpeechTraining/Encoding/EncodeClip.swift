public import Foundation
import SpeechAudio
import SpeechCore

/// Something to encode: an audio file or a part of one.
public struct EncodeClip: Sendable, Hashable {
    /// What no other clip is called: a manifest's id, or the file's name or path.
    public let id: String
    /// The audio file.
    public let path: String
    /// Which bytes of the file are the recording; nil for all of them.
    public let byteRange: Range<Int>?
    /// Where it begins in the recording, in seconds.
    public let offset: Double
    /// The length in seconds; nil up to the end of the file.
    public let duration: Double?
    /// The language, where a manifest gives it.
    public let language: String?

    init(
        id: String, path: String, byteRange: Range<Int>? = nil, offset: Double = 0,
        duration: Double? = nil, language: String? = nil
    ) {
        self.id = id
        self.path = path
        self.byteRange = byteRange
        self.offset = offset
        self.duration = duration
        self.language = language
    }

    /// The clips of files and of folders with all their audio, in the order given.
    ///
    /// Files of a folder are sorted and have their path in it as id, others their name, unless another
    /// clip has that id, too; then both have their path. A file that is named twice is one clip.
    ///
    /// - Throws: `EncodeError.noAudio` for a folder without any, or `AudioError.unreadable`.
    public static func files(_ paths: [String]) throws -> [EncodeClip] {
        var found: [(id: String, path: String)] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
                isFolder.boolValue
            else {
                found.append(((path as NSString).lastPathComponent, path))
                continue
            }
            let names = try AudioFolder.files(in: path)
            guard !names.isEmpty else { throw EncodeError.noAudio(path: path) }
            let folder = path.hasSuffix("/") ? path : path + "/"
            found += names.map { ($0, folder + $0) }
        }
        var places: Set<String> = []
        found = found.filter {
            places.insert(URL(fileURLWithPath: $0.path).standardizedFileURL.path).inserted
        }
        let counts = found.reduce(into: [String: Int]()) { $0[$1.id, default: 0] += 1 }
        return found.map { EncodeClip(id: counts[$0.id] == 1 ? $0.id : $0.path, path: $0.path) }
    }

    /// The utterances of a manifest of any format that `ManifestFormat` knows.
    ///
    /// - Throws: `FileSystemError` or `ManifestError`.
    public static func manifest(_ url: URL) throws -> [EncodeClip] {
        try ManifestFormat.read(url).map {
            EncodeClip(
                id: $0.id, path: $0.audioPath, byteRange: $0.byteRange, offset: $0.offset,
                duration: $0.duration, language: $0.lang)
        }
    }

    /// Decodes the clip: one channel at `samplingRate`.
    ///
    /// - Throws: `AudioError`.
    public func read(samplingRate: Int) throws -> [Float] {
        try AudioReader.read(
            path, bytes: byteRange, offset: offset, duration: duration, samplingRate: samplingRate)
    }

    /// The length in seconds, which may cost decoding an MP3.
    ///
    /// - Throws: `AudioError`.
    func seconds() throws -> Double {
        try duration ?? AudioReader.info(path, bytes: byteRange).duration
    }
}

/// Names of files for ids of clips.
package struct ClipNames {
    /// Names taken, as a file system that ignores case compares them.
    private var taken: Set<String>

    /// * `taken`: names that no new clip may have.
    package init(taken: some Sequence<String> = []) {
        self.taken = Set(taken.map(Self.key))
    }

    /// Names for clips, relative paths without the ending of the file to be written.
    ///
    /// A name is the clip's id without the ending of an audio file; where clips would share it, with
    /// the ending, and where they still do, with a number.
    package mutating func names(for ids: [String]) -> [String] {
        let short = ids.map { Self.path(for: AudioFormat.isAudio($0) ? Self.stem($0) : $0) }
        let counts = short.reduce(into: [String: Int]()) { $0[Self.key($1), default: 0] += 1 }
        return zip(ids, short).map { id, short in
            let isFree = counts[Self.key(short)] == 1 && !taken.contains(Self.key(short))
            let base = isFree ? short : Self.path(for: id)
            var name = base
            var number = 2
            while !taken.insert(Self.key(name)).inserted {
                name = "\(base)-\(number)"
                number += 1
            }
            return name
        }
    }

    private static func key(_ name: String) -> String {
        name.lowercased().precomposedStringWithCanonicalMapping
    }

    private static func stem(_ id: String) -> String { (id as NSString).deletingPathExtension }

    /// A relative path that stays within its folder and that every file system takes.
    private static func path(for id: String) -> String {
        let parts = id.split(separator: "/").filter { $0 != "." && $0 != ".." }.map(component)
        return parts.isEmpty ? "clip" : parts.joined(separator: "/")
    }

    private static func component(_ text: Substring) -> String {
        let clean = String(
            text.unicodeScalars.map { scalar in
                scalar.value < 0x20 || scalar.value == 0x7F || scalar == "\\"
                    ? "_" : Character(scalar)
            })
        // File names end at 255 bytes, of which the endings need some.
        guard clean.utf8.count > 180 else { return clean }
        var fingerprint = Fingerprint()
        fingerprint.add(clean.utf8)
        var short = ""
        for character in clean {
            guard short.utf8.count + character.utf8.count <= 150 else { break }
            short.append(character)
        }
        return "\(short)-\(fingerprint.text)"
    }
}
