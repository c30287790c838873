internal import CSndFile
internal import Foundation

/// A file that libsndfile reads through callbacks which do not tell its end.
///
/// For an MP3 without a length header the decoder library estimates the number of frames from the file's
/// size, and libsndfile then stops reading at that estimate. When the decoder cannot seek to the
/// end it makes no estimate and everything is decoded.
final class SequentialFile {
    private let file: FileHandle
    private let length: Int
    private var position = 0

    init?(path: String) {
        guard let file = FileHandle(forReadingAtPath: path), let end = try? file.seekToEnd() else {
            return nil
        }
        self.file = file
        length = Int(end)
    }

    private func read(into pointer: UnsafeMutableRawPointer, count: Int) -> Int {
        let read = pread(file.fileDescriptor, pointer, count, off_t(position))
        position += max(0, read)
        return max(0, read)
    }

    private static func from(_ user: UnsafeMutableRawPointer?) -> SequentialFile {
        Unmanaged<SequentialFile>.fromOpaque(user!).takeUnretainedValue()
    }

    /// Opens the file with libsndfile; the result must be closed before this object is released.
    func open(_ header: inout SF_INFO) -> OpaquePointer? {
        var callbacks = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(SequentialFile.from($0).length) },
            seek: { offset, origin, user in
                let file = SequentialFile.from(user)
                switch origin {
                case Int32(SEEK_SET): file.position = Int(offset)
                case Int32(SEEK_CUR): file.position += Int(offset)
                default: return -1
                }
                return sf_count_t(file.position)
            },
            read: { pointer, count, user in
                guard let pointer, count > 0 else { return 0 }
                return sf_count_t(SequentialFile.from(user).read(into: pointer, count: Int(count)))
            },
            write: nil,
            tell: { sf_count_t(SequentialFile.from($0).position) })
        let user = Unmanaged.passUnretained(self).toOpaque()
        return sf_open_virtual(&callbacks, Int32(SFM_READ), &header, user)
    }
}
