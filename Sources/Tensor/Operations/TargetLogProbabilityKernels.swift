import CTensorKernels

/// Log-probabilities of one target per row under `softmax(hidden · weightᵀ)` on raw memory.
///
/// The logits exist one block of rows × vocabulary at a time.
package enum TargetLogProbabilityKernels {
  /// How the output projection is stored: in the type that is computed in, in half precision, or in blocks.
  package enum WeightFormat: Sendable {
    case elements(DType)
    case blocks(BlockEncoding)
  }

  /// Logits held at once.
  private static let blockElements = 1 << 20
  /// Values of a quantised projection held at once.
  private static let expandedElements = 1 << 22

  private static func blockSizes(
    _ n: Int, _ vocabulary: Int, _ width: Int, _ format: WeightFormat
  ) -> (rows: Int, columns: Int) {
    let rows = min(n, 1024)
    let columns = max(64, min(vocabulary, blockElements / max(rows, 1)))
    guard case .blocks = format else { return (rows, columns) }
    return (rows, min(columns, max(64, expandedElements / max(width, 1))))
  }

  /// Writes rows of a stored projection as Float32; nil where they are in the type that is computed in.
  private static func expansion(
    _ weight: UnsafeRawPointer, _ format: WeightFormat, width: Int
  ) -> ((_ rows: Range<Int>, _ target: UnsafeMutablePointer<Float>) -> Void)? {
    switch format {
    case .elements(let type):
      guard type.isHalfPrecision else { return nil }
      return { rows, target in
        let source = weight + rows.lowerBound * width * type.byteSize
        Threads.parallel(rows.count * width, grain: 1 << 14) { range in
          tk_convert(
            type.kernelCode, Int32(TK_TYPE_F32), Int64(range.count),
            source + range.lowerBound * type.byteSize, 1, target + range.lowerBound)
        }
      }
    case .blocks(let encoding):
      let (length, size) = (encoding.blockLength, encoding.blockSize)
      let perRow = width / length
      return { rows, target in
        let source = weight + rows.lowerBound * perRow * size
        Threads.parallel(rows.count * perRow, grain: (1 << 14) / length) { range in
          encoding.expand(
            source + range.lowerBound * size, count: range.count, into: target + range.lowerBound * length)
        }
      }
    }
  }

  /// Calls `body` with each block of logits, row stride `ld`, and the rows of `weight` it came from; rows
  /// ascend in the outer loop. A weight in half precision, or quantised, is expanded block by block.
  private static func forEachBlock<T: FusedScalar>(
    n: Int, width: Int, vocabulary: Int, hidden: UnsafePointer<T>, weight: UnsafeRawPointer,
    format: WeightFormat,
    _ body: (
      _ rows: Range<Int>, _ columns: Range<Int>, _ logits: UnsafeMutablePointer<T>, _ ld: Int,
      _ weight: UnsafePointer<T>
    ) -> Void
  ) {
    let block = blockSizes(n, vocabulary, width, format)
    let expand = expansion(weight, format, width: width)
    MemoryPool.withScratch(Float.self, count: expand == nil ? 1 : block.columns * width) { expanded in
      MemoryPool.withScratch(T.self, count: block.rows * block.columns) { logits in
        for row in stride(from: 0, to: n, by: block.rows) {
          let rows = row..<min(n, row + block.rows)
          for column in stride(from: 0, to: vocabulary, by: block.columns) {
            let columns = column..<min(vocabulary, column + block.columns)
            let part: UnsafePointer<T>
            if let expand {
              // What is expanded is multiplied with Float32 alone.
              expand(columns, expanded)
              part = UnsafeRawPointer(expanded).assumingMemoryBound(to: T.self)
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
    format: WeightFormat, targets: UnsafePointer<Int32>, result: UnsafeMutablePointer<T>,
    lse: UnsafeMutablePointer<T>
  ) {
    MemoryPool.withScratch(T.self, count: 2 * n) { maximum in
      let sum = maximum + n
      maximum.update(repeating: -.infinity, count: n)
      sum.zero(count: n)
      forEachBlock(
        n: n, width: width, vocabulary: vocabulary, hidden: hidden, weight: weight, format: format
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
    format: WeightFormat, targets: UnsafePointer<Int32>, lse: UnsafePointer<T>, g: UnsafePointer<T>,
    hiddenGradient: UnsafeMutablePointer<T>?, weightGradient: UnsafeMutablePointer<T>?
  ) {
    forEachBlock(
      n: n, width: width, vocabulary: vocabulary, hidden: hidden, weight: weight, format: format
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
