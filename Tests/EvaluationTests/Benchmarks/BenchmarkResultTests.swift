import DPOTrain
import Evaluation
import Foundation
import Records
import TestSupport
import Testing

@Suite struct BenchmarkResultTests {
  private func result(_ file: String, _ answers: [String]) throws -> BenchmarkResult {
    let preset = try #require(BenchmarkPreset(inferredFrom: file))
    let rows = try BenchmarkRows(
      TSVFile(contentsOf: Fixtures.url("benchmarks/\(file).tsv").path), preset: preset, imageRoot: nil,
      asksTextRows: true, limit: nil)
    let verdicts = zip(rows.rows, answers).map { BenchmarkVerdict($1, row: $0, answers: preset.answers) }
    return BenchmarkResult(
      rows.rows, verdicts: [.generated: verdicts], preset: preset, groupNames: rows.groupNames)
  }

  private func count(_ result: BenchmarkResult, _ title: String) throws -> BenchmarkResult.Count {
    try #require(result.groups.first { $0.title == title }?.counts[.generated])
  }

  /// What VLMEvalKit's `report_acc` and `POPE_rating` give for made-up answers; see
  /// `Tests/Fixtures/README.md`.
  @Test func ratingsAreVLMEvalKits() throws {
    struct Rating: Decodable {
      var file: String
      var predictions: [String]
      var expected: [String: [String: Double]]
    }
    let data = try Data(contentsOf: Fixtures.url("benchmarks/ratings.json"))
    for rating in try JSONDecoder().decode([Rating].self, from: data) {
      let result = try result(rating.file, rating.predictions)
      for (figure, values) in rating.expected {
        for (name, value) in values {
          let parts = name.components(separatedBy: " / ")
          let column = parts.last == "Overall" ? nil : parts.last
          let split = parts.count > 1 ? parts[0] : nil
          let group = try #require(result.groups.first { $0.value == column && $0.split == split })
          let found =
            switch figure {
            case "accuracy": group.counts[.generated]?.accuracy?.estimate
            case "circular": group.circular[.generated]?.accuracy?.estimate
            case "f1": group.yes[.generated].map { $0.f1 * 100 }
            case "precision": group.yes[.generated].map { $0.precision * 100 }
            default: group.yes[.generated].map { $0.recall * 100 }
            }
          #expect(abs(try #require(found) - value) < 1e-9, "\(rating.file) \(name) \(figure)")
        }
      }
    }
  }

  /// A question is right in circular evaluation when every order of its options is.
  @Test func everyOrderCounts() throws {
    let colours = ["red", "green", "blue"]
    var answers = colours.flatMap { [String](repeating: $0, count: 4) }
    answers[6] = "no idea"
    let result = try result("MMBench_DEV_EN", answers)
    let all = result.groups[0]
    #expect(all.counts[.generated]?.right == 11)
    #expect(all.counts[.generated]?.unread == 1)
    #expect(all.circular[.generated]?.right == 2)
    #expect(all.circular[.generated]?.rows == 3)
    let reasoning = try #require(result.groups.first { $0.title == "category: attribute_reasoning" })
    #expect(reasoning.circular[.generated]?.right == 0)
    #expect(reasoning.circular[.generated]?.rows == 1)
    #expect(result.table.header == ["", "n", "generated", "not read", "circular"])
    #expect(result.table.rows[0] == ["overall", "12", "91.7 [64.6, 98.5]", "1", "66.7 [20.8, 93.9]"])
  }

  /// In the whole a row counts once for each of its categories, as in VLMEvalKit's rating of POPE.
  @Test func yesAndNo() throws {
    let result = try result("POPE", ["Yes, there is.", "Yes", "Hm"])
    let all = try #require(result.groups[0].yes[.generated])
    #expect((all.truePositives, all.falsePositives, all.falseNegatives) == (3, 1, 0))
    #expect((all.precision, all.recall, all.f1) == (0.75, 1, 6.0 / 7))
    #expect(
      result.groups.map(\.title) == [
        "overall", "category: adversarial", "category: popular", "category: random",
      ])
    let popular = try #require(result.groups[2].yes[.generated])
    #expect((popular.truePositives, popular.falsePositives) == (1, 1))
    #expect(try count(result, "category: random").unread == 1)
    #expect(try count(result, "overall").right == 1)
  }

  @Test func splitsAndLists() throws {
    let subjects = try result("MMMU_DEV_VAL", ["A", "A", "twelve tones"])
    #expect(try count(subjects, "overall").right == 2)
    #expect(try count(subjects, "dev / overall").right == 1)
    #expect(try count(subjects, "validation / category: Art").right == 0)
    #expect(try count(subjects, "validation / l2-category: Art & Design").rows == 2)
    let skills = try result("MathVista_MINI", ["B", "14", "about 0.6"])
    #expect(try count(skills, "skills: arithmetic reasoning").right == 1)
    #expect(try count(skills, "skills: numeric commonsense").right == 1)
    #expect(try count(skills, "overall").unread == 1)
    let frames = try result("MVBench", ["B) Blue.", "(A)"])
    #expect(try count(frames, "overall").right == 2)
    let parts = try result("MMVet", ["x = -1", "Grass green!"])
    #expect(try count(parts, "category: math").right == 0)
    #expect(try count(parts, "category: rec").right == 1)
  }
}
