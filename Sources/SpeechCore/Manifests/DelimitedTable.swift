import Foundation

/// A table in a text file whose columns are found by the names in its first line.
///
/// Rows are read one after another; memory does not grow with the file. Byte order marks and CR LF are
/// taken as `ManifestLines` takes them, compressed files are read as well.
package struct DelimitedTable: Sendable {
    /// How fields are separated and marked.
    package struct Dialect: Sendable, Equatable {
        let separator: UInt8
        /// Whether a field may stand in quotes, with quotes inside doubled (RFC 4180).
        var hasQuotes = false
        /// Whether a backslash stands before a character that is meant as it is.
        var hasEscapes = false

        /// Tabs, where a quote is a character as any other: Common Voice, FLEURS, VoxPopuli.
        package static let tsv = Dialect(separator: UInt8(ascii: "\t"))
        /// Tabs with backslashes, as CoVoST's tables are written.
        package static let escapedTSV = Dialect(
            separator: UInt8(ascii: "\t"), hasEscapes: true)
        /// Commas and quotes, RFC 4180.
        package static let csv = Dialect(separator: UInt8(ascii: ","), hasQuotes: true)
    }

    /// A row that can be read.
    package struct Row: Sendable {
        /// The line that it begins on, from 1.
        package let line: Int
        /// As many fields as the table has columns.
        package let fields: [Substring]

        /// A field without white space around it; nil for no column and for an empty field.
        package func text(_ column: Int?) -> String? {
            guard let column else { return nil }
            let text = fields[column].trimmingCharacters(in: .whitespacesAndNewlines)
            return text.isEmpty ? nil : text
        }
    }

    /// The file.
    package let path: String
    /// The names of the columns.
    package let columns: [String]
    private let dialect: Dialect
    private let hasHeader: Bool

    /// Reads the names of the columns from the first line that is not blank.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, `ManifestError.empty` or `.badLines`.
    package init(path: String, dialect: Dialect) throws {
        self.path = path
        self.dialect = dialect
        hasHeader = true
        var header: [String]?
        try Self.forEachRecord(path, dialect) { _, record in
            header = try record.get().map { $0.trimmingCharacters(in: .whitespaces) }
            return false
        }
        guard let header else { throw ManifestError.empty(path: path) }
        columns = header
    }

    /// A table without names in its first line; rows may have more fields than `columns`.
    package init(path: String, dialect: Dialect, columns: [String]) {
        self.path = path
        self.dialect = dialect
        self.columns = columns
        hasHeader = false
    }

    /// The place of the first of these columns that there is.
    package func column(_ names: String...) -> Int? {
        names.lazy.compactMap { columns.firstIndex(of: $0) }.first
    }

    /// The place of a column that must be there.
    ///
    /// - Throws: `ManifestError.missingColumn` naming all columns that there are.
    package func required(_ names: String...) throws -> Int {
        guard let place = names.lazy.compactMap({ columns.firstIndex(of: $0) }).first else {
            throw ManifestError.missingColumn(path: path, expected: names, found: columns)
        }
        return place
    }

    /// Calls `body` with every row, or with what is wrong with it.
    ///
    /// - Throws: `FileSystemError`, `GzipError`, or whatever `body` throws.
    package func forEachRow(
        _ body: (Result<Row, ManifestError.LineFault>) throws -> Void
    ) throws {
        var isHeader = hasHeader
        try Self.forEachRecord(path, dialect) { line, record in
            if isHeader {
                isHeader = false
                return true
            }
            let fields: [Substring]
            switch record {
            case .success(let found): fields = found
            case .failure(let error):
                try body(.failure(.init(line: line, detail: error.detail)))
                return true
            }
            let isRight = hasHeader ? fields.count == columns.count : fields.count >= columns.count
            guard isRight else {
                let detail = "expected \(columns.count) columns, found \(fields.count)"
                try body(.failure(.init(line: line, detail: detail)))
                return true
            }
            try body(.success(Row(line: line, fields: fields)))
            return true
        }
    }

    private struct RecordError: Error {
        let path: String
        let line: Int
        let detail: String
    }

    private struct Stop: Error {}

    /// Calls `body` with the fields of each record until it returns false.
    private static func forEachRecord(
        _ path: String, _ dialect: Dialect,
        _ body: (_ line: Int, _ record: Result<[Substring], RecordError>) throws -> Bool
    ) throws {
        var parser = RecordParser(dialect: dialect)
        func finish() throws {
            let record = parser.take()
            let line = record.line
            let result: Result<[Substring], RecordError> =
                record.fields.map { .success($0) }
                ?? .failure(RecordError(path: path, line: line, detail: record.fault))
            guard try body(line, result) else { throw Stop() }
        }
        do {
            try ManifestLines.forEach(path: path) { number, bytes in
                if !parser.isInside, bytes.isBlank { return }
                if parser.add(bytes, line: number) { try finish() }
            }
            if parser.isInside { try finish() }
        } catch is Stop {
            return
        } catch let error as RecordError {
            throw ManifestError.badLines(
                path: path, faults: [.init(line: error.line, detail: error.detail)])
        }
    }
}

/// Takes lines apart into fields; in quotes a field may go on in the next line.
private struct RecordParser {
    let dialect: DelimitedTable.Dialect
    private var line = 0
    private var fields: [Substring] = []
    private var field: [UInt8] = []
    private var isValid = true
    /// Between quotes at the end of what was added so far.
    private(set) var isInside = false

    init(dialect: DelimitedTable.Dialect) {
        self.dialect = dialect
    }

    /// Adds a line; false when the record goes on in the next one.
    mutating func add(_ bytes: UnsafeRawBufferPointer, line number: Int) -> Bool {
        if !isInside { line = number }
        guard dialect.hasQuotes || dialect.hasEscapes && bytes.contains(UInt8(ascii: "\\")) else {
            // Most tables: the line's text once, and parts of it.
            if let text = String(validating: bytes, as: UTF8.self) {
                let separator = dialect.separator
                fields = text.utf8.split(
                    separator: separator, omittingEmptySubsequences: false
                ).map { Substring($0) }
            } else {
                isValid = false
            }
            return true
        }
        let quote = UInt8(ascii: "\"")
        var isQuoted = isInside
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isInside {
                if byte != quote {
                    field.append(byte)
                } else if index < bytes.count, bytes[index] == quote {
                    field.append(quote)
                    index += 1
                } else {
                    isInside = false
                }
            } else if byte == dialect.separator {
                finishField()
                isQuoted = false
            } else if dialect.hasQuotes, byte == quote, field.isEmpty, !isQuoted {
                isInside = true
                isQuoted = true
            } else if dialect.hasEscapes, byte == UInt8(ascii: "\\"), index < bytes.count {
                field.append(bytes[index])
                index += 1
            } else {
                field.append(byte)
            }
        }
        if isInside {
            field.append(UInt8(ascii: "\n"))
            return false
        }
        finishField()
        return true
    }

    private mutating func finishField() {
        if let text = String(validating: field, as: UTF8.self) {
            fields.append(text[...])
        } else {
            isValid = false
        }
        field.removeAll(keepingCapacity: true)
    }

    /// The record, or what is wrong with it, and makes room for the next.
    mutating func take() -> (line: Int, fields: [Substring]?, fault: String) {
        defer {
            (fields, isValid, isInside) = ([], true, false)
            field.removeAll(keepingCapacity: true)
        }
        if isInside { return (line, nil, "expected a closing quote, found the end of the file") }
        return isValid
            ? (line, fields, "") : (line, nil, "expected UTF-8, found other bytes")
    }
}
