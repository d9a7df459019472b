import Foundation

/// A row for each run: the change against the base model on all multi-image questions with its interval over
/// seeds, a pale dot for each seed, and a dashed line where the reference is.
package struct ForestChart {
  package struct Row {
    var label: String
    package var mean: Double
    var low: Double?
    var high: Double?
    var values: [Double]

    package init(label: String, mean: Double, low: Double? = nil, high: Double? = nil, values: [Double]) {
      self.label = label
      self.mean = mean
      self.low = low
      self.high = high
      self.values = values
    }
  }

  var title: String
  package var rows: [Row]
  /// Where the dashed line stands.
  var reference: Double?

  package init(title: String, rows: [Row], reference: Double? = nil) {
    self.title = title
    self.rows = rows
    self.reference = reference
  }

  private static let rowHeight = 24.0
  /// Room for the longest label: a character of this font at this size is at most so wide on average.
  private var labelWidth: Double { max(210, Double(rows.map(\.label.count).max() ?? 0) * 6.6 + 24) }
  private static let style: HTML = """
    text{font:12px system-ui,"DejaVu Sans",sans-serif;fill:#1d1f22}.tick{fill:#6b7077;font-size:11px}\
    .title{font-weight:600;font-size:13px}.grid{stroke:#e4e2dc}.zero{stroke:#9aa0a6}\
    .reference{stroke:#2b67b1;stroke-dasharray:4 3}.whisker{stroke:#1d1f22;stroke-width:1.4;fill:none}\
    .mean{fill:#2b67b1}.seed{fill:#2b67b1;opacity:.45}
    """

  /// The chart as a file of its own.
  package var file: String {
    let (width, top) = (labelWidth + 410, 34.0)
    let bottom = top + Double(rows.count) * Self.rowHeight
    let scale = ChartScale(
      covering: rows.flatMap { $0.values + [$0.low, $0.high].compactMap { $0 } }, including: [0],
      targetTicks: 6)
    func x(_ value: Double) -> Double { scale.place(value, labelWidth, width - 16) }
    var content: HTML = "<rect width=\"\(width)\" height=\"\(bottom + 38)\" fill=\"#ffffff\"/>"
    content += "<text class=\"title\" x=\"12\" y=\"20\">\(title)</text>"
    for tick in scale.ticks {
      content += "<line class=\"\(tick == 0 ? "zero" : "grid")\" x1=\"\(x(tick))\" x2=\"\(x(tick))\" "
      content += "y1=\"\(top)\" y2=\"\(bottom)\"/>"
      content += "<text class=\"tick\" x=\"\(x(tick))\" y=\"\(bottom + 14)\" text-anchor=\"middle\">"
      content += "\(scale.label(tick))</text>"
    }
    if let reference {
      content += "<line class=\"reference\" x1=\"\(x(reference))\" x2=\"\(x(reference))\" y1=\"\(top)\" "
      content += "y2=\"\(bottom)\"/>"
    }
    for (index, row) in rows.enumerated() {
      let y = top + (Double(index) + 0.5) * Self.rowHeight
      content += "<text x=\"\(labelWidth - 10)\" y=\"\(y + 4)\" text-anchor=\"end\">\(row.label)</text>"
      for value in row.values { content += "<circle class=\"seed\" cx=\"\(x(value))\" cy=\"\(y)\" r=\"3\"/>" }
      if let low = row.low, let high = row.high {
        content +=
          "<path class=\"whisker\" d=\"M\(x(low)) \(y)H\(x(high))M\(x(low)) \(y - 4)v8M\(x(high)) \(y - 4)v8\"/>"
      }
      content += "<circle class=\"mean\" cx=\"\(x(row.mean))\" cy=\"\(y)\" r=\"4.5\"/>"
    }
    let note = "change on multi-image questions against the base model, points; bars: 95 % over seeds"
    content +=
      "<text class=\"tick\" x=\"\(width - 16)\" y=\"\(bottom + 31)\" text-anchor=\"end\">\(note)</text>"
    let svg: HTML = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(bottom + 38)" width="\(width)" \
      height="\(bottom + 38)" role="img" aria-label="\(title)"><style>\(Self.style)</style>\(content)</svg>

      """
    return svg.source
  }
}
