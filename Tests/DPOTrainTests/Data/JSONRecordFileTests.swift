import DPOTrain
import Testing

@Suite struct JSONRecordFileTests {
  private func read(_ text: String, name: String = "r.json", limit: Int = 1 << 20) throws -> (
    records: [OrderedJSON], error: String
  ) {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: name)
    var records: [OrderedJSON] = []
    let error = message {
      try JSONRecordFile.forEach(path, maximumRecordBytes: limit) { record, _, _ in records.append(record) }
    }
    return (records, error.replacing(folder.path + "/", with: ""))
  }

  @Test func listAndLines() throws {
    let expected: [OrderedJSON] = [
      .object([.init("b", .integer(1)), .init("a", .array([.bool(true), .null, .number(-2.5e3)]))]),
      .object([.init("t", .string("é\"\\\n😀/"))]),
    ]
    let first = #"{"b": 1, "a": [true, null, -2.5e3]}"#
    let second = #"{"t": "\u00e9\"\\\n\ud83d\ude00\/"}"#
    #expect(try read("[\(first),\n \(second)]\n").records == expected)
    #expect(try read("\(first)\n\n\(second)\n", name: "r.jsonl").records == expected)
    #expect(try read("\(first)\r\n\(second)").records == expected)
    #expect(try read(" [ ] ").records.isEmpty)
  }

  @Test func writingGivesBackWhatWasRead() throws {
    let line = #"{"z": "a\u0001\té", "list": [1, 2.5, "x"], "o": {"k": null}}"#
    let value = try OrderedJSON(parsing: Array(line.utf8))
    #expect(value.line == line)
  }

  @Test(
    "Broken JSON names line, byte and what was expected",
    arguments: [
      (
        "[{\"a\": 1},\n {\"b\" 2}]",
        "r.json: record 1: broken JSON in line 2, byte 17: expected ':' after the key \"b\", found '2'"
      ),
      (
        "[{\"a\": 1},",
        "r.json: record 1: broken JSON in line 1, byte 10: expected a value, found the end of the text"
      ),
      (
        "[{\"a\": 1}\n{}]",
        "r.json: record 0: broken JSON in line 2, byte 10: expected ',' or ']' after a record, found '{'"
      ),
      (
        "[{\"a\": \"x}]",
        "r.json: record 0: broken JSON in line 1, byte 7: a string without its closing quotation mark"
      ),
      ("[{}] x", "r.json: record 1: broken JSON in line 1, byte 5: expected the end of the file, found 'x'"),
      (
        "{\"a\": 1}\n{\"a\": tru}",
        "r.json: record 1: broken JSON in line 2, byte 15: expected a value, found 't'"
      ),
      (
        "{\"a\": 1} {}",
        "r.json: record 0: broken JSON in line 1, byte 9: expected the end of the line, found '{'"
      ),
      (
        "{\"a\": 01}",
        "r.json: record 0: broken JSON in line 1, byte 6: expected a number, found something like one"
      ),
      (
        "{\"a\": \"\\q\"}",
        "r.json: record 0: broken JSON in line 1, byte 8: expected one of \" \\ / b f n r t u after a backslash, found 'q'"
      ),
      ("  \n", "r.json: is empty, expected JSON records"),
    ])
  func broken(text: String, expected: String) throws {
    #expect(try read(text).error == expected)
  }

  @Test func brokenLinesCanBePassedOver() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("{\"a\": 0}\n{\"a\": \n{\"a\": 2}\n", to: "r.jsonl")
    var (problems, numbers): ([String], [Int]) = ([], [])
    try JSONRecordFile.forEach(path, broken: { problems.append($0.problem) }) { _, number, line in
      numbers.append(number)
      #expect(line == number + 1)
    }
    #expect(numbers == [0, 2])
    #expect(problems == ["broken JSON in line 2, byte 15: expected a value, found the end of the text"])
  }

  @Test func depthAndSizeAreLimited() throws {
    let deep = String(repeating: "[", count: 100_000)
    #expect(try read("{\"a\": \(deep)").error.contains("nested deeper than 256 levels"))
    let long = "{\"a\": \"" + String(repeating: "x", count: 300) + "\"}"
    #expect(
      try read(long, limit: 200).error == "r.json: record 0: is too large: 309 bytes, at most 200 are allowed"
    )
    #expect(
      try read("[\(long)]", limit: 200).error
        == "r.json: record 0: is too large: 309 bytes, at most 200 are allowed")
  }

  @Test func missingFile() throws {
    let folder = try TemporaryFolder()
    let none = folder.path + "/none.json"
    #expect(message { try JSONRecordFile.forEach(none) { _, _, _ in } } == "\(none): no such file")
    #expect(
      message { try JSONRecordFile.forEach(folder.path) { _, _, _ in } }
        == "\(folder.path): is a folder, expected a JSON or JSONL file")
  }
}
