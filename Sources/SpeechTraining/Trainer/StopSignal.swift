import Foundation
import Synchronization

/// Turns SIGINT, SIGTERM and SIGUSR1 into a wish that the training loop looks at between updates.
///
/// Signals belong to the process, so there is one listener for all. A second SIGINT ends the
/// process at once.
public enum StopSignal {
    private static let received = Atomic<Int32>(0)

    /// Starts listening; the default actions of the signals are off from then on.
    public static func listen() {
        // The handler may only touch what exists already: it runs between two instructions.
        received.store(0, ordering: .relaxed)
        // Whoever started this process may have blocked them; that is inherited.
        var listened = sigset_t()
        sigemptyset(&listened)
        for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&listened, number) }
        defer { pthread_sigmask(SIG_UNBLOCK, &listened, nil) }
        for number in [SIGINT, SIGTERM, SIGUSR1] {
            signal(number) { number in
                if number == SIGINT, StopSignal.received.load(ordering: .relaxed) == SIGINT {
                    _exit(130)
                }
                StopSignal.received.store(number, ordering: .relaxed)
            }
        }
    }

    /// The signal that arrived, if one did.
    public static var pending: Int32? {
        let value = received.load(ordering: .relaxed)
        return value == 0 ? nil : value
    }
}
