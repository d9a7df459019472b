import DPOTrain
import Foundation
import Records

extension ReportPage {
  /// Curves of both training stages.
  var training: HTML {
    var body: HTML = ""
    let preference = rows(of: "train")
    let supervised = rows(of: "sft")
    if !preference.isEmpty {
      body += "<h3>Preference optimization</h3>\n<div class=\"figures\">\n"
      body += curves(
        "Loss", ["loss": ("DPO loss", "after"), "nll_loss": ("NLL of chosen", "chosen")], preference)
      body += curves(
        "Loss on pairs held out",
        ["eval_loss": ("loss", "after"), "eval_nll_loss": ("NLL of chosen", "chosen")],
        preference, smooths: false)
      body += curves(
        "Reward margin", ["rewards/margins": ("chosen − rejected", "after")], preference, including: [0])
      body += curves(
        "Rewards, chosen and rejected",
        ["rewards/chosen": ("chosen", "chosen"), "rewards/rejected": ("rejected", "rejected")], preference,
        references: [0])
      body += curves(
        "Reward accuracy", ["rewards/accuracies": ("chosen over rejected", "after")], preference,
        including: [0, 1], references: [0.5])
      body += curves(
        "Reward accuracy on pairs held out, with its 95 % interval",
        [
          "eval_rewards/accuracies": ("chosen over rejected", "after"),
          "eval_rewards/accuracies_low": ("lower end", "before"),
          "eval_rewards/accuracies_high": ("upper end", "before"),
        ], preference, including: [0, 1], references: [0.5], smooths: false)
      body += curves(
        "Attention ratio of chosen answers", ["attention/chosen": ("R", "chosen")], preference,
        including: [0, 1])
      body += curves(
        "Reward margin over corrupted pictures", ["rewards/image_margins": ("right − corrupted", "after")],
        preference, including: [0])
      body += "</div>\n<div class=\"figures thirds\">\n"
      body += curves(
        "Log-probability, chosen and rejected",
        ["logps/chosen": ("chosen", "chosen"), "logps/rejected": ("rejected", "rejected")], preference,
        width: Self.third)
      body += optimizer(preference)
      body += "</div>\n"
    }
    if !supervised.isEmpty {
      body += "<h3>Supervised training of the base model</h3>\n<div class=\"figures thirds\">\n"
      body += curves(
        "Loss", ["loss": ("cross-entropy per answer token", "after")], supervised, including: [0],
        width: Self.third)
      body += optimizer(supervised)
      body += others(supervised, ["loss", "grad_norm", "learning_rate"])
      body += "</div>\n"
    }
    return Self.section("Training", nil, body)
  }

  /// What training changed on pairs that it did not see.
  var heldOut: HTML {
    guard let summary = content.heldOut else { return "" }
    let table = summary.table
    let head = table.header.map { cell -> HTML in "<th>\(cell)</th>" }
    let rows = table.rows.map { row -> HTML in
      let cells = row.dropFirst().map { cell -> HTML in "<td>\(cell)</td>" }
      return "<tr><th>\(row[0])</th>\(cells)</tr>\n"
    }
    let verdict: HTML = summary.verdict.map { "<p class=\"lead\">\($0)</p>\n" } ?? ""
    return Self.section(
      "Pairs held out",
      "What the model says to pairs that it was not trained on, with 95 % intervals over pairs; the weights "
        + "are those of step \(summary.step).",
      """
      \(verdict)<div class="scroll"><table class="results">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(rows)</tbody></table></div>
      \(heldOutAnswers)
      """)
  }

  /// What the model answered to prompts held out, before training and at the looks.
  private var heldOutAnswers: HTML {
    guard !content.heldOutAnswers.isEmpty else { return "" }
    let cards = content.heldOutAnswers.enumerated().map { number, one -> HTML in
      guard let first = one.answers.first else { return "" }
      let pictures = one.pictures.enumerated().map { index, picture -> HTML in
        "<figure class=\"thumb\">\(AttentionFigure.picture(picture, "h\(number)-\(index)"))</figure>"
      }
      let strip: HTML =
        pictures.isEmpty
        ? "" : "<div class=\"\(pictures.count > 1 ? "strip" : "strip one")\">\(pictures)</div>\n"
      let answers = one.answers.map { answer -> HTML in
        let step = answer.step == 0 ? "before" : "step \(answer.step)"
        return "<dt>\(step)</dt><dd>\(answer.answer.isEmpty ? "(empty)" : answer.answer)</dd>"
      }
      return """
        <article class="card">
        \(strip)<p class="prompt">\(Self.marked(first.prompt))</p>
        <dl class="answers"><dt>chosen</dt><dd class="chosen">\(first.chosen)</dd>\
        <dt>rejected</dt><dd class="rejected">\(first.rejected)</dd>\(answers)</dl>
        <p class="meta">\(first.id)</p>
        </article>

        """
    }
    return """
      <h3>Answers to prompts held out</h3>
      <div class="sheet">
      \(cards)</div>

      """
  }

  /// The drawing width of a chart that takes a third of the page.
  private static let third = 340.0

  private func optimizer(_ rows: [MetricRow]) -> HTML {
    let norm = curves(
      "Gradient norm", ["grad_norm": ("before clipping", "before")], rows, including: [0], width: Self.third)
    let rate = curves(
      "Learning rate", ["learning_rate": ("rate", "before")], rows, including: [0], width: Self.third,
      smooths: false)
    return "\(norm)\(rate)"
  }

  private func rows(of stage: String) -> [MetricRow] { content.metrics.filter { $0.stage == stage } }

  private func curves(
    _ title: String, _ names: KeyValuePairs<String, (name: String, style: String)>, _ rows: [MetricRow],
    including: [Double] = [], references: [Double] = [], width: Double = 520, smooths: Bool = true
  ) -> HTML {
    let series = names.compactMap { metric, entry -> LineChart.Series? in
      let points = rows.compactMap { row in row[metric].map { (x: Double(row.step), y: $0) } }
      return points.count > 1 ? LineChart.Series(name: entry.name, style: entry.style, points: points) : nil
    }
    guard !series.isEmpty else { return "" }
    let chart = LineChart(
      series: series, including: including, references: references, smooths: smooths, width: width)
    return Figure.html(
      title: title, legend: series.map { LegendEntry(name: $0.name, style: $0.style) },
      caption: chart.averaged.map { "Pale: as logged; line: mean of \($0) values around each." }, chart.svg)
  }

  /// Metrics of the supervised stage beyond the usual ones that are shares, such as validation accuracies.
  private func others(_ rows: [MetricRow], _ shown: Set<String>) -> HTML {
    let names = Set(rows.flatMap(\.names)).subtracting(shown).filter { $0.contains("accurac") }.sorted()
    return names.reduce(into: "" as HTML) { html, name in
      html += curves(name, [name: (name, "after")], rows, including: [0, 1], width: Self.third)
    }
  }
}
