import DPOTrain
import Testing

@Suite("Record sampler")
struct RecordSamplerTests {
  @Test("an epoch visits every record once, its last step has the rest")
  func epoch() {
    let sampler = RecordSampler(recordCount: 10, batchSize: 4, seed: 7)
    #expect(sampler.stepsPerEpoch == 3)
    let steps = (0..<3).map { sampler.records(ofStep: $0) }
    #expect(steps.map(\.count) == [4, 4, 2])
    #expect(steps.flatMap { $0 }.sorted() == Array(0..<10))
    #expect(sampler.permutation(ofEpoch: 0) != sampler.permutation(ofEpoch: 1))
  }

  @Test("a position is enough to go on")
  func resume() {
    let sampler = RecordSampler(recordCount: 17, batchSize: 5, seed: 1)
    var cursor = RecordSampler.Cursor(sampler)
    for step in 0..<12 {
      #expect(cursor.records(ofStep: step) == sampler.records(ofStep: step))
    }
    #expect(
      RecordSampler(recordCount: 17, batchSize: 5, seed: 2).records(ofStep: 3) != sampler.records(ofStep: 3))
  }

  @Test func epochNumber() {
    let sampler = RecordSampler(recordCount: 10, batchSize: 4, seed: 7)
    #expect(sampler.epoch(afterSteps: 1) == 0.4)
    #expect(sampler.epoch(afterSteps: 3) == 1)
    #expect(sampler.epoch(afterSteps: 5) == 1.8)
  }
}

@Suite("Token batches")
struct TokenBatchesTests {
  @Test func consecutive() {
    #expect(TokenBatches.consecutive(lengths: [3, 4, 5, 9, 1], budget: 8) == [0..<2, 2..<3, 3..<4, 4..<5])
    #expect(
      TokenBatches.consecutive(lengths: [1, 1, 1, 1, 1], budget: 99, maximumRecords: 2) == [
        0..<2, 2..<4, 4..<5,
      ])
    #expect(TokenBatches.consecutive(lengths: [], budget: 8).isEmpty)
  }

  @Test("every record once, similar lengths together")
  func byLength() {
    let lengths = [5, 1, 4, 1, 5, 2]
    let batches = TokenBatches.byLength(lengths: lengths, budget: 6)
    #expect(batches == [[1, 3, 5], [2], [0], [4]])
  }
}
