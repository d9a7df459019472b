import DPOTrain
import Testing

@Suite struct PairSamplerTests {
  @Test(arguments: [true, false]) func pairsOfOneSortAreAllTrained(isSingle: Bool) {
    for share in [0, 0.25, 1] {
      let sampler = PairSampler(
        isSingle: Array(repeating: isSingle, count: 7), batchSize: 3, singleShare: share, seed: 1)
      #expect(sampler.stepsPerEpoch == 3)
      #expect((0..<3).flatMap { sampler.pairs(ofStep: $0) }.sorted() == Array(0..<7))
    }
  }

  @Test func aShareOfEveryStepIsSingle() {
    let flags = (0..<24).map { $0 % 4 == 0 }
    let sampler = PairSampler(isSingle: flags, batchSize: 8, singleShare: 0.25, seed: 1)
    for step in 0..<9 { #expect(sampler.pairs(ofStep: step).count { flags[$0] } == 2) }
  }
}
