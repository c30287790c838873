public import SpeechCore

/// What an export wrote, and whether reading it back gave the same tensors.
public struct ExportReport: Encodable, Equatable, Sendable {
    /// A file of tensors that was written.
    public struct File: Encodable, Equatable, Sendable {
        /// The name in the directory.
        public let name: String
        /// The number of tensors.
        public let tensors: Int
        /// The bytes of all tensors.
        public let bytes: Int
    }

    /// Where the model was read.
    public let model: String
    /// Where it was written.
    public let output: String
    /// The files of tensors, those of language adapters included.
    public let files: [File]
    /// Files that were copied as they are.
    public let copied: [String]
    /// Tensors that are called otherwise than in the model: old name, new name.
    public let renamed: [String: String]
    /// Tensors of the model that were not written.
    public let leftOut: [String]
    /// The number of tensors that were read back and compared.
    public let compared: Int
    /// Tensors that read back otherwise than they were written, as `file: tensor`.
    public let different: [String]

    package init(
        model: String, output: String, files: [File], copied: [String],
        renamed: [String: String], leftOut: [String], compared: Int, different: [String]
    ) {
        self.model = model
        self.output = output
        self.files = files
        self.copied = copied
        self.renamed = renamed
        self.leftOut = leftOut
        self.compared = compared
        self.different = different
    }

    private enum CodingKeys: String, CodingKey {
        case model, output, files, copied, renamed, compared, different, identical
        case leftOut = "left_out"
    }

    /// Whether every tensor came back bit for bit.
    public var isIdentical: Bool { different.isEmpty }

    /// Writes all properties and `identical`.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(model, forKey: .model)
        try container.encode(output, forKey: .output)
        try container.encode(files, forKey: .files)
        try container.encode(copied, forKey: .copied)
        try container.encode(renamed, forKey: .renamed)
        try container.encode(leftOut, forKey: .leftOut)
        try container.encode(compared, forKey: .compared)
        try container.encode(different, forKey: .different)
        try container.encode(isIdentical, forKey: .identical)
    }
}

/// Why an export is not what it should be.
public enum ExportError: ReportedError, Equatable {
    /// Tensors read back otherwise than they were written; nothing stays at the output's place.
    case differs(ExportReport)

    /// What differs.
    public var description: String {
        switch self {
        case .differs(let report):
            "\(report.output): expected \(report.compared) tensors as they are in "
                + "\(report.model); found \(report.different.count) that differ: "
                + report.different.prefix(5).joined(separator: ", ")
        }
    }

    /// A quality gate.
    public var exitStatus: ExitStatus { .gateFailed }
}
