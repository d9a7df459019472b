import Records
import TestSupport
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
      (
        "[{}] x",
        "r.json: record 1: broken JSON in line 1, byte 5: expected the end of the file, because what stands "
          + "behind the list is not read, found 'x'"
      ),
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

  /// The numbers that are read of a list and the problems that are told, with what is left out of a list cut
  /// off by `%`.
  private func skipping(_ text: String, limit: Int = 1 << 20) throws -> (
    numbers: [Int], values: [Int], problems: [String]
  ) {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: "r.json")
    var (numbers, values, problems): ([Int], [Int], [String]) = ([], [], [])
    try JSONRecordFile.forEach(
      path, maximumRecordBytes: limit, broken: { problems.append("\($0.record): \($0.problem)") }
    ) { record, number, _ in
      numbers.append(number)
      if case .integer(let value) = record[key: "a"] { values.append(value) }
    }
    return (numbers, values, problems)
  }

  @Test(
    "Broken records of a list are passed over by their brackets",
    arguments: [
      ("[{\"a\": 0}, {\"a\": , \"b\": [{}, \"}\\\"]\"]}, {\"a\": 2}]", [0, 2]),
      ("[{\"a\": 0}, {\"a\" 1}]", [0]),
      ("[{\"a\" 0},\n{\"a\": 1}, tru, {\"a\": 3}, ]", [1, 3]),
      ("[{\"a\": 0}, {\"a\": 1, \"t\": \"\\q\"}, {\"a\": 2}]", [0, 2]),
    ])
  func brokenElements(text: String, expected: [Int]) throws {
    let found = try skipping(text)
    #expect(found.numbers == expected && found.values == expected)
    #expect(found.problems.allSatisfy { $0.contains(": broken JSON in line ") } && !found.problems.isEmpty)
  }

  @Test(
    "Where brackets or marks are broken, the layout tells where the list goes on",
    arguments: [
      // A bracket, a mark, a comma is missing; one bracket too many.
      "[\n {\"a\": 0},\n {\"a\": 1, \"b\": [{\"c\": 1}\n ],\n {\"a\": 2},\n {\"a\": 3}\n]",
      "[\n {\"a\": 0},\n {\"a\": 1, \"b\": \"x},\n {\"a\": 2},\n {\"a\": 3}\n]",
      "[{\"a\": 0},\n {\"a\": 1,\n  \"b\": [{\"c\": \"1}\n  ]},\n {\"a\": 2},\n {\"a\": 3}]",
      "[\n{\"a\": 0},\n{\"a\": 1, \"b\": {},\n{\"a\": 2},\n{\"a\": 3}\n]",
    ])
  func brokenBrackets(text: String) throws {
    let found = try skipping(text)
    #expect(found.numbers == [0, 2, 3] && found.values == [0, 2, 3])
    #expect(found.problems.count == 1 && found.problems[0].hasPrefix("1: broken JSON in line "))
  }

  @Test func brokenPlacesBetweenRecords() throws {
    let comma = try skipping("[{\"a\": 0}\n {\"a\": 1}, {\"a\": 2}]")
    #expect(comma.values == [0, 1, 2] && comma.numbers == [0, 1, 2])
    #expect(
      comma.problems == ["0: broken JSON in line 2, byte 11: expected ',' or ']' after a record, found '{'"])
    let bracket = try skipping("[\n {\"a\": 0}},\n {\"a\": 1}\n]")
    #expect(bracket.values == [0, 1])
    #expect(bracket.problems.count == 1 && bracket.problems[0].hasSuffix("after a record, found '}'"))
    let cut = try skipping("[{\"a\": 0}, {\"a\": 1")
    #expect(cut.values == [0])
    #expect(cut.problems.count == 1 && cut.problems[0].hasSuffix("found the end of the text"))
    let after = try skipping("[{\"a\": 0}] x")
    #expect(after.values == [0] && after.problems.count == 1)
  }

  @Test func aListThatCannotBeReadOnSaysSo() throws {
    let found = try skipping("[{\"a\": 0}, {\"a\": \"1}, {\"a\": 2}, {\"a\": 3}]")
    #expect(found.values == [0])
    #expect(
      found.problems == [
        "1: broken JSON in line 1, byte 24: expected ',' or '}' after the value of \"a\", found 'a'",
        "2: it and all after it are not read: where they begin cannot be told after the broken JSON",
      ])
  }

  @Test func tooLargeRecordsOfAListArePassedOver() throws {
    let long = "{\"a\": 1, \"b\": \"" + String(repeating: "x", count: 300) + "\"}"
    let found = try skipping("[{\"a\": 0}, \(long), {\"a\": 2}]", limit: 200)
    #expect(found.values == [0, 2] && found.numbers == [0, 2])
    #expect(found.problems == ["1: is too large: 317 bytes, at most 200 are allowed"])
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
