import Tensor
import Testing

/// Every operation that takes positions, classes or targets, with one of them outside, in tensors that one
/// thread works on and in tensors that several do.
private let rows: [HostileCall] = [20, 70_000].flatMap { count -> [HostileCall] in
  let size = "\(count) positions"
  let table = Tensor.ones([10, 4])
  let source = Tensor.ones([count, 4])
  func positions(_ bad: Int64, at place: Int, _ dtype: DType = .int64) -> Tensor {
    var numbers = (0..<count).map { Int64($0 % 10) }
    numbers[place] = bad
    return Tensor(numbers).to(dtype)
  }
  let places = [
    (bad: Int64(10), at: count - 1), (Int64(-11), 0), (Int64.max, count / 2), (Int64.min, count / 3),
  ]
  let indexed = places.flatMap { bad, place -> [HostileCall] in
    let flat = positions(bad, at: place)
    let square = flat.reshaped([count, 1])
    let wide = square.expanded(to: [count, 4]).contiguous()
    let text = "\(bad) among \(size)"
    return [
      .init("rows", text) { _ = table.rows(at: flat) },
      .init("rows", "\(text), with a gradient") { _ = table.requiringGradient().rows(at: flat) },
      .init("indexSelect", text) { _ = table.transposed().indexSelect(axis: 1, flat) },
      .init("indexAdd", text) { _ = table.indexAdd(axis: 0, flat, source) },
      .init("gather", text) { _ = table.gather(axis: 0, square) },
      .init("gather", "\(text), along the last axis") {
        _ = Tensor.ones([count, 10]).gather(axis: 1, square)
      },
      .init("scatter", text) { _ = table.scatter(axis: 0, wide, source) },
      .init("scatterAdd", text) { _ = table.scatterAdd(axis: 0, wide, source) },
      .init("subscript", text) { _ = table[flat] },
      .init("subscript", "\(text), two lists") { _ = table[flat, Tensor.zeros([count], dtype: .int64)] },
      .init("subscript", "\(text), assigned to") {
        var target = table
        target[flat] = Tensor(0)
      },
    ]
  }
  let classes = [(bad: Int64(10), at: count - 1), (Int64(-1), 0), (Int64.max, count / 2)]
  let logits = Tensor.ones([count, 10])
  let counted = classes.flatMap { bad, place -> [HostileCall] in
    let flat = positions(bad, at: place)
    let text = "class \(bad) among \(size)"
    return [
      .init("crossEntropy", text) { _ = crossEntropy(logits, targets: flat) },
      .init("nllLoss", text) { _ = nllLoss(logits, targets: flat) },
      .init("Embedding", text) { _ = Embedding(weight: Parameter(table))(flat) },
      .init("targetLogProbabilities", text) {
        _ = targetLogProbabilities(
          hidden: source, weight: table,
          targets: flat.array(of: Int64.self).map { Int32(clamping: $0) })
      },
    ]
  }
  return indexed + counted
}

@Suite struct IndexErrorTests {
  @Test(arguments: rows) func everyPositionIsChecked(_ row: HostileCall) throws {
    let error = #expect(throws: TensorError.self, "\(row.call)") { try withTensorErrors(row.body) }
    #expect(error?.operation == row.operation, "\(row.call): \(error.map { "\($0)" } ?? "")")
  }

  /// A check that fails in a part of an operation that another thread works on ends the operation, not the
  /// program.
  @Test func failuresInParallelRegionsReachTheCaller() throws {
    for bad in [0, 1, 500, 999] {
      for _ in 0..<20 {
        let ranges = #expect(throws: TensorError.self) {
          try withTensorErrors {
            Threads.parallel(1000) { range in
              let scratch = Tensor.ones([range.count])
              if range.contains(bad) { tensorFailure("region", "element \(bad) of \(scratch.count)") }
            }
          }
        }
        #expect(ranges?.operation == "region")
        let tasks = #expect(throws: TensorError.self) {
          try withTensorErrors {
            Threads.forEachTask(1000) { if $0 == bad { tensorFailure("task", "number \(bad)") } }
          }
        }
        #expect(tasks?.message == "number \(bad)")
      }
    }
    #expect(Tensor.ones([300, 300]).matmul(Tensor.ones([300, 300])).sum().item() == 27_000_000)
    #expect(!Threads.isInParallelRegion)
  }

  @Test func extentsBeyondTheLibrarysIntegersHaveASentence() {
    #expect(BLAS.libraryInteger(Int(Int32.max)) == .max)
    let error = #expect(throws: TensorError.self) {
      _ = try withTensorErrors { BLAS.libraryInteger(1 << 31) }
    }
    #expect(
      error?.description
        == "[matmul] an extent or a distance of rows of 2147483648: the library counts to 2147483647")
  }

  @Test func negativePositionsCountFromTheBackButClassesDoNot() {
    let table = Tensor([1, 2, 3] as [Float])
    #expect(table.gather(axis: 0, Tensor([-1] as [Int64])).array(of: Float.self) == [3])
    #expect(table.rows(at: Tensor([-3] as [Int64])).array(of: Float.self) == [1])
  }
}
