import Foundation
import SpeechObjectives
import TestSupport
import Testing

@Suite struct LayerMappingTests {
    private func pairs(
        _ mapping: LayerMapping, _ student: Int, _ teacher: Int
    ) throws -> [[Int]] {
        try mapping.pairs(studentLayers: student, teacherLayers: teacher)
            .map { [$0.student, $0.teacher] }
    }

    @Test func uniformDoublesForHalfTheDepth() throws {
        #expect(try pairs(.uniform, 12, 24) == (1...12).map { [$0, 2 * $0] })
        #expect(try pairs(.uniform, 3, 24) == [[1, 8], [2, 16], [3, 24]])
        #expect(try pairs(.uniform, 5, 12) == [[1, 2], [2, 5], [3, 7], [4, 10], [5, 12]])
        #expect(try pairs(.uniform, 1, 24) == [[1, 24]])
        #expect(try pairs(.uniform, 4, 2) == [[1, 1], [2, 1], [3, 2], [4, 2]])
    }

    /// The formula in floating point, for every pair of depths.
    @Test func uniformIsTheNearestLayer() throws {
        for student in 1...30 {
            for teacher in 1...30 {
                let found = try pairs(.uniform, student, teacher)
                let expected = (1...student).map { k -> [Int] in
                    let exact = Double(k) * Double(teacher) / Double(student)
                    return [k, k == student ? teacher : max(1, Int((exact + 0.5).rounded(.down)))]
                }
                #expect(found == expected, "\(student) of \(teacher)")
                if student <= teacher { #expect(Set(found.map { $0[1] }).count == student) }
            }
        }
    }

    @Test func equalDepthsMapToThemselves() throws {
        for depth in 1...24 {
            let identity = (1...depth).map { [$0, $0] }
            #expect(try pairs(.uniform, depth, depth) == identity)
            #expect(try pairs(.everyTeacher, depth, depth) == identity)
            #expect(try pairs(.sparse(depth), depth, depth) == identity)
        }
    }

    @Test func everyTeacherLayerIsPredictedOnce() throws {
        // 12 of 24: each student layer predicts two teacher layers.
        #expect(try pairs(.everyTeacher, 12, 24) == (1...24).map { [($0 + 1) / 2, $0] })
        #expect(try pairs(.everyTeacher, 2, 5) == [[1, 1], [1, 2], [2, 3], [2, 4], [2, 5]])
        for student in 1...12 {
            for teacher in 1...24 {
                let found = try pairs(.everyTeacher, student, teacher)
                #expect(found.map { $0[1] } == Array(1...teacher))
                #expect(found.last == [student, teacher])
                for pair in found {
                    let exact = Double(pair[1] * student) / Double(teacher)
                    #expect(pair[0] == Int((exact - 1e-9).rounded(.up)))
                }
            }
        }
    }

    @Test func otherStrategies() throws {
        #expect(try pairs(.sparse(4), 12, 24) == [[3, 6], [6, 12], [9, 18], [12, 24]])
        #expect(try pairs(.sparse(1), 12, 24) == [[12, 24]])
        #expect(try pairs(.last([4, 8, 12]), 2, 12) == [[2, 4], [2, 8], [2, 12]])
        let given: LayerMapping = .pairs([
            LayerPair(student: 2, teacher: 1), LayerPair(student: 1, teacher: 3),
        ])
        #expect(try pairs(given, 2, 3) == [[2, 1], [1, 3]])
    }

    @Test func meansOfTeacherLayers() throws {
        let top = try LayerMapping.top(8).pairs(studentLayers: 12, teacherLayers: 24)
        #expect(top == [LayerPair(student: 12, teachers: 17...24)])
        #expect("\(top[0])" == "12:17-24" && top[0].teacher == 24)
        let all = try LayerMapping.top(4).pairs(studentLayers: 2, teacherLayers: 4)
        #expect(all == [LayerPair(student: 2, teachers: 1...4)])
        let groups = try #require(LayerMapping("1:1-2,1:1,2:3-4"))
        #expect(
            try groups.pairs(studentLayers: 2, teacherLayers: 4) == [
                LayerPair(student: 1, teachers: 1...2), LayerPair(student: 1, teacher: 1),
                LayerPair(student: 2, teachers: 3...4),
            ])
    }

    @Test(
        arguments: [
            (LayerMapping.uniform, "uniform"), (.everyTeacher, "every_teacher"),
            (.sparse(4), "sparse:4"), (.last([12]), "last:12"), (.last([4, 8, 12]), "last:4,8,12"),
            (.pairs([LayerPair(student: 1, teacher: 2)]), "1:2"),
            (
                .pairs([LayerPair(student: 1, teacher: 2), LayerPair(student: 2, teacher: 4)]),
                "1:2,2:4"
            ), (.top(8), "top:8"),
            (
                .pairs([LayerPair(student: 1, teachers: 1...3), LayerPair(student: 2, teacher: 4)]),
                "1:1-3,2:4"
            ),
        ])
    func isWrittenAsAWord(_ mapping: LayerMapping, _ word: String) throws {
        #expect("\(mapping)" == word)
        #expect(LayerMapping(word) == mapping)
        let json = try JSONEncoder().encode([mapping])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(word)\"]")
        #expect(try JSONDecoder().decode([LayerMapping].self, from: json) == [mapping])
    }

    @Test(
        arguments: [
            "", "Uniform", "uniform:", "uniform:2", "every_teacher:1", "every", "sparse", "sparse:",
            "sparse:two", "sparse:1:2", "last", "last:", "last:4,", "last:4,,8", "last:a", "1",
            "1:",
            ":2", "1:2:3", "1:2,", ",1:2", "1:2,,2:4", "1-2", "a:b", "1:2;2:4", "top", "top:",
            "top:a", "top:1:2", "1:", "1:-2", "1:2-",
            "1:3-2", "1:1-2-3", "1-2:3",
        ])
    func otherWordsAreRefused(_ word: String) {
        #expect(LayerMapping(word) == nil)
        expectError(DecodingError.self, containing: ["'\(word)'", "every_teacher", "sparse:N"]) {
            try JSONDecoder().decode([LayerMapping].self, from: JSONEncoder().encode([word]))
        }
    }

    @Test(
        arguments: [
            "sparse:0", "sparse:-1", "sparse:3", "sparse:5", "last:0", "last:5", "last:2,2",
            "last:-1", "0:1", "1:0", "3:1", "1:5", "1:2,1:2", "1:2,3:4", "top:0", "top:5", "top:-1",
            "1:3-5",
            "1:0-2",
        ])
    func layersThatTheModelsLackAreRefused(_ word: String) throws {
        let mapping = try #require(LayerMapping(word))
        let error = expectError(
            ObjectiveError.self,
            containing: ["objective.layer_mapping", "student: 2", "teacher: 4", word]
        ) {
            try mapping.pairs(studentLayers: 2, teacherLayers: 4)
        }
        #expect(error?.exitStatus == .badInput)
    }
}
