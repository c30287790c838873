internal import SpeechCore
internal import Synchronization

/// Values made of clips of audio, of which the latest used stay in memory.
///
/// A value is made outside the lock; two threads that want the same at once may both make it.
final class ClipCache<Value: Sendable>: Sendable {
    private struct Key: Hashable {
        let clip: Utterance
        let samplingRate: Int
    }

    private struct Entry {
        let value: Value
        let byteCount: Int
        var lastUse: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var uses = 0
    }

    private let byteLimit: Int
    private let state = Mutex(State())

    /// * `byteLimit`: the memory of all values; a value above it is made anew for every use.
    init(byteLimit: Int) {
        self.byteLimit = byteLimit
    }

    /// The value of a clip at a rate; `make` returns it with its bytes where there is none yet.
    func value(
        _ clip: Utterance, _ samplingRate: Int, make: () throws -> (Value, byteCount: Int)
    ) throws -> Value {
        let key = Key(clip: clip, samplingRate: samplingRate)
        let known = state.withLock { state -> Value? in
            state.uses += 1
            state.entries[key]?.lastUse = state.uses
            return state.entries[key]?.value
        }
        if let known { return known }
        let (value, byteCount) = try make()
        guard byteCount <= byteLimit else { return value }
        state.withLock { state in
            state.uses += 1
            let entry = Entry(value: value, byteCount: byteCount, lastUse: state.uses)
            let replaced = state.entries.updateValue(entry, forKey: key)
            state.byteCount += byteCount - (replaced?.byteCount ?? 0)
            while state.byteCount > byteLimit,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.byteCount -= oldest.value.byteCount
                state.entries[oldest.key] = nil
            }
        }
        return value
    }
}
