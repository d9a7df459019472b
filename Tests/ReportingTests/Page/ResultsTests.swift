import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting
import TestSupport
import Testing

/// Where nobody knows what is right for the other pictures, nothing is reported of it: a dash and `null`.
@Suite struct UnknownAnswersTests {
  private func records(_ known: [Bool?]) -> [AnswerRecord] {
    known.enumerated().map { index, isFromAnother in
      AnswerRecord(
        id: "q\(index)", kind: .sequence, count: 2, target: 1, family: "f", prompt: "p", answer: "a",
        prediction: "b",
        correct: false, answeredFromAnotherImage: isFromAnother)
    }
  }

  private func result(_ known: [Bool?]) throws -> EvaluationResult {
    try EvaluationResult(
      configName: "c", configHash: "h", seed: 1, versions: [:], seconds: [:], before: records(known),
      after: records(known), resamples: 20)
  }

  @Test func ratesAreOverWhatIsKnown() throws {
    #expect(try result([true, false, nil, nil]).before.multiImage?.answeredFromAnotherImage == 0.5)
    #expect(try result([nil, nil]).before.multiImage?.answeredFromAnotherImage == nil)
    #expect(try result([false, false]).before.multiImage?.answeredFromAnotherImage == 0)
  }

  @Test func nothingKnownIsADashAndNull() throws {
    let result = try result([nil, nil])
    #expect(result.table().rows.allSatisfy { $0[4] == "–" })
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("results.json")
    try result.write(to: url)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(
      text.contains("\"answered_from_another_image\": null") && !text.contains("from_another_image\": 0"))
    #expect(try EvaluationResult.read(from: url) == result)
    var content = ReportContent(title: "t")
    content.results = result
    let page = ReportPage(content).html
    #expect(page.contains("<p>Answered from another image</p><strong>–</strong>"))
    #expect(!page.contains("Answered from another image, %"))
    let row = records([nil])[0]
    #expect(row.jsonLine.contains("\"answered_from_another_image\": null"))
    #expect(try JSONDecoder().decode(AnswerRecord.self, from: Data(row.jsonLine.utf8)) == row)
  }
}

@Suite("Results")
struct ResultsTests {
  /// Ten questions of each kind: `right` of ten answered right, two of the wrong ones from another image.
  static func answers(_ right: [QuestionKind: Int]) -> [AnswerRecord] {
    QuestionKind.layouts.flatMap { kind in
      (0..<10).map { index in
        let correct = index < right[kind]!
        return AnswerRecord(
          id: "\(kind.rawValue)-\(index)", kind: kind, count: kind == .single ? 1 : 2 + index % 2, target: 1,
          family: index % 2 == 0 ? "colour" : "shape", prompt: "<image>\nwhat?", answer: "red",
          prediction: correct ? "red" : "blue", correct: correct,
          answeredFromAnotherImage: kind != .single && index >= 8, blindCorrect: index < 3,
          layerRatios: [correct ? 0.9 : 0.2, 0.5])
      }
    }
  }

  static func result(seed: UInt64 = 1, after: [QuestionKind: Int]) throws -> EvaluationResult {
    try EvaluationResult(
      configName: "test", configHash: "00ff", seed: seed, versions: ["b": "2", "a": "1"],
      seconds: ["train": 61, "sft": 4.25, "else": 1],
      before: answers([.single: 9, .sequence: 4, .grid: 1, .picInPic: 5]), after: answers(after))
  }

  let after: [QuestionKind: Int] = [.single: 9, .sequence: 6, .grid: 2, .picInPic: 5]

