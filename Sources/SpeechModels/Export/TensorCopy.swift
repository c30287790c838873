package import Foundation
package import SpeechCore

/// A safetensors file that gets tensors of other files, byte for byte.
///
/// Tensors go from the mapped source to the file one after the other, so that none is in memory twice.
package struct TensorCopy {
    /// One tensor.
    package struct Item {
        let name: String
        /// The name in the source.
        let stored: String
        let info: SafetensorsTensorInfo
    }

    /// The name of the file to write.
    package let fileName: String
    /// What it gets.
    package let items: [Item]
    let source: TensorShards

    /// Plans a file.
    ///
    /// * `names`: what to copy: the name in the source and the one to write.
    /// - Throws: `TensorFileError.missingTensor`.
    package init(
        _ fileName: String, _ names: [(stored: String, name: String)], of source: TensorShards
    ) throws {
        self.fileName = fileName
        self.source = source
        items = try names.map { stored, name in
            guard let info = try source.requiredFile(of: stored).entry(stored) else {
                throw TensorFileError.missingTensor(
                    paths: source.files.map(\.path), tensor: stored)
            }
            return Item(name: name, stored: stored, info: info)
        }
    }

    /// The bytes of all tensors.
    package var byteCount: Int { items.reduce(0) { $0 + $1.info.byteCount } }

    /// Writes the file into a folder.
    ///
    /// - Throws: `FileSystemError` where it cannot be written, or the errors of the source's format.
    package func write(to folder: URL) throws {
        let entries = items.map { item in
            SafetensorsEntry(name: item.name, dtype: item.info.dtype, shape: item.info.shape) {
                emit in
                let file = try source.requiredFile(of: item.stored)
                try file.withBytes(of: item.stored) { try emit($0) }
                try file.releasePages(of: item.stored)
            }
        }
        try SafetensorsWriter.write(entries, to: folder.appendingPathComponent(fileName))
    }

    /// Reads the file back.
    ///
    /// - Returns: The names of tensors that are missing, too many, or of another type, shape or value.
    /// - Throws: `FileSystemError`, or the errors of the formats.
    package func differences(in folder: URL) throws -> [String] {
        let written = try SafetensorsFile(
            path: folder.appendingPathComponent(fileName).path)
        let expected = Set(items.map(\.name))
        var differences = written.names.filter { !expected.contains($0) }
        for item in items {
            guard written.entry(item.name) == item.info else {
                differences.append(item.name)
                continue
            }
            let file = try source.requiredFile(of: item.stored)
            let isSame = try file.withBytes(of: item.stored) { original in
                try written.withBytes(of: item.name) { isEqual(original, $0) }
            }
            if !isSame { differences.append(item.name) }
            try file.releasePages(of: item.stored)
            try written.releasePages(of: item.name)
        }
        return differences
    }
}

private func isEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let first = a.baseAddress, let second = b.baseAddress else { return true }
    return memcmp(first, second, a.count) == 0
}
