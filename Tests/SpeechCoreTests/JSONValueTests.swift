import Foundation
import SpeechCore
import TestSupport
import Testing

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONValue(parsing: Data(text.utf8))
    }

    @Test func values() throws {
        let text = """
            \u{FEFF} {"a": [1, -2, 3.5, 1e3, true, false, null], "b": {"c": ""},
             "é\\u00e9\\ud83d\\ude00": "\\"\\\\\\/\\b\\f\\n\\r\\t", "big": 9223372036854775808}\r\n
            """
        guard case .object(let object) = try parse(text) else {
            Issue.record("no object")
            return
        }
        #expect(object.keys == ["a", "b", "éé😀", "big"])
        #expect(
            object["a"]
                == .array([
                    .integer(1), .integer(-2), .number(3.5), .number(1000), .bool(true),
                    .bool(false), .null,
                ]))
        #expect(object["éé😀"] == .string("\"\\/\u{8}\u{C}\n\r\t"))
        #expect(object["big"] == .number(9.223372036854775808e18))
    }

    @Test func textRoundTrip() throws {
        let text = #"{"a": [1, 0.1, -1e-07], "b": {}, "c": [], "d": "\u0001\n\"é"}"#
        let value = try parse(text)
        #expect(value.text() == text)
        #expect(try parse(value.text(indent: 2)) == value)
        #expect(
            try parse(#"{"x": [1, {"y": 2}]}"#).text(indent: 2) == """
                {
                  "x": [
                    1,
                    {
                      "y": 2
                    }
                  ]
                }
                """)
    }

    @Test(arguments: [
        ("", 1, 1), ("{", 1, 2), ("[1,]", 1, 4), ("{\"a\":1,}", 1, 8), ("{\"a\" 1}", 1, 6),
        ("[1] 2", 1, 5), ("01", 1, 1), ("-", 1, 2), ("1.", 1, 3), ("1e", 1, 3), ("1e999", 1, 1),
        ("NaN", 1, 1), ("-Infinity", 1, 2), ("nul", 1, 1), ("\"a", 1, 1), ("\"\u{1}\"", 1, 2),
        (#""\x""#, 1, 3), (#""\u12""#, 1, 6), (#""\ud800""#, 1, 4), (#""\udc00""#, 1, 4),
        ("{\n\"a\": 1,\n  \"a\": 2}", 3, 3), ("{a: 1}", 1, 2), ("[1 2]", 1, 4),
    ]) func faults(text: String, line: Int, column: Int) {
        let error = #expect(throws: JSONSyntaxError.self) { try parse(text) }
        #expect(error?.line == line && error?.column == column, "\(String(describing: error))")
    }

    @Test func hostileInput() {
        #expect(throws: JSONSyntaxError.self) {
            try parse(String(repeating: "[", count: 1_000_000))
        }
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE2, 0x22]] {
            let error = #expect(throws: JSONSyntaxError.self) {
                try JSONValue(parsing: Data(bytes))
            }
            #expect(error?.detail.contains("UTF-8") == true)
        }
    }
}
