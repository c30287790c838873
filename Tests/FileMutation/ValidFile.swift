import Foundation

/// A file that its reader takes, and where edits matter most.
struct ValidFile: Sendable {
    /// The whole file.
    var bytes: [UInt8]
    /// The parts of it that most edits fall into; never empty.
    var parts: [Range<Int>]
    /// The text or pickle in its middle.
    var core: [UInt8]
    /// The file around another core, with sizes and offsets that fit it.
    var wrap: @Sendable ([UInt8]) -> [UInt8]
}

/// Bytes of a safetensors file: a header text and data.
package func safetensorsBytes(_ header: String, _ data: [UInt8] = []) -> Data {
    withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8)
        + Data(data)
}

extension MutatedFormat {
    /// The files that mutants are made of.
    var validFiles: [ValidFile] {
        switch self {
        case .safetensors: Self.headers.map(Self.safetensorsFile)
        case .pickleArchive:
            [Self.archive(Self.tensors, isWide: false), Self.archive(Self.tensors, isWide: true)]
        case .pickleChain: [Self.chain(Self.tensors)]
        case .trainingArchive: Self.trainingStates.map { Self.archive($0, isWide: false) }
        case .trainingChain: Self.trainingStates.map { Self.chain($0) }
        case .tar: [Self.tarFile]
        case .gzip: [Self.gzipFile]
        case .sentencePiece:
            [
                Self.sentencePieceFile(SentencePieceBytes.unigramPieces, kind: 1),
                Self.sentencePieceFile(SentencePieceBytes.mergedPieces, kind: 2),
            ]
        }
    }

    // MARK: SentencePiece

    private static func sentencePieceFile(_ pieces: [UInt8], kind: UInt8) -> ValidFile {
        let settings =
            SentencePieceBytes.trainer(kind, hasByteFallback: kind == 2)
            + SentencePieceBytes.normalizer
        let count = pieces.count
        return ValidFile(
            bytes: pieces + settings, parts: [0..<40, count..<count + settings.count], core: pieces
        ) { $0 + settings }
    }

    // MARK: Archives

    /// A member with attributes, which are the core, one with a long name and a plain one.
    private static let tarFile: ValidFile = {
        let core = Array("20 path=a/long.flac\n10 size=9\n19 comment=nothing\n".utf8)
        let wrap = { @Sendable (core: [UInt8]) -> [UInt8] in
            var tar = TarBytes()
            tar.add("PaxHeader", core, kind: "x")
            tar.add("short.flac", Array(0..<9))
            let name = Array("b/".utf8) + [UInt8](repeating: UInt8(ascii: "n"), count: 150) + [0]
            tar.add("././@LongLink", name, kind: "L", isGNU: true)
            tar.add("b/n", Array(0..<200), isGNU: true)
            tar.add("c.json", Array("{}".utf8), prefix: "folder")
            return tar.finished()
        }
        let bytes = wrap(core)
        return ValidFile(
            bytes: bytes, parts: [0..<512, 1024..<1536, bytes.count - 2048..<bytes.count],
            core: core, wrap: wrap)
    }()

    private static let gzipFile: ValidFile = {
        let core = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let wrap = { @Sendable (core: [UInt8]) -> [UInt8] in
            GzipBytes.stored(core, name: "cuts.jsonl") + GzipBytes.stored(Array(core.prefix(40)))
        }
        let bytes = wrap(core)
        return ValidFile(
            bytes: bytes, parts: [0..<26, bytes.count - 66..<bytes.count], core: core, wrap: wrap)
    }()

    // MARK: safetensors

