import Foundation
import SpeechTraining
import TestSupport
import Testing

@Suite struct TensorBoardLogTests {
    /// Tags and values by step, in the order in which they were written.
    private func scalars(_ events: [Event]) -> [String] {
        events.flatMap { event in event.scalars.map { "\(event.step) \($0.tag) \($0.value)" } }
    }

    private func files(_ folder: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            .map { folder.appendingPathComponent($0) }
    }

    @Test func theChecksumIsTheKnownOne() {
        // RFC 3720, B.4: 32 zeros; and the usual check value of CRC-32C.
        #expect(Event.checksum(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(Event.checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func everyRecordIsReadBack() throws {
        try withTemporaryDirectory { folder in
            let before = Date().timeIntervalSince1970
            let log = try TensorBoardLog(folder: folder, keepingUpTo: -1)
            let values = [4.25, -0.1, 1e-30, 1e300, .infinity, 0]
            for (index, value) in values.enumerated() {
                try log.append(
                    step: index * 1000, [("train/loss", value), ("train/1:2/loss", value / 2)])
            }
            try log.append(step: 1 << 40, [(tag: "größe", value: .nan)])
            try log.append(step: 3, [])
            let after = Date().timeIntervalSince1970

            let file = try #require(try files(folder).first)
            #expect(try files(folder).count == 1)
            let name = file.lastPathComponent.split(separator: ".").map(String.init)
            #expect(name.prefix(3) == ["events", "out", "tfevents"])
            #expect(name[3].count == 10 && (Double(name[3]) ?? 0) >= before.rounded(.down))
            #expect(name.suffix(2) == ["\(ProcessInfo.processInfo.processIdentifier)", "0"])

            let events = try Event.read(file)
            #expect(events.count == 2 + values.count + 2)
            #expect(events[0].fileVersion == "brain.Event:2")
            #expect(events[1].sessionStatus == 1 && events[1].step == 0)
            #expect(events.dropFirst().allSatisfy { $0.fileVersion == nil })
            #expect(events.dropFirst(2).allSatisfy { $0.sessionStatus == nil })
            for event in events { #expect((before...after).contains(event.wallTime)) }
            for (index, value) in values.enumerated() {
                let event = events[2 + index]
                #expect(event.step == index * 1000)
                #expect(event.scalars.map(\.tag) == ["train/loss", "train/1:2/loss"])
                #expect(event.scalars.map(\.value) == [Float(value), Float(value / 2)])
            }
            #expect(events[8].step == 1 << 40 && events[8].scalars.map(\.tag) == ["größe"])
            #expect(events[8].scalars[0].value.isNaN)
            #expect(events[9].step == 3 && events[9].scalars.isEmpty)
        }
    }

    /// Nothing waits in a buffer: what was appended is there when the process is killed.
    @Test func everyStepIsWrittenAtOnce() throws {
        try withTemporaryDirectory { folder in
            let log = try TensorBoardLog(folder: folder, keepingUpTo: -1)
            let file = try #require(try files(folder).first)
            for step in 1...5 {
                try log.append(step: step, [("train/lr", 0.5)])
                #expect(try Event.read(file).count == 2 + step)
            }
        }
    }

    /// A run that logged 6 steps, was killed while it wrote the seventh, and goes on after the
    /// checkpoint of step 4.
    private func writeResumedRun(_ folder: URL) throws {
        var log = try TensorBoardLog(folder: folder, keepingUpTo: -1)
        for step in 0...7 { try log.append(step: step, [("train/loss", Double(step))]) }
        let first = try #require(try files(folder).first)
        try Data(contentsOf: first).dropLast(5).write(to: first)
        log = try TensorBoardLog(folder: folder, keepingUpTo: 4)
        for step in 5...9 { try log.append(step: step, [("train/loss", Double(-step))]) }
        // And once more, killed before its first checkpoint after that.
        log = try TensorBoardLog(folder: folder, keepingUpTo: 8)
        try log.append(step: 9, [("train/loss", 0.5), ("valid/loss", 1)])
    }

    @Test func aResumedRunStartsAFileThatComesLater() throws {
        try withTemporaryDirectory { folder in
            try writeResumedRun(folder)
            let files = try files(folder)
            #expect(files.count == 3)
            #expect(try Event.read(files[0], allowsTornEnd: true).map(\.step).last == 6)
            var shown: [Event] = []
            for (file, start) in zip(files, [0, 5, 9]) {
                let events = try Event.read(file, allowsTornEnd: true)
                #expect(events[0].fileVersion == "brain.Event:2")
                #expect(events[1].sessionStatus == 1 && events[1].step == start)
                // What TensorBoard does at the start of a session.
                shown.removeAll { $0.step >= start }
                shown += events.dropFirst(2)
            }
            #expect(shown.map(\.step) == Array(0...9))
            #expect(
                scalars(shown)
                    == (0...4).map { "\($0) train/loss \($0).0" }
                    + (5...8).map { "\($0) train/loss -\($0).0" }
                    + ["9 train/loss 0.5", "9 valid/loss 1.0"])
        }
    }

    @Test func namesGoOnWhateverTheClockSays() throws {
        try withTemporaryDirectory { folder in
            let late = folder.appendingPathComponent("events.out.tfevents.9000000000.other.1.0")
            try Data().write(to: late)
            try Data().write(to: folder.appendingPathComponent("train.jsonl"))
            _ = try TensorBoardLog(folder: folder, keepingUpTo: -1)
            let names = try files(folder).map(\.lastPathComponent)
            #expect(names.count == 3)
            #expect(names[1].hasPrefix("events.out.tfevents.9000000001."))
        }
    }

