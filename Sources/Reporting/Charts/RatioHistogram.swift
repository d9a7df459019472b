import DPOTrain
import Foundation

/// How the attention ratio R of right and of wrong answers is distributed, with the threshold τ
/// (MIA-DPO, figure 5, split by whether the answer is right).
struct RatioHistogram {
  var right: [Double]
  var wrong: [Double]
  var threshold: Double?
  var width = 250.0
  var height = 128.0

  private static let bins = 20

  var svg: HTML {
    let frame = ChartFrame(width: width, height: height, left: 26, right: 6, top: 14, bottom: 20)
    let (rights, wrongs) = (Histogram(right, bins: Self.bins), Histogram(wrong, bins: Self.bins))
    let most = zip(rights.counts, wrongs.counts).map(+).max() ?? 0
    let y = ChartScale(covering: [0, Double(max(most, 1))], targetTicks: 2)
    let x = ChartScale(low: 0, high: 1, targetTicks: 5)
    var content: HTML = ""
    if let threshold {
      let edge = x.place(threshold, frame.left, frame.plotRight)
      content +=
        "<rect class=\"under\" x=\"\(frame.left)\" y=\"\(frame.top)\" width=\"\(edge - frame.left)\" "
      content += "height=\"\(frame.plotBottom - frame.top)\"/>"
    }
    content += frame.horizontalGrid(y, label: y.label)
    for bin in 0..<Self.bins {
      let left = x.place(rights.edge(bin), frame.left, frame.plotRight)
      let right = x.place(rights.edge(bin + 1), frame.left, frame.plotRight)
      let wrongTop = y.place(Double(wrongs.counts[bin]), frame.plotBottom, frame.top)
      let rightTop = y.place(Double(wrongs.counts[bin] + rights.counts[bin]), frame.plotBottom, frame.top)
      content += bar("wrong", left, right, from: frame.plotBottom, to: wrongTop)
      content += bar("right", left, right, from: wrongTop, to: rightTop)
    }
    if let threshold {
      let edge = x.place(threshold, frame.left, frame.plotRight)
      content += "<path class=\"threshold\" d=\"M\(edge) \(frame.top - 3)V\(frame.plotBottom)\"/>"
      content += "<text class=\"tau\" x=\"\(edge)\" y=\"\(frame.top - 5)\" text-anchor=\"middle\">"
      content += "τ \(HTML.coordinate(threshold))</text>"
    }
    content += frame.baseline
    content += frame.bottomLabels(x)
    let under = threshold.map { limit in wrong.count { $0 <= limit } }
    return frame.svg(
      "Attention ratio of \(right.count) right and \(wrong.count) wrong answers"
        + (under.map { "; \($0) wrong ones are not over the threshold" } ?? ""), content)
  }

  private func bar(_ style: String, _ left: Double, _ right: Double, from: Double, to: Double) -> HTML {
    guard from - to > 0.01 else { return "" }
    return """
      <rect class="bar \(style)" x="\(left + 0.5)" y="\(to)" width="\(right - left - 1)" height="\(from - to)"/>
      """
  }
}
