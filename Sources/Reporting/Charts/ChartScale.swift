import Foundation
import Records

/// A linear axis: which numbers it covers, where its ticks are, and how they are written.
struct ChartScale: Equatable {
  /// The covered numbers.
  var low: Double
  /// The covered numbers.
  var high: Double
  /// The ticks inside the range.
  var ticks: [Double]
  private var step: Double

  /// An axis over exactly `low ... high`.
  init(low: Double, high: Double, targetTicks: Int = 5) {
    self.low = low
    self.high = high > low ? high : low + 1
    let step = Self.niceStep(span: self.high - self.low, count: targetTicks)
    self.step = step
    let first = (self.low / step - 1e-9).rounded(.up)
    let last = (self.high / step + 1e-9).rounded(.down)
    ticks = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
  }

  /// An axis that covers the values and ends on ticks.
  init(covering values: [Double], including fixed: [Double] = [], targetTicks: Int = 4) {
    // Beyond these the length of the axis is no number any more.
    let all = (values + fixed).filter { abs($0) <= 1e300 }
    var (least, most) = (all.min() ?? 0, all.max() ?? 1)
    if most - least < 1e-12 * max(abs(least), abs(most), 1e-12) {
      let margin = max(abs(least) * 0.1, 1e-9)
      (least, most) = (least - margin, most + margin)
    }
    let step = Self.niceStep(span: most - least, count: targetTicks)
    self.init(
      low: (least / step + 1e-9).rounded(.down) * step, high: (most / step - 1e-9).rounded(.up) * step,
      targetTicks: targetTicks)
  }

  /// The place of `value` between `start` (at `low`) and `end` (at `high`).
  func place(_ value: Double, _ start: Double, _ end: Double) -> Double {
    start + (value - low) / (high - low) * (end - start)
  }

  /// A tick's number as text.
  func label(_ tick: Double) -> String {
    guard tick.isFinite, step.isFinite, step > 0 else { return "\(tick)" }
    let largest = max(abs(low), abs(high))
    if largest >= 1e5 || largest < 1e-2 {
      if tick == 0 { return "0" }
      let power = Int(log10(abs(tick) * 1.0000001).rounded(.down))
      let digits = max(0, power - Int(log10(step * 1.0000001).rounded(.down)))
      var mantissa = Format.decimal(tick / pow(10, Double(power)), digits)
      if mantissa.contains(".") { mantissa = mantissa.replacing(#/\.?0+$/#, with: "") }
      return Self.minus(mantissa + "e\(power)")
    }
    return Self.minus(Format.decimal(tick, max(0, -Int(log10(step * 1.0000001).rounded(.down)))))
  }

  private static func minus(_ text: String) -> String {
    text.replacingOccurrences(of: "-", with: "−")
  }

  private static func niceStep(span: Double, count: Int) -> Double {
    let raw = span / Double(max(count, 1))
    let power = pow(10, log10(raw).rounded(.down))
    let fraction = raw / power
    let factor = fraction <= 1.0000001 ? 1.0 : fraction <= 2.0000001 ? 2 : fraction <= 5.0000001 ? 5 : 10
    return factor * power
  }
}

/// The rectangle a chart draws in, with its grid and axis labels.
struct ChartFrame {
  var width: Double
  var height: Double
  var left = 44.0
  var right = 10.0
  var top = 8.0
  var bottom = 30.0

  var plotRight: Double { width - right }
  var plotBottom: Double { height - bottom }

  /// Horizontal grid lines with their numbers.
  func horizontalGrid(_ scale: ChartScale, label: (Double) -> String) -> HTML {
    var svg: HTML = ""
    for tick in scale.ticks {
      let y = scale.place(tick, plotBottom, top)
      svg += "<line class=\"grid\" x1=\"\(left)\" x2=\"\(plotRight)\" y1=\"\(y)\" y2=\"\(y)\"/>"
      svg +=
        "<text class=\"tick\" x=\"\(left - 6)\" y=\"\(y + 3.5)\" text-anchor=\"end\">\(label(tick))</text>"
    }
    return svg
  }

  /// Numbers under the plot.
  func bottomLabels(_ scale: ChartScale) -> HTML {
    var svg: HTML = ""
    for tick in scale.ticks {
      let x = scale.place(tick, left, plotRight)
      svg += "<text class=\"tick\" x=\"\(x)\" y=\"\(plotBottom + 15)\" text-anchor=\"middle\">"
      svg += "\(scale.label(tick))</text>"
    }
    return svg
  }

  /// The line the plot stands on.
  var baseline: HTML {
    "<line class=\"axis\" x1=\"\(left)\" x2=\"\(plotRight)\" y1=\"\(plotBottom)\" y2=\"\(plotBottom)\"/>"
  }

  /// The drawing around the content, described for screen readers.
  func svg(_ description: String, _ content: HTML) -> HTML {
    "<svg viewBox=\"0 0 \(width) \(height)\" role=\"img\" aria-label=\"\(description)\">\(content)</svg>"
  }
}

/// One entry of a legend: a name and the CSS class that gives its colour.
struct LegendEntry {
  var name: String
  var style: String

  static func list(_ entries: [LegendEntry]) -> HTML {
    let items = entries.map { entry -> HTML in
      "<span class=\"key\"><i class=\"\(entry.style)\"></i>\(entry.name)</span>"
    }
    return "<div class=\"legend\">\(items)</div>"
  }
}

/// A chart with its title, legend and caption.
struct Figure {
  static func html(
    title: String, legend: [LegendEntry] = [], caption: String? = nil, wide: Bool = false, _ chart: HTML
  )
    -> HTML
  {
    let note: HTML = caption.map { "<p class=\"note\">\($0)</p>" } ?? ""
    let keys: HTML = legend.isEmpty ? "" : LegendEntry.list(legend)
    return
      "<figure class=\"\(wide ? "wide" : "")\"><figcaption>\(title)</figcaption>\(keys)\(chart)\(note)</figure>\n"
  }
}
