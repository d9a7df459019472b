import Foundation
import Records

/// Groups of bars with error bars; values are shares from 0 to 1, written in per cent or as they are.
struct BarChart {
  struct Bar {
    var value: Double
    var low: Double?
    var high: Double?
  }

  struct Group {
    var label: String
    /// Groups next to each other with the same heading stand under it together.
    var heading: String?
    /// One bar per series, `nil` where there is none.
    var bars: [Bar?]
    /// A dashed mark across the group.
    var reference: Double?
  }

  var groups: [Group]
  /// One per bar of a group.
  var series: [LegendEntry]
  var width = 520.0
  var height = 230.0
  var top = 1.0
  /// Dots with intervals instead of bars.
  var usesDots = false
  /// The lowest value of the axis; bars always start at 0.
  var bottom = 0.0
  /// Whether numbers are in per cent.
  var isPercent = true
  /// What the groups are, under the axis; not beside headings.
  var xLabel: String?

  /// The narrowest bars over which a number, and one with a decimal, finds room beside its neighbours.
  private static let widthOfNumber = 19.0
  private static let widthOfDecimal = 33.0

  var svg: HTML {
    let hasHeadings = groups.contains { $0.heading != nil } || xLabel != nil
    let frame = ChartFrame(width: width, height: height, left: 36, top: 14, bottom: hasHeadings ? 42 : 24)
    let scale = ChartScale(low: bottom, high: top, targetTicks: 5)
    var content = frame.horizontalGrid(scale) {
      isPercent ? Format.decimal($0 * 100, 0) : Format.decimal($0, 1)
    }
    let edges = groupEdges(frame)
    for (group, edge) in zip(groups, edges) {
      content += draw(group, edge, scale, frame)
    }
    content += frame.baseline
    content += headings(edges, frame)
    if let xLabel {
      content += "<text class=\"label\" x=\"\(frame.plotRight)\" y=\"\(height - 6)\" "
      content += "text-anchor=\"end\">\(xLabel)</text>"
    }
    let description = groups.map { group in
      let values = zip(series, group.bars).compactMap { entry, bar in
        bar.map { "\(entry.name) \(text($0.value))" }
      }
      return [group.heading, group.label].compactMap { $0 }.joined(separator: " ") + ": "
        + values.joined(separator: ", ")
    }
    return frame.svg(description.joined(separator: "; "), content)
  }

  private func text(_ value: Double) -> String {
    isPercent ? Format.percent(value) : Format.decimal(value, 2)
  }

  private typealias Edge = (left: Double, right: Double)

  /// Where groups stand; between different headings there is room for half a group.
  private func groupEdges(_ frame: ChartFrame) -> [Edge] {
    var starts: [Double] = []
    var place = 0.0
    for (index, group) in groups.enumerated() {
      if index > 0, groups[index - 1].heading != group.heading { place += 0.45 }
      starts.append(place)
      place += 1
    }
    let unit = (frame.plotRight - frame.left) / max(place, 1)
    return starts.map { (frame.left + $0 * unit, frame.left + ($0 + 1) * unit) }
  }

  private func draw(_ group: Group, _ edge: Edge, _ scale: ChartScale, _ frame: ChartFrame) -> HTML {
    let room = edge.right - edge.left
    let wide = min(room * 0.74 / Double(max(series.count, 1)), 46)
    let start = (edge.left + edge.right - wide * Double(series.count)) / 2
    func y(_ value: Double) -> Double {
      scale.place(min(max(value, bottom), top), frame.plotBottom, frame.top)
    }
    var svg: HTML = ""
    // Numbers come last, on a ground of their own, so that no line strikes them through.
    var numbers: HTML = ""
    for (index, (entry, bar)) in zip(series, group.bars).enumerated() {
      guard let bar else { continue }
      let left = start + Double(index) * wide
      let middle = left + wide / 2
      var tip = "\(entry.name): \(text(bar.value))" + (isPercent ? " %" : "")
      if let low = bar.low, let high = bar.high { tip += " (\(text(low)) to \(text(high)))" }
      svg += "<g><title>\(tip)</title>"
      if usesDots {
        svg += "<circle class=\"dot \(entry.style)\" cx=\"\(middle)\" cy=\"\(y(bar.value))\" r=\"4\"/>"
      } else {
        let height = max(frame.plotBottom - y(bar.value), 0.5)
        svg += "<rect class=\"bar \(entry.style)\" x=\"\(left + 1)\" y=\"\(frame.plotBottom - height)\" "
        svg += "width=\"\(wide - 2)\" height=\"\(height)\" rx=\"1.5\"/>"
      }
      if let low = bar.low, let high = bar.high {
        svg += "<path class=\"whisker\" d=\"M\(middle) \(y(low))V\(y(high))M\(middle - 3) \(y(low))h6"
        svg += "M\(middle - 3) \(y(high))h6\"/>"
      }
      let above = y(max(bar.high ?? bar.value, bar.value)) - 4
      if wide >= Self.widthOfNumber, !usesDots || wide >= Self.widthOfDecimal {
        numbers += "<text class=\"value\" x=\"\(middle)\" y=\"\(above)\" text-anchor=\"middle\">"
        numbers +=
          isPercent
          ? "\(Format.decimal(bar.value * 100, wide >= Self.widthOfDecimal ? 1 : 0))</text>"
          : "\(text(bar.value))</text>"
      }
      svg += "</g>"
    }
    if let reference = group.reference {
      let (from, to) = (start - 3, start + wide * Double(series.count) + 3)
      svg += "<path class=\"blind\" d=\"M\(from) \(y(reference))H\(to)\"><title>without images: "
      svg += "\(Format.percent(reference)) %</title></path>"
    }
    svg += numbers
    svg += "<text class=\"group\" x=\"\((edge.left + edge.right) / 2)\" y=\"\(frame.plotBottom + 15)\" "
    svg += "text-anchor=\"middle\">\(group.label)</text>"
    return svg
  }

  private func headings(_ edges: [Edge], _ frame: ChartFrame) -> HTML {
    var svg: HTML = ""
    var index = 0
    while index < groups.count {
      var last = index
      while last + 1 < groups.count, groups[last + 1].heading == groups[index].heading { last += 1 }
      if let heading = groups[index].heading {
        let middle = (edges[index].left + edges[last].right) / 2
        svg += "<text class=\"heading\" x=\"\(middle)\" y=\"\(frame.plotBottom + 33)\" "
        svg += "text-anchor=\"middle\">\(heading)</text>"
      }
      index = last + 1
    }
    return svg
  }
}
