import CTensorKernels

extension BLAS {
  /// Columns and inner extent of the part of the second operand that is expanded at a time, 2 MiB as Float.
  private static let panelColumns = 512
  private static let panelDepth = 1024

  /// `c = op(a) · op(b)` for a matrix `b` stored in float16 or bfloat16, accumulated in Float32.
  ///
  /// Shapes are those of ``gemm(_:_:_:alpha:_:lda:transA:_:ldb:transB:beta:_:ldc:)``. A few rows of `a`
  /// against a transposed `b`, a linear layer's weight, read it as it is. Larger products expand panels of
  /// `b` into scratch memory, each thread its own, so that the whole matrix never exists in Float32.
  package static func gemm(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, lda: Int, transA: Bool,
    _ b: UnsafePointer<UInt16>, type: DType, ldb: Int, transB: Bool, _ c: UnsafeMutablePointer<Float>,
    ldc: Int
  ) {
    if m <= 0 || n <= 0 { return }
    prepare()
    let threads = Threads.count
    let isLarge = m * n * k >= parallelThreshold || (m <= fewRows && n * k >= streamingThreshold)
    let slice = isLarge && !Threads.isInParallelRegion ? sliceSize(n, threads, multipleOf: 16) : n
    Threads.parallel((n + slice - 1) / slice) { range in
      for index in range {
        let begin = index * slice
        let columns = min(n, begin + slice) - begin
        let part = b + begin * (transB ? ldb : 1)
        if m <= fewRows, transB, !transA {
          let product = type == .bfloat16 ? tk_small_product_bf16 : tk_small_product_f16
          product(
            Int64(m), Int64(columns), Int64(k), 1, a, Int64(lda), part, Int64(ldb), 0, c + begin, Int64(ldc))
        } else {
          panels(m, columns, k, a, lda, transA, transB: transB, c + begin, ldc) { row, first, count, panel in
            tk_convert(
              type.kernelCode, Int32(TK_TYPE_F32), Int64(count), part + row * ldb + first, 1, panel)
          }
        }
      }
    }
  }

  /// `c = op(a) · op(b)` where `expand` writes a run of elements of a stored row of `b` as Float32: row,
  /// first element, count, destination. Runs begin and end at multiples of 32 as far as rows do.
  static func panels(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ lda: Int, _ transA: Bool, transB: Bool,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int,
    expand: (_ row: Int, _ first: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) -> Void
  ) {
    let (depth, width) = (min(k, panelDepth), min(n, panelColumns))
    MemoryPool.withScratch(Float.self, count: max(1, depth * width)) { panel in
      for column in stride(from: 0, to: n, by: width) {
        let columns = min(n - column, width)
        for first in stride(from: 0, to: max(k, 1), by: max(depth, 1)) {
          let length = min(k - first, depth)
          let (rows, run) = transB ? (columns, length) : (length, columns)
          let (row, start) = transB ? (column, first) : (first, column)
          for index in 0..<rows { expand(row + index, start, run, panel + index * run) }
          serial(
            m, columns, length, 1, a + first * (transA ? lda : 1), lda, transA, panel, max(run, 1), transB,
            first == 0 ? 0 : 1, c + column, ldc)
        }
      }
    }
  }
}
