import Foundation
import SpeechCore
import SpeechTraining
import TestSupport
import Testing

@Suite struct RunDirectoryTests {
    private func makeCheckpoints(_ names: [String], in run: RunDirectory) throws {
        for name in names {
            try FileManager.default.createDirectory(
                at: run.checkpoints.appendingPathComponent(name),
                withIntermediateDirectories: true)
        }
    }

    @Test func placesAreWherePeopleLook() {
        let run = RunDirectory(URL(fileURLWithPath: "/runs/a"))
        #expect(run.config.path == "/runs/a/config.yaml")
        #expect(run.log.path == "/runs/a/log.txt")
        #expect(run.metrics("train").path == "/runs/a/metrics/train.jsonl")
        #expect(run.checkpoint(step: 500).path == "/runs/a/checkpoints/step_500")
        #expect(run.model.path == "/runs/a/model")
        #expect(run.skipped.path == "/runs/a/skipped.jsonl")
        #expect(run.provenance.path == "/runs/a/run.json")
    }

    @Test func onlyWholeCheckpointsCount() throws {
        try withTemporaryDirectory { folder in
            let run = RunDirectory(folder.appendingPathComponent("run"))
            #expect(run.checkpointSteps.isEmpty)
            try run.create()
            try run.create()
            #expect(run.checkpointSteps.isEmpty)
            try makeCheckpoints(
                ["step_20", "step_3", "step_100", "step_40.tmp", "step_x", "best.tmp"], in: run)
            #expect(run.checkpointSteps == [3, 20, 100])
        }
    }

    @Test func linksMoveInOneStep() throws {
        try withTemporaryDirectory { folder in
            let run = RunDirectory(folder.appendingPathComponent("run"))
            try run.create()
            #expect(run.linkedStep("last") == nil)
            try makeCheckpoints(["step_1", "step_2"], in: run)
            try run.link("last", to: 1)
            #expect(run.linkedStep("last") == 1)
            // What a killed process left.
            let temporary = run.checkpoints.appendingPathComponent("last.tmp")
            try Data("half".utf8).write(to: temporary)
            try run.link("last", to: 2)
            try run.link("best", to: 1)
            #expect(run.linkedStep("last") == 2)
            #expect(run.linkedStep("best") == 1)
            #expect(!FileManager.default.fileExists(atPath: temporary.path))
            // Relative, so that a run can be moved.
            let moved = RunDirectory(folder.appendingPathComponent("moved"))
            try FileManager.default.moveItem(at: run.url, to: moved.url)
            #expect(moved.linkedStep("last") == 2)
            // A checkpoint that is gone is none.
            try FileManager.default.removeItem(at: moved.checkpoint(step: 2))
            #expect(moved.linkedStep("last") == nil)
        }
    }

    @Test func whatCannotBeMadeIsNamed() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appendingPathComponent("file")
            try Data().write(to: file)
            let run = RunDirectory(file.appendingPathComponent("run"))
            let error = expectError(RunError.self, containing: [run.url.path]) { try run.create() }
            #expect(error?.exitStatus == .runtimeFailure)
            expectError(RunError.self, containing: ["checkpoints/last"]) {
                try run.link("last", to: 1)
            }
        }
    }

    @Test func errorsHaveTheCodesThatScriptsReadThemBy() {
        let errors: [(RunError, SpeechCore.ExitStatus)] = [
            (.cannotCreate(path: "p", reason: "r"), .runtimeFailure),
            (.outputExists(path: "p"), .badInput),
            (.occupied(path: "p"), .badInput),
            (.differs(path: "p", changes: ["a: expected 1; found 2"]), .badInput),
            (.foreignCheckpoint(path: "p", key: "k", expected: "e", found: "f"), .badInput),
            (.noDevice(name: "tpu", available: ["cpu"]), .badInput),
            (.notFinite(step: 1, updates: 2), .runtimeFailure),
            (.outOfMemory(step: 1, seconds: 60, reason: "r"), .runtimeFailure),
            (.engine(step: 1, reason: "r"), .runtimeFailure),
            (.stopped(signal: SIGUSR1, step: 1, path: "p"), .resumable),
        ]
        for (error, status) in errors {
            #expect(error.exitStatus == status, "\(error)")
            #expect(!error.description.isEmpty)
        }
        let memory = RunError.outOfMemory(step: 7, seconds: 61.5, reason: "no more")
        for said in ["step 7", "61 s", "dataset.max_seconds", "trainer.accumulation", "no more"] {
            #expect(memory.description.contains(said))
        }
    }
}
