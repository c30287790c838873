import FileMutation

/// The command line.
struct FuzzOptions {
    enum Mode {
        case run
        case show(Int)
        /// Tries mutants from this one on, keeping notes in a folder.
        case work(first: Int, folder: String)
    }

    struct UsageError: Error, CustomStringConvertible {
        let description: String
    }

    var seed: UInt64 = 1
    var count = 100_000
    var formats = MutatedFormat.allCases
    var mode = Mode.run

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        func value<T>(_ name: String, _ convert: (String) -> T?) throws -> T {
            guard let text = rest.popFirst(), let value = convert(text) else {
                throw UsageError(description: "\(name): expected a value")
            }
            return value
        }
        var first: Int?
        while let name = rest.popFirst() {
            switch name {
            case "--seed": seed = try value(name) { UInt64($0) }
            case "--count": count = try value(name) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
            case "--format": formats = [try value(name) { MutatedFormat(rawValue: $0) }]
            case "--show": mode = .show(try value(name) { Int($0) })
            case "--first": first = try value(name) { Int($0) }
            case "--folder":
                mode = .work(first: first ?? 0, folder: try value(name) { $0 })
            default:
                let known = MutatedFormat.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError(
                    description: "unknown '\(name)'; there are --seed, --count, --show and "
                        + "--format, one of \(known)")
            }
        }
        if case .show = mode, formats.count != 1 {
            throw UsageError(description: "--show: expected --format before it")
        }
    }
}
