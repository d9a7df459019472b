import CTensorKernels

extension BLAS {
  /// Columns and inner extent of the part of the second operand that is expanded at a time, 2 MiB as Float.
  private static let panelColumns = 512
  private static let panelDepth = 1024

  /// `c = a b` for a matrix `b` stored in float16 or bfloat16, accumulated in Float32.
  ///
  /// A few rows of `a` against a transposed `b`, a linear layer's weight, read it as it is. Larger products
  /// expand panels of `b` into scratch memory, each thread its own, so that the whole matrix never exists in
  /// Float32.
  package static func gemm(
    _ a: MatrixView<Float>, _ b: MatrixView<UInt16>, type: DType, into c: MutableMatrixView<Float>
  ) {
    assert(a.rows == c.rows && a.columns == b.rows && b.columns == c.columns)
    prepare()
    let plan = ProductPlan(
      m: c.rows, n: c.columns, k: a.columns, transA: a.isTransposed, transB: b.isTransposed,
      type: .halfPrecision, threads: Threads.count, isInParallelRegion: Threads.isInParallelRegion)
    if case .columns(let size) = plan.division {
      forEachSlice(of: c.columns, size) { columns in
        run(plan.kernel, a, b[columns: columns], type: type, c[columns: columns])
      }
    } else {
      run(plan.kernel, a, b, type: type, c)
    }
  }

  /// What a plan says, on the calling thread.
  private static func run(
    _ kernel: ProductPlan.Kernel, _ a: MatrixView<Float>, _ b: MatrixView<UInt16>, type: DType,
    _ c: MutableMatrixView<Float>
  ) {
    if kernel == .fewRows {
      let product = type == .bfloat16 ? tk_small_product_bf16 : tk_small_product_f16
      product(
        Int64(c.rows), Int64(c.columns), Int64(a.columns), 1, a.base, Int64(a.leadingDimension), b.base,
        Int64(b.leadingDimension), 0, c.base, Int64(c.rowStride))
    } else if kernel == .panels {
      panels(a, transB: b.isTransposed, into: c) { row, first, count, panel in
        tk_convert(
          type.kernelCode, Int32(TK_TYPE_F32), Int64(count), b.base + row * b.leadingDimension + first, 1,
          panel)
      }
    }
  }

  /// `c = a b` where `expand` writes a run of elements of a stored row of `b` as Float32: row, first element,
  /// count, destination. Runs begin and end at multiples of 256 as far as rows do.
  static func panels(
    _ a: MatrixView<Float>, transB: Bool, into c: MutableMatrixView<Float>,
    expand: (_ row: Int, _ first: Int, _ count: Int, _ panel: UnsafeMutablePointer<Float>) -> Void
  ) {
    let (n, k) = (c.columns, a.columns)
    let (depth, width) = (min(k, panelDepth), min(n, panelColumns))
    MemoryPool.withScratch(Float.self, count: max(1, depth * width)) { panel in
      for column in stride(from: 0, to: n, by: width) {
        let columns = column..<min(n, column + width)
        for first in stride(from: 0, to: max(k, 1), by: max(depth, 1)) {
          let terms = first..<min(k, first + depth)
          let (rows, run) = transB ? (columns, terms) : (terms, columns)
          for index in 0..<rows.count {
            expand(rows.lowerBound + index, run.lowerBound, run.count, panel + index * run.count)
          }
          let part = MatrixView(panel, rows: rows.count, columns: run.count, rowStride: max(run.count, 1))
          serial(
            a[columns: terms], transB ? part.transposed : part, beta: first == 0 ? 0 : 1,
            into: c[columns: columns])
        }
      }
    }
  }
}
