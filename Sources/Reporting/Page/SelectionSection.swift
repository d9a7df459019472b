import DPOTrain
import Foundation
import MultiImageData
import Records

/// How many candidates of one format ended where.
public struct SelectionCount: Sendable, Equatable {
  /// Sequence, grid or pic-in-pic.
  public var kind: QuestionKind
  /// Number of pictures; `nil` for all of them together.
  public var count: Int?
  /// The threshold τ, where it is one.
  public var threshold: Double?
  /// Candidates by what became of them.
  public var outcomes: [SelectionOutcome: Int]
  /// All candidates.
  public var candidates: Int { outcomes.values.reduce(0, +) }

  /// Counts by kind and number of pictures, in the order of kinds and ascending.
  public static func table(_ candidates: [CandidateRow]) -> [SelectionCount] {
    QuestionKind.allCases.flatMap { kind -> [SelectionCount] in
      let part = candidates.filter { $0.kind == kind }
      return Set(part.map(\.count)).sorted().map { count in
        let rows = part.filter { $0.count == count }
        let thresholds = Set(rows.map(\.threshold))
        return SelectionCount(
          kind: kind, count: count, threshold: thresholds.count == 1 ? thresholds.first : nil,
          outcomes: rows.reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 })
      }
    }
  }
}

extension ReportPage {
  /// What became of the candidates, and how their attention ratios are distributed.
  var selection: HTML {
    guard !content.candidates.isEmpty else { return "" }
    let counts = SelectionCount.table(content.candidates)
    var body = table(counts)
    body += LegendEntry.list([
      LegendEntry(name: "wrong answers", style: "wrong"), LegendEntry(name: "right answers", style: "right"),
      LegendEntry(name: "R ≤ τ", style: "under"),
    ])
    body += "<div class=\"small-multiples\">\n"
    for entry in counts {
      let rows = content.candidates.filter { $0.kind == entry.kind && $0.count == entry.count }
      let chart = RatioHistogram(
        right: rows.filter(\.correct).map(\.ratio), wrong: rows.filter { !$0.correct }.map(\.ratio),
        threshold: entry.kind == .single ? nil : entry.threshold)
      body += Figure.html(title: title(entry), chart.svg)
    }
    body += "</div>\n"
    body += countNote
    body += qualityTable
    body += layerProfile
    return Self.section(
      "Selection of pairs",
      "The model answers every composed prompt. R is the share of the answer's attention to images that "
        + "falls on the picture it was asked about\(levelNote). An answer that differs from the ground truth "
        + "and "
        + "has R ≤ τ becomes the rejected answer of a pair; the ground truth is the chosen one.", body)
  }

  /// Why fewer right answers stand in the table than the model gave.
  private var countNote: HTML {
    let greedy = content.candidates.count(where: \.answeredRight)
    let shown = content.candidates.count(where: \.correct)
    guard greedy != shown else { return "" }
    return """
      <p class="note">A prompt that was answered right, and wrong when answers were sampled, counts by the wrong
      one: the model's own answers are right \(greedy) times, in the table \(shown) times.</p>

      """
  }

  private var levelNote: String {
    content.candidates.contains { $0.kind.level != nil }
      ? ", on both where two are compared, on the one that fits where one is looked for" : ""
  }

  /// Which share of the rejected answers is really wrong: what the rule is for, and what it never sees.
  private var qualityTable: HTML {
    guard let parts = content.quality?.parts, parts.contains(where: { $0.part.pairs > 0 }) else { return "" }
    func percent(_ share: Double?) -> String { share.map { Format.percent($0) + " %" } ?? "–" }
    let rows = parts.map { kind, count, part -> HTML in
      let name = count.map { "\(kind.title), \($0) images" } ?? kind.title
      return """
        <tr><th>\(name)</th><td>\(part.prompts)</td><td>\(part.pairs)</td>\
        <td>\(percent(part.precisionWithRule))</td>\
        <td>\(percent(part.precisionWithoutRule))</td><td>\(percent(part.recall))</td></tr>

        """
    }
    return """
      <h3>Rejected answers that are really wrong</h3>
      <div class="scroll"><table class="selection">
      <thead><tr><th></th><th>prompts</th><th>pairs</th><th>with the rule</th>\
      <th>without it</th><th>wrong ones found</th></tr></thead>
      <tbody>
      \(rows)</tbody></table></div>

      """
  }

  /// The area under the curve by layer, with a series for each format.
  private var layerProfile: HTML {
    guard let all = content.layers?.parts, let layers = all.first?.areas.count else { return "" }
    var body = chart(of: all.filter { $0.kind?.level == nil }, layers, "")
    body += chart(of: all.filter { $0.kind?.level != nil }, layers, ", comparing and finding")
    return body
  }

  private func chart(of parts: [LayerProfile.Part], _ layers: Int, _ addition: String) -> HTML {
    guard parts.contains(where: { $0.areas.contains { $0 != nil } }) else { return "" }
    let styles = ["s0", "s1", "s2", "s3"]
    let series = zip(parts, styles).map {
      LegendEntry(name: $0.kind.map { $0.title.lowercased() } ?? "all formats", style: $1)
    }
    let groups = (0..<layers).map { layer in
      BarChart.Group(
        label: String(layer),
        bars: zip(parts, styles).map { part, _ in
          part.areas[layer].map { .init(value: $0.estimate, low: $0.low, high: $0.high) }
        }, reference: nil)
    }
    let least = groups.flatMap(\.bars).compactMap { $0?.low }.min() ?? 0.5
    let chart = BarChart(
      groups: groups, series: series, width: layers > 6 ? 1060 : 520, usesDots: true,
      bottom: least < 0.3 ? 0 : least < 0.5 ? 0.3 : 0.5, isPercent: false, xLabel: "decoder layer")
    let figure = Figure.html(
      title: "R of right against wrong answers: AUC by layer\(addition)", legend: series,
      caption:
        "The chance that a right answer of the base model has a higher R than a wrong one to a prompt of the "
        + "same "
        + "format and number of images; 0.5 means no relation. Bars are 95 % intervals.", wide: layers > 6,
      chart.svg)
    return "<div class=\"figures\">\n\(figure)</div>\n"
  }

