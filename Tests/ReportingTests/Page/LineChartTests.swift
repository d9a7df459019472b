import DPOTrain
import Reporting
import Testing

@Suite("Curves")
struct LineChartTests {
  @Test("A straight line stays one, ends included, and a mean is a mean in between")
  func smoothing() {
    let line = (0..<90).map { (x: Double($0), y: 3 - 0.25 * Double($0)) }
    for (one, other) in zip(line, LineChart.smoothed(line)) { #expect(abs(one.y - other.y) < 1e-12) }
    // 90 points: three on either side.
    let peak = (0..<90).map { (x: Double($0), y: $0 == 45 ? 7.0 : 0) }
    let smooth = LineChart.smoothed(peak).map(\.y)
    for index in 4..<86 { #expect(abs(smooth[index] - (abs(index - 45) <= 3 ? 1 : 0)) < 1e-12, "\(index)") }
    let curve = LineChart(series: [.init(name: "a", style: "after", points: peak)])
    #expect(curve.averaged == 7)
    #expect(
      LineChart(series: [.init(name: "a", style: "after", points: peak)], smooths: false).averaged == nil)
  }

  @Test("A map in which every patch got the same has no colour")
  func attentionScale() {
    let even = AttentionScale(.init(rows: 1, columns: 4, values: [[0.1, 0.1, 0.1, 0.1]]))
    #expect(even.strength(0.1) == 0 && even.most == 1)
    let scale = AttentionScale(.init(rows: 1, columns: 2, values: [[0.1, 0.1], [0.1, 0.5]]))
    #expect(abs(scale.most - 2.5) < 1e-12 && abs(scale.even - 0.2) < 1e-12)
    #expect(scale.strength(0.1) == 0 && scale.strength(0.2) == 0 && abs(scale.strength(0.5) - 1) < 1e-12)
    #expect(abs(scale.strength(0.35) - 0.5) < 1e-12 && scale.strength(.nan) == 0)
    let none = AttentionScale(.init(rows: 1, columns: 1, values: [[0]]))
    #expect(none.strength(0) == 0 && none.most == 1)
  }
}
