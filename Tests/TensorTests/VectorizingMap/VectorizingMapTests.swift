import Tensor
import Testing

/// `vmap` beside the plain loop.
@Suite struct VectorizingMapTableTests {
  static let rows =
    VectorizingMapRow.ofElements + VectorizingMapRow.ofProducts + VectorizingMapRow.ofAxes
    + VectorizingMapRow.ofShapes + VectorizingMapRow.ofFunctions + VectorizingMapRow.oneByOne

  @Test(arguments: rows) func values(_ row: VectorizingMapRow) { row.checkValues() }

  @Test(arguments: rows) func gradients(_ row: VectorizingMapRow) { row.checkGradients() }
}

/// What a function does beside its result.
@Suite struct VectorizingMapEffectTests {
  private let x = VectorizingMapRow.numbers([4, 3])

  /// Every example draws numbers of its own, in their order.
  @Test func randomNumbers() {
    func run(chunkSize: Int?) -> (Tensor, RandomGenerator) {
      var generator = RandomGenerator(seed: 7)
      let result = vmap(
        { $0 + Tensor.randomNormal([3], dtype: .float64, using: &generator) + generator.uniform() },
        chunkSize: chunkSize)(x)
      return (result, generator)
    }
    let (found, expected) = (run(chunkSize: nil), run(chunkSize: 1))
    #expect(found.0.array(of: Double.self) == expected.0.array(of: Double.self))
    #expect(found.1 == expected.1)
  }

  /// The same when the result is recorded.
  @Test func randomNumbersInTheRecord() {
    func run(chunkSize: Int?) -> ([Double], RandomGenerator) {
      var generator = RandomGenerator(seed: 7)
      let leaf = x.requiringGradient()
      let result = vmap(
        { dropout($0.exp(), probability: 0.5, using: &generator) * $0 }, chunkSize: chunkSize)(leaf)
      return (result.sum().backward()[leaf]!.array(of: Double.self), generator)
    }
    let (found, expected) = (run(chunkSize: nil), run(chunkSize: 1))
    #expect(zip(found.0, expected.0).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(found.1 == expected.1)
  }

  /// What a function reads and keeps, it keeps once for each example.
  @Test func numbersThatAreKept() {
    var kept: [Double] = []
    _ = vmap {
      kept.append($0.sum().item())
      return $0
    }(x)
    #expect(kept.count == 4)
    for (value, expected) in zip(kept, x.sum(axes: [1]).array(of: Double.self)) {
      #expect(abs(value - expected) < 1e-12)
    }
  }

  /// Tensors that are left behind are noticed: they are those of one call after the other.
  @Test func tensorsThatAreLeftBehind() {
    var (total, all) = (Tensor.zeros([], dtype: .float64), [Tensor]())
    let sums = vmap {
      total += $0.sum()
      all.append($0 * 2)
      return total * 1
    }(x)
    let expected = x.sum(axes: [1]).cumsum(axis: 0)
    #expect(sums.isClose(to: expected))
    #expect(total.isClose(to: expected[3]))
    #expect(Tensor.stacked(all).isClose(to: x * 2))
  }

  /// A captured tensor that is written to.
  @Test func assignmentToWhatIsCaptured() {
    var table = Tensor.zeros([2, 3], dtype: .float64)
    let alias = table
    let result = vmap { (row: Tensor) -> Tensor in
      table[1] = row
      return table.sum(axes: [0])
    }(x)
    #expect(result.isClose(to: x))
    #expect(table[1].isClose(to: x[3]))
    #expect(alias.isClose(to: Tensor.zeros([2, 3], dtype: .float64)))
  }

  /// Neither the operand nor other copies of the result change when the result is written to.
  @Test func writingToResults() {
    for function in [{ $0 }, { _ in Tensor.ones([3], dtype: .float64) }] as [(Tensor) -> Tensor] {
      let before = x.array(of: Double.self)
      var result = vmap(function)(x)
      let copy = result
      let old = copy.array(of: Double.self)
      result[0, 0] = Tensor(9.0)
      result[1] += 1
      #expect(result[1, 0].item() == old[3] + 1)
      #expect(copy.array(of: Double.self) == old)
      #expect(x.array(of: Double.self) == before)
    }
  }

  /// How often a function is called, which nothing but a counter of its own sees.
  @Test func calls() {
    var calls = 0
    func counted(_ x: Tensor) -> Tensor {
      calls += 1
      return x * 2
    }
    _ = vmap(counted)(x)
    #expect(calls == 1)
    _ = vmap(counted, chunkSize: 3)(x)
    #expect(calls == 3)
    _ = vmap(counted, chunkSize: 1)(x)
    #expect(calls == 7)
  }

  /// Mistakes are told in the words of a plain loop.
  @Test(
    arguments: [
      { $0 + Tensor.ones([4]) }, { $0.matmul(Tensor.ones([4, 2])) }, { $0.sum(axes: [1]) },
      { $0.reshaped([2, 2]) }, { $0.permuted([1, 0]) }, { linear($0, weight: Tensor.ones([2, 4])) },
      { $0.softmax(axis: 1) }, { Tensor.concatenated([$0, Tensor.ones([1, 2])]) }, { $0[3] },
      { $0.slice(axis: 0, 1..<5) }, { Tensor.select($0, $0, $0) }, { $0.expanded(to: [4]) },
      { layerNorm($0, weight: Tensor.ones([2])) }, { $0.squeezed(axis: 0) }, { $0.cumsum(axis: 1) },
      { Tensor.select($0 .> 0, $0, Tensor.ones([2])) }, { $0.item() > 0 ? $0 : $0 },
    ] as [@Sendable (Tensor) -> Tensor])
  func mistakes(_ function: @escaping @Sendable (Tensor) -> Tensor) {
    func error(chunkSize: Int?) -> String {
      let x = x
      do {
        _ = try withTensorErrors { vmap(function, chunkSize: chunkSize)(x) }
        return "none"
      } catch { return "\(error)" }
    }
    let found = error(chunkSize: nil)
    #expect(found != "none")
    #expect(found == error(chunkSize: 1))
  }

  /// Maps on several threads, and a function whose work another thread does.
  @Test func threads() async {
    let x = x
    let expected = x.exp().sum(axes: [1]).array(of: Double.self)
    await withTaskGroup(of: [Double].self) { group in
      for task in 0..<8 {
        group.addTask {
          vmap { (row: Tensor) -> Tensor in
            if task % 2 == 0 { return row.exp().sum() }
            return (try? withTensorErrors { row.exp().sum() }) ?? row
          }(x).array(of: Double.self)
        }
      }
      for await result in group { #expect(zip(result, expected).allSatisfy { abs($0 - $1) < 1e-12 }) }
    }
  }
}
