import DPOTrain
import Evaluation
import Foundation
import MultiImageData
import Records

extension ReportPage {
  /// The contact sheet of composed prompts.
  var samples: HTML {
    var body: HTML = ""
    for kind in QuestionKind.allCases {
      let part = content.samples.enumerated().filter { $0.element.kind == kind }
      guard !part.isEmpty else { continue }
      body += "<h3>\(kind.title)</h3>\n<div class=\"sheet\">\n"
      for (index, sample) in part { body += card(sample, "s\(index)") }
      body += "</div>\n"
    }
    return Self.section("Composed prompts", nil, body)
  }

  private func card(_ sample: ReportSample, _ id: String) -> HTML {
    let isList = sample.pictures.count > 1
    let pictures = sample.pictures.enumerated().map { index, picture -> HTML in
      let isAsked = (sample.targets ?? [sample.target]).contains(index + 1)
      let style = isList && isAsked ? "thumb target" : "thumb"
      let label: HTML = isList ? "<figcaption>Image\(index + 1)</figcaption>" : ""
      return
        "<figure class=\"\(style)\">\(AttentionFigure.picture(picture, "\(id)-\(index)"))\(label)</figure>"
    }
    let outcome: HTML = sample.outcome.map { "<span class=\"outcome\">\($0.title)</span>" } ?? ""
    return """
      <article class="card">
      <div class="\(isList ? "strip" : "strip one")">\(pictures)</div>
      \(Self.exchange(prompt: sample.prompt, chosen: sample.chosen, given: sample.rejected, isRight: sample.outcome == .correct))
      <p class="meta">\(sample.id) \(outcome)</p>
      </article>

      """
  }

  /// Question, right answer and the answer that was given.
  static func exchange(prompt: String, chosen: String, given: String?, isRight: Bool) -> HTML {
    var answers: HTML = "<dt>chosen</dt><dd class=\"chosen\">\(chosen)</dd>"
    if let given {
      answers +=
        isRight
        ? "<dt>model</dt><dd class=\"chosen\">\(given)</dd>"
        : "<dt>rejected</dt><dd class=\"rejected\">\(given.isEmpty ? "(empty)" : given)</dd>"
    }
    return "<p class=\"prompt\">\(marked(prompt))</p><dl class=\"answers\">\(answers)</dl>"
  }

  /// The prompt with its image marks set apart; the lines that only name an image become one line.
  static func marked(_ prompt: String) -> HTML {
    let mark: HTML = "<i class=\"mark\">image</i>"
    let lines = prompt.components(separatedBy: "\n").filter { !$0.isEmpty }
    var html: HTML = ""
    for (index, line) in lines.enumerated() {
      let parts = line.components(separatedBy: "<image>")
      for (position, part) in parts.enumerated() {
        html += position == 0 ? "\(part)" : "\(mark)\(part)"
      }
      if index + 1 < lines.count {
        html += line.hasSuffix("<image>") && lines[index + 1].hasSuffix("<image>") ? " " : "<br>"
      }
    }
    return html
  }

  /// Held-out questions whose answer changed from wrong to right or from right to wrong.
  var answers: HTML {
    var body: HTML = ""
    for table in ChangedAnswers.tables(content.before, content.after) {
      body += "<h3>\(table.title): \(table.all.count)"
      if table.shown.count < table.all.count { body += ", of which \(table.shown.count) are shown" }
      body += "</h3>\n<div class=\"scroll\"><table class=\"answers-table\">\n"
      body +=
        "<thead><tr><th>kind</th><th>pictures</th><th>question</th><th>truth</th><th>before</th>"
      body += "<th>after</th></tr></thead>\n<tbody>\n"
      for (index, pair) in table.shown.enumerated() {
        func cell(_ record: AnswerRecord) -> HTML {
          let note: HTML = record.answeredFromAnotherImage == true ? " <small>from another image</small>" : ""
          return "<td class=\"\(record.correct ? "chosen" : "rejected")\">\(record.prediction)\(note)</td>"
        }
        body += "<tr><td>\(pair.old.kind.title)<br><small>\(pair.old.id)</small></td>"
        body += "<td>\(thumbnails(of: pair.old, "q\(pair.new.correct ? "r" : "w")\(index)"))</td>"
        body += "<td>\(Self.marked(pair.old.prompt))</td>"
        body += "<td>\(pair.old.answer)</td>\(cell(pair.old))\(cell(pair.new))</tr>\n"
      }
      body += "</tbody></table></div>\n"
    }
    return Self.section(
      "Answers that changed", "All answers are in evaluate/before.jsonl and evaluate/after.jsonl.", body)
  }

  private func thumbnails(of record: AnswerRecord, _ id: String) -> HTML {
    let pictures = content.answerPictures[record.id] ?? []
    let shown = pictures.enumerated().map { index, picture -> HTML in
      let isAsked = pictures.count > 1 && index + 1 == record.target && record.kind.level != .compare
      return """
        <span class="\(isAsked ? "small target" : "small")">\(AttentionFigure.picture(picture, "\(id)-\(index)"))</span>
        """
    }
    return "<div class=\"thumbs\">\(shown)</div>"
  }

  /// The first elements, taking turns between groups in the order of kinds.
  package static func spread<Element>(_ elements: [Element], _ limit: Int, by kind: (Element) -> QuestionKind)
    -> [Element]
  {
    let groups = QuestionKind.allCases.map { one in elements.filter { kind($0) == one } }
    var chosen: [Element] = []
    var round = 0
    while chosen.count < limit, groups.contains(where: { round < $0.count }) {
      for group in groups where round < group.count && chosen.count < limit { chosen.append(group[round]) }
      round += 1
    }
    return chosen
  }
}
