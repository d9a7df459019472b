import Ranks
import TestSupport
import Testing

/// What ranks agree in, and how they come to the same end.
@Suite struct RankTeamTests {
  private struct Broken: Error, Equatable, CustomStringConvertible {
    var description: String { "the picture a.png is broken" }
  }

  @Test func allGetWhatTheLeadComputes() throws {
    let found = ThreadRanks.run(3) { group in
      try RankTeam(group).sharedNumbers { group.rank == 0 ? [0.1, -.infinity] : [7] }
    }
    for result in found { #expect(try result.get() == [0.1, -.infinity]) }
  }

  @Test func anErrorOfTheLeadIsEverybodysEnd() throws {
    let found = ThreadRanks.run(2) { group -> (any Error, Bool)? in
      let team = try RankTeam(group)
      do {
        _ = try team.shared { throw Broken() }
        return nil
      } catch {
        return (error, team.hasAgreedToEnd)
      }
    }
    let (lead, other) = (try found[0].get(), try found[1].get())
    #expect(lead?.0 as? Broken == Broken() && lead?.1 == true)
    #expect(other?.0 as? RankError == .leadStopped && other?.1 == true)
  }

  @Test func anErrorOfAnotherRankIsToldWithItsName() throws {
    let found = ThreadRanks.run(3) { group in
      try RankTeam(group).agreed { if group.rank == 2 { throw Broken() } }
    }
    guard case .failure(let error) = found[0] else {
      Issue.record("the lead went on")
      return
    }
    #expect("\(error)".hasPrefix("rank 2 of 3 on "))
    #expect("\(error)".hasSuffix(": the picture a.png is broken"))
    for other in found[1...] {
      #expect(throws: RankError.leadStopped) { try other.get() }
    }
  }

  @Test func whatDiffersIsToldWithBothValues() throws {
    let found = ThreadRanks.run(2) { group in
      try RankTeam(group).requireSame([
        ("dpotrain", "0.1"), ("run.threads", "\(1 + group.rank)"), ("more", "\(group.rank)"),
      ])
    }
    guard case .failure(let error) = found[0] else {
      Issue.record("the lead went on")
      return
    }
    #expect("\(error)".hasSuffix(": found run.threads 2, expected 1 as on rank 0"))
    #expect(throws: RankError.leadStopped) { try found[1].get() }
  }

  @Test func theSameIsNoError() throws {
    let found = ThreadRanks.run(2) { group in
      try RankTeam(group).requireSame([("a value with\na line break", ""), ("b", "=")])
    }
    for result in found { try result.get() }
  }

  @Test func aProcessAloneAsksNobody() throws {
    let team = RankTeam.alone
    #expect(team.isLead && team.isAlone && team.count == 1)
    #expect(try team.numbers([1, 2]) == [[1, 2]])
    #expect(throws: Broken()) { try team.together { throw Broken() } }
  }
}
