/// A checkpoint that a training program saved as a pickle: weights beside settings and whatever else
/// the program kept.
///
/// Takes both of PyTorch's layouts. Of the tensors only those of the chosen dictionary are ever read, so
/// an optimizer's state costs nothing but its description.
package struct PickleTrainingState: Sendable {
    /// A part of the weights' dictionary that is no tensor itself.
    package struct Other: Sendable, Equatable {
        /// Its name.
        package let name: String
        /// The tensors inside it.
        package let tensorCount: Int
        /// The values in them.
        package let valueCount: Int
    }

    /// The path as given.
    package let path: String
    private let file: MappedFile
    private let container: PickleContainer

    /// Opens and checks a file.
    ///
    /// - Throws: `FileSystemError` when it cannot be read, `PickleError` or `ZipArchiveError` when it
    ///   is malformed or names a callable that is not known to be data.
    package init(path: String) throws {
        self.path = path
        file = try MappedFile(path: path)
        container = try PickleContainer(of: file, dialect: .trainingState)
    }

    /// The top level as settings.
    ///
    /// - Throws: `PickleError.wrongContent` for anything but a dictionary.
    package func settings() throws -> PickleSettings {
        let pickle = container.pickle
        guard let settings = PickleSettings(pickle.root, of: pickle, path: path) else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "a dictionary", found: pickle.root.summary)
        }
        return settings
    }

    /// The weights: the dictionary under the first of `keys` that is there, else the top level.
    ///
    /// - Throws: `PickleError` where there are no tensors or one does not lie inside its storage.
    package func weights(under keys: [String]) throws -> (
        tensors: PickleCheckpoint, others: [Other]
    ) {
        let pickle = container.pickle
        let named = keys.lazy.compactMap { pickle.member($0) }.first
        let place = named ?? pickle.root
        guard let members = pickle.members(place) else {
            throw PickleError.wrongContent(
                path: path, tensor: "", expected: "a dictionary of tensors", found: place.summary)
        }
        let tensors = members.filter { pickle.isTensor($0.value) }
        guard !tensors.isEmpty else {
            throw PickleError.wrongContent(
                path: path, tensor: "",
                expected: "tensors under " + keys.map { "'\($0)'" }.joined(separator: " or ")
                    + " or at the top level", found: "none")
        }
        let others = members.filter { !pickle.isTensor($0.value) }.map { member in
            let inside = pickle.tensors(inside: member.value)
            let name: String
            if case .string(let text) = member.key {
                name = text
            } else {
                name = member.key.summary
            }
            return Other(
                name: name, tensorCount: inside.count,
                valueCount: inside.reduce(0) { $0 &+ pickle.tensors[$1].shape.reduce(1, &*) })
        }
        return (try PickleCheckpoint(tensors, of: container, file: file), others)
    }
}

extension Pickle {
    fileprivate func isTensor(_ value: PickleValue) -> Bool {
        if case .tensor = value { return true }
        return false
    }

    /// The places of all tensors inside a value, each once.
    fileprivate func tensors(inside value: PickleValue) -> Set<Int> {
        var found: Set<Int> = []
        // Values may occur in many places, and even inside themselves.
        var seen: (dictionaries: Set<Int>, sequences: Set<Int>) = ([], [])
        var rest = [value]
        while let next = rest.popLast() {
            switch next {
            case .tensor(let place): found.insert(place)
            case .dictionary(let place) where seen.dictionaries.insert(place).inserted:
                rest += dictionaries[place].members.map(\.value)
            case .sequence(let place) where seen.sequences.insert(place).inserted:
                rest += sequences[place]
            default: break
            }
        }
        return found
    }
}
