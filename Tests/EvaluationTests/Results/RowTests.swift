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

  @Test(
    "A broken row names file, line and key",
    arguments: [
      ("{\"step\": 1}", "stage"), ("{\"stage\": \"sft\", \"step\": \"x\"}", "step"), ("{\"stage\": ", nil),
    ])
  func broken(text: String, key: String?) throws {
    try withFile("{\"stage\": \"sft\", \"step\": 1}\n" + text) { url in
      let error = try #require(throws: RowFileError.self) { try RowFile.read(MetricRow.self, from: url) }
      #expect(error.line == 2)
      #expect(error.key == key)
      #expect(error.description.hasPrefix(url.path + ":2"))
    }
  }
}
