import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records
import Reporting
import TestSupport
import Testing

/// Questions of levels 2 and 3 have rows of their own, and no part in all multi-image questions.
@Suite struct LevelResultsTests {
  private func records(_ kinds: [QuestionKind], right: Bool) -> [AnswerRecord] {
    kinds.flatMap { kind in
      (0..<6).map { index in
        AnswerRecord(
          id: "\(kind.rawValue)-\(index)", kind: kind, count: 3, target: index % 3 + 1, family: "f",
          prompt: "p",
          answer: "a", prediction: "b", correct: right || kind.level == nil,
          answeredFromAnotherImage: kind == .single || kind.level == .compare ? nil : false,
          permutedPrediction: "b", permutedCorrect: kind.layout == .sequence ? right : nil, ratio: 0.4,
          layerRatios: [0.1, 0.4])
      }
    }
  }

  private func result(_ kinds: [QuestionKind]) throws -> EvaluationResult {
    try EvaluationResult(
      configName: "c", configHash: "h", seed: 1, versions: [:], seconds: [:],
      before: records(kinds, right: false), after: records(kinds, right: true), resamples: 20)
  }

  @Test func whatCountsAsMultiImageStaysComparable() throws {
    let (plain, more) = (try result(QuestionKind.layouts), try result(QuestionKind.allCases))
    for result in [plain, more] {
      #expect(result.before.multiImage?.n == 18 && result.before.multiImage?.accuracy == 1)
      #expect(result.multiImageChange?.estimate == 0)
    }
    #expect(
      plain.multiImageChange == more.multiImageChange && plain.before.multiImage == more.before.multiImage)
    #expect(plain.before.attentionAUC == more.before.attentionAUC)
    for kind in QuestionKind.layouts {
      #expect(plain.before.kinds[kind] == more.before.kinds[kind] && plain.change[kind] == more.change[kind])
    }
    for kind in QuestionKind.levels {
      #expect(plain.before.kinds[kind] == nil && more.change[kind]?.estimate == 1)
      #expect(more.before.kinds[kind]?.byPlace.count == (kind.level == .find ? 3 : 0))
      #expect(
        more.before.kinds[kind]?.all.answeredFromAnotherImage == (kind.level == .find ? 0 : nil))
    }
  }

  @Test func filesAndTables() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appendingPathComponent("results.json")
    let result = try result(QuestionKind.allCases)
    try result.write(to: url)
    #expect(try EvaluationResult.read(from: url) == result)
    let titles = result.table(detailed: false).rows.map { $0[0] }
    #expect(
      titles == [
        "Single image", "Sequence", "Grid collage", "Pic-in-pic", "All multi-image", "Compare, sequence",
        "Compare, grid", "Find, sequence", "Find, grid",
      ])
    #expect(try MergedResults([result]).table.rows.map { $0[0] } == titles)
    let places = try #require(result.placeTable).rows.map { $0[0] }
    #expect(places.contains("Find, sequence, Image2") && !places.contains { $0.hasPrefix("Compare") })
    var content = ReportContent(title: "t")
    content.results = result
    let page = ReportPage(content).html
    #expect(page.contains("<th>Compare, sequence</th>") && page.contains("<th>Find, grid</th>"))

    let plain = try self.result(QuestionKind.layouts)
    try plain.write(to: url)
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(!text.contains("compare") && !text.contains("\"find"))
    content.results = plain
    #expect(!ReportPage(content).html.contains("Compare, "))
  }

  /// Prompts that name one picture decide which layer is read, where there are any.
  @Test func kindsAreLayoutsWithALevel() {
    #expect(QuestionKind.allCases == QuestionKind.layouts + QuestionKind.levels)
    #expect(Set(QuestionKind.allCases.map(\.title)).count == 8)
    #expect(QuestionKind.levels.map(\.layout) == [.sequence, .grid, .sequence, .grid])
    #expect(QuestionKind.levels.map(\.level) == [.compare, .compare, .find, .find])
    #expect(SelectionSettings.formatNames == ["single", "sequence", "grid", "pic_in_pic"])
  }
}
