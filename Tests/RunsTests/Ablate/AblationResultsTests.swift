import Evaluation
import Foundation
import MultiImageData
import Records
import Runs
import Testing

/// A suite whose runs are made up: what is counted, tested and written is known.
@Suite("Ablation results")
struct AblationResultsTests {
  private static let yaml = """
    base: {compose: {single: 1}}
    seeds: [1, 2]
    paper: {columns: [MMMU, BLINK], base: [35.0, 37.0]}
    variants:
      - {name: main, table: Method, label: MIA-DPO, paper: [36.0, 43.0]}
      - {name: worse, table: Method, label: "worse, much", set: {train.beta: 0.5}}
      - {name: open, table: Method, label: not run, set: {train.beta: 0.7}}

    """

  /// Writes the files of a finished run: question `i` of each kind is right when it is listed.
  private func finish(
    _ unit: AblationSuite.Unit, before: Set<Int>, after: Set<Int>, pairs: Int,
    kinds: [QuestionKind] = QuestionKind.layouts
  ) throws {
    let run = try RunDirectory(unit.configuration)
    let folder = try run.folder(.evaluate)
    for (name, right) in [("before", before), ("after", after)] {
      var rows: [AnswerRecord] = []
      for kind in kinds {
        for index in 0..<10 {
          rows.append(
            AnswerRecord(
              id: "\(kind.rawValue)-\(index)", kind: kind, count: 2, target: 1, family: "color", prompt: "",
              answer: "red", prediction: "red", correct: right.contains(index),
              answeredFromAnotherImage: false))
        }
      }
      try RowFile.write(rows, to: folder.appendingPathComponent("\(name).jsonl"))
    }
    try Data(String(repeating: "{}\n", count: pairs).utf8).write(to: run.pairs)
    try run.markDone(.evaluate, seconds: 3)
  }

  private func withSuite(_ body: (AblationSuite, URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ablate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("made-up.yaml")
    try Data(Self.yaml.utf8).write(to: file)
    let suite = try AblationSuite(
      contentsOf: file, outputDirectory: folder.appendingPathComponent("runs").path)
    try body(suite, folder.appendingPathComponent("runs"))
  }

  @Test("tables, CSV and JSON say what the answers say")
  func files() throws {
    try withSuite { suite, folder in
      try finish(suite.units[0], before: [0, 1, 2, 3], after: [0, 1, 2, 3, 4, 5], pairs: 12)
      try finish(suite.units[3], before: [0, 1, 2], after: [0, 1, 2, 3, 4, 5, 6], pairs: 14)
      try finish(suite.units[1], before: [0, 1, 2, 3], after: [1, 2, 9], pairs: 5)
      try AblationFiles(AblationResults(suite)).write()
      let markdown = try String(contentsOf: folder.appendingPathComponent("ablations.md"), encoding: .utf8)
      // Two seeds: 20 and 40 points gained, 30 ± 127.1 (Student's t, one degree of freedom); 18 questions
      // gained and none lost are 7.6e-6. One seed: 3 gained and 6 lost are 0.508, against the reference 3 and
      // 12 are 0.035.
      #expect(markdown.contains("3 of 6 runs, seeds 1, 2."))
      #expect(markdown.contains("| base model | 35.0 ± 63.5 | 35.0 ± 63.5 |"))
      #expect(markdown.contains("| MIA-DPO | 65.0 ± 63.5 |"))
      #expect(markdown.contains("| +30.0 ± 127.1 | < 0.001 |  |  | 13 |"))
      #expect(markdown.contains("| worse, much (1 seeds) | 30.0 |"))
      #expect(markdown.contains("| −10.0 | 0.508 | −30.0 | 0.035 | 5 |"))
      #expect(markdown.contains("| not run (0 seeds) | – |"))
      #expect(markdown.contains("| MIA-DPO | 36.0 | 43.0 | 39.5 | +3.5 |"))
      #expect(markdown.contains("![Method](plots/1.svg)"))

      let csv = try String(contentsOf: folder.appendingPathComponent("ablate.csv"), encoding: .utf8)
      #expect(csv.split(separator: "\n").count == 1 + 3 * 5)
      #expect(
        csv.contains("Method,main,2,multi_image,30,0.300000,0.700000,12,0,14,\n")
          && csv.contains("Method,worse,1,single,10,0.400000,0.300000,1,2,5,train.beta=0.5\n"))

      let json = try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.appendingPathComponent("ablate.json")))
      let variants = (json as? [String: Any])?["variants"] as? [[String: Any]]
      #expect(variants?.count == 3 && variants?[2]["seeds"] as? [Int] == [])
      let change = (variants?[0]["change"] as? [String: Any])?["grid"] as? [String: Any]
      #expect(change?["gained"] as? Int == 6 && change?["lost"] as? Int == 0)

      let svg = try String(contentsOf: folder.appendingPathComponent("plots/1.svg"), encoding: .utf8)
      #expect(svg.hasPrefix("<svg xmlns=") && svg.contains(">worse, much</text>"))
      #expect(svg.components(separatedBy: "class=\"mean\"").count == 3)
    }
  }

  /// Questions that compare pictures or look for one have columns of their own, where they were asked.
  @Test func levels() throws {
    try withSuite { suite, folder in
      let kinds = QuestionKind.layouts + [.compare, .findGrid]
      try finish(suite.units[0], before: [0, 1, 2, 3], after: [0, 1, 2, 3, 4, 5], pairs: 12, kinds: kinds)
      try AblationFiles(AblationResults(suite)).write()
      let markdown = try String(contentsOf: folder.appendingPathComponent("ablations.md"), encoding: .utf8)
      #expect(markdown.contains("| All multi-image | Compare, sequence | Find, grid | Δ base |"))
      #expect(
        markdown.contains("| MIA-DPO (1 seeds) | 60.0 | 60.0 | 60.0 | 60.0 | 60.0 | 60.0 | 60.0 | +20.0 |"))
      let csv = try String(contentsOf: folder.appendingPathComponent("ablate.csv"), encoding: .utf8)
      #expect(csv.contains("main,1,multi_image,30,") && csv.contains("main,1,find_grid,10,"))
      let json = try String(contentsOf: folder.appendingPathComponent("ablate.json"), encoding: .utf8)
      #expect(json.contains("\"compare\":") && !json.contains("\"find\":"))
    }
  }

  @Test("the overview counts what is done and begun")
  func overview() throws {
    try withSuite { suite, _ in
      #expect(AblationOverview(suite).line == "0 of 6 runs done")
      try finish(suite.units[0], before: [0], after: [1], pairs: 1)
      _ = try RunDirectory(suite.units[1].configuration)
      let overview = AblationOverview(suite)
      #expect(overview.line == "1 of 6 runs done, 1 begun" && overview.secondsLeft == nil)
      #expect(overview.text.contains("Method  main     done    left"))
    }
  }
}
