import Foundation
import Testing

extension Commands {
    @Suite("Help and usage") struct HelpTests {
        /// Every argument of every command.
        ///
        /// Flags are promises: a change here is a change for users.
        private static let frozen: [String: [String]] = [
            "colld": [],
            "colld benchmark": [],
            "colld benchmark checkpoint": [
                "--device=", "--json", "--model=", "--precision=", "--threads=",
            ],
            "colld benchmark decode": [
                "--beam=", "--json", "--ngrams=", "--seconds=", "--vocabulary=",
            ],
            "colld benchmark distill": [
                "--all", "--batch=", "--config=", "--device=", "--family=", "--json",
                "--precision=", "--profile", "--seconds=", "--steps=", "--student=", "--teacher=",
                "--threads=",
            ],
            "colld benchmark loss": [
                "--batch=", "--device=", "--frames=", "--json", "--pairs=", "--precision=",
                "--threads=", "--width=",
            ],
            "colld benchmark encode": [
                "--batch=", "--design=", "--device=", "--family=", "--json", "--model=",
                "--precision=", "--repeats=", "--seconds=", "--threads=",
            ],
            "colld benchmark features": [
                "--audio=…", "--json", "--model=", "--output=", "--repeats=",
            ],
            "colld benchmark load": [
                "--data=", "--json", "--model=", "--seconds-of-audio=", "--threads=",
            ],
            "colld benchmark manifest": ["--json", "--make=", "<manifest>"],
            "colld convert": [
                "--checkpoint=", "--dictionary=", "--json", "--output=", "--precision=",
                "--tolerance=", "--verify=",
            ],
            "colld data": [],
            "colld data shard": [
                "--json", "--no-progress", "--no-shuffle", "--output=", "--overwrite", "--prefix=",
                "--sampling-rate=", "--seed=", "--shard-size=", "--threads=", "<manifest>",
            ],
            "colld data stats": ["--json", "<manifests>…"],
            "colld data import": [
                "--allow-pipes", "--from=", "--json", "--language=", "--layout=",
                "--no-progress", "--output=", "--root=", "--split=…", "--target-language=",
                "--text-column=", "--threads=",
            ],
            "colld data synthesize": [
                "--format=", "--hours=", "--json", "--languages=", "--minutes-per-language=",
                "--no-progress", "--noise=", "--output=", "--rooms=", "--seed=", "--snr=",
                "--test-share=", "--threads=", "--valid-share=", "--voices=",
            ],
            "colld data validate": [
                "--duration-tolerance=", "--ignore=", "--json", "--max-clipping=",
                "--max-duration=", "--max-foreign=", "--max-silence=", "--min-duration=",
                "--model=", "--no-audio", "--no-progress", "--output=", "--report=",
                "--require-text", "--silence-level=", "--strict", "--threads=", "--vocabulary=",
                "<manifest>",
            ],
            "colld distill": [
                "--config=", "--device=", "--dump-config", "--no-progress", "--noise-manifest=",
                "--output=", "--resume", "--reverb-manifest=", "--student=", "--teacher=…",
                "--train=…", "--valid=", "<overrides>…",
            ],
            "colld doctor": ["--json"],
            "colld encode": [
                "--audio=…", "--batch-seconds=", "--device=", "--dtype=", "--ffn", "--format=",
                "--input=", "--json", "--language=", "--layers=", "--logits", "--manifest=",
                "--model=", "--no-progress", "--output=", "--overwrite", "--precision=",
                "--reference-padding", "--strict", "--threads=",
            ],
            "colld evaluate": [
                "--alpha=", "--batch-seconds=", "--beam=", "--beta=", "--bootstrap=",
                "--characters=", "--chunk-seconds=", "--data=", "--device=", "--hot-words=",
                "--json", "--language=", "--length-penalty=", "--lexicon=", "--lm=", "--model=",
                "--no-progress", "--output=", "--overlap=", "--precision=", "--threads=",
                "--worst=",
            ],
            "colld export": [],
            "colld export hf": [
                "--encoder-only", "--json", "--max-shard-size=", "--model=", "--output=",
            ],
            "colld finetune": [
                "--config=", "--decoder=", "--device=", "--dump-config", "--model=",
                "--no-progress", "--noise-manifest=", "--output=", "--resume", "--reverb-manifest=",
                "--task=",
                "--tokenizer=", "--train=…", "--valid=", "<overrides>…",
            ],
            "colld initialize": [
                "--design=", "--family=", "--output=", "--seed=", "<overrides>…",
            ],
            "colld lm": [],
            "colld lm perplexity": ["--json", "--model=", "--text=…", "--unit="],
            "colld lm train": [
                "--json", "--order=", "--output=", "--prune=", "--text=…", "--unit=",
            ],
            "colld presets": ["--json", "<name>"],
            "colld pretrain": [
                "--config=", "--device=", "--dump-config", "--model=", "--no-progress",
                "--noise-manifest=", "--output=", "--resume", "--reverb-manifest=", "--train=…",
                "--valid=", "<overrides>…",
            ],
            "colld score": [
                "--allow-empty-references", "--bootstrap=", "--characters=", "--compare=",
                "--hypotheses=", "--json", "--lang=", "--languages=", "--lowercase", "--metric=…",
                "--normalize", "--references=…", "--samples=", "--seed=", "--segments",
                "--test=", "--tokenize=", "--width=", "--worst=",
            ],
            "colld subnet": [
                "--design=", "--device=", "--feed-forward=", "--heads=", "--json",
                "--max-parameters=", "--output=", "--run=", "--threads=", "--valid=",
            ],
            "colld transcribe": [
                "--alpha=", "--batch-seconds=", "--beam=", "--beta=", "--chunk-seconds=",
                "--device=", "--hot-words=", "--json", "--language=", "--lexicon=", "--lm=",
                "--model=", "--no-progress", "--overlap=", "--precision=", "--stream",
                "--threads=", "--timestamps", "<audio>…",
            ],
            "colld translate": [
                "--batch-seconds=", "--beam=", "--chunk-seconds=", "--device=", "--json",
                "--language=", "--length-penalty=", "--model=", "--no-progress", "--precision=",
                "--threads=", "<audio>…",
            ],
            "colld tokenizer": [],
            "colld tokenizer train": [
                "--byte-fallback", "--character-coverage=", "--json", "--language-tags",
                "--languages=", "--lower-case", "--min-count=", "--normalization=", "--output=",
                "--task=", "--text=…", "--train=…", "--type=", "--vocab-size=",
            ],
            "colld inspect": ["--json", "--seconds=", "<model>"],
        ]

