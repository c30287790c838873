import ArgumentParser

/// `colld data`: corpora and their manifests.
struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Make corpora and manifests.",
        subcommands: [
            DataImportCommand.self,
            DataValidateCommand.self,
            DataStatsCommand.self,
            DataShardCommand.self,
            DataSynthesizeCommand.self,
        ])
}
