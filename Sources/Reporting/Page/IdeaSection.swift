import DPOTrain
import MultiImageData

extension ReportPage {
  /// The method at a glance: where right and wrong answers looked, and one answer that was kept as a rejected
  /// one beside one that was not; among those with a map, the first wrong one and the first right one.
  var idea: HTML {
    let several = content.candidates.filter { $0.kind != .single }
    let (right, wrong) = (several.filter(\.correct).map(\.ratio), several.filter { !$0.correct }.map(\.ratio))
    guard !right.isEmpty, !wrong.isEmpty else { return "" }
    var body: HTML = "<div class=\"small-multiples\">\n"
    body += Figure.html(
      title: "R of right answers", RatioHistogram(right: right, wrong: [], threshold: nil).svg)
    body += Figure.html(
      title: "R of wrong answers", RatioHistogram(right: [], wrong: wrong, threshold: nil).svg)
    body += "</div>\n"
    let examples = [true, false].compactMap { isKept in
      let fitting = content.attention.enumerated().filter { $0.element.candidate.kept == isKept }
      return fitting.first { $0.element.candidate.correct != isKept } ?? fitting.first
    }
    body += cards(Array(examples), named: "i")
    return Self.section(
      "The idea",
      "An answer that is wrong about the picture it was asked about often looked at another one. R is the "
        + "share of its attention to images that falls on the right picture; nobody has to know which "
        + "answers are wrong.",
      body)
  }
}
