import DPOTrain
import Foundation
import LVLM
import Ranks
import Tensor
import TestSupport
import Testing

/// A step over ranks is the step of one process with the same micro-batches, to the last bit.
@Suite struct RankedObjectiveTests {
  /// What a step comes to, in bits.
  private struct Bits: Sendable, Equatable {
    var loss: UInt64
    var tokens: Int
    var metrics: [String: [UInt64]]
    var gradients: [String: [UInt32]]

    init(_ outcome: StepOutcome, of setup: PreferenceObjectiveTests.Setup) {
      loss = outcome.loss.bitPattern
      tokens = outcome.tokens
      metrics = Dictionary(
        uniqueKeysWithValues: outcome.metrics.map { ($0.name, [$0.value.bitPattern, $0.weight.bitPattern]) })
      gradients = [:]
      for (name, parameter) in setup.model.trainableParameters() {
        gradients[name] = outcome.gradients[parameter]?.array(of: Float.self).map(\.bitPattern)
      }
    }
  }

  /// Steps of one process, or of one of several ranks.
  private static func steps(
    microBatch: Int, ballast: Bool, dropout: Double = 0, team: RankTeam = .alone
  ) throws -> [Bits] {
    let setup = try PreferenceObjectiveTests.Setup()
    if dropout > 0 {
      var generator = RandomGenerator(seed: 8)
      setup.model.applyLoRA(rank: 2, alpha: 4, using: &generator)
    }
    let right = setup.pairs.prefix(3).map { pair in
      var example = pair
      example.completions.removeLast()
      return example
    }
    let known = try setup.values(setup.pairs).map {
      PairLogProbabilities(chosen: $0.chosen - 1, rejected: $0.rejected)
    }
    let values = Dictionary(uniqueKeysWithValues: zip(setup.pairs.map(\.id), known))
    // Eight pairs in steps of five: the second step has three.
    let objective = try setup.objective(
      batch: 5, microBatch: microBatch, ballast: ballast ? Ballast(right, perStep: 3, seed: 1) : nil,
      dropout: dropout > 0 ? AdapterDropout(probability: dropout, seed: 1) : nil, team: team,
      reference: { values[$0.id]! })
    return try (0..<2).map { Bits(try objective.outcome(ofStep: $0), of: setup) }
  }

  @Test(arguments: [2, 3], [false, true]) func aStepHasTheBitsOfOneProcess(ranks: Int, ballast: Bool) throws {
    let expected = try Self.steps(microBatch: 1, ballast: ballast)
    let found = ThreadRanks.run(ranks) { group in
      try Self.steps(microBatch: 1, ballast: ballast, team: RankTeam(group))
    }
    for result in found { #expect(try result.get() == expected) }
  }

  @Test func dropoutIsThatOfOneProcess() throws {
    let expected = try Self.steps(microBatch: 1, ballast: false, dropout: 0.5)
    let found = ThreadRanks.run(2) { group in
      try Self.steps(microBatch: 1, ballast: false, dropout: 0.5, team: RankTeam(group))
    }
    for result in found { #expect(try result.get() == expected) }
  }

  /// Fewer micro-batches than ranks are cut: five pairs at a time over two ranks are three and two, as one
  /// process with three at a time has them.
  @Test func oneMicroBatchIsCutForTwoRanks() throws {
    let found = try ThreadRanks.run(2) { group in
      try Self.steps(microBatch: 5, ballast: false, team: RankTeam(group))
    }.map { try $0.get() }
    let cut = try Self.steps(microBatch: 3, ballast: false)
    #expect(found[0][0] == cut[0])
    #expect(found[0] == found[1])
    let whole = try Self.steps(microBatch: 5, ballast: false)
    #expect(abs(Double(bitPattern: found[0][0].loss) - Double(bitPattern: whole[0].loss)) < 1e-5)
  }

  @Test func microBatchesGoRoundTheRanks() {
    let slices = StepSlices(pairs: 7, ballast: 3, microBatch: 2, ranks: 4)
    #expect(
      slices.all == [
        .pairs(0..<2), .pairs(2..<4), .pairs(4..<6), .pairs(6..<7), .ballast(0..<2), .ballast(2..<3),
      ])
    #expect(slices.rounds == 2)
    #expect(slices.slice(ofRank: 1, round: 1) == .ballast(2..<3))
    #expect(slices.slice(ofRank: 2, round: 1) == nil)
    let cut = StepSlices(pairs: 8, ballast: 0, microBatch: 8, ranks: 2)
    #expect(cut.all == [.pairs(0..<4), .pairs(4..<8)])
    // A step at the end of an epoch may have fewer pairs than there are ranks.
    #expect(StepSlices(pairs: 2, ballast: 0, microBatch: 8, ranks: 3).all.count == 2)
  }
}
