import CMIAOpenBLAS

/// Matrix products in row-major order.
///
/// A ``ProductPlan`` says which kernel computes a product and how threads share it. OpenBLAS, one of the
/// kernels, always runs on one thread here: products are cut into slices of rows or columns that our own
/// threads work on. Inside a parallel region a product stays on the calling thread.
package enum BLAS {
  private static let singleThreaded: Void = openblas_set_num_threads(1)

  /// Sets the library to one thread; every product does this first.
  @inline(__always)
  package static func prepare() { _ = singleThreaded }

  /// Name of the CPU kernels in use.
  package static var coreName: String { String(cString: openblas_get_corename()) }

  /// The library's version and build options.
  package static var configuration: String { String(cString: openblas_get_config()) }

  /// `c = alpha a b + beta c`. With `beta` zero `c` need not be initialised.
  ///
  /// Inlined: callers know what is transposed, and views passed through memory cost the smallest products a
  /// tenth of their time.
  @inline(__always)
  package static func gemm<T: BLASScalar>(
    alpha: T = 1, _ a: MatrixView<T>, _ b: MatrixView<T>, beta: T = 0, into c: MutableMatrixView<T>
  ) {
    assert(a.rows == c.rows && a.columns == b.rows && b.columns == c.columns)
    prepare()
    let plan = ProductPlan(
      m: c.rows, n: c.columns, k: a.columns, transA: a.isTransposed, transB: b.isTransposed, type: T.operand,
      threads: Threads.count, isInParallelRegion: Threads.isInParallelRegion)
    if plan.division == .none {
      run(plan.kernel, alpha, a, b, beta, c)
    } else {
      runDivided(plan, alpha, a, b, beta, c)
    }
  }

  /// What a plan says, on all threads; not inlined, so that small products need no room for it.
  @inline(never)
  private static func runDivided<T: BLASScalar>(
    _ plan: ProductPlan, _ alpha: T, _ a: MatrixView<T>, _ b: MatrixView<T>, _ beta: T,
    _ c: MutableMatrixView<T>
  ) {
    switch plan.division {
    case .none:
      break
    case .byKernel:
      T.packedProduct(alpha, a, b, beta, c, isParallel: true)
    case .columns(let size):
      forEachSlice(of: c.columns, size) { columns in
        let kernel = columns.count == size ? plan.kernel : plan.lastKernel
        run(kernel, alpha, a, b[columns: columns], beta, c[columns: columns])
      }
    case .rows(let size):
      forEachSlice(of: c.rows, size) { rows in
        let kernel = rows.count == size ? plan.kernel : plan.lastKernel
        run(kernel, alpha, a[rows: rows], b, beta, c[rows: rows])
      }
    }
  }

  /// One product per batch entry, of equal shapes; entry `i` starts at the given offsets.
  ///
  /// Entries of `c` must not overlap.
  package static func gemmBatch<T: BLASScalar>(
    count: Int, alpha: T = 1, _ a: MatrixView<T>, aOffset: (Int) -> Int, _ b: MatrixView<T>,
    bOffset: (Int) -> Int, beta: T = 0, into c: MutableMatrixView<T>, cOffset: (Int) -> Int
  ) {
    assert(a.rows == c.rows && a.columns == b.rows && b.columns == c.columns)
    if c.rows <= 0 || c.columns <= 0 || count <= 0 { return }
    prepare()
    let (m, n, k) = (c.rows, c.columns, a.columns)
    switch ProductPlan.batch(count: count, m: m, n: n, k: k, threads: Threads.count) {
    case .withinProducts:
      for i in 0..<count {
        gemm(
          alpha: alpha, a.advanced(by: aOffset(i)), b.advanced(by: bOffset(i)), beta: beta,
          into: c.advanced(by: cOffset(i)))
      }
    case .betweenProducts(let grain):
      let kernel = ProductPlan.kernel(m, n, k, transA: a.isTransposed, transB: b.isTransposed, T.operand)
      Threads.parallel(count, grain: grain) { range in
        for i in range {
          run(
            kernel, alpha, a.advanced(by: aOffset(i)), b.advanced(by: bOffset(i)), beta,
            c.advanced(by: cOffset(i)))
        }
      }
    }
  }

  /// Threads take slices of `0..<extent`, all of one size but the last.
  ///
  /// Slice by slice even when one thread gets several: a slice's shape decides its rounding.
  @inline(__always)
  static func forEachSlice(of extent: Int, _ size: Int, _ body: (Range<Int>) -> Void) {
    Threads.parallel((extent + size - 1) / size) { range in
      for index in range { body(index * size..<min(extent, (index + 1) * size)) }
    }
  }

  /// A number as the library counts.
  package static func libraryInteger(_ number: Int) -> Int32 {
    guard let result = Int32(exactly: number) else {
      tensorFailure(
        "matmul", "an extent or a distance of rows of \(number): the library counts to \(Int32.max)")
    }
    return result
  }

  /// A product on the calling thread.
  static func serial<T: BLASScalar>(
    alpha: T = 1, _ a: MatrixView<T>, _ b: MatrixView<T>, beta: T, into c: MutableMatrixView<T>
  ) {
    let kernel = ProductPlan.kernel(
      c.rows, c.columns, a.columns, transA: a.isTransposed, transB: b.isTransposed, T.operand)
    run(kernel, alpha, a, b, beta, c)
  }

  /// What a plan says, on the calling thread.
  @inline(__always)
  private static func run<T: BLASScalar>(
    _ kernel: ProductPlan.Kernel, _ alpha: T, _ a: MatrixView<T>, _ b: MatrixView<T>, _ beta: T,
    _ c: MutableMatrixView<T>
  ) {
    let (transA, transB) = (a.isTransposed, b.isTransposed)
    switch kernel {
    case .nothing:
      break
    case .scale:
      for i in 0..<c.rows {
        let row = c.pointer(row: i, column: 0)
        for j in 0..<c.columns { row[j] = beta == 0 ? 0 : beta * row[j] }
      }
    case .fewRows:
      T.fewRowsProduct(alpha, a, b, beta, c)
    case .thin:
      T.thinProduct(alpha, a, b, beta, c)
    case .packed:
      T.packedProduct(alpha, a, b, beta, c, isParallel: false)
    case .rowTimesMatrix:
      if beta == 0 { c.base.zero(count: c.columns) }
      T.gemvCall(
        transB ? CblasNoTrans : CblasTrans, libraryInteger(b.storedShape.rows),
        libraryInteger(b.storedShape.columns), alpha, b.base, libraryInteger(b.leadingDimension), a.base,
        libraryInteger(a.columnStride), beta, c.base, 1)
    case .matrixTimesColumn:
      if beta == 0 { for i in 0..<c.rows { c.base[i * c.rowStride] = 0 } }
      T.gemvCall(
        transA ? CblasTrans : CblasNoTrans, libraryInteger(a.storedShape.rows),
        libraryInteger(a.storedShape.columns), alpha, a.base, libraryInteger(a.leadingDimension), b.base,
        libraryInteger(b.rowStride), beta, c.base, libraryInteger(c.rowStride))
    case .library:
      T.gemmCall(
        transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, libraryInteger(c.rows),
        libraryInteger(c.columns), libraryInteger(a.columns), alpha, a.base,
        libraryInteger(a.leadingDimension), b.base, libraryInteger(b.leadingDimension), beta, c.base,
        libraryInteger(c.rowStride))
    case .panels:
      tensorFailure("matmul", "a plan expands matrices that are stored as numbers already")
    }
  }
}
