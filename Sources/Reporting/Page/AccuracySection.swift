import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records

extension ReportPage {
  /// The before/after table and its charts.
  var accuracy: HTML {
    guard let results = content.results else { return "" }
    var body: HTML = "<div class=\"scroll\"><table class=\"results\">\n\(head(results))<tbody>\n"
    body += rows(results, QuestionKind.layouts)
    if let old = results.before.multiImage {
      body += row(
        "All multi-image", old, results.after?.multiImage, results.multiImageChange, style: "sum",
        hasAfter: results.after != nil)
    }
    body += rows(results, QuestionKind.levels)
    body += "</tbody></table></div>\n"
    let blind = results.before.kinds.values.contains { $0.all.blind != nil }
    let keys =
      phases(results) + (blind ? [LegendEntry(name: "without images", style: "blind")] : [])
    body += "<div class=\"figures\">\n"
    body += Figure.html(
      title: "Accuracy by kind, %", legend: keys, kindChart(results, reference: true) { $0.accuracyBar })
    let known = Self.several.filter {
      results.before.kinds[$0]?.all.answeredFromAnotherImage != nil
    }
    if !known.isEmpty {
      body += Figure.html(
        title: "Answered from another image, %", legend: phases(results),
        kindChart(results, kinds: known, top: nil, reference: false) {
          $0.answeredFromAnotherImage.map { BarChart.Bar(value: $0) }
        })
    }
    body += countChart(results, keys)
    body += placeChart(results, keys)
    body += orderChart(results)
    body += familyChart(results, keys)
    body += ratioChart(results)
    body += "</div>\n"
    return Self.section(
      results.after == nil ? "Accuracy of the base model" : "Before and after",
      "Held-out questions, in per cent. Brackets are 95 % bootstrap intervals over questions; the change is "
        + "paired. “Other image” counts wrong answers that are right for another picture of the same prompt "
        + "(a dash where the data do not say what is right for it), “blind” is the same model without any "
        + "image. A number is coloured where its interval leaves 0 out.",
      body)
  }

  /// Every kind that shows several pictures.
  private static let several = QuestionKind.multiImage + QuestionKind.levels

  private func rows(_ results: EvaluationResult, _ kinds: [QuestionKind]) -> HTML {
    var body: HTML = ""
    for kind in kinds where results.before.kinds[kind] != nil {
      let (old, new) = (results.before.kinds[kind], results.after?.kinds[kind])
      body += row(
        kind.title, old?.all, new?.all, results.change[kind], style: "kind", hasAfter: results.after != nil)
      guard let parts = old?.byImages, parts.count > 1 else { continue }
      for part in parts {
        body += row(
          "\(part.label) images", part.result, new?.byImages.first { $0.label == part.label }?.result, nil,
          style: "part", hasAfter: results.after != nil)
      }
    }
    return body
  }

  private func phases(_ results: EvaluationResult) -> [LegendEntry] {
    [LegendEntry(name: "before", style: "before")]
      + (results.after == nil ? [] : [LegendEntry(name: "after", style: "after")])
  }

  private func head(_ results: EvaluationResult) -> HTML {
    let after: HTML = results.after == nil ? "" : "<th>after</th><th>change, points</th>"
    return """
      <thead><tr><th></th><th>before</th>\(after)<th>other image</th><th>blind</th><th>n</th></tr></thead>

      """
  }

  private func row(
    _ title: String, _ old: AccuracyResult?, _ new: AccuracyResult?, _ change: Interval?, style: String,
    hasAfter: Bool
  ) -> HTML {
    func accuracy(_ result: AccuracyResult?) -> HTML {
      guard let result else { return "<td>–</td>" }
      return """
        <td><b>\(Format.percent(result.accuracy))</b> \
        <span class="range">[\(Format.percent(result.low)), \(Format.percent(result.high))]</span></td>
        """
    }
    var cells = accuracy(old)
    if hasAfter {
      cells += accuracy(new)
      let difference = old.flatMap { old in new.map { $0.accuracy - old.accuracy } }
      let sure = change.map { $0.low > 0 ? "good" : $0.high < 0 ? "bad" : "" } ?? ""
      let range: HTML =
        change.map { " <span class=\"range\">[\(Format.points($0.low)), \(Format.points($0.high))]</span>" }
        ?? ""
      cells += "<td><b class=\"\(sure)\">\(Format.points(difference))</b>\(range)</td>"
    }
    let elsewhere = EvaluationResult.elsewhere(old, new)
    cells += "<td>\(elsewhere)</td><td>\(Format.percent((new ?? old)?.blind))</td>"
    return "<tr class=\"\(style)\"><th>\(title)</th>\(cells)<td>\((new ?? old)?.n ?? 0)</td></tr>\n"
  }

  private func kindChart(
    _ results: EvaluationResult, kinds: [QuestionKind] = QuestionKind.allCases, top: Double? = 1,
    reference: Bool,
    bar: (AccuracyResult) -> BarChart.Bar?
  ) -> HTML {
    let groups = kinds.compactMap { kind -> BarChart.Group? in
      guard let old = results.before.kinds[kind]?.all else { return nil }
      let new = results.after?.kinds[kind]?.all
      return BarChart.Group(
        label: kind.title, bars: [bar(old), new.flatMap(bar)], reference: reference ? (new ?? old).blind : nil
      )
    }
    let most = groups.flatMap(\.bars).compactMap { $0?.value }.max() ?? 1
    return BarChart(
      groups: groups, series: phases(results), top: top ?? Self.roundTop(most)
    ).svg
  }

