/// The matrices in the last two axes of a tensor, for LAPACK.
enum MatrixBatch {
  /// Arithmetic operations below which another thread costs more than it brings.
  private static let workPerTask = 1 << 16

  /// Calls `body` for ranges of `0..<count`, on several threads when there is enough to do. LAPACK itself
  /// stays on the thread that calls it.
  /// - Parameter work: the arithmetic operations of one matrix.
  static func forEachRange(_ count: Int, work: Int, _ body: (Range<Int>) -> Void) {
    BLAS.prepare()
    let grain = Swift.max(1, workPerTask / Swift.max(1, work))
    Threads.forEachTask((count + grain - 1) / grain) { task in
      body(task * grain..<Swift.min(count, (task + 1) * grain))
    }
  }

  /// The columns of a right-hand side in parts that threads can solve for at the same time. The parts depend
  /// on the sizes alone, so the results do not depend on the number of threads.
  static func columnChunks(_ n: Int, _ columns: Int) -> [Range<Int>] {
    let width = n >= 256 && columns > 64 ? 64 : Swift.max(1, columns)
    return stride(from: 0, to: Swift.max(1, columns), by: width).map { $0..<Swift.min($0 + width, columns) }
  }

  /// As ``forEachRange(_:work:_:)`` for operations that can fail.
  ///
  /// `body` calls `report` with the number of a matrix and what is wrong with it; the first matrix is named.
  /// - Throws: ``LinearAlgebraError`` when something was reported.
  static func run(
    _ operation: String, batch: [Int], work: Int,
    _ body: (_ range: Range<Int>, _ report: (Int, LinearAlgebraError.Reason) -> Void) -> Void
  ) throws(LinearAlgebraError) {
    let count = batch.reduce(1, *)
    var reasons = [LinearAlgebraError.Reason?](repeating: nil, count: count)
    reasons.withUnsafeMutableBufferPointer { reasons in
      nonisolated(unsafe) let reasons = reasons
      forEachRange(count, work: work) { range in body(range) { reasons[$0] = $1 } }
    }
    guard let first = reasons.firstIndex(where: { $0 != nil }) else { return }
    throw LinearAlgebraError(
      operation: operation, matrix: first, batchShape: batch, reason: reasons[first].unsafelyUnwrapped)
  }
}

extension Tensor {
  /// The axes before the last two.
  var batchShape: [Int] { Array(shape.dropLast(2)) }

  /// The extents of the last two axes.
  /// - Precondition: float32 or float64 and at least two axes.
  func matrixSize(_ operation: String) -> (rows: Int, columns: Int) {
    tensorRequire(rank >= 2, operation, "needs at least two axes, found shape \(shape)")
    tensorRequire(
      dtype == .float32 || dtype == .float64, operation, "needs float32 or float64, found \(dtype)")
    tensorRequire(
      shape.allSatisfy { $0 <= Int(Int32.max) }, operation,
      "shape \(shape) is too large for the library's indices")
    return (shape[rank - 2], shape[rank - 1])
  }

  /// The extent of both of the last two axes.
  /// - Precondition: float32 or float64 and square matrices.
  func squareSize(_ operation: String) -> Int {
    let (rows, columns) = matrixSize(operation)
    tensorRequire(rows == columns, operation, "needs square matrices, found shape \(shape)")
    return rows
  }

  /// Calls `body` with `Float.self` or `Double.self`.
  func withLAPACK<Result, Failure: Error>(
    _ body: (any LAPACKScalar.Type) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if dtype == .float32 { try body(Float.self) } else { try body(Double.self) }
  }

  /// The numbers of this tensor's matrices that a batch of shape `batch` broadcasts to, in C order.
  func matrixNumbers(broadcastTo batch: [Int]) -> [Int] {
    let mine = batchShape
    var numbers = [0]
    for axis in batch.indices {
      let own = axis - (batch.count - mine.count)
      let extent = own < 0 ? 1 : mine[own]
      numbers = numbers.flatMap { number in
        (0..<batch[axis]).map { number * extent + (extent == 1 ? 0 : $0) }
      }
    }
    return numbers
  }

  /// Throws when a matrix has an element that is infinite or not a number. The tensor must be contiguous.
  func requireFinite(_ operation: String) throws(LinearAlgebraError) {
    let (rows, columns) = (shape[rank - 2], shape[rank - 1])
    let size = rows * columns
    if size == 0 { return }
    func check<T: LAPACKScalar>(_: T.Type) throws(LinearAlgebraError) {
      let values = pointer(T.self)
      try MatrixBatch.run(operation, batch: batchShape, work: size) { range, report in
        for matrix in range {
          let start = values + matrix * size
          if let index = (0..<size).first(where: { !start[$0].isFinite }) {
            report(
              matrix,
              .notFinite(row: index / columns, column: index % columns, value: start[index].asDouble))
          }
        }
      }
    }
    try withLAPACK { type throws(LinearAlgebraError) in try check(type) }
  }

  /// The lower triangle, mirrored onto the upper one.
  func mirroredLowerTriangle() -> Tensor {
    lowerTriangle() + lowerTriangle(diagonal: -1).transposed()
  }
}
