import MultiImageData
import Testing

@Suite struct LengthHistogramTests {
  @Test func binsAreRoundAndHoldEverything() {
    for top in [0, 1, 9, 10, 11, 55, 120, 999, 4321, 100_000] {
      let lengths = (0..<500).map { $0 * top / 499 }
      let histogram = LengthHistogram(lengths)
      let bins = histogram.bins
      #expect((1...12).contains(bins.count) && bins.map(\.count).reduce(0, +) == 500)
      #expect(bins[0].start == 0 && bins[0].count > 0 && bins[bins.count - 1].end >= top)
      #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.end + 1 == $1.start })
      #expect(histogram.least == 0 && histogram.most == top && histogram.lines.count == bins.count)
    }
  }

  @Test func aLongTailIsInTheLastBin() {
    let histogram = LengthHistogram([Int](repeating: 3, count: 200) + [5000])
    #expect(histogram.median == 3)
    #expect(histogram.bins.last == LengthHistogram.Bin(start: 3, end: 5000, count: 201))
    #expect(histogram.lines == ["   3–5000  201 " + String(repeating: "#", count: 40)])
    let gap = LengthHistogram([7, 9, 9])
    #expect(
      gap.lines == [
        "7–7  1 " + String(repeating: "#", count: 20), "8–8  0",
        "9–9  2 " + String(repeating: "#", count: 40),
      ])
  }

  @Test func nothingToCount() {
    #expect(LengthHistogram([]).bins.isEmpty && LengthHistogram([]).median == 0)
  }
}
