internal import CSndFile
internal import Foundation

/// The encoded bytes of a recording: a whole file, or the part of one that holds it, such as a member
/// of a tar.
///
/// libsndfile reads them through callbacks. Belongs to one thread.
final class EncodedAudio {
    let path: String
    /// The number of bytes.
    let count: Int
    /// Where they begin in the file.
    let start: Int
    private let descriptor: Int32
    private var position = 0
    /// Whether libsndfile may learn where the end is.
    private var tellsEnd = true

    /// Opens a file, of which `range` must lie inside it; nil takes all of it.
    ///
    /// - Throws: `AudioError` when the file is missing, no file, unreadable, empty or shorter than the
    ///   range.
    init(path: String, range: Range<Int>?) throws {
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { throw AudioError.missingFile(path: path) }
            throw AudioError.unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        self.path = path
        self.descriptor = descriptor
        var status = stat()
        let hasStatus = fstat(descriptor, &status) == 0
        let size = Int(status.st_size)
        start = range?.lowerBound ?? 0
        count = range?.count ?? size
        // From here on deinit closes the file.
        // Not a pipe either: formats are recognised by seeking.
        guard hasStatus, status.st_mode & S_IFMT == S_IFREG else {
            throw AudioError.notAFile(path: path)
        }
        guard size > 0, count > 0 else { throw AudioError.empty(path: path) }
        guard start >= 0, start + count <= size else {
            throw AudioError.bytesOutsideFile(
                path: path, first: start, count: count, fileBytes: size)
        }
    }

    deinit { close(descriptor) }

    /// Opens the recording with libsndfile; the result must be closed before this object is released.
    ///
    /// For an MP3 without a length header the decoder library estimates the number of frames from the
    /// file's size, and libsndfile then stops reading at that estimate. When the decoder cannot seek
    /// to the end (`tellingEnd` is false) it makes no estimate and everything is decoded.
    func open(_ header: inout SF_INFO, tellingEnd: Bool) -> OpaquePointer? {
        position = 0
        tellsEnd = tellingEnd
        var callbacks = SF_VIRTUAL_IO(
            get_filelen: { sf_count_t(EncodedAudio.from($0).count) },
            seek: { offset, origin, user in
                let audio = EncodedAudio.from(user)
                switch origin {
                case Int32(SEEK_SET): audio.position = Int(offset)
                case Int32(SEEK_CUR): audio.position += Int(offset)
                case Int32(SEEK_END) where audio.tellsEnd:
                    audio.position = audio.count + Int(offset)
                default: return -1
                }
                return sf_count_t(audio.position)
            },
            read: { pointer, count, user in
                guard let pointer, count > 0 else { return 0 }
                let audio = EncodedAudio.from(user)
                let read = audio.read(at: audio.position, into: pointer, count: Int(count))
                audio.position += read
                return sf_count_t(read)
            },
            write: nil,
            tell: { sf_count_t(EncodedAudio.from($0).position) })
        let user = Unmanaged.passUnretained(self).toOpaque()
        return sf_open_virtual(&callbacks, Int32(SFM_READ), &header, user)
    }

    /// Up to `length` bytes from `position`, fewer at the end.
    func bytes(at position: Int, count length: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: length) { buffer, read in
            read = self.read(at: position, into: buffer.baseAddress!, count: length)
        }
    }

    private func read(
        at position: Int, into pointer: UnsafeMutableRawPointer, count wanted: Int
    ) -> Int {
        let wanted = min(wanted, count - position)
        guard position >= 0, wanted > 0 else { return 0 }
        return max(0, pread(descriptor, pointer, wanted, off_t(start + position)))
    }

    private static func from(_ user: UnsafeMutableRawPointer?) -> EncodedAudio {
        Unmanaged<EncodedAudio>.fromOpaque(user!).takeUnretainedValue()
    }
}
