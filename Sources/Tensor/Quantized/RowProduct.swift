import CTensorKernels

/// A matrix as it is stored, for products of a few rows with its transpose.
package struct StoredMatrix: Sendable {
  private enum Format {
    case float32, float16, bfloat16
    case blocks(BlockEncoding)
  }

  package let rows: Int
  package let columns: Int
  private let format: Format
  private let storage: Tensor

  /// A matrix of two axes in Float32, float16 or bfloat16.
  package init(_ tensor: Tensor) {
    rows = tensor.shape[0]
    columns = tensor.shape[1]
    format =
      switch tensor.dtype {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      default: tensorFailure("StoredMatrix", "expected float32, float16 or bfloat16, found \(tensor.dtype)")
      }
    storage = tensor.detached().contiguous()
  }

  package init(_ matrix: QuantizedMatrix) {
    rows = matrix.shape[0]
    columns = matrix.shape[1]
    format = .blocks(matrix.encoding)
    storage = matrix.blocks
  }

  /// Some columns of `c = alpha · a · selfᵀ + beta · c` on the calling thread.
  fileprivate func multiply(
    _ m: Int, _ a: UnsafePointer<Float>, lda: Int, _ outputs: Range<Int>, alpha: Float, beta: Float,
    _ c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    let (m, n, k) = (Int64(m), Int64(outputs.count), Int64(columns))
    let (lda, ldc, c) = (Int64(lda), Int64(ldc), c + outputs.lowerBound)
    let begin = outputs.lowerBound * columns
    switch format {
    case .float32:
      tk_small_product_f32(m, n, k, alpha, a, lda, storage.pointer(Float.self) + begin, k, beta, c, ldc)
    case .float16:
      tk_small_product_f16(m, n, k, alpha, a, lda, storage.pointer(UInt16.self) + begin, k, beta, c, ldc)
    case .bfloat16:
      tk_small_product_bf16(m, n, k, alpha, a, lda, storage.pointer(UInt16.self) + begin, k, beta, c, ldc)
    case .blocks(let encoding):
      let rowBytes = storage.shape[1]
      tk_block_product(
        encoding.kernelCode, m, n, k, alpha, a, lda,
        storage.pointer(UInt8.self) + outputs.lowerBound * rowBytes, Int64(rowBytes), beta, c, ldc)
    }
  }
}

/// A product of a few rows with a stored matrix, `c = alpha · a · matrixᵀ + bias + beta · c`, on raw memory.
package struct RowProduct {
  private let matrix: StoredMatrix
  private let a: UnsafePointer<Float>
  private let lda: Int
  private let c: UnsafeMutablePointer<Float>
  private let ldc: Int
  private let alpha: Float
  private let accumulates: Bool
  private let bias: UnsafePointer<Float>?

  /// - Parameters:
  ///   - bias: one number per row of the matrix.
  ///   - accumulates: whether the result is added to `c`.
  package init(
    _ matrix: StoredMatrix, _ a: UnsafePointer<Float>, lda: Int, into c: UnsafeMutablePointer<Float>,
    ldc: Int,
    alpha: Float = 1, accumulates: Bool = false, bias: UnsafePointer<Float>? = nil
  ) {
    self.matrix = matrix
    self.a = a
    self.lda = lda
    self.c = c
    self.ldc = ldc
    self.alpha = alpha
    self.accumulates = accumulates
    self.bias = bias
  }

  private func run(_ rows: Int, _ outputs: Range<Int>) {
    if let bias {
      for row in 0..<rows {
        let target = c + row * ldc
        for output in outputs { target[output] = bias[output] + (accumulates ? target[output] : 0) }
      }
    }
    matrix.multiply(
      rows, a, lda: lda, outputs, alpha: alpha, beta: accumulates || bias != nil ? 1 : 0, c, ldc: ldc)
  }

  package func run(rows: Int) { Self.run([self], rows: rows) }

  /// Runs products that do not depend on each other, threads sharing the rows of all matrices. How they are
  /// shared does not change a result.
  package static func run(_ products: [RowProduct], rows: Int) {
    let group = ProductPlan.rowGroup
    let groups = products.map { ($0.matrix.rows + group - 1) / group }
    let columns = products.reduce(1) { max($0, $1.matrix.columns) }
    Threads.parallel(groups.reduce(0, +), grain: ProductPlan.rowGroupGrain(columns: columns)) { range in
      var first = 0
      for (product, count) in zip(products, groups) {
        let part = range.clamped(to: first..<first + count)
        if !part.isEmpty {
          let begin = (part.lowerBound - first) * group
          product.run(rows, begin..<min((part.upperBound - first) * group, product.matrix.rows))
        }
        first += count
      }
    }
  }
}
