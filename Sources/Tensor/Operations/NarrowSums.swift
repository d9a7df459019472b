import CTensorKernels

/// Sums over many rows of few columns, such as the gradient of a bias of four numbers over a million points.
///
/// Row by row such a sum is a call for every row. Here as many rows as fill some vectors count as one wide
/// row, and threads share the rows in fixed pieces, so that the rounding does not depend on their number.
extension Tensor {
  private static let narrowPieces = 32
  /// Rows whose sums are added up in their own type, as in other sums of columns.
  private static let narrowGroup = 16

  /// Sums `axes` into `result` if they are the leading ones of a contiguous tensor and leave few columns.
  func sumNarrowColumns(_ axes: [Int], into result: Tensor) -> Bool {
    let width = result.count
    guard isContiguous, axes == Array(0..<axes.count), (1...64).contains(width) else { return false }
    let joined = 256 / width
    let depth = count / (width * joined * Self.narrowPieces) / 4 * 4
    if depth < Self.narrowGroup { return false }
    if dtype == .float32 {
      sumNarrow(joined, depth, result, Float.self, tk_accumulate_rows_f32, tk_carry_f32)
    } else {
      sumNarrow(joined, depth, result, Double.self, tk_accumulate_rows_f64, tk_carry_f64)
    }
    return true
  }

  /// Every piece is `depth` wide rows, a multiple of four, of `joined` rows each.
  private func sumNarrow<T: BinaryFloatingPoint>(
    _ joined: Int, _ depth: Int, _ result: Tensor, _: T.Type,
    _ addFour: (
      Int64, UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?, UnsafePointer<T>?,
      UnsafeMutablePointer<T>?
    ) -> Void,
    _ carry: (Int64, UnsafeMutablePointer<T>?, UnsafeMutablePointer<Double>?) -> Void
  ) {
    let (input, output) = (UnsafePointer(pointer(T.self)), result.pointer(T.self))
    let width = result.count
    let (lanes, pieces) = (joined * width, Self.narrowPieces)
    MemoryPool.withScratch(Double.self, count: pieces * lanes + width) { totals in
      totals.zero(count: pieces * lanes + width)
      Threads.parallel(pieces) { range in
        MemoryPool.withScratch(T.self, count: lanes) { partial in
          partial.zero(count: lanes)
          for piece in range {
            for row in stride(from: 0, to: depth, by: 4) {
              let x = input + (piece * depth + row) * lanes
              addFour(Int64(lanes), x, x + lanes, x + 2 * lanes, x + 3 * lanes, partial)
              if row + 4 == depth || (row + 4) % Self.narrowGroup == 0 {
                carry(Int64(lanes), partial, totals + piece * lanes)
              }
            }
          }
        }
      }
      let sums = totals + pieces * lanes
      for index in 0..<pieces * joined {
        for column in 0..<width { sums[column] += totals[index * width + column] }
      }
      for index in pieces * depth * joined..<count / width {
        for column in 0..<width { sums[column] += Double(input[index * width + column]) }
      }
      for column in 0..<width { output[column] = T(sums[column]) }
    }
  }
}
