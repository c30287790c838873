import Foundation
import SpeechModels
import SpeechObjectives
import TestSupport
import Testing

@Suite struct StudentDesignTests {
    @Test func aWordSaysItAll() throws {
        let design = try StudentDesign("12x384")
        #expect(design == StudentDesign(layers: 12, width: 384, heads: 6, feedForward: 1536))
        #expect(design.description == "12x384")
        #expect(try StudentDesign("6X256") == StudentDesign(layers: 6, width: 256))
        // A head has 64 channels, but there is always one.
        #expect(StudentDesign(layers: 2, width: 32).heads == 1)
        #expect(StudentDesign(layers: 2, width: 1024).heads == 16)
    }

    @Test(
        arguments: [
            "", "12", "x", "12x", "x384", "12xx384", "x12x384", "12x384x", "12x384x6", "0x384",
            "12x0", "-1x384", "12x-384", "twelve x 384", "12 384", "1.5x384",
            "99999999999999999999x384",
        ])
    func otherWordsAreRefused(_ word: String) {
        let error = expectError(
            ObjectiveError.self, containing: ["--student", "12x384", "'\(word)'"]
        ) { try StudentDesign(word, key: "--student") }
        #expect(error?.exitStatus == .badInput)
        expectError(DecodingError.self, containing: ["student.design", "'\(word)'"]) {
            try JSONDecoder().decode([StudentDesign].self, from: JSONEncoder().encode([word]))
        }
    }

    private func decode(_ json: String) throws -> StudentDesign {
        try JSONDecoder().decode([StudentDesign].self, from: Data("[\(json)]".utf8))[0]
    }