        /// A command with its arguments, and those of its subcommands, by their full names.
        private static func arguments(
            _ command: [String: Any], path: [String] = []
        ) -> [String: [String]] {
            let path = path + [command["commandName"] as? String ?? ""]
            let own = command["arguments"] as? [[String: Any]] ?? []
            let subcommands = (command["subcommands"] as? [[String: Any]] ?? [])
                .filter { $0["commandName"] as? String != "help" }
            return subcommands.reduce(
                into: [path.joined(separator: " "): own.compactMap { word($0) }.sorted()]
            ) { all, subcommand in
                all.merge(arguments(subcommand, path: path)) { $1 }
            }
        }

        /// `--name=`, `--name` for a flag, `<name>` for a place; `…` where it may be repeated.
        private static func word(_ argument: [String: Any]) -> String? {
            let name = (argument["preferredName"] as? [String: Any])?["name"] as? String
            let dots = argument["isRepeating"] as? Bool == true ? "…" : ""
            switch argument["kind"] as? String {
            case "flag":
                return name == "help" || name == "version" ? nil : "--\(name ?? "")" + dots
            case "option": return "--\(name ?? "")=" + dots
            default: return "<\(argument["valueName"] as? String ?? "")>" + dots
            }
        }

        private func commands() throws -> [String: [String]] {
            let json = try expectColld(["--experimental-dump-help"], exits: 0).json()
            return Self.arguments(try #require(json["command"] as? [String: Any]))
        }

        @Test("the flags are those that were promised")
        func flags() throws {
            let found = try commands()
            for (command, arguments) in found {
                #expect(arguments == Self.frozen[command], "\(command)")
            }
            #expect(Set(found.keys) == Set(Self.frozen.keys))
        }

        @Test("every command explains itself")
        func help() throws {
            for (command, arguments) in try commands() {
                let path = command.split(separator: " ").dropFirst().map(String.init)
                let result = try expectColld(path + ["--help"], exits: 0)
                #expect(result.output.contains("OVERVIEW: "), "\(command)")
                #expect(result.output.contains("USAGE: colld"), "\(command)")
                #expect(result.errors.isEmpty, "\(command)")
                for argument in arguments {
                    let name = argument.prefix { $0 != "=" && $0 != "…" }
                    #expect(result.output.contains(name), "\(command) \(name)")
                }
            }
        }

        @Test("the version is three numbers")
        func version() throws {
            let text = try expectColld(["--version"], exits: 0).output
            let numbers = text.trimmingCharacters(in: .whitespacesAndNewlines)
                .split(separator: ".").map { Int($0) }
            #expect(numbers.count == 3 && !numbers.contains(nil), "\(text)")
        }

        @Test(
            "wrong usage ends with 64 and says what is wrong",
            arguments: [
                (["frobnicate"], "frobnicate"),
                (["data", "frobnicate"], "frobnicate"),
                (["doctor", "--frob"], "--frob"),
                (["inspect"], "<model>"),
                (["inspect", "a", "b"], "b"),
                (["inspect", "a", "--seconds", "0"], "--seconds"),
                (["encode", "--model", "m", "--output", "o"], "--audio"),
                (
                    ["encode", "--model", "m", "--output", "o", "--audio", "a", "--input", "i"],
                    "--input"
                ),
                (["encode", "--model", "m", "--audio", "a"], "--output"),
                (["encode", "--output", "o", "--audio", "a"], "--model"),
                (
                    ["encode", "--model", "m", "--output", "o", "--audio", "a", "--layers", "x"],
                    "--layers"
                ),
                (
                    ["encode", "--model", "m", "--output", "o", "--audio", "a", "--layers", "1,"],
                    "--layers"
                ),
                (
                    [
                        "encode", "--model", "m", "--output", "o", "--audio", "a", "--precision",
                        "fp8",
                    ], "bf16"
                ),
                (["data", "shard", "m.jsonl"], "--output"),
                (["data", "shard", "m.jsonl", "--output", "o", "--prefix", "a/b"], "--prefix"),
                (["data", "synthesize"], "--output"),
                (["data", "validate"], "<manifest>"),
                (["data", "validate", "m", "--ignore", "silence,noise"], "--ignore"),
                (["data", "validate", "m", "--ignore", "bad-line"], "--ignore"),
                (["data", "validate", "m", "--max-silence", "1.5"], "--max-silence"),
                (
                    ["data", "validate", "m", "--min-duration", "2", "--max-duration", "1"],
                    "--max-duration"
                ),
                (["data", "validate", "m", "--threads=-1"], "--threads"),
                (["data", "stats"], "<manifests>"),
                (["data", "import", "--output", "o"], "--from"),
                (["data", "import", "--from", "c"], "--output"),
                (["lm", "train", "--text", "t"], "--output"),
                (["lm", "train", "--text", "t", "--output", "o", "--order", "7"], "--order"),
                (["lm", "train", "--text", "t", "--output", "o", "--prune", "0,x"], "--prune"),
                (["lm", "train", "--text", "t", "--output", "o", "--prune", "1"], "--prune"),
                (["benchmark", "decode", "--beam", "0"], "--beam"),
                (["export", "hf", "--model", "m"], "--output"),
                (["tokenizer", "train", "--type", "char", "--output", "o"], "--train"),
                (["tokenizer", "train", "--type", "word", "--output", "o", "--text", "t"], "bpe"),
                (
                    [
                        "tokenizer", "train", "--type", "char", "--output", "o", "--text", "t",
                        "--task", "translation",
                    ], "--type unigram or bpe"
                ),
                (
                    [
                        "tokenizer", "train", "--type", "bpe", "--output", "o", "--text", "t",
                        "--character-coverage", "0.9",
                    ], "0.98 to 1"
                ),
                (
                    ["export", "hf", "--model", "m", "--output", "o", "--max-shard-size", "5XB"],
                    "--max-shard-size"
                ),
            ])
        func usage(_ arguments: [String], _ word: String) throws {
            let result = try expectColld(arguments, exits: 64, saying: [word, "Usage: colld"])
            #expect(result.output.isEmpty)
        }
    }
}
