import Tensor
import Testing

/// What several tasks may do at once. `scripts/sanitize` runs these under the thread sanitizer.
@Suite("Concurrency", .serialized) struct ConcurrencyTests {
  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomNormal(shape, using: &generator)
  }

  private func results<Result: Sendable>(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Result) async
    -> [Result]
  {
    await withTaskGroup(of: (Int, Result).self) { group in
      for index in 0..<tasks { group.addTask { (index, body(index)) } }
      var found: [(Int, Result)] = []
      for await result in group { found.append(result) }
      return found.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  @Test func writingACopyLeavesTheOthersAlone() async {
    let shared = random([64, 32], 1)
    let before = shared.array(of: Float.self)
    let sums = await results(8) { index in
      var mine = shared
      for row in 0..<64 {
        mine[row] = Tensor(Double(index))
        mine[row, 0] += Tensor(1)
      }
      return mine.sum().item() - 64
    }
    #expect(sums == (0..<8).map { Double($0) * 64 * 32 })
    #expect(shared.array(of: Float.self) == before)
  }

  @Test func memoryHandedOnIsWrittenInPlaceByItsLastOwner() async {
    let totals = await results(4) { index in
      var value = Tensor.zeros([1000])
      for _ in 0..<50 {
        let old = value
        value[0..<500] = old[500...] + Double(index)
      }
      return value.sum().item()
    }
    #expect(totals == [0, 500, 1000, 1500])
  }

  @Test func gradientsOfSharedParameters() async {
    let weight = Parameter(random([16, 24], 1))
    let inputs = (0..<6).map { random([5, 24], UInt64($0) + 2) }
    let work: @Sendable (Int) -> [Float] = { index in
      let loss = linear(inputs[index], weight: weight.tensor).gelu().square().mean()
      return loss.backward()[weight]!.array(of: Float.self)
    }
    let together = await results(6, work)
    #expect(together == (0..<6).map(work))
  }

  @Test func aRecordWalkedByTwoTasks() async {
    let x = random([40], 1).requiringGradient()
    let loss = (x.exp() * x).sum()
    let gradients = await results(4) { _ in loss.backward(keepingGraph: true)[x]!.array(of: Float.self) }
    #expect(gradients.allSatisfy { $0 == gradients[0] })
  }

  @Test func readersOfAParameterSeeAWholeValue() async {
    let parameter = Parameter(Tensor.zeros([512]))
    let torn = await results(5) { index in
      var found = 0
      for step in 1...200 {
        if index == 0 {
          parameter.update { value in value[.all] = Tensor(Double(step)) }
        } else {
          let seen = parameter.tensor.detached()
          if seen.max().item() != seen.min().item() { found += 1 }
        }
      }
      return found
    }
    #expect(torn == [0, 0, 0, 0, 0])
    #expect(parameter.tensor.max().item() == 200)
  }

  @Test func recordingIsSwitchedForOneThread() async {
    let x = random([8], 1).requiringGradient()
    let recorded = await results(6) { index in
      index % 2 == 0 ? noGradient { x.exp().requiresGradient } : x.exp().requiresGradient
    }
    #expect(recorded == [false, true, false, true, false, true])
  }

  @Test func largeOperationsFromSeveralTasks() async {
    let (a, b) = (random([180, 190], 1), random([190, 170], 2))
    let expected = (a.matmul(b).softmax() + 1).sum().item()
    let sums = await results(4) { index in
      if index == 3 {
        // A change of the number of threads waits for the region that runs.
        let before = Threads.count
        for count in [1, 3, 2, before] { Threads.count = count }
      }
      return (a.matmul(b).softmax() + 1).sum().item()
    }
    #expect(sums.allSatisfy { abs($0 - expected) < 1e-3 * expected })
  }

  @Test func memoryGoesBackToThePoolFromAnyThread() async {
    let counts = await results(6) { index in
      var kept: [Tensor] = []
      for step in 0..<120 {
        kept.append(Tensor.full([step * 7 + 1], Double(index)))
        if kept.count > 20 { kept.removeFirst(10) }
        if index == 0, step % 40 == 0 { TensorRuntime.trim() }
        if TensorRuntime.bytesInUse <= 0 { return -1 }
      }
      return kept.allSatisfy { $0.max().item() == Double(index) } ? 1 : 0
    }
    #expect(counts == [1, 1, 1, 1, 1, 1])
  }
}