    @Test func whereNothingCanBeWritten() throws {
        try withTemporaryDirectory { folder in
            let missing = folder.appendingPathComponent("missing")
            let error = expectError(RunError.self, containing: [missing.path]) {
                try TensorBoardLog(folder: missing, keepingUpTo: -1)
            }
            #expect(error?.exitStatus == .runtimeFailure)
            let file = folder.appendingPathComponent("file")
            try Data("x".utf8).write(to: file)
            expectError(RunError.self, containing: [file.path]) {
                try TensorBoardLog(folder: file, keepingUpTo: -1)
            }
        }
    }

    /// TensorBoard's own reader shows every step once, with the last value written.
    @Test(.enabled(if: python != nil)) func tensorBoardReadsIt() throws {
        try withTemporaryDirectory { folder in
            try writeResumedRun(folder)
            let script = """
                import json, sys
                from tensorboard.backend.event_processing import event_accumulator as reader
                events = reader.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
                events.Reload()
                tags = events.Tags()["scalars"]
                print(json.dumps({t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags}))
                """
            let process = Process()
            process.executableURL = Self.python
            process.arguments = ["-c", script, folder.path]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let text = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            let found = try JSONDecoder().decode([String: [[Double]]].self, from: text)
            #expect(found.keys.sorted() == ["train/loss", "valid/loss"])
            let kept = (0...4).map { [Double($0), Double($0)] }
            let again = (5...8).map { [Double($0), -Double($0)] }
            #expect(found["train/loss"] == kept + again + [[9, 0.5]])
            #expect(found["valid/loss"] == [[9, 1]])
        }
    }

    /// The interpreter of the tests' Python environment, nil where there is none.
    private static let python: URL? = {
        let environment = ProcessInfo.processInfo.environment
        if environment["ORACLE"] == "none" { return nil }
        let made = Fixtures.root.deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent(".oracle/bin/python")
        let path = environment["COLLD_ORACLE"].flatMap { $0.isEmpty ? nil : $0 } ?? made.path
        return FileManager.default.isExecutableFile(atPath: path) ? URL(fileURLWithPath: path) : nil
    }()
}

/// A record of an event file, read without the code that wrote it.
private struct Event {
    struct Damaged: Error {}

    var wallTime = 0.0
    var step = 0
    var fileVersion: String?
    var sessionStatus: Int?
    var scalars: [(tag: String, value: Float)] = []

    /// All records of a file, whose checksums must be right.
    static func read(_ file: URL, allowsTornEnd: Bool = false) throws -> [Event] {
        let bytes = [UInt8](try Data(contentsOf: file))
        var events: [Event] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 12, let length = Int(exactly: number(rest.prefix(8))),
                rest.count >= 16 + length
            else {
                if allowsTornEnd { break }
                throw Damaged()
            }
            let header = Array(rest.prefix(8))
            let message = Array(rest.dropFirst(12).prefix(length))
            guard number(rest.dropFirst(8).prefix(4)) == masked(checksum(header)),
                number(rest.dropFirst(12 + length).prefix(4)) == masked(checksum(message))
            else { throw Damaged() }
            events.append(try Event(message))
            rest = rest.dropFirst(16 + length)
        }
        return events
    }

    private init(_ message: [UInt8]) throws {
        for (field, kind, payload) in try Self.fields(message) {
            switch (field, kind) {
            case (1, 1): wallTime = Double(bitPattern: Self.number(payload[...]))
            case (2, 0): step = Int(Self.number(payload[...]))
            case (3, 2): fileVersion = String(decoding: payload, as: UTF8.self)
            case (5, 2):
                for (field, kind, value) in try Self.fields(payload) {
                    guard field == 1, kind == 2 else { throw Damaged() }
                    scalars.append(try Self.scalar(value))
                }
            case (7, 2):
                let status = try Self.fields(payload).first { $0.field == 1 && $0.kind == 0 }
                sessionStatus = status.map { Int(Self.number($0.payload[...])) }
            default: throw Damaged()
            }
        }
    }

    private static func scalar(_ message: [UInt8]) throws -> (tag: String, value: Float) {
        let fields = try fields(message)
        guard fields.map(\.field) == [1, 2], fields.map(\.kind) == [2, 5] else { throw Damaged() }
        let bits = UInt32(number(fields[1].payload[...]))
        return (String(decoding: fields[0].payload, as: UTF8.self), Float(bitPattern: bits))
    }

    /// The fields of a protobuf message; numbers as eight bytes or four, low ones first.
    private static func fields(
        _ message: [UInt8]
    ) throws -> [(field: Int, kind: Int, payload: [UInt8])] {
        var rest = message[...]
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard let byte = rest.popFirst() else { throw Damaged() }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Damaged()
        }
        var fields: [(field: Int, kind: Int, payload: [UInt8])] = []
        while !rest.isEmpty {
            let key = try varint()
            let count: Int
            switch key & 7 {
            case 0:
                let value = try varint()
                let bytes = (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
                fields.append((Int(key >> 3), 0, bytes))
                continue
            case 1: count = 8
            case 2: count = Int(try varint())
            case 5: count = 4
            default: throw Damaged()
            }
            guard rest.count >= count else { throw Damaged() }
            fields.append((Int(key >> 3), Int(key & 7), Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
        }
        return fields
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// CRC-32C, bit by bit.
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
        }
        return value ^ 0xFFFF_FFFF
    }

    private static func masked(_ checksum: UInt32) -> UInt64 {
        UInt64((checksum >> 15 | checksum << 17) &+ 0xA282_EAD8)
    }
}