  private func title(_ entry: SelectionCount) -> String {
    guard let count = entry.count, [.sequence, .grid].contains(entry.kind.layout) else {
      return entry.kind.title
    }
    return "\(entry.kind.title), \(count) images"
  }

  private static let columns: [(SelectionOutcome, String)] = [
    (.correct, "right answer"), (.overThreshold, "R over τ"), (.empty, "empty"), (.notText, "not text"),
    (.perplexity, "perplexity"),
    (.lengthRatio, "length ratio"), (.chosenLength, "chosen length"),
    (.editDistance, "edit distance"), (.noChosen, "none to choose"),
    (.surplus, "surplus"), (.kept, "kept"),
  ]

  private func table(_ counts: [SelectionCount]) -> HTML {
    let total = counts.reduce(into: [:] as [SelectionOutcome: Int]) { sum, entry in
      sum.merge(entry.outcomes, uniquingKeysWith: +)
    }
    let optional: Set<SelectionOutcome> = [.empty, .notText, .chosenLength, .noChosen, .surplus]
    let columns = Self.columns.filter { !optional.contains($0.0) || total[$0.0, default: 0] > 0 }
    let titles = columns.map { column -> HTML in "<th>\(column.1)</th>" }
    func cells(_ outcomes: [SelectionOutcome: Int]) -> HTML {
      let all = outcomes.values.reduce(0, +)
      let numbers = columns.map { column -> HTML in
        let number = outcomes[column.0, default: 0]
        return column.0 == .kept
          ? "<td><b>\(number)</b></td>" : "<td class=\"\(number == 0 ? "zero" : "")\">\(number)</td>"
      }
      let share = Double(outcomes[.kept, default: 0]) / Double(max(all, 1))
      return "<td>\(all)</td>\(numbers)<td>\(Format.percent(share)) %</td>"
    }
    let rows = counts.map { entry -> HTML in
      let threshold = entry.kind == .single ? "–" : entry.threshold.map(HTML.coordinate) ?? "–"
      return "<tr><th>\(title(entry))</th><td>\(threshold)</td>\(cells(entry.outcomes))</tr>\n"
    }
    return """
      <div class="scroll"><table class="selection">
      <thead><tr><th></th><th>τ</th><th>candidates</th>\(titles)<th>of all</th></tr></thead>
      <tbody>
      \(rows)<tr class="sum"><th>All</th><td></td>\(cells(total))</tr>
      </tbody></table></div>

      """
  }

  /// Heat maps of kept and dropped candidates.
  var attention: HTML {
    var body: HTML = ""
    for (title, isKept) in [("Kept: the answer looked elsewhere", true), ("Dropped", false)] {
      let examples = content.attention.enumerated().filter { $0.element.candidate.kept == isKept }
      guard !examples.isEmpty else { continue }
      body += "<h3>\(title)</h3>\n\(cards(Array(examples), named: "a"))"
    }
    return Self.section(
      "Attention maps",
      "Mean over heads and answer tokens of one decoder layer, over the picture as the model sees it. Red is "
        + "what a patch got beyond an even share; a patch with an even share or less has no colour. The "
        + "outlined picture is the one asked about.",
      body)
  }

  /// Answers with their heat maps, side by side.
  /// - Parameter prefix: of ids that occur once on the page.
  func cards(_ examples: [(offset: Int, element: ReportAttention)], named prefix: String) -> HTML {
    guard !examples.isEmpty else { return "" }
    let all = examples.map { card($0.element, "\(prefix)\($0.offset)") }
    return "<div class=\"attention\">\n\(all)</div>\n"
  }

  /// What each picture of a single canvas got of the attention, in reading order.
  private func cellShares(_ candidate: CandidateRow, _ map: AttentionMap) -> HTML {
    guard map.values.count == 1, candidate.shares.count > 1 else { return "" }
    let asked = candidate.targets ?? [candidate.target]
    let shares = candidate.shares.enumerated().map { index, share -> HTML in
      let text = Format.decimal(share * 100, 0)
      let separator: HTML = index == 0 ? "" : " · "
      return asked.contains(index + 1) ? "\(separator)<b>\(text)</b>" : "\(separator)\(text)"
    }
    return "<p class=\"meta\">by picture, %: \(shares)</p>"
  }

  private func card(_ example: ReportAttention, _ id: String) -> HTML {
    let candidate = example.candidate
    guard let map = candidate.attention else { return "" }
    let figure = AttentionFigure(
      map: map, pictures: example.pictures,
      targets: map.values.count > 1 ? candidate.targets ?? [candidate.target] : [], shares: candidate.shares,
      id: id)
    let ratio = "R \(Format.decimal(candidate.ratio, 2)), τ \(HTML.coordinate(candidate.threshold))"
    return """
      <article class="\(map.values.count > 2 ? "card wide" : "card")">
      <p class="meta"><span class="tag">\(candidate.kind.title)</span> \(ratio) · \(candidate.outcome.title)</p>
      \(figure.html)\(cellShares(candidate, map))
      \(Self.exchange(prompt: candidate.prompt, chosen: candidate.groundTruth, given: candidate.answer, isRight: candidate.correct))
      </article>

      """
  }
}
