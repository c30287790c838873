import FileMutation
import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct DelimitedTableTests {
    /// Rows joined by "|", and faults.
    private func rows(
        _ bytes: [UInt8], _ dialect: DelimitedTable.Dialect
    ) throws -> (columns: [String], rows: [String]) {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("t")
            try Data(bytes).write(to: url)
            let table = try DelimitedTable(path: url.path, dialect: dialect)
            var rows: [String] = []
            try table.forEachRow { row in
                switch row {
                case .success(let row):
                    rows.append("\(row.line): " + row.fields.joined(separator: "|"))
                case .failure(let fault): rows.append(fault.description)
                }
            }
            return (table.columns, rows)
        }
    }

    private func rows(
        _ text: String, _ dialect: DelimitedTable.Dialect
    ) throws -> (columns: [String], rows: [String]) {
        try rows(Array(text.utf8), dialect)
    }

    @Test func tabsKnowNoQuotes() throws {
        let found = try rows(
            "\u{FEFF}a\tb\r\n\n\"x\ty\"\r\n\\t\t\n1\n1\t2\t3\nü\t\u{2028}", .tsv)
        #expect(found.columns == ["a", "b"])
        #expect(
            found.rows == [
                "3: \"x|y\"", "4: \\t|", "line 5: expected 2 columns, found 1",
                "line 6: expected 2 columns, found 3", "7: ü|\u{2028}",
            ])
    }

    @Test func backslashes() throws {
        let found = try rows("a\tb\n\\\"x\\\"\ty\\\tz\nc\\\\\td\nend\tx\\", .escapedTSV)
        #expect(found.rows == ["2: \"x\"|y\tz", "3: c\\|d", "4: end|x\\"])
    }

    @Test func commasAndQuotes() throws {
        let found = try rows(
            "a,\"b\"\n\"1,\"\"x\"\"\",2\n\"two\r\nlines\",\"\"\nx\"y,z\"\n\"\",\"a\"b\n", .csv)
        #expect(found.columns == ["a", "b"])
        #expect(
            found.rows == [
                "2: 1,\"x\"|2", "3: two\nlines|", "5: x\"y|z\"", "6: |ab",
            ])
        #expect(
            try rows("a,b\n1,\"2\n3,4\n", .csv).rows == [
                "line 2: expected a closing quote, found the end of the file"
            ])
    }

    @Test func otherBytes() throws {
        let bad: [UInt8] = Array("a,b\n1,".utf8) + [0xFF, 0x0A] + Array("3,4\n".utf8)
        let expected = ["line 2: expected UTF-8, found other bytes", "3: 3|4"]
        #expect(try rows(bad, .csv).rows == expected)
        #expect(
            try rows(bad.map { $0 == 0x2C ? 9 : $0 }, .tsv).rows == expected)
        expectError(ManifestError.self, containing: [":1: ", "UTF-8"]) {
            try rows([0x61, 0xFF, 0x0A], .tsv)
        }
        expectError(ManifestError.self, containing: ["empty"]) { try rows("\n \n", .tsv) }
    }

    @Test func columnsByName() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("t.tsv")
            try Data(" path \taccents\nx\ty\n".utf8).write(to: url)
            let table = try DelimitedTable(path: url.path, dialect: .tsv)
            #expect(table.column("accent", "accents") == 1)
            #expect(table.column("locale") == nil)
            #expect(try table.required("path") == 0)
            expectError(
                ManifestError.self,
                containing: ["t.tsv", "'sentence' or 'text'", "path, accents"]
            ) { try table.required("sentence", "text") }
        }
    }

    @Test func readsCompressedLines() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("t.gz")
            // Longer than a piece, so that lines lie across pieces.
            let long = String(repeating: "x", count: 300_000)
            let text = "\u{FEFF}a\r\n\n\(long)\r\nlast"
            try Data(GzipBytes.stored(Array(text.utf8))).write(to: url)
            var lines: [String] = []
            try ManifestLines.forEach(path: url.path) { number, bytes in
                #expect(number == lines.count + 1)
                lines.append(String(decoding: bytes, as: UTF8.self))
            }
            #expect(lines == ["a", "", long, "last"])
        }
    }

    @Test func linesByKey() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appendingPathComponent("text")
            let bytes: [UInt8] =
                Array("\u{FEFF}b two  words \r\na one\nempty\n".utf8)
                + Array("c\ttab \u{20}\nbad ".utf8) + [0xFF, 0x0A] + Array("d end".utf8)
            try Data(bytes).write(to: url)
            let lines = try KeyedLines(path: url.path, endsAtSpace: true)
            // In the order of the file, against it, and twice.
            for key in ["b", "a", "d", "a", "b"] {
                let value = try lines.value(key)
                #expect(value == ["a": "one", "b": "two  words", "d": "end"][key], "\(key)")
            }
            #expect(try lines.value("empty") == "")
            #expect(try lines.value("c") == "tab")
            #expect(try lines.value("tw") == nil)
            #expect(try lines.value("") == nil)
            expectError(ManifestError.self, containing: ["text:5", "UTF-8"]) {
                try lines.value("bad")
            }
            let tabs = try KeyedLines(path: url.path, endsAtSpace: false)
            #expect(try tabs.value("c") == "tab")
            #expect(try tabs.value("a") == nil)
        }
    }
}
