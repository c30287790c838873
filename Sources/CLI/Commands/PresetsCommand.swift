import ArgumentParser
import SpeechTraining

/// `colld presets`: the run files that are part of the command.
struct PresetsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "presets",
        abstract: "List the run files that come with the command, or print one.",
        discussion: """
            A run file takes presets, and other files, as its starting point; later ones win:

              defaults: [w2v-bert-2.0-12x384, usad]
              optimizer:
                lr: 1e-3

            --config takes a preset's name where no more is needed. The resolved file is printed by \\
            --dump-config.
            """)

    @Argument(help: "The preset to print.")
    var name: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        guard let name else {
            if json {
                print(try Output.json(Preset.all.map { Entry($0, withText: false) }))
            } else {
                print(list, terminator: "")
            }
            return
        }
        let preset = try Preset.find(name)
        if json {
            print(try Output.json(Entry(preset, withText: true)))
        } else {
            print(preset.text, terminator: "")
        }
    }

    /// Names with their summaries, by kind.
    private var list: String {
        let width = Preset.all.map(\.name.count).max() ?? 0
        return Preset.Kind.allCases.map { kind in
            let lines = Preset.all.filter { $0.kind == kind }.map { preset in
                let gap = String(repeating: " ", count: width - preset.name.count)
                return "  \(preset.name)\(gap)  \(preset.summary)\n"
            }
            return lines.isEmpty ? "" : "\(kind.heading):\n" + lines.joined()
        }.joined()
    }

    private struct Entry: Encodable {
        let name: String
        let kind: Preset.Kind
        let summary: String
        /// Where one preset was asked for.
        let text: String?

        init(_ preset: Preset, withText: Bool) {
            (name, kind, summary) = (preset.name, preset.kind, preset.summary)
            text = withText ? preset.text : nil
        }
    }
}

extension Preset.Kind {
    fileprivate var heading: String {
        switch self {
        case .method: "Methods (distill)"
        case .teacher: "Teachers and their students (distill)"
        case .pretraining: "Training without a teacher (pretrain)"
        case .recognition: "Recognition (finetune --task ctc)"
        case .translation: "Translation (finetune --task translation)"
        }
    }
}