    @Test func partsFollowFromTheWidth() throws {
        #expect(try decode("\"4x128\"") == StudentDesign(layers: 4, width: 128))
        #expect(
            try decode(#"{"layers": 4, "width": 128}"#)
                == StudentDesign(layers: 4, width: 128, heads: 2, feedForward: 512))
        #expect(
            try decode(#"{"layers": 4, "width": 128, "heads": 8, "feed_forward": 300}"#)
                == StudentDesign(layers: 4, width: 128, heads: 8, feedForward: 300))
        expectError(DecodingError.self, containing: ["feedforward", "feed_forward"]) {
            try decode(#"{"layers": 4, "width": 128, "feedforward": 300}"#)
        }
        expectError(DecodingError.self, containing: ["width"]) { try decode(#"{"layers": 4}"#) }
        expectError(DecodingError.self) { try decode(#"{"layers": "4", "width": 128}"#) }
    }

    private static let whole = #"""
        {"layers": 4, "width": 128, "front_end": {"channels": [8], "kernels": [10], "strides": [5]},
         "time_reduction": 2, "reuses_attention": true}
        """#

    @Test func partsBeyondHuggingFace() throws {
        let design = try decode(Self.whole)
        #expect(design.heads == 2 && design.feedForward == 512)
        #expect(design.frontEnd == .init(channels: [8], kernels: [10], strides: [5]))
        #expect(design.timeReduction == 2 && design.reusesAttention && !design.isTeacher)
        #expect(try decode("\"teacher\"") == .teacher)
        #expect(StudentDesign.teacher.description == "teacher")
        for design in [design, .teacher] {
            let json = try JSONEncoder().encode([design])
            #expect(try JSONDecoder().decode([StudentDesign].self, from: json) == [design])
        }
        for (wrong, said) in [
            ("time_reduction", "timereduction"), ("\"kernels\"", "\"taps\""),
            ("front_end", "frontend"),
        ] {
            expectError(DecodingError.self, containing: [said.replacing("\"", with: "")]) {
                try decode(Self.whole.replacing(wrong, with: said))
            }
        }
        expectError(ObjectiveError.self, containing: ["--design", "'teacher'"]) {
            try StudentDesign("teacher", key: "--design")
        }
    }

    @Test func theTeachersOwnShape() throws {
        var teacher = Wav2Vec2Config()
        teacher.attentionDropout = 0.1
        teacher.structure = EncoderStructure(of: teacher)
        teacher.structure?.layers[3].heads = 5
        let config = try #require(
            try StudentDesign.teacher.config(like: teacher) as? Wav2Vec2Config)
        #expect(config.structure == teacher.structure && config.attentionDropout == 0)
        // Another shape is a plain one.
        let other = try StudentDesign("2x64").config(like: teacher)
        #expect(other.structure == nil && other.modelType == "wav2vec2")
    }

    /// Hugging Face's form for what it can express, our own for the rest.
    @Test func studentsHaveStructuresWhereTheyNeedThem() throws {
        let teacher = TinyFamily.wav2Vec2.config(layers: 4, width: 24)
        var design = StudentDesign(layers: 5, width: 16, heads: 4, feedForward: 20)
        design.frontEnd = .init(channels: [6, 8], kernels: [10, 4], strides: [5, 4])
        let plain = try #require(try design.config(like: teacher) as? Wav2Vec2Config)
        #expect(plain.structure == nil && plain.modelType == "wav2vec2")
        #expect(plain.frontEnd.channels == [6, 8] && plain.frontEnd.hop == 20)
        #expect(plain.frontEnd.norm == .layer)

        design.timeReduction = 2
        design.reusesAttention = true
        let config = try design.config(like: teacher)
        #expect(config.modelType == "colld" && config.baseModelType == "wav2vec2")
        let structure = try #require(config.structure)
        #expect(structure.timeReduction == 2 && structure.headWidth == 4)
        #expect(structure.layers.map(\.reusesAttention) == [false, true, false, true, false])
        #expect(structure.layers.allSatisfy { $0.heads == 4 && $0.feedForward == 20 })

        let conformer = TinyFamily.w2vBert.config(layers: 4, width: 24)
        var joined = StudentDesign(layers: 2, width: 16, heads: 4)
        joined.timeReduction = 2
        #expect(try joined.config(like: conformer).structure?.timeReduction == 2)
        func refuses(
            _ like: any EncoderConfig, _ fragments: String...,
            change: (inout StudentDesign) -> Void
        ) {
            var design = StudentDesign(layers: 2, width: 16, heads: 4)
            change(&design)
            expectError(ObjectiveError.self, containing: fragments) {
                try design.config(like: like)
            }
        }
        refuses(conformer, "student.design.reuses_attention", "wav2vec2-bert") {
            $0.reusesAttention = true
        }
        refuses(conformer, "student.design.front_end", "wav2vec2-bert") {
            $0.frontEnd = .init(channels: [8], kernels: [10], strides: [5])
        }
        refuses(teacher, "student.design.time_reduction", "0") { $0.timeReduction = 0 }
        var uneven = StudentDesign(layers: 2, width: 16, heads: 4)
        uneven.frontEnd = .init(channels: [8, 8], kernels: [10], strides: [5, 2])
        expectError(ModelError.self, containing: ["conv_kernel", "2 values"]) {
            try uneven.config(like: teacher)
        }
    }

    @Test func isWrittenAsShortAsPossible() throws {
        for (design, text) in [
            (StudentDesign(layers: 4, width: 128), #"["4x128"]"#),
            (
                StudentDesign(layers: 4, width: 128, heads: 4),
                #"[{"feed_forward":512,"heads":4,"layers":4,"width":128}]"#
            ),
        ] {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let json = try encoder.encode([design])
            #expect(String(decoding: json, as: UTF8.self) == text)
            #expect(try JSONDecoder().decode([StudentDesign].self, from: json) == [design])
        }
    }

    @Test func aStudentOfW2VBert() throws {
        var teacher = W2VBertConfig()
        teacher.hasAdapter = true
        teacher.hasIntermediateFeedForward = true
        teacher.attentionDropout = 0.1
        teacher.maskTimeProbability = 0
        teacher.appliesMask = false
        teacher.leftPositions = 32
        let config = try #require(
            try StudentDesign("12x384").config(like: teacher) as? W2VBertConfig)
        #expect(config.layerCount == 12 && config.width == 384 && config.headCount == 6)
        #expect(config.feedForwardWidth == 1536 && config.outputWidth == 384)
        // The input and the kind of layers are the teacher's.
        #expect(config.inputDimension == teacher.inputDimension && config.leftPositions == 32)
        #expect(config.positionEmbeddings == teacher.positionEmbeddings)
        // A student is trained by masked prediction and without noise of its own.
        #expect(!config.hasAdapter && !config.hasIntermediateFeedForward)
        #expect(config.attentionDropout == 0 && config.convolutionDropout == 0)
        #expect(config.appliesMask && config.maskTimeProbability > 0)
    }

    @Test func aStudentOfWav2Vec2() throws {
        var teacher = Wav2Vec2Config()
        teacher.dialect = .hubert
        teacher.isPreNorm = true
        teacher.frontEnd.norm = .layer
        let design = StudentDesign(layers: 3, width: 256, heads: 8, feedForward: 640)
        let config = try #require(try design.config(like: teacher) as? Wav2Vec2Config)
        #expect(config.layerCount == 3 && config.width == 256 && config.headCount == 8)
        #expect(config.feedForwardWidth == 640 && config.outputWidth == 256)
        #expect(config.modelType == "hubert" && config.isPreNorm)
        #expect(config.frontEnd == teacher.frontEnd)
        #expect(config.positionalKernel == teacher.positionalKernel)
        #expect(config.hiddenDropout == 0 && config.activationDropout == 0)
    }

    @Test(arguments: TinyFamily.allCases)
    func whatAFamilyCannotExpressIsRefused(_ family: TinyFamily) {
        let teacher = family.config(layers: 4, width: 24)
        func refuses(_ design: StudentDesign, _ fragments: String...) {
            expectError(ModelError.self, containing: fragments) {
                try design.config(like: teacher)
            }
        }
        refuses(StudentDesign(layers: 2, width: 20, heads: 3), "num_attention_heads", "3", "2x20")
        refuses(StudentDesign(layers: 2, width: .max), "hidden_size", "\(Int.max)")
        refuses(StudentDesign(layers: .max, width: 16), "num_hidden_layers", "\(Int.max)")
        if family == .wav2Vec2 {
            refuses(StudentDesign(layers: 2, width: 15, heads: 3), "num_conv_pos_embedding_groups")
        }
        for (design, key) in [
            (StudentDesign(layers: 0, width: 16), "student.layers"),
            (StudentDesign(layers: 2, width: -4), "student.width"),
            (StudentDesign(layers: 2, width: 16, heads: 0), "student.heads"),
            (StudentDesign(layers: 2, width: 16, feedForward: -1), "student.feed_forward"),
        ] {
            expectError(ObjectiveError.self, containing: [key, "1 or more"]) {
                try design.config(like: teacher)
            }
        }
    }
}
