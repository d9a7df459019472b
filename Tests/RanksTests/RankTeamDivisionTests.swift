import Foundation
import Ranks
import Records
import TestSupport
import Testing

/// Pieces of work that ranks divide among themselves.
@Suite struct RankTeamDivisionTests {
  private struct Row: JSONRow, Equatable {
    var piece: Int
    var rank: Int
    var json: OrderedJSON { .members(["piece": .integer(piece), "rank": .integer(rank)]) }
  }

  private struct Broken: Error, Equatable {}

  /// What the lead keeps of the pieces 10, 13, …, two rows each, and what was kept elsewhere.
  private func kept(_ pieces: Int, ranks: Int) throws -> (lead: [[Row]], others: Int) {
    let found = ThreadRanks.run(ranks) { group in
      var kept: [[Row]] = []
      let all = group.rank == 0 ? (0..<pieces).map { 10 + 3 * $0 } : [7]
      try RankTeam(group).divide(
        all, stop: {}, compute: { [Row(piece: $0, rank: group.rank), Row(piece: -$0, rank: group.rank)] }
      ) { kept.append($0) }
      return kept
    }
    let kept = try found.map { try $0.get() }
    return (kept[0], kept.dropFirst().reduce(0) { $0 + $1.count })
  }

  @Test(arguments: [1, 2, 3, 5], [0, 1, 2, 3, 7, 10])
  func theLeadKeepsEveryPieceInOrder(ranks: Int, pieces: Int) throws {
    let (lead, others) = try kept(pieces, ranks: ranks)
    #expect(lead.map { $0.map(\.piece) } == (0..<pieces).map { [10 + 3 * $0, -10 - 3 * $0] })
    #expect(lead.map { $0[0].rank } == (0..<pieces).map { $0 % ranks })
    #expect(others == 0)
  }

  @Test func numbersArriveWithTheirBits() throws {
    let values: [Float] = [.nan, -.infinity, -0.0, 0.1, .leastNonzeroMagnitude]
    let found = ThreadRanks.run(2) { group in
      var kept: [UInt32] = []
      try RankTeam(group).divide(
        Array(values.indices), stop: {}, compute: { values[$0] },
        sent: (
          encode: { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) } },
          decode: { bytes in Float(bitPattern: bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }) }
        )
      ) { kept.append($0.bitPattern) }
      return kept
    }
    #expect(try found[0].get() == values.map(\.bitPattern))
    #expect(try found[1].get() == [])
  }

  /// A row that cannot be read is an error, never a row less.
  @Test func whatCannotBeReadIsAnError() throws {
    struct Torn: JSONRow {
      var json: OrderedJSON { .members(["number": .number(.nan)]) }
      let number: Double
    }
    let found = ThreadRanks.run(2) { group in
      try RankTeam(group).divide([0, 1], stop: {}, compute: { _ in [Torn(number: .nan)] }, keep: { _ in })
    }
    #expect(throws: DecodingError.self) { try found[0].get() }
  }

  @Test func whatFailsHereIsThrownHere() throws {
    #expect(throws: Broken()) {
      try RankTeam.alone.divide([1, 2], stop: {}, compute: { _ -> [Row] in throw Broken() }, keep: { _ in })
    }
    var kept = 0
    #expect(throws: Broken()) {
      try RankTeam.alone.divide([1, 2], stop: {}, compute: { [Row(piece: $0, rank: 0)] }) { _ in
        kept += 1
        throw Broken()
      }
    }
    #expect(kept == 1)
  }
}
