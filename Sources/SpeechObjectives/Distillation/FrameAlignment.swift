import SpeechCore
import SpeechModels

/// Which frames of a student and of a teacher stand for the same time.
///
/// Rates that are multiples of each other are matched by the mean over the faster one's frames (USAD,
/// section 3); a student that hears the speech at another speed is compared with the teacher's frame
/// of the same moment.
struct FrameAlignment: Equatable {
    /// Predictions that a head makes of one student frame.
    let predictionsPerFrame: Int
    /// Predictions that are averaged for one compared frame.
    let pooledPredictions: Int
    /// Teacher frames that are averaged for one compared frame.
    let pooledTargets: Int

    /// - Throws: `ObjectiveError.invalidSetting` for rates that do not fit each other.
    init(
        student: any EncoderConfig, teacher: any EncoderConfig, predictionsPerFrame: Int = 1
    ) throws {
        // Of a clip long enough that the frames at its end do not matter.
        let samples = 320_000
        func frames(_ config: any EncoderConfig) -> Double {
            let extractor = config.standardExtractor.makeExtractor()
            let length = extractor.validLength(samples: samples)
            return Double(config.frameCount(inputLength: length))
        }
        let ratio = frames(teacher) / (frames(student) * Double(predictionsPerFrame))
        let multiple = max(ratio, 1 / ratio).rounded()
        guard abs(max(ratio, 1 / ratio) / multiple - 1) < 0.1 else {
            throw ObjectiveError.invalidSetting(
                key: "--teacher",
                expected: "a frame rate that is a multiple of the student's, or a part of it",
                found: "\(frames(teacher)) frames in 20 s beside the student's \(frames(student))")
        }
        self.predictionsPerFrame = predictionsPerFrame
        pooledPredictions = ratio < 1 ? Int(multiple) : 1
        pooledTargets = ratio < 1 ? 1 : Int(multiple)
    }

    /// * `head`: as many predictions per frame as the teacher has frames, where it can make them.
    /// - Throws: `ObjectiveError.invalidSetting` for rates that do not fit each other or the head.
    init(
        student: any EncoderConfig, teacher: any EncoderConfig, _ head: PredictionHeadKind
    ) throws {
        let alignment = try FrameAlignment(student: student, teacher: teacher)
        if head != .upsample {
            self = alignment
        } else if alignment.pooledTargets > 1 {
            self = try FrameAlignment(
                student: student, teacher: teacher, predictionsPerFrame: alignment.pooledTargets)
        } else {
            throw ObjectiveError.invalidSetting(
                key: "objective.head",
                expected:
                    "linear, mlp or mlp_gelu for a teacher that is not faster than the student",
                found: head.rawValue)
        }
    }

    /// The compared frames of a clip.
    ///
    /// * `student`: its frames for the student.
    /// * `teacher`: its frames for the teacher.
    /// * `speed`: how many times faster the student hears it.
    func comparedFrames(student: Int, teacher: Int, speed: Double) -> Int {
        let heard = student * predictionsPerFrame / pooledPredictions
        let taught = Double(teacher / pooledTargets) / speed
        return min(heard, max(0, Int((taught - 0.5).rounded(.up))))
    }

    /// The student frames that some compared frames are made of.
    func studentFrames(compared: Int) -> Int {
        (compared * pooledPredictions + predictionsPerFrame - 1) / predictionsPerFrame
    }

    /// The compared frames all of whose student frames are among the chosen ones.
    ///
    /// * `chosen`: ascending.
    func compared(_ chosen: [Int], limit: Int) -> [Int] {
        if predictionsPerFrame == 1 && pooledPredictions == 1 {
            return Array(chosen.prefix { $0 < limit })
        }
        var isChosen = [Bool](
            repeating: false, count: limit * pooledPredictions + predictionsPerFrame)
        for frame in chosen {
            for prediction in 0..<predictionsPerFrame {
                let place = frame * predictionsPerFrame + prediction
                if place < isChosen.count { isChosen[place] = true }
            }
        }
        return (0..<limit).filter { frame in
            (0..<pooledPredictions).allSatisfy { isChosen[frame * pooledPredictions + $0] }
        }
    }

    /// The first of the teacher's frames for a compared one.
    func teacherFrame(_ compared: Int, speed: Double) -> Int {
        speed == 1
            ? compared * pooledTargets : Int((Double(compared) + 0.5) * speed) * pooledTargets
    }
}