    private static let headers: [(text: String, byteCount: Int)] = [
        (
            #"""
            {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
             "b": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
             "c": {"dtype": "BOOL", "shape": [3], "data_offsets": [32, 35]},
             "__metadata__": {"format": "pt"}}
            """#, 35
        ),
        (
            #"""
            {"x.y":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},"z":{"dtype":"F16",
            "shape":[0,7],"data_offsets":[4,4]},"\u00e9\n":{"data_offsets":[4,6],"shape":[2],
            "dtype":"U8"},"f":{"dtype":"F64","shape":[1],"data_offsets":[6,14]}}
            """#, 14
        ),
    ]

    private static func safetensorsFile(_ header: (text: String, byteCount: Int)) -> ValidFile {
        let data = (0..<header.byteCount).map { UInt8($0) }
        let core = Array(header.text.utf8)
        return ValidFile(
            bytes: Array(safetensorsBytes(header.text, data)), parts: [0..<8 + core.count],
            core: core
        ) { littleEndian(UInt64($0.count)) + $0 + data }
    }

    // MARK: Pickles

    private static let data = (0..<24).flatMap { littleEndian(Float($0).bitPattern) }

    private static let tensors = PickleBytes.dictionary([
        (
            "whole",
            PickleBytes.tensor(
                PickleBytes.storage("0", "FloatStorage", 24), [2, 3, 4], strides: [12, 4, 1])
        ),
        (
            "turned",
            PickleBytes.tensor(
                PickleBytes.storage("0", "FloatStorage", 24), [4, 5], strides: [1, 4], offset: 4)
        ),
        (
            "half",
            PickleBytes.tensor(PickleBytes.storage("1", "HalfStorage", 48), [48], strides: [1])
        ),
    ])

    private static let trainingStates: [[UInt8]] = {
        let settings = PickleBytes.dictionary([
            ("encoder_layers", PickleBytes.integer(3)), ("layer_norm_first", [0x88]),
            ("conv_feature_layers", PickleBytes.text("[(12, 10, 5)] * 2")),
            ("dropout", [UInt8(ascii: "G"), 0x3F, 0xB9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9A]),
        ])
        let nodes = PickleBytes.dictionary([
            (
                "encoder_layers",
                PickleBytes.object(
                    "omegaconf.nodes", "IntegerNode",
                    PickleBytes.dictionary([("_val", PickleBytes.integer(3))]))
            )
        ])
        let container = PickleBytes.object(
            "omegaconf.dictconfig", "DictConfig", PickleBytes.dictionary([("_content", nodes)]))
        let symbols = PickleBytes.object(
            "fairseq.data.dictionary", "Dictionary",
            PickleBytes.dictionary([
                ("symbols", Array("](".utf8) + PickleBytes.text("<s>") + Array("e".utf8))
            ]))
        let scalar = PickleBytes.call(
            PickleBytes.callable("numpy.core.multiarray", "scalar"),
            PickleBytes.call(
                PickleBytes.callable("numpy", "dtype"), PickleBytes.text("f8"), [0x89], [0x88]),
            [UInt8(ascii: "C"), 8, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
        let rest: [(String, [UInt8])] = [
            ("model", tensors), ("val_loss", scalar),
            ("task_state", PickleBytes.dictionary([("target_dictionary", symbols)])),
        ]
        return [
            PickleBytes.dictionary(
                [("args", PickleBytes.object("argparse", "Namespace", settings))] + rest),
            PickleBytes.dictionary(
                [("cfg", PickleBytes.dictionary([("model", container)]))] + rest),
        ]
    }()

    private static func archive(_ core: [UInt8], isWide: Bool) -> ValidFile {
        let wrap = { @Sendable (core: [UInt8]) -> [UInt8] in
            var zip = ZipBytes()
            zip.hasChecksums = false
            zip.isWide = isWide
            zip.add("archive/data.pkl", PickleBytes.pickle(core))
            for key in ["0", "1"] { zip.add("archive/data/\(key)", data) }
            return zip.finished()
        }
        let bytes = wrap(core)
        let pickle = bytes.firstRange(of: core) ?? 0..<bytes.count
        let directory = bytes.firstRange(of: littleEndian(UInt32(0x0201_4b50))) ?? pickle
        return ValidFile(
            bytes: bytes, parts: [pickle, directory.lowerBound..<bytes.count], core: core,
            wrap: wrap)
    }

    private static func chain(_ core: [UInt8]) -> ValidFile {
        let wrap = { @Sendable (core: [UInt8]) -> [UInt8] in
            var bytes = PickleBytes.chain(core, [("0", data), ("1", data)], elementSize: 4)
            // The second storage has elements of two bytes.
            let count = bytes.count - data.count - 8
            bytes.replaceSubrange(count..<count + 8, with: littleEndian(UInt64(48)))
            return bytes
        }
        let bytes = wrap(core)
        let storages = bytes.count - 2 * (data.count + 8)
        return ValidFile(
            bytes: bytes, parts: [0..<storages, storages..<storages + 8], core: core, wrap: wrap)
    }
}
