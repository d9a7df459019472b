import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Testing

@Suite("Rows of a run's files")
struct RowTests {
  private func withFile<T>(_ text: String, _ body: (URL) throws -> T) throws -> T {
    let url = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString).jsonl")
    try Data(text.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url)
  }

  @Test("A metric row is flat, ordered, and reads back without what is not finite")
  func metrics() throws {
    let row = MetricRow(
      stage: "train", step: 3, values: ["rewards/margins": 0.25, "loss": 0.5, "grad_norm": .infinity])
    let line = #"{"stage": "train", "step": 3, "grad_norm": null, "loss": 0.5, "rewards/margins": 0.25}"#
    #expect(row.jsonLine == line + "\n")
    let read = try withFile(row.jsonLine + "\n" + row.jsonLine) { try RowFile.read(MetricRow.self, from: $0) }
    #expect(read.count == 2)
    #expect(read[0].values == ["rewards/margins": 0.25, "loss": 0.5])
  }

  @Test("Candidates and answers read back as written")
  func roundTrip() throws {
    let candidate = CandidateRow(
      id: "a\"1", kind: .picInPic, count: 2, target: 1, images: ["compose/images/1.png"],
      prompt: "<image>\nq\t?",
      answer: "rød\u{1}", groundTruth: "blue", correct: false, ratio: 0.25, threshold: 0.6,
      shares: [0.25, 0.75], layerRatios: [0.1, 0.2], perplexity: 1.5, lengthRatio: 1, editDistance: 3,
      outcome: .kept,
      attention: AttentionMap(
        rows: 1, columns: 2, values: [[0.5, 1e-5]],
        region: .init(row: 0, column: 1, rows: 1, columns: 1)))
    let answer = AnswerRecord(
      id: "1", kind: .grid, count: 4, target: 2, family: "colour", prompt: "p", answer: "a", prediction: "b",
      correct: false, answeredFromAnotherImage: true, blindCorrect: true, ratio: 0.5, layerRatios: nil)
    #expect(try withFile(candidate.jsonLine) { try RowFile.read(CandidateRow.self, from: $0) } == [candidate])
    #expect(try withFile(answer.jsonLine) { try RowFile.read(AnswerRecord.self, from: $0) } == [answer])
  }

  /// Text that is no JSON is told apart from JSON with a value of another type, whose key and value are said.
  @Test(
    "A broken row names file, line, key, what was found and what was expected",
    arguments: [
      ("{\"step\": 1}", "stage", "no such key, expected a value"),
      ("{\"stage\": \"sft\", \"step\": \"x\"}", "step", "the string \"x\", expected a whole number"),
      ("{\"stage\": \"sft\", \"step\": null}", "step", "null, expected a whole number"),
      ("{\"stage\": \"sft\", \"step\": true}", "step", "true, expected a whole number"),
      ("{\"stage\": \"sft\", \"step\": 1.5}", "step", "the number 1.5, expected a whole number"),
      ("{\"stage\": \"sft\", \"step\": 1e30}", "step", "the number 1e+30, expected a whole number"),
      ("{\"stage\": 7, \"step\": 2}", "stage", "the number 7, expected a string"),
      ("{\"stage\": [], \"step\": 2}", "stage", "a list, expected a string"),
      ("{\"stage\": \"sft\", \"step\": 2, \"loss\": \"x\"}", "loss", "the string \"x\", expected a number"),
      ("{\"stage\": \"sft\", \"step\": 2, \"loss\": {}}", "loss", "an object, expected a number"),
      (
        "{\"stage\": \"sft\", \"step\": 2, \"wall_time\": false}", "wall_time", "false, expected a number"
      ),
      ("[1, 2]", nil, "a list, expected an object"),
      ("\"text\"", nil, "the string \"text\", expected an object"),
      ("7", nil, "the number 7, expected an object"), ("null", nil, "null, expected "),
      ("{\"stage\": ", nil, "text that is not JSON (byte 10: expected a value, found the end of the text)"),
      ("{\"stage\": \"sft\", \"step\": NaN}", nil, "text that is not JSON (byte 25: expected a value"),
      ("\u{0}\u{0}", nil, "text that is not JSON (byte 0"),
    ] as [(String, String?, String)])
  func broken(text: String, key: String?, words: String) throws {
    try withFile("{\"stage\": \"sft\", \"step\": 1}\n" + text) { url in
      let error = try #require(throws: RowFileError.self) { try RowFile.read(MetricRow.self, from: url) }
      #expect(error.line == 2)
      #expect(error.key == key, "\(error)")
      #expect(error.description.hasPrefix(url.path + ":2"))
      #expect(error.description.contains("found " + words), "\(error)")
    }
  }
}
