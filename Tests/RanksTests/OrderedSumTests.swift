import Ranks
import TestSupport
import Testing

/// Sums over ranks have the bits of one process that adds the same buffers one after the other.
@Suite struct OrderedSumTests {
  /// Numbers of very different sizes, whose sum depends on the order of additions.
  private static func buffer(_ number: Int, count: Int) -> [Float] {
    (0..<count).map { index in
      let size: Float = [1e8, 1, 1e-8, -1e8, 3][(number + index) % 5]
      return size * Float(1 + (7 * number + 3 * index) % 11)
    }
  }

  @Test(arguments: [1, 2, 3, 5], [1, 4, 17]) func theOrderIsThatOfOneProcess(ranks: Int, count: Int) throws {
    let rounds = 3
    var expected = Self.buffer(0, count: count)
    for number in 1..<rounds * ranks {
      for (index, value) in Self.buffer(number, count: count).enumerated() { expected[index] += value }
    }
    let found = ThreadRanks.run(ranks) { group in
      var sum = try OrderedSum(count, over: group)
      for round in 0..<rounds { try sum.add(Self.buffer(round * ranks + group.rank, count: count)) }
      return try sum.total()
    }
    for result in found { #expect(try result.get().map(\.bitPattern) == expected.map(\.bitPattern)) }
  }

  @Test func nothingChangesNoBit() throws {
    let values: [Float] = [0, -0.0, 1, -.infinity, .leastNonzeroMagnitude]
    let found = ThreadRanks.run(2) { group in
      var sum = try OrderedSum(values.count, over: group)
      try sum.add(group.rank == 1 ? values : values.map { _ in OrderedSum.nothing })
      return try sum.total()
    }
    for result in found { #expect(try result.get().map(\.bitPattern) == values.map(\.bitPattern)) }
  }

  @Test func whatIsSentIsWhatARingSends() {
    // 2 · (N − 1)/N of the buffer, in bytes of Float32.
    #expect(OrderedSum.bytesSent(1000, ranks: 2, rounds: 1) == 4 * 1000)
    #expect(OrderedSum.bytesSent(1000, ranks: 4, rounds: 1) == 4 * 1500)
    #expect(OrderedSum.bytesSent(1000, ranks: 2, rounds: 3) == 4 * 2000)
  }
}