  @Test("Rates of a kind, of its parts and of all multi-image questions")
  func rates() throws {
    let result = try Self.result(after: after)
    let sequence = try #require(result.before.kinds[.sequence])
    #expect(sequence.all.accuracy == 0.4)
    #expect(sequence.all.low < 0.4 && 0.4 < sequence.all.high)
    #expect(sequence.all.answeredFromAnotherImage == 0.2)
    #expect(sequence.all.blind == 0.3)
    #expect(sequence.all.n == 10)
    // Right are 0, 1, 2, 3: even ones show two pictures, odd ones three.
    #expect(sequence.byImages.map(\.label) == [2, 3])
    #expect(sequence.byImages.map(\.result.accuracy) == [0.4, 0.4])
    #expect(sequence.byFamily.map(\.label) == ["colour", "shape"])
    // (4 + 1 + 5) / 30 before, (6 + 2 + 5) / 30 after.
    #expect(abs(result.before.multiImage!.accuracy - 10.0 / 30) < 1e-12)
    #expect(abs(result.multiImageChange!.estimate - 3.0 / 30) < 1e-12)
    #expect(result.change[.single] == Interval(estimate: 0, low: 0, high: 0))
    // The first layer's ratio separates right from wrong perfectly, the second one is always the same.
    #expect(result.before.attentionAUC.map { $0?.estimate } == [1, 0.5])
  }

  /// Right of the first picture, wrong of the second; right answers of even numbers turn wrong in another
  /// order.
  static func ordered(_ kind: QuestionKind) -> [AnswerRecord] {
    (0..<8).map { index in
      let correct = index < 4
      return AnswerRecord(
        id: "\(kind.rawValue)-\(index)", kind: kind, count: 2, target: correct ? 1 : 2, family: "f",
        prompt: "p", answer: "red", prediction: correct ? "red" : "blue", correct: correct,
        answeredFromAnotherImage: nil,
        permutedPrediction: kind == .sequence ? "red" : nil,
        permutedCorrect: kind == .sequence ? correct && index % 2 == 1 : nil)
    }
  }

