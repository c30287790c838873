import FileMutation
import SpeechCore
import TestSupport
import Testing

@Suite struct PickleInterpreterTests {
    private func read(
        _ bytes: [UInt8], limits: PickleLimits = PickleLimits()
    ) throws -> Pickle {
        try bytes.withUnsafeBytes { try PickleInterpreter.read($0, path: "x.bin", limits: limits) }
    }

    private func read(_ body: String, version: UInt8 = 2) throws -> Pickle {
        try read(PickleBytes.pickle(Array(body.utf8), version: version))
    }

    private func fails(
        _ body: [UInt8], _ fragments: String..., limits: PickleLimits = PickleLimits()
    ) {
        let error = expectError(PickleError.self, containing: ["x.bin"] + fragments) {
            try read(PickleBytes.pickle(body), limits: limits)
        }
        #expect(error?.exitStatus == .badInput)
    }

    @Test func values() throws {
        func root(_ body: [UInt8]) throws -> PickleValue { try read(PickleBytes.pickle(body)).root }
        #expect(try root([UInt8(ascii: "N")]) == .null)
        #expect(try root([0x88]) == .bool(true) && root([0x89]) == .bool(false))
        #expect(try root([UInt8(ascii: "K"), 200]) == .integer(200))
        #expect(try root([UInt8(ascii: "M"), 1, 2]) == .integer(513))
        #expect(try root([UInt8(ascii: "J"), 0xFE, 0xFF, 0xFF, 0xFF]) == .integer(-2))
        #expect(try root([0x8A, 0]) == .integer(0))
        #expect(try root([0x8A, 1, 0x80]) == .integer(-128))
        #expect(try root([0x8A, 2, 0x80, 0]) == .integer(128))
        #expect(try root(PickleBytes.integer(.min)) == .integer(.min))
        #expect(try root([0x8B, 3, 0, 0, 0, 0, 0, 1]) == .integer(65536))
        #expect(
            try root(PickleBytes.magic) == .largeInteger(Array(PickleBytes.magic.dropFirst(2))))
        #expect(try root([UInt8(ascii: "G"), 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]) == .number(1.5))
        #expect(try root(PickleBytes.text("ü")) == .string("ü"))
        #expect(try root([0x8C, 2] + Array("ab".utf8)) == .string("ab"))
        #expect(try root([0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0x61]) == .string("a"))
        #expect(try root([UInt8(ascii: "U"), 1, 0x61]) == .string("a"))
        #expect(try root([UInt8(ascii: "T"), 1, 0, 0, 0, 0x61]) == .string("a"))
    }

    @Test func containers() throws {
        let list = try read("](K\u{1}K\u{2}eK\u{3}a")
        #expect(list.items(list.root) == [.integer(1), .integer(2), .integer(3)])
        let nested = try read("((K\u{1}NtK\u{2}l")
        let parts = try #require(nested.items(nested.root))
        #expect(parts.count == 2 && parts[1] == .integer(2))
        #expect(nested.items(parts[0]) == [.integer(1), .null])
        let dictionary = try read("(K\u{1}NdK\u{2}K\u{3}sK\u{4}K\u{5}s")
        let members = try #require(dictionary.members(dictionary.root))
        #expect(members.map(\.key) == [.integer(1), .integer(2), .integer(4)])
        #expect(members.map(\.value) == [.null, .integer(3), .integer(5)])
        let short = try read(
            PickleBytes.pickle([UInt8(ascii: "N"), 0x88, 0x89, 0x87, 0x85]))
        let inner = try #require(short.items(short.root)?.first)
        #expect(short.items(inner) == [.null, .bool(true), .bool(false)])
    }

    /// POP also takes a mark; POP_MARK takes everything above one; DUP repeats the top.
    @Test func stack() throws {
        #expect(try read("K\u{7}(0").root == .integer(7))
        #expect(try read("K\u{7}K\u{8}0").root == .integer(7))
        #expect(try read("K\u{7}(NNN1").root == .integer(7))
        let twice = try read("(K\u{7}2t")
        #expect(twice.items(twice.root) == [.integer(7), .integer(7)])
    }

    @Test func memo() throws {
        // A list remembered before it is filled has its items wherever it occurs.
        let pickle = try read("(]q\u{5}K\u{1}ah\u{5}t")
        let items = try #require(pickle.items(pickle.root))
        #expect(items.count == 2 && items[0] == items[1])
        #expect(pickle.items(items[0]) == [.integer(1)])
        // Protocol 4: frames, short texts, numbered memory.
        let body: [UInt8] =
            [0x95, 9, 0, 0, 0, 0, 0, 0, 0] + [0x8C, 11] + Array("collections".utf8) + [0x94]
            + [0x8C, 11] + Array("OrderedDict".utf8) + [0x94, 0x93, 0x94]
            + Array(")R".utf8) + [UInt8(ascii: "h"), 0] + [UInt8(ascii: "j"), 1, 0, 0, 0]
            + [UInt8(ascii: "s")]
        let framed = try read(PickleBytes.pickle(body, version: 4))
        #expect(
            framed.members(framed.root)?.first?.value == .string("OrderedDict"))
        // A list inside itself is no problem: nothing is nested in memory.
        let loop = try read("]q\u{0}h\u{0}a")
        #expect(loop.items(loop.root) == [loop.root])
    }

    @Test func depthCostsNothing() throws {
        let count = 200_000
        let nested = [UInt8(ascii: ")")] + [UInt8](repeating: 0x85, count: count)
        #expect(try read(PickleBytes.pickle(nested)).sequences.count == count + 1)
        let marks = [UInt8](repeating: UInt8(ascii: "("), count: count)
        fails(marks, "a value on the stack")
    }

    @Test func refusesCallables() {
        for (module, name) in [
            ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch", "ByteTensor"),
            ("torch.storage", "_load_from_bytes"), ("torch.storage", "UntypedStorage"),
            ("numpy.core.multiarray", "_reconstruct"), ("collections", "OrderedDict.fromkeys"),
        ] {
            fails(PickleBytes.callable(module, name), "'\(module).\(name)'", "never run")
            fails(
                PickleBytes.text(module) + PickleBytes.text(name) + [0x93], "'\(module).\(name)'")
        }
        let ordered = PickleBytes.callable("collections", "OrderedDict")
        fails(ordered + PickleBytes.tuple([0x88]) + Array("R".utf8), "collections.OrderedDict")
        fails(ordered + Array("NR".utf8), "a tuple of arguments")
        fails(
            PickleBytes.callable("torch", "FloatStorage") + Array(")R".utf8), "torch.FloatStorage")
        fails(PickleBytes.text("print") + Array(")R".utf8), "'print'")
    }

    @Test func refusesInstructions() {
        // Objects, instances, extensions, buffers, text protocols, sets, byte strings.
        for instruction: UInt8 in [
            0x81, 0x92, UInt8(ascii: "o"), UInt8(ascii: "i"), 0x82, 0x83, 0x84, 0x97, 0x98, 0x96,
            UInt8(ascii: "I"), UInt8(ascii: "F"), UInt8(ascii: "g"), UInt8(ascii: "P"), 0x8F,
            0x90, 0x91, UInt8(ascii: "B"), UInt8(ascii: "C"), 0xFF, 0x00,
        ] {
            fails([instruction], "0x\(String(instruction, radix: 16))")
        }
        expectError(PickleError.self, containing: ["protocol 0"]) { try read("N", version: 0) }
        expectError(PickleError.self, containing: ["protocol 6"]) { try read("N", version: 6) }
    }

    @Test func refusesNonsense() {
        for body in ["", "(", "0", "1", "2", "t", "K\u{1}a", "NNs", "}K\u{1}s", "}(Nu", "]Na)b"] {
            fails(Array(body.utf8))
        }
        fails(Array("h\u{3}".utf8), "remembered as 3")
        fails(Array("}}b".utf8), "an OrderedDict", "a dictionary")
        fails(PickleBytes.ordered + Array("Nb".utf8), "an OrderedDict")
        fails([UInt8(ascii: "X"), 1, 0, 0, 0, 0xFF], "UTF-8")
        fails(Array("NQ".utf8), "the description of a storage")
        fails(Array("cno end".utf8), "needs 8 bytes, found 7")
        // A view of a storage, as only the oldest writers made them.
        let view = PickleBytes.tuple(
            PickleBytes.text("storage"), PickleBytes.callable("torch", "FloatStorage"),
            PickleBytes.text("0"), PickleBytes.text("cpu"), PickleBytes.integer(1),
            PickleBytes.integers([1, 2, 3]))
        fails(view + Array("Q".utf8), "the description of a storage")
        fails(PickleBytes.storage("0", "FloatStorage", -1), "the description of a storage")
        let storage = PickleBytes.storage("0", "FloatStorage", 4)
        fails(PickleBytes.tensor(storage, [2, 2], strides: [1]), "the description of a tensor")
        fails(
            PickleBytes.tensor(
                storage, [Int](repeating: 1, count: 65), strides: [Int](repeating: 1, count: 65)),
            "64 dimensions")
        let conjugate = PickleBytes.call(
            PickleBytes.callable("torch._utils", "_rebuild_tensor_v2"), storage,
            PickleBytes.integer(0), PickleBytes.integers([4]), PickleBytes.integers([1]), [0x89],
            PickleBytes.ordered, PickleBytes.dictionary([("conj", [0x88])]))
        fails(conjugate, "without attributes")
    }

    @Test func limits() {
        func limits(_ change: (inout PickleLimits) -> Void) -> PickleLimits {
            var limits = PickleLimits()
            change(&limits)
            return limits
        }
        let values = [UInt8](repeating: UInt8(ascii: "N"), count: 100)
        fails(values, "99 values", limits: limits { $0.values = 99 })
        fails(values, "50 bytes in a pickle", limits: limits { $0.bytes = 50 })
        fails(PickleBytes.text("12345"), "4 bytes in a text", limits: limits { $0.text = 4 })
        fails(Array("clong\nlong\n".utf8), "4 bytes in a text", limits: limits { $0.text = 4 })
        fails([0x8A, 5, 1, 2, 3, 4, 5], "bytes in a number", limits: limits { $0.text = 4 })
        fails(
            Array("Nq\u{1}q\u{2}q\u{3}".utf8), "2 values remembered",
            limits: limits { $0.memo = 2 })
        fails([0x8D] + [UInt8](repeating: 0xFF, count: 8), "bytes in a text")
        fails([UInt8(ascii: "X"), 0xFF, 0xFF, 0x0F, 0], "truncated", "1048575")
        // Copies of a large tuple cost nothing, and tensors cannot multiply it.
        let sizes = [UInt8](repeating: UInt8(ascii: "N"), count: 50_000)
        let large = Array("(".utf8) + sizes + Array("tq\u{0}0".utf8)
        let copies = [[UInt8]](repeating: [UInt8(ascii: "h"), 0], count: 50_000).flatMap { $0 }
        #expect(throws: Never.self) { try read(PickleBytes.pickle(large + copies)) }
    }
}
