import ArgumentParser

/// `colld benchmark`: throughput, latency, memory.
struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark", abstract: "Measure throughput, latency and memory here.",
        subcommands: [
            BenchmarkCheckpointCommand.self, BenchmarkDecodeCommand.self,
            BenchmarkDistillCommand.self,
            BenchmarkEncodeCommand.self, BenchmarkFeaturesCommand.self, BenchmarkLoadCommand.self,
            BenchmarkLossCommand.self, BenchmarkManifestCommand.self,
        ])
}
