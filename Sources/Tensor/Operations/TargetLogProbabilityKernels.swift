import CTensorKernels

/// Log-probabilities of one target per row under `softmax(hidden · weightᵀ)` on raw memory.
///
/// The logits exist one block of rows × vocabulary at a time.
package enum TargetLogProbabilityKernels {
  /// Logits held at once.
  private static let blockElements = 1 << 20

  private static func blockSizes(_ n: Int, _ vocabulary: Int) -> (rows: Int, columns: Int) {
    let rows = min(n, 1024)
    return (rows, max(64, min(vocabulary, blockElements / max(rows, 1))))
  }

  /// Calls `body` with each block of logits, row stride `ld`, and the rows of `weight` it came from; rows
  /// ascend in the outer loop. A weight in half precision is expanded block by block.
  private static func forEachBlock<T: FusedScalar>(
    n: Int, width: Int, vocabulary: Int, hidden: UnsafePointer<T>, weight: UnsafeRawPointer,
    weightType: DType,
    _ body: (
      _ rows: Range<Int>, _ columns: Range<Int>, _ logits: UnsafeMutablePointer<T>, _ ld: Int,
      _ weight: UnsafePointer<T>
    ) -> Void
  ) {
    let block = blockSizes(n, vocabulary)
    let expands = weightType.isHalfPrecision
    MemoryPool.withScratch(T.self, count: expands ? block.columns * width : 1) { expanded in
      MemoryPool.withScratch(T.self, count: block.rows * block.columns) { logits in
        for row in stride(from: 0, to: n, by: block.rows) {
          let rows = row..<min(n, row + block.rows)
          for column in stride(from: 0, to: vocabulary, by: block.columns) {
            let columns = column..<min(vocabulary, column + block.columns)
            let part: UnsafePointer<T>
            if expands {
              let source = weight + column * width * weightType.byteSize
              Threads.parallel(columns.count * width, grain: 1 << 14) { range in
                tk_convert(
                  weightType.kernelCode, Int32(TK_TYPE_F32), Int64(range.count),
                  source + range.lowerBound * weightType.byteSize, 1, expanded + range.lowerBound)
              }
              part = UnsafePointer(expanded)
            } else {
              part = weight.assumingMemoryBound(to: T.self) + column * width
            }
            BLAS.gemm(
              MatrixView(hidden + row * width, rows: rows.count, columns: width),
              MatrixView(part, rows: columns.count, columns: width).transposed,
              into: MutableMatrixView(
                logits, rows: rows.count, columns: columns.count, rowStride: block.columns))
            body(rows, columns, logits, block.columns, part)
          }
        }
      }
    }
  }

  /// Writes the log-probability of `targets[i]` and the log-sum-exp of row `i`'s logits.
  package static func forward<T: FusedScalar>(
    n: Int, width: Int, vocabulary: Int, hidden: UnsafePointer<T>, weight: UnsafeRawPointer,
    weightType: DType, targets: UnsafePointer<Int32>, result: UnsafeMutablePointer<T>,
    lse: UnsafeMutablePointer<T>
  ) {
    MemoryPool.withScratch(T.self, count: 2 * n) { maximum in
      let sum = maximum + n
      maximum.update(repeating: -.infinity, count: n)
      sum.zero(count: n)
      forEachBlock(
        n: n, width: width, vocabulary: vocabulary, hidden: hidden, weight: weight, weightType: weightType
      ) { rows, columns, logits, ld, _ in
        Threads.parallel(rows.count, grain: max(1, 16384 / columns.count)) { part in
          let first = rows.lowerBound + part.lowerBound
          let block = logits + part.lowerBound * ld
          T.logSumExpUpdateKernel(
            block, Int64(ld), Int64(part.count), Int64(columns.count), maximum + first, sum + first)
          for row in first..<first + part.count {
            let target = Int(targets[row])
            if columns.contains(target) {
              result[row] = logits[(row - rows.lowerBound) * ld + target - columns.lowerBound]
            }
          }
        }
      }
      for row in 0..<n {
        lse[row] = maximum[row] + T.logarithm(sum[row])
        result[row] -= lse[row]
      }
    }
  }

  /// Gradients of `hidden` and `weight` for the gradient `g` of the log-probabilities; nil for one not
  /// wanted.
  package static func backward<T: FusedScalar>(
    n: Int, width: Int, vocabulary: Int, hidden: UnsafePointer<T>, weight: UnsafeRawPointer,
    weightType: DType, targets: UnsafePointer<Int32>, lse: UnsafePointer<T>, g: UnsafePointer<T>,
    hiddenGradient: UnsafeMutablePointer<T>?, weightGradient: UnsafeMutablePointer<T>?
  ) {
    forEachBlock(
      n: n, width: width, vocabulary: vocabulary, hidden: hidden, weight: weight, weightType: weightType
    ) { rows, columns, logits, ld, part in
      Threads.parallel(rows.count, grain: max(1, 16384 / columns.count)) { part in
        let first = rows.lowerBound + part.lowerBound
        T.targetGradientKernel(
          logits + part.lowerBound * ld, Int64(ld), Int64(part.count), Int64(columns.count), lse + first,
          g + first,
          targets + first, Int64(columns.lowerBound))
      }
      let gradient = MatrixView(
        UnsafePointer(logits), rows: rows.count, columns: columns.count, rowStride: ld)
      if let hiddenGradient {
        BLAS.gemm(
          gradient, MatrixView(part, rows: columns.count, columns: width),
          beta: columns.lowerBound == 0 ? 0 : 1,
          into: MutableMatrixView(hiddenGradient, rows: n, columns: width)[rows: rows])
      }
      if let weightGradient {
        BLAS.gemm(
          gradient.transposed, MatrixView(hidden, rows: n, columns: width)[rows: rows],
          beta: rows.lowerBound == 0 ? 0 : 1,
          into: MutableMatrixView(weightGradient, rows: vocabulary, columns: width)[rows: columns])
      }
    }
  }
}
