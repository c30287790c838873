import Foundation
import SpeechCore
import SpeechTraining
import Testing

/// A student that hears other speeds than its teachers.
@Suite struct StudentSpeedTests {
    /// The student's clips are shorter or longer by the factors that the batch names; the teacher's
    /// are not, and nothing depends on the number of threads.
    @Test(arguments: [1, 3])
    func onlyTheStudentHearsOtherSpeeds(_ threads: Int) throws {
        let folder = try SpeechFolder([3.0, 2.5, 2.0, 3.5])
        var settings = DatasetConfig()
        settings.minDuration = 0
        settings.threads = threads
        settings.maxUtterances = 2
        var augment = AugmentConfig()
        augment.studentSpeed = [0.8, 1.25]
        let loader = try BatchLoader(
            folder.dataset(), sampler: folder.sampler(settings),
            extractors: [waveforms, waveforms], augmenter: Augmenter(config: augment, seed: 1),
            endBatch: 8, config: settings)
        var seen: Set<Double> = []
        while let batch = try loader.next() {
            #expect(batch.studentSpeeds.count == batch.utterances.count)
            let student = try #require(batch.features.first).inputLengths
            let teacher = try #require(batch.features.last).inputLengths
            for (row, speed) in batch.studentSpeeds.enumerated() {
                seen.insert(speed)
                #expect(abs(Double(student[row]) - Double(teacher[row]) / speed) <= 1)
                let seconds = Double(teacher[row]) / 16_000
                #expect(abs(seconds - batch.utterances[row].duration) < 0.01)
            }
        }
        #expect(seen == [0.8, 1.25])
    }
}
