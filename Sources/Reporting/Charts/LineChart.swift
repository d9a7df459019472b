import Foundation
import Records

/// Curves over steps. Where there are many points the values are drawn pale, with their moving average on
/// top. A pointer over the chart is told the values of the step under it.
package struct LineChart {
  package struct Series {
    var name: String
    /// The CSS class that gives the colour.
    var style: String
    var points: [(x: Double, y: Double)]

    package init(name: String, style: String, points: [(x: Double, y: Double)]) {
      (self.name, self.style, self.points) = (name, style, points)
    }
  }

  var series: [Series]
  var xLabel = "step"
  /// Numbers the vertical axis must include.
  var including: [Double] = []
  /// Dashed horizontal lines.
  var references: [Double] = []
  /// Whether long curves are drawn pale with their moving average on top.
  var smooths = true
  var height = 210.0
  var width = 520.0

  package init(
    series: [Series], including: [Double] = [], references: [Double] = [], smooths: Bool = true,
    width: Double = 520
  ) {
    self.series = series
    self.including = including
    self.references = references
    self.smooths = smooths
    self.width = width
  }

  /// The most points a curve is drawn with; more are averaged in runs of equal length.
  private static let maximumPoints = 400
  /// From this number of points on the curve is smoothed.
  private static let smoothedFrom = 60
  /// The most places at which a chart tells its values.
  private static let maximumTips = 60

  var svg: HTML {
    let frame = ChartFrame(width: width, height: height, bottom: 34)
    let points = series.flatMap(\.points)
    let x = ChartScale(low: points.map(\.x).min() ?? 0, high: points.map(\.x).max() ?? 1)
    let y = ChartScale(covering: points.map(\.y), including: including + references)
    var content = frame.horizontalGrid(y, label: y.label)
    content += frame.bottomLabels(x)
    content +=
      "<text class=\"label\" x=\"\(frame.plotRight)\" y=\"\(height - 3)\" text-anchor=\"end\">\(xLabel)</text>"
    for reference in references {
      let place = y.place(reference, frame.plotBottom, frame.top)
      content +=
        "<line class=\"reference\" x1=\"\(frame.left)\" x2=\"\(frame.plotRight)\" y1=\"\(place)\" y2=\"\(place)\"/>"
    }
    for one in series {
      let drawn = Self.thinned(one.points)
      if smooths, drawn.count >= Self.smoothedFrom {
        content += path(drawn, "raw \(one.style)", x, y, frame)
        content += path(Self.smoothed(drawn), "curve \(one.style)", x, y, frame)
      } else {
        content += path(drawn, "curve \(one.style)", x, y, frame)
      }
      if let last = one.points.last, drawn.count < Self.smoothedFrom {
        let (px, py) = (
          x.place(last.x, frame.left, frame.plotRight), y.place(last.y, frame.plotBottom, frame.top)
        )
        content += "<circle class=\"dot \(one.style)\" cx=\"\(px)\" cy=\"\(py)\" r=\"2.6\"/>"
      }
    }
    content += tips(x, frame)
    let last = series.compactMap { one in one.points.last.map { "\(one.name) \(Format.decimal($0.y, 4))" } }
    return frame.svg("Curves over \(xLabel); last values: " + last.joined(separator: ", "), content)
  }

  /// How many values around each one the drawn average is over; `nil` where nothing is averaged.
  package var averaged: Int? {
    let counts = series.map { Self.thinned($0.points).count }.filter { $0 >= Self.smoothedFrom }
    return smooths ? counts.max().map { 2 * Self.reach($0) + 1 } : nil
  }

  /// Strips across the chart that have the values of the step in their middle as their title.
  private func tips(_ x: ChartScale, _ frame: ChartFrame) -> HTML {
    let steps = Array(Set(series.flatMap { $0.points.map(\.x) })).sorted()
    guard steps.count > 1 else { return "" }
    let count = min(steps.count, Self.maximumTips)
    let wide = (frame.plotRight - frame.left) / Double(count)
    let values = series.map { Dictionary($0.points) { first, _ in first } }
    var strips: HTML = ""
    for index in 0..<count {
      let step = steps[min(steps.count - 1, (2 * index + 1) * steps.count / (2 * count))]
      let words = zip(series, values).compactMap { one, known in
        known[step].map { "\(one.name) \(Format.decimal($0, 4))" }
      }
      let middle = x.place(step, frame.left, frame.plotRight)
      strips += "<rect class=\"tip\" x=\"\(middle - wide / 2)\" y=\"\(frame.top)\" width=\"\(wide)\" "
      strips += "height=\"\(frame.plotBottom - frame.top)\"><title>\(xLabel) \(HTML.coordinate(step)): "
      strips += "\(words.joined(separator: ", "))</title></rect>"
    }
    return strips
  }

  private func path(
    _ points: [(x: Double, y: Double)], _ style: String, _ x: ChartScale, _ y: ChartScale, _ frame: ChartFrame
  ) -> HTML {
    var data: HTML = ""
    for (index, point) in points.enumerated() {
      let (px, py) = (
        x.place(point.x, frame.left, frame.plotRight), y.place(point.y, frame.plotBottom, frame.top)
      )
      data += index == 0 ? "M\(px) \(py)" : "L\(px) \(py)"
    }
    return "<path class=\"\(style)\" d=\"\(data)\"/>"
  }

  /// Averages of runs of points, so that no more than `maximumPoints` are left.
  static func thinned(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let run = (points.count + maximumPoints - 1) / maximumPoints
    guard run > 1 else { return points }
    return stride(from: 0, to: points.count, by: run).map { start in
      let part = points[start..<min(start + run, points.count)]
      let scale = 1 / Double(part.count)
      return (part.map(\.x).reduce(0, +) * scale, part.map(\.y).reduce(0, +) * scale)
    }
  }

  private static func reach(_ count: Int) -> Int { max(1, count / 30) }

  /// A moving average over about a fifteenth of the points around each. Towards the ends, where there are
  /// more on one side, it is the straight line through them at the point: their mean would begin a rising
  /// curve too high.
  package static func smoothed(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    let reach = reach(points.count)
    return points.indices.map { index in
      let places = max(0, index - reach)...min(points.count - 1, index + reach)
      let count = Double(places.count)
      let middle = Double(places.lowerBound + places.upperBound) / 2
      let mean = points[places].map(\.y).reduce(0, +) / count
      // The sum of squares of whole numbers around their middle.
      let spread = count * (count * count - 1) / 12
      let slope = places.map { (Double($0) - middle) * points[$0].y }.reduce(0, +) / max(spread, 1)
      return (points[index].x, mean + slope * (Double(index) - middle))
    }
  }
}
