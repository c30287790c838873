import Foundation
public import Testing

/// Records an issue unless two arrays have one length and differ by at most `tolerance` everywhere.
///
/// The issue names the largest difference with its index and both values, and how many elements
/// differ by more. NaN equals nothing, itself included; equal infinities are equal.
///
/// - Parameter what: What is compared, for the message.
public func expectClose<T: BinaryFloatingPoint>(
    _ actual: [T], _ expected: [T], within tolerance: Double, _ what: String = "values",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    guard actual.count == expected.count else {
        Issue.record(
            "\(what): expected \(expected.count) elements, found \(actual.count)",
            sourceLocation: sourceLocation)
        return
    }
    var worst = 0.0
    var worstIndex = 0
    var failures = 0
    for index in actual.indices where actual[index] != expected[index] {
        let distance = abs(Double(actual[index]) - Double(expected[index]))
        // Written so that NaN fails.
        let difference = distance <= .infinity ? distance : .infinity
        if !(difference <= tolerance) { failures += 1 }
        if difference > worst { (worst, worstIndex) = (difference, index) }
    }
    guard failures > 0 else { return }
    Issue.record(
        """
        \(what): \(failures) of \(actual.count) elements differ by more than \(tolerance); the \
        largest difference is \(worst) at index \(worstIndex): expected \(expected[worstIndex]), \
        found \(actual[worstIndex])
        """, sourceLocation: sourceLocation)
}

/// Records an issue unless two numbers differ by at most `tolerance`.
public func expectClose<T: BinaryFloatingPoint>(
    _ actual: T, _ expected: T, within tolerance: Double, _ what: String = "value",
    sourceLocation: SourceLocation = #_sourceLocation
) {
    expectClose(
        [actual], [expected], within: tolerance, what, sourceLocation: sourceLocation)
}

/// Runs `body`, which must throw an error of one type, and returns the error.
///
/// Its description must contain all `fragments`, so that a message names what it should.
@discardableResult
public func expectError<E: Error, R>(
    _ type: E.Type, containing fragments: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> R
) -> E? {
    let error = #expect(throws: type, sourceLocation: sourceLocation) { _ = try body() }
    guard let error else { return nil }
    let text = "\(error)"
    for fragment in fragments where !text.contains(fragment) {
        Issue.record("\"\(text)\" does not name \"\(fragment)\"", sourceLocation: sourceLocation)
    }
    return error
}