  @Test("By the place of the picture that is asked about, and with the pictures in another order")
  func placesAndOrders() throws {
    let records = Self.ordered(.sequence) + Self.ordered(.grid)
    let result = try EvaluationResult(
      configName: "c", configHash: "h", seed: 1, versions: [:], seconds: [:], before: records, after: records,
      resamples: 20)
    let sequence = try #require(result.before.kinds[.sequence])
    #expect(sequence.byPlace.map(\.label) == [1, 2])
    #expect(sequence.byPlace.map(\.result.accuracy) == [1, 0])
    #expect(sequence.byPlace.map(\.result.n) == [4, 4])
    // Two of four right answers stay right, four wrong ones stay wrong.
    let permuted = try #require(sequence.permuted)
    #expect(permuted.accuracy.estimate == 0.25 && permuted.unchanged.estimate == 0.75 && permuted.n == 8)
    #expect(permuted.unchanged.low < 0.75 && permuted.unchanged.high > 0.75)
    #expect(result.before.kinds[.grid]?.permuted == nil)
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("results.json")
    try result.write(to: url)
    #expect(try EvaluationResult.read(from: url) == result)
    let lines = result.table().plain.split(separator: "\n")
    #expect(lines.contains { $0.hasPrefix("  other order") && $0.contains("25.0 [") })
    #expect(lines.contains { $0.hasPrefix("  same verdict") && $0.contains("75.0 [") })
    let places = try #require(result.placeTable)
    #expect(
      places.rows.map { $0[0] } == [
        "Sequence, Image1", "Sequence, Image2", "Grid collage, Image1", "Grid collage, Image2",
      ])
    #expect(places.rows[0][1].hasPrefix("100.0 [") && places.rows[1][2].hasPrefix("0.0 ["))
    var content = ReportContent(title: "t")
    content.results = result
    let page = ReportPage(content).html
    #expect(page.contains("Accuracy by the picture that is asked about, %"))
    #expect(page.contains("Sequences with the pictures in another order, %"))
    // A row is the same after it was on file.
    let row = Self.ordered(.sequence)[3]
    #expect(try JSONDecoder().decode(AnswerRecord.self, from: Data(row.jsonLine.utf8)) == row)
    // All at one place: nothing to tell apart.
    let one = try #require(try Self.result(after: after).before.kinds[.picInPic])
    #expect(one.byPlace.isEmpty && one.permuted == nil)
  }

  @Test("results.json keeps its keys in order, repeats to the byte and reads back")
  func file() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let url = directory.appending(path: "results.json")
    let result = try Self.result(after: after)
    try result.write(to: url)
    #expect(try EvaluationResult.read(from: url) == result)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(try Self.result(after: after).json.pretty == text)
    let keys = ["\"seed\"", "\"sft\"", "\"train\"", "\"else\"", "\"before\"", "\"pic_in_pic\"", "\"after\""]
    let places = keys.compactMap { text.range(of: $0)?.lowerBound }
    #expect(places.count == keys.count)
    #expect(places == places.sorted())
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let grid = try #require((object["after"] as? [String: Any])?["grid"] as? [String: Any])
    for key in ["accuracy", "low", "high", "answered_from_another_image", "blind", "n"] {
      #expect(grid[key] is Double || grid[key] is Int, "\(key)")
    }
  }

  @Test("A file that is not a result names the file and the key")
  func badFile() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: url) }
    #expect(throws: RowFileError.self) { try EvaluationResult.read(from: url) }
    try Data(#"{"format_version": 1, "config_name": 3}"#.utf8).write(to: url)
    let error = try #require(throws: RowFileError.self) { try EvaluationResult.read(from: url) }
    #expect(error.key == "config_name")
    #expect(error.file == url.path)
  }

  @Test("Answers to other questions before and after are an error naming the question")
  func unpaired() throws {
    let before = Self.answers(after)
    func error(_ answers: [AnswerRecord]) -> String? {
      do {
        _ = try EvaluationResult(
          configName: "", configHash: "", seed: 1, versions: [:], seconds: [:], before: before, after: answers
        )
        return nil
      } catch { return String(describing: error) }
    }
    #expect(error(before) == nil)
    #expect(error(Array(before.dropLast()))?.contains("pic_in_pic-9") == true)
    #expect(error(before + [before[0]])?.contains("twice") == true)
  }

  @Test("The printed table holds every kind, its parts and the change")
  func table() throws {
    let plain = try Self.result(after: after).table().plain
    let lines = plain.split(separator: "\n")
    #expect(lines[2].hasPrefix("Single image"))
    #expect(lines.contains { $0.hasPrefix("  3 images") })
    #expect(lines.last?.hasPrefix("All multi-image") == true)
    #expect(plain.contains("33.3 ["))
    #expect(plain.contains("+10.0 ["))
    #expect(plain.contains("20.0 → 20.0"))
  }

  @Test("Three seeds: mean over seeds with Student's interval, and each seed below")
  func merged() throws {
    let runs = try [3, 1, 2].map { seed in
      // Sequence: 6, 5 and 7 of ten for seeds 1, 2 and 3, from 4 before.
      try Self.result(
        seed: UInt64(seed),
        after: [.single: 9, .sequence: [1: 6, 2: 5, 3: 7][seed]!, .grid: 2, .picInPic: 5])
    }
    let merged = try MergedResults(runs)
    #expect(merged.runs.map(\.seed) == [1, 2, 3])
    let value = try #require(merged.value { $0.after?.kinds[.sequence]?.all.accuracy })
    // Mean 0.6, s = 0.1, t(2) = 4.302653: half 0.2484138.
    #expect(abs(value.mean - 0.6) < 1e-12)
    #expect(abs(value.interval!.low - (0.6 - 0.248414)) < 1e-5)
    let markdown = merged.markdown(command: "dpotrain --config test.yaml")
    #expect(markdown.contains("| Sequence | 40.0 [40.0, 40.0] | 60.0 [35.2, 84.8] | +20.0 [−4.8, +44.8] |"))
    #expect(markdown.contains("+20.0, +10.0, +30.0"))
    #expect(markdown.contains("### Seed 3"))
    #expect(throws: ResultsError.self) { try MergedResults([]) }
    var others = runs
    for index in others.indices { others[index].configuration = ["train.gamma": "0.1", "train.beta": "0.1"] }
    #expect(try MergedResults(others).runs.count == 3)
    others[0].configuration["train.gamma"] = "0"
    others[0].configuration["train.beta"] = "0.2"
    let mixed = #expect(throws: ResultsError.self) { try MergedResults(others) }
    #expect(
      mixed?.description
        == "results to merge: found train.beta 0.1 with seed 1 and 0.2 (differing too: train.gamma) with seed "
        + "3, expected one configuration with different seeds")
    var named = runs
    named[0].configName = "other"
    #expect(throws: ResultsError.self) { try MergedResults(named) }
    #expect(throws: ResultsError.self) { try MergedResults([runs[0], runs[0]]) }
  }
}
