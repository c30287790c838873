internal import Foundation
internal import Synchronization

/// Computes a sequence of values on several threads, ahead of one thread that takes them in order.
///
/// At most `limit` values are computed or being computed that were not yet taken. The order of the
/// values does not depend on the number of threads. It is built on threads and blocking because a
/// training step keeps its own thread: OpenMP has a pool of threads for every thread that calls it.
final class PrefetchQueue<Value: Sendable>: Sendable {
    /// Computes a value by its index; may return early, with any error, once the check says true.
    typealias Make = @Sendable (_ index: Int, _ isStopped: () -> Bool) throws -> Value

    private struct State {
        /// The next index that no thread has begun.
        var nextToMake: Int
        /// The next index to be taken.
        var nextToTake: Int
        var made: [Int: Result<Value, any Error>] = [:]
        var isStopped = false
        var runningThreads: Int
    }

    private let make: Make
    private let end: Int
    private let limit: Int
    private let state: Mutex<State>
    /// Signalled after every change of `state`.
    private let changed = NSCondition()

    /// Starts the threads, which keep the queue alive until `stop` or until all values are made.
    ///
    /// - Parameters:
    ///   - range: The indices of the values; `upperBound` may be `Int.max`.
    ///   - threads: At least 1.
    ///   - limit: At least 1.
    init(range: Range<Int>, threads: Int, limit: Int, make: @escaping Make) {
        precondition(threads > 0 && limit > 0)
        self.make = make
        self.limit = limit
        end = range.upperBound
        state = Mutex(
            State(
                nextToMake: range.lowerBound, nextToTake: range.lowerBound,
                runningThreads: threads))
        for number in 1...threads {
            let thread = Thread { self.work() }
            thread.name = "data \(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    /// Waits for the next value; nil behind the last one and after `stop`.
    ///
    /// - Throws: The error that making the value threw; the next call goes on with the next value.
    func take() throws -> Value? {
        try wait { state -> Result<Value?, any Error>? in
            if state.isStopped || state.nextToTake >= self.end { return .success(nil) }
            guard let result = state.made.removeValue(forKey: state.nextToTake) else { return nil }
            state.nextToTake += 1
            return result.map { $0 }
        }
        .get()
    }

    /// Ends the threads and waits until they are gone; a thread first finishes the clip it is at.
    func stop() {
        change {
            $0.isStopped = true
            $0.made = [:]
        }
        wait { $0.runningThreads == 0 ? () : nil }
    }

    private func work() {
        while let index = claim() {
            let result = Result { try make(index, { self.state.withLock { $0.isStopped } }) }
            change { if !$0.isStopped { $0.made[index] = result } }
        }
        change { $0.runningThreads -= 1 }
    }

    /// Waits until a value may be made; nil when there is no more to do.
    private func claim() -> Int? {
        wait { state -> Int?? in
            if state.isStopped || state.nextToMake >= self.end { return .some(nil) }
            guard state.nextToMake - state.nextToTake < self.limit else { return nil }
            defer { state.nextToMake += 1 }
            return state.nextToMake
        }
    }

    /// Waits until `body` returns something.
    private func wait<R: Sendable>(until body: (inout State) -> R?) -> R {
        changed.lock()
        defer { changed.unlock() }
        while true {
            if let result = state.withLock({ body(&$0) }) {
                changed.broadcast()
                return result
            }
            changed.wait()
        }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { body(&$0) }
        // Taken after the change: whoever waits has either seen it or gets the signal.
        changed.lock()
        changed.broadcast()
        changed.unlock()
    }
}
