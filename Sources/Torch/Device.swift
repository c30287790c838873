import CTorch

/// Where a tensor lives.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    case cuda(Int)

    /// Parses `cpu`, `cuda` or `cuda:1`, up to `cuda:127`; nil for anything else.
    public init?(_ text: String) {
        if text == "cpu" {
            self = .cpu
        } else if text == "cuda" {
            self = .cuda(0)
        } else if text.hasPrefix("cuda:"), let index = Int(text.dropFirst(5)),
            Self.indices ~= index
        {
            self = .cuda(index)
        } else {
            return nil
        }
    }

    /// The spelling that `init(_:)` reads.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    /// Whether this machine has the device and this LibTorch can use it.
    public var isAvailable: Bool {
        switch self {
        case .cpu: true
        case .cuda(let index): 0..<Engine.cudaDeviceCount ~= index
        }
    }

    /// Waits until everything that was queued on the device has run.
    public func synchronize() {
        _ = Engine.initialized
        TorchFailure.check(ct_synchronize(code), "synchronize \(self)")
    }

    /// What c10::DeviceIndex, a signed byte, can count.
    private static let indices = 0...127

    /// c10::DeviceType << 8 | index.
    var code: Int32 {
        switch self {
        case .cpu: return 0
        case .cuda(let index):
            precondition(Self.indices ~= index, "no CUDA device can have the index \(index)")
            return 1 << 8 | Int32(index)
        }
    }

    init(code: Int32) {
        self = code >> 8 == 1 ? .cuda(Int(code & 0xff)) : .cpu
    }
}