  /// An upper end for an axis of shares: the next multiple of 10 % with some room above the tallest bar.
  static func roundTop(_ most: Double) -> Double { min(1, max(0.1, ((most + 0.03) * 10).rounded(.up) / 10)) }

  private func countChart(_ results: EvaluationResult, _ keys: [LegendEntry]) -> HTML {
    var groups: [BarChart.Group] = []
    for kind in Self.several {
      guard let old = results.before.kinds[kind] else { continue }
      for part in old.byImages {
        let new = results.after?.kinds[kind]?.byImages.first { $0.label == part.label }?.result
        groups.append(
          BarChart.Group(
            label: String(part.label), heading: kind == .picInPic ? "Pic-in-pic" : "\(kind.title), images",
            bars: [part.result.accuracyBar, new?.accuracyBar], reference: (new ?? part.result).blind))
      }
    }
    guard groups.count > 1 else { return "" }
    let chart = BarChart(groups: groups, series: phases(results), width: 1060, height: 250)
    return Figure.html(title: "Accuracy by number of images, %", legend: keys, wide: true, chart.svg)
  }

  private func placeChart(_ results: EvaluationResult, _ keys: [LegendEntry]) -> HTML {
    var groups: [BarChart.Group] = []
    for kind in Self.several {
      for part in results.before.kinds[kind]?.byPlace ?? [] {
        let new = results.after?.kinds[kind]?.byPlace.first { $0.label == part.label }?.result
        groups.append(
          BarChart.Group(
            label: String(part.label), heading: "\(kind.title), Image",
            bars: [part.result.accuracyBar, new?.accuracyBar], reference: (new ?? part.result).blind))
      }
    }
    guard groups.count > 1 else { return "" }
    let chart = BarChart(groups: groups, series: phases(results), width: 1060, height: 250)
    return Figure.html(
      title: "Accuracy by the picture that is asked about, %", legend: keys,
      caption: "Later places occur only in prompts with more pictures, which are harder.", wide: true,
      chart.svg)
  }

  private func orderChart(_ results: EvaluationResult) -> HTML {
    guard let asked = results.before.kinds[.sequence], let old = asked.permuted else { return "" }
    let later = results.after?.kinds[.sequence]
    let new = later?.permuted
    func bar(_ interval: Interval) -> BarChart.Bar {
      BarChart.Bar(value: interval.estimate, low: interval.low, high: interval.high)
    }
    let groups = [
      BarChart.Group(label: "as asked", bars: [asked.all.accuracyBar, later?.all.accuracyBar]),
      BarChart.Group(label: "other order", bars: [bar(old.accuracy), new.map { bar($0.accuracy) }]),
      BarChart.Group(label: "same verdict", bars: [bar(old.unchanged), new.map { bar($0.unchanged) }]),
    ]
    return Figure.html(
      title: "Sequences with the pictures in another order, %", legend: phases(results),
      caption: "Every picture moves one place on, the last one to the front, and the prompt names its new "
        + "number. “Same verdict” is the share of questions answered right in both orders or in none.",
      BarChart(groups: groups, series: phases(results)).svg)
  }

  private func familyChart(_ results: EvaluationResult, _ keys: [LegendEntry]) -> HTML {
    var groups: [BarChart.Group] = []
    for kind in QuestionKind.allCases {
      guard let old = results.before.kinds[kind], old.byFamily.count > 1 else { continue }
      for part in old.byFamily {
        let new = results.after?.kinds[kind]?.byFamily.first { $0.label == part.label }?.result
        groups.append(
          BarChart.Group(
            label: part.label.replacing("_", with: " "), heading: kind.title,
            bars: [part.result.accuracyBar, new?.accuracyBar],
            reference: (new ?? part.result).blind))
      }
    }
    guard !groups.isEmpty else { return "" }
    let chart = BarChart(groups: groups, series: phases(results), width: 1060, height: 250)
    return Figure.html(title: "Accuracy by family of questions, %", legend: keys, wide: true, chart.svg)
  }

  private func ratioChart(_ results: EvaluationResult) -> HTML {
    let groups = Self.several.compactMap { kind -> BarChart.Group? in
      guard let old = results.before.kinds[kind]?.all.attentionRatio else { return nil }
      let new = results.after?.kinds[kind]?.all.attentionRatio
      return BarChart.Group(
        label: kind.title, bars: [BarChart.Bar(value: old), new.map { BarChart.Bar(value: $0) }])
    }
    guard !groups.isEmpty else { return "" }
    return Figure.html(
      title: "Attention on the picture asked about, mean R, %", legend: phases(results),
      BarChart(groups: groups, series: phases(results)).svg)
  }
}

extension AccuracyResult {
  fileprivate var accuracyBar: BarChart.Bar { BarChart.Bar(value: accuracy, low: low, high: high) }
}
