import DPOTrain
import MultiImageData
import Records
import Testing

@Suite("Pair selection")
struct PairSelectionTests {
  private func rows(_ count: Int, kind: QuestionKind = .sequence) -> [CandidateRow] {
    (0..<count).map { (index: Int) -> CandidateRow in row(index, kind) }
  }

  private func row(_ index: Int, _ kind: QuestionKind) -> CandidateRow {
    let truth = index % 2 == 0 ? "blue" : "green"
    return CandidateRow(
      id: "\(kind.rawValue)-\(index)", kind: kind, count: 2, target: 1, images: [], prompt: "",
      answer: "red", groundTruth: truth, correct: false, ratio: 0.2, threshold: 0.7, shares: [0.2, 0.8],
      perplexity: Double(1 + index), lengthRatio: Double(1 + index % 3), editDistance: Double(4 + index % 2),
      outcome: .kept)
  }

  private func outcomes(_ rows: [CandidateRow]) -> [SelectionOutcome: Int] {
    rows.reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 }
  }

  @Test("a quantile drops what lies beyond it, and nothing that ties with it")
  func quantiles() {
    var settings = SelectionSettings()
    settings.perplexityQuantile = 0.1
    let cut = PairSelection(settings, seed: 1).applied(
      to: rows(20), families: Array(repeating: "a", count: 20))
    #expect(outcomes(cut) == [.kept: 18, .perplexity: 2])
    #expect(cut.suffix(2).allSatisfy { $0.outcome == .perplexity })

    settings.perplexityQuantile = 0
    // A third of the pairs has the largest ratio, so its quantile is that ratio itself.
    settings.lengthRatioQuantile = 0.1
    settings.editDistanceQuantile = 0.1
    let ties = PairSelection(settings, seed: 1).applied(
      to: rows(21), families: Array(repeating: "a", count: 21))
    #expect(outcomes(ties) == [.kept: 21])

    settings.postSelection = false
    settings.perplexityQuantile = 0.5
    #expect(
      outcomes(
        PairSelection(settings, seed: 1).applied(to: rows(20), families: Array(repeating: "a", count: 20)))
        == [.kept: 20])
  }

  @Test("a swapped answer says of the asked picture what is true of another one")
  func swapped() {
    var settings = SelectionSettings()
    settings.rejected = .swapped
    settings.formats = ["sequence"]
    var all = rows(4)
    let truths = ["There is a Blue circle in the picture.", "a green box, green.", "it is there.", "blue."]
    for index in all.indices { all[index].groundTruth = truths[index] }
    let found = PairSelection(settings, seed: 1).applied(
      to: all, families: Array(repeating: "a", count: 4),
      facts: { number in
        number == 3
          ? nil
          : (
            ["color": number == 0 ? "blue" : "green", "shape": "circle"], [["color": "red", "shape": "box"]]
          )
      })
    #expect(found[0].answer == "There is a red box in the picture." && found[0].kept)
    #expect(found[1].answer == "a red box, red." && found[1].editDistance == 6)
    #expect(found[2].outcome == .surplus && found[3].outcome == .surplus)
    let right = PairSelection(settings, seed: 1).applied(
      to: all, families: Array(repeating: "a", count: 4),
      facts: { _ in (["color": "blue"], [["color": "red"]]) },
      isRight: { _, text in text.contains("red") })
    #expect(right.allSatisfy { $0.outcome == .surplus })
  }

  @Test("a truncated answer is the first half")
  func truncated() {
    var settings = SelectionSettings()
    settings.rejected = .truncated
    var all = rows(2)
    (all[0].groundTruth, all[1].groundTruth) = ("it is a blue circle.", "blue.")
    let found = PairSelection(settings, seed: 1).applied(to: all, families: ["a", "a"])
    #expect(found[0].answer == "it is" && found[0].kept && found[1].outcome == .surplus)
  }

  @Test("formats that are not wanted, and pairs beyond the number, are surplus")
  func limits() {
    var settings = SelectionSettings()
    settings.formats = ["grid"]
    settings.maxPairs = 5
    let all = rows(10) + rows(10, kind: .grid)
    let families = Array(repeating: "a", count: 20)
    let found = PairSelection(settings, seed: 1).applied(to: all, families: families)
    #expect(found.filter(\.kept).count == 5 && found.filter(\.kept).allSatisfy { $0.kind == .grid })
    #expect(found == PairSelection(settings, seed: 1).applied(to: all, families: families))
    #expect(found != PairSelection(settings, seed: 2).applied(to: all, families: families))
  }

  @Test("a random rejected answer is a wrong one of the same family")
  func random() {
    var settings = SelectionSettings()
    settings.rejected = .random
    let found = PairSelection(settings, seed: 1).applied(
      to: rows(12), families: (0..<12).map { $0 < 8 ? "color" : "lonely-\($0)" })
    for row in found.prefix(8) {
      #expect(row.kept && row.answer == (row.groundTruth == "blue" ? "green" : "blue"))
    }
    // "blue" and "green": 4 substitutions and 1 insertion at most.
    #expect(found[0].editDistance == Double(EditDistance.between("green", "blue")))
    #expect(found.suffix(4).allSatisfy { $0.outcome == .surplus })
  }

  @Test("the summary counts by format and in all")
  func summary() {
    var all = rows(4) + rows(6, kind: .grid)
    all[0].outcome = .correct
    all[0].correct = true
    all[5].outcome = .overThreshold
    all[6].outcome = .perplexity
    let summary = SelectionSummary(all)
    #expect(
      summary.table.rows == [
        ["Total", "10", "1", "0", "1", "1", "12.5", "7", "70.0"],
        ["Sequence", "4", "1", "0", "0", "0", "0.0", "3", "75.0"],
        ["Grid collage", "6", "0", "0", "1", "1", "20.0", "4", "66.7"],
      ])
  }
}
