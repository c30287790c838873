import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

/// Checkpoints that hold more than tensors.
@Suite struct PickleTrainingStateTests {
    private func open(_ bytes: [UInt8]) throws -> PickleTrainingState {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("checkpoint.pt")
            try Data(bytes).write(to: url)
            // The mapping outlives the folder.
            return try PickleTrainingState(path: url.path)
        }
    }

    private static let storages = [("0", (0..<4).flatMap { littleEndian(Float($0).bitPattern) })]

    private static let tensor = PickleBytes.tensor(
        PickleBytes.storage("0", "FloatStorage", 4), [2, 2], strides: [2, 1])

    private func open(_ members: [(String, [UInt8])]) throws -> PickleTrainingState {
        let body = PickleBytes.dictionary(
            members + [("model", PickleBytes.dictionary([("w", Self.tensor)]))])
        return try open(PickleBytes.archive(body, Self.storages))
    }

    /// Settings in each of the forms that fairseq has used.
    @Test(arguments: ["dictionary", "Namespace", "OmegaConf"]) func settings(
        _ form: String
    ) throws {
        let half = [UInt8(ascii: "G"), 0x3F, 0xE0, 0, 0, 0, 0, 0, 0]
        let members: [(String, [UInt8])] = [
            ("layers", PickleBytes.integer(12)), ("mode", PickleBytes.text("layer_norm")),
            ("first", [0x88]), ("dropout", half), ("nothing", [UInt8(ascii: "N")]),
        ]
        let value: [UInt8]
        switch form {
        case "dictionary": value = PickleBytes.dictionary(members)
        case "Namespace":
            value = PickleBytes.object("argparse", "Namespace", PickleBytes.dictionary(members))
        default:
            let nodes = members.map { name, bytes in
                (
                    name,
                    PickleBytes.object(
                        "omegaconf.nodes", "AnyNode", PickleBytes.dictionary([("_val", bytes)]))
                )
            }
            value = PickleBytes.object(
                "omegaconf.dictconfig", "DictConfig",
                PickleBytes.dictionary([("_content", PickleBytes.dictionary(nodes))]))
        }
        let settings = try #require(try open([("args", value)]).settings().section("args"))
        #expect(try settings.integer("layers", in: 1...99) == 12)
        #expect(try settings.string("mode") == "layer_norm")
        #expect(try settings.bool("first") == true)
        #expect(try settings.number("dropout") == 0.5 && settings.number("layers") == 12)
        #expect(settings.value("nothing") == nil && settings.value("absent") == nil)
        for body in [
            { _ = try settings.integer("layers", in: 1...9) },
            { _ = try settings.integer("mode", in: 1...9) },
        ] {
            expectError(
                PickleError.self, containing: ["checkpoint.pt", "whole number from 1 to 9"]
            ) { try body() }
        }
        expectError(PickleError.self, containing: ["'args.first'", "a text", "True"]) {
            try settings.string("first")
        }
        expectError(PickleError.self, containing: ["'args.mode'", "true or false"]) {
            try settings.bool("mode")
        }
        expectError(PickleError.self, containing: ["'args.mode'", "a finite number"]) {
            try settings.number("mode")
        }
        expectError(PickleError.self, containing: ["'args.layers'", "with settings", "12"]) {
            try settings.section("layers")
        }
    }

    /// Dictionaries of symbols, numpy's numbers, byte strings, sets, default dictionaries, devices.
    @Test func otherObjects() throws {
        let symbols = PickleBytes.object(
            "fairseq.data.dictionary", "Dictionary",
            PickleBytes.dictionary([
                ("symbols", Array("](".utf8) + PickleBytes.text("<s>") + Array("e".utf8))
            ]))
        let scalar = PickleBytes.call(
            PickleBytes.callable("numpy.core.multiarray", "scalar"),
            PickleBytes.call(PickleBytes.callable("numpy", "dtype"), PickleBytes.text("f8"))
                + PickleBytes.tuple(PickleBytes.text("<")) + Array("b".utf8),
            [UInt8(ascii: "C"), 2, 1, 2])
        let defaults = PickleBytes.call(
            PickleBytes.callable("collections", "defaultdict"),
            PickleBytes.callable("__builtin__", "dict"))
        let state = try open([
            ("task", symbols), ("loss", scalar), ("defaults", defaults + Array("NNs".utf8)),
            ("bytes", [UInt8(ascii: "B"), 1, 0, 0, 0, 9]),
            ("wide", [0x8E, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("set", [0x8F] + Array("(K\u{1}".utf8) + [0x90]), ("frozen", Array("(".utf8) + [0x91]),
            (
                "device",
                PickleBytes.call(PickleBytes.callable("torch", "device"), PickleBytes.text("cpu"))
            ),
            ("type", PickleBytes.callable("torch", "float16")),
        ])
        let settings = try state.settings()
        #expect(try settings.section("task")?.strings("symbols") == ["<s>"])
        #expect(settings.value("bytes") == .bytes([9]) && settings.value("wide") == .bytes([]))
        #expect(settings.value("type") == .callable(.inert("torch.float16")))
        // The member of an enumeration is called with its text; so is this.
        #expect(try settings.string("device") == "cpu")
        expectError(PickleError.self, containing: ["'loss'", "an object"]) {
            try settings.string("loss")
        }
    }

    @Test func weights() throws {
        let moments = PickleBytes.dictionary([("exp_avg", Self.tensor)])
        let nested = PickleBytes.dictionary([
            ("w", Self.tensor), ("_ema", moments), ("step", PickleBytes.integer(3)),
        ])
        let body = PickleBytes.dictionary([("optimizer", moments), ("state_dict", nested)])
        let state = try open(PickleBytes.archive(body, Self.storages))
        let (tensors, others) = try state.weights(under: ["model", "state_dict"])
        #expect(tensors.names == ["w"])
        #expect(try tensors.floats("w") == [0, 1, 2, 3])
        #expect(others.map(\.name) == ["_ema", "step"])
        #expect(others.map(\.tensorCount) == [1, 0] && others.map(\.valueCount) == [4, 0])
        // Without any of the names the top level counts.
        let top = try open(
            PickleBytes.archive(PickleBytes.dictionary([("w", Self.tensor)]), Self.storages))
        #expect(try top.weights(under: ["model"]).tensors.names == ["w"])
        expectError(PickleError.self, containing: ["tensors under 'optimizer'", "none"]) {
            try open(PickleBytes.archive(PickleBytes.dictionary([]), [])).weights(
                under: ["optimizer"])
        }
        expectError(PickleError.self, containing: ["a dictionary", "None"]) {
            try open(PickleBytes.archive([UInt8(ascii: "N")], [])).settings()
        }
    }

    /// What is inside itself is no problem.
    @Test func loops() throws {
        let loop = Array("}q\u{7}".utf8) + PickleBytes.text("a") + Array("h\u{7}s".utf8)
        let extra = Array("(".utf8) + Self.tensor + loop + Array("t".utf8)
        let body = PickleBytes.dictionary([("w", Self.tensor), ("extra", extra)])
        let (tensors, others) = try open(PickleBytes.archive(body, Self.storages))
            .weights(under: ["model"])
        #expect(tensors.names == ["w"] && others.map(\.tensorCount) == [1])
    }

    @Test func refusesCode() throws {
        for (module, name) in [
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "getattr"),
            ("__builtin__", "exec"), ("torch", "load"), ("torch.hub", "load"), ("numpy", "load"),
            ("argparse", "ArgumentParser"), ("fairseq.checkpoint_utils", "load_checkpoint_to_cpu"),
            ("omegaconf.omegaconf", "OmegaConf"), ("copyreg", "_reconstructor"),
            ("fairseq.data.dictionary", "Dictionary.load"), ("functools", "partial"),
        ] {
            let callable = PickleBytes.callable(module, name)
            for value in [
                callable, PickleBytes.call(callable, PickleBytes.text("touch /tmp/x")),
                callable + Array(")".utf8) + [0x81],
            ] {
                expectError(
                    PickleError.self, containing: ["'\(module).\(name)'", "never run"]
                ) { try open([("x", value)]) }
            }
        }
        // Neither is anything called that may be named.
        expectError(PickleError.self, containing: ["a class and a tuple"]) {
            try open([("x", PickleBytes.text("a") + Array(")".utf8) + [0x81])])
        }
        expectError(PickleError.self, containing: ["a class and a tuple"]) {
            try open([("x", PickleBytes.callable("torch", "FloatStorage") + [0x29, 0x81])])
        }
        // A checkpoint of tensors alone has no use for objects.
        let namespace = PickleBytes.object("argparse", "Namespace", PickleBytes.dictionary([]))
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("pytorch_model.bin")
            try Data(PickleBytes.archive(PickleBytes.dictionary([("a", namespace)]), []))
                .write(to: url)
            expectError(PickleError.self, containing: ["'argparse.Namespace'", "never run"]) {
                try PickleCheckpoint(path: url.path)
            }
        }
    }
}
