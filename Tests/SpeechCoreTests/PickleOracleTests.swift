import Foundation
import SpeechCore
import TestSupport
import Testing

/// Files that PyTorch itself saves, in every layout and protocol.
@Suite struct PickleOracleTests {
    private static let script = """
        import collections, os, sys, zipfile, torch
        from safetensors.torch import save_file
        os.chdir(sys.argv[1])
        torch.manual_seed(0)
        base = torch.randn(4, 6)
        state = collections.OrderedDict(
            plain=base, row=base[1], turned=base.t(), steps=base[1:4:2, 1:5:3],
            permuted=torch.randn(2, 3, 4, 5).permute(2, 0, 3, 1),
            expanded=torch.randn(3, 1).expand(3, 7), one=torch.arange(5).expand(1, -1),
            scalar=torch.tensor(2.5), empty=torch.zeros(0, 3),
            parameter=torch.nn.Parameter(torch.randn(3)))
        for name in "float16 bfloat16 float64 int64 int32 int16 int8 uint8 bool".split():
            state[name] = (torch.randn(3, 5) * 50).int().to(getattr(torch, name))
            state[name + ".turned"] = state[name].t()
        save_file({k: v.detach().clone().contiguous() for k, v in state.items()}, "expected")
        for protocol in (2, 3, 4, 5):
            torch.save(state, f"archive{protocol}.bin", pickle_protocol=protocol)
            torch.save(dict(state), f"chain{protocol}.bin", pickle_protocol=protocol,
                       _use_new_zipfile_serialization=False)
        torch.serialization.set_crc32_options(False)
        torch.save(state, "unchecked.bin")
        torch.serialization.set_crc32_options(True)
        with zipfile.ZipFile("archive2.bin") as source, zipfile.ZipFile("copy.bin", "w") as copy:
            for entry in source.infolist():
                with copy.open(entry.filename, "w", force_zip64=True) as target:
                    target.write(source.read(entry.filename))

        class Command:
            def __reduce__(self):
                return os.system, ("touch executed",)

        refused = {
            "module": torch.nn.Linear(2, 3), "command": {"a": Command()},
            "complex": {"a": torch.zeros(2, dtype=torch.complex64)},
            "negative": {"a": torch.zeros(2, dtype=torch.complex64).conj().imag},
            "float8": {"a": torch.zeros(2).to(torch.float8_e4m3fn)},
            "sparse": {"a": torch.zeros(2).to_sparse()},
            "meta": {"a": torch.empty(2, device="meta")},
            "epoch": {"a": torch.zeros(2), "epoch": 3}, "list": [torch.zeros(2)]}
        for name, value in refused.items():
            torch.save(value, f"{name}.refused")
            torch.save(value, f"{name}.chain.refused", _use_new_zipfile_serialization=False)
        """

    @Test(.enabled(if: PythonOracle.isThere)) func readsWhatPyTorchSaves() throws {
        try withTemporaryDirectory { folder in
            try PythonOracle.run(Self.script, [folder.path])
            let expected = try SafetensorsFile(path: folder.appendingPathComponent("expected").path)
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            for name in files where name.hasSuffix(".bin") {
                let file = try PickleCheckpoint(path: folder.appendingPathComponent(name).path)
                #expect(file.names == expected.names, "\(name)")
                for tensor in expected.names {
                    #expect(file.entry(tensor) == expected.entry(tensor), "\(name) \(tensor)")
                    let found = try file.withBytes(of: tensor) { Array($0) }
                    let wanted = try expected.withBytes(of: tensor) { Array($0) }
                    #expect(found == wanted, "\(name) \(tensor)")
                }
            }
            for name in files where name.hasSuffix(".refused") {
                expectError(PickleError.self, containing: [name]) {
                    try PickleCheckpoint(path: folder.appendingPathComponent(name).path)
                }
            }
            #expect(files.count == 1 + 10 + 18)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/executed"))
        }
    }
}
