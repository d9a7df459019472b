import CMIAOpenBLAS
import CTensorKernels

/// Element types with matrix products.
package protocol BLASScalar: BinaryFloatingPoint {
  /// What plans of products call this type.
  static var operand: ProductPlan.Operand { get }
  /// One call of the library's matrix product on the calling thread.
  static func gemmCall(
    _ transA: CBLAS_TRANSPOSE, _ transB: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Self,
    _ a: UnsafePointer<Self>, _ lda: Int32, _ b: UnsafePointer<Self>, _ ldb: Int32, _ beta: Self,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int32)
  /// One call of the library's matrix-vector product on the calling thread.
  static func gemvCall(
    _ trans: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int32,
    _ x: UnsafePointer<Self>, _ incx: Int32, _ beta: Self, _ y: UnsafeMutablePointer<Self>, _ incy: Int32)
  /// Our own product of a few rows of `a` with a transposed `b`.
  static func fewRowsProduct(
    _ alpha: Self, _ a: MatrixView<Self>, _ b: MatrixView<Self>, _ beta: Self, _ c: MutableMatrixView<Self>)
  /// Our own product of a few rows or columns of `a` with a `b` stored by rows.
  static func thinProduct(
    _ alpha: Self, _ a: MatrixView<Self>, _ b: MatrixView<Self>, _ beta: Self, _ c: MutableMatrixView<Self>)
  /// Our own product with a packed copy of `b`, on all threads if the last argument says so.
  static func packedProduct(
    _ alpha: Self, _ a: MatrixView<Self>, _ b: MatrixView<Self>, _ beta: Self, _ c: MutableMatrixView<Self>,
    isParallel: Bool)
}

extension Float: BLASScalar {
  package static var operand: ProductPlan.Operand {
    @inline(__always) get { .float32 }
  }

  @inline(__always)
  package static func fewRowsProduct(
    _ alpha: Float, _ a: MatrixView<Float>, _ b: MatrixView<Float>, _ beta: Float,
    _ c: MutableMatrixView<Float>
  ) {
    tk_small_product_f32(
      Int64(c.rows), Int64(c.columns), Int64(a.columns), alpha, a.base, Int64(a.leadingDimension), b.base,
      Int64(b.leadingDimension), beta, c.base, Int64(c.rowStride))
  }

  @inline(__always)
  package static func thinProduct(
    _ alpha: Float, _ a: MatrixView<Float>, _ b: MatrixView<Float>, _ beta: Float,
    _ c: MutableMatrixView<Float>
  ) {
    tk_thin_product_f32(
      Int64(c.rows), Int64(c.columns), Int64(a.columns), alpha, a.base, Int64(a.rowStride),
      Int64(a.columnStride), b.base, Int64(b.leadingDimension), beta, c.base, Int64(c.rowStride))
  }

  // Not inlined: the only kernel with a loop of its own in Swift, and the one of large products.
  @inline(never)
  package static func packedProduct(
    _ alpha: Float, _ a: MatrixView<Float>, _ b: MatrixView<Float>, _ beta: Float,
    _ c: MutableMatrixView<Float>, isParallel: Bool
  ) {
    if Float32MatmulPrecision.roundsPackedProducts {
      PackedProduct<UInt16>(alpha: alpha, a: a, b: b, beta: beta, c: c, isParallel: isParallel).run()
    } else {
      PackedProduct<Float>(alpha: alpha, a: a, b: b, beta: beta, c: c, isParallel: isParallel).run()
    }
  }

  @inline(__always)
  package static func gemmCall(
    _ transA: CBLAS_TRANSPOSE, _ transB: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Float,
    _ a: UnsafePointer<Float>, _ lda: Int32, _ b: UnsafePointer<Float>, _ ldb: Int32, _ beta: Float,
    _ c: UnsafeMutablePointer<Float>, _ ldc: Int32
  ) {
    cblas_sgemm(CblasRowMajor, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
  }

  @inline(__always)
  package static func gemvCall(
    _ trans: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int32,
    _ x: UnsafePointer<Float>, _ incx: Int32, _ beta: Float, _ y: UnsafeMutablePointer<Float>, _ incy: Int32
  ) {
    cblas_sgemv(CblasRowMajor, trans, m, n, alpha, a, lda, x, incx, beta, y, incy)
  }
}

extension Double: BLASScalar {
  package static var operand: ProductPlan.Operand {
    @inline(__always) get { .float64 }
  }

  package static func fewRowsProduct(
    _: Double, _: MatrixView<Double>, _: MatrixView<Double>, _: Double, _: MutableMatrixView<Double>
  ) { hasNoKernel() }

  package static func thinProduct(
    _: Double, _: MatrixView<Double>, _: MatrixView<Double>, _: Double, _: MutableMatrixView<Double>
  ) { hasNoKernel() }

  package static func packedProduct(
    _: Double, _: MatrixView<Double>, _: MatrixView<Double>, _: Double, _: MutableMatrixView<Double>,
    isParallel: Bool
  ) { hasNoKernel() }

  /// Plans name our own kernels for Float32 alone.
  private static func hasNoKernel() -> Never {
    tensorFailure("matmul", "a plan named a kernel that Float64 does not have")
  }

  @inline(__always)
  package static func gemmCall(
    _ transA: CBLAS_TRANSPOSE, _ transB: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Double,
    _ a: UnsafePointer<Double>, _ lda: Int32, _ b: UnsafePointer<Double>, _ ldb: Int32, _ beta: Double,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int32
  ) {
    cblas_dgemm(CblasRowMajor, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
  }

  @inline(__always)
  package static func gemvCall(
    _ trans: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ alpha: Double, _ a: UnsafePointer<Double>,
    _ lda: Int32, _ x: UnsafePointer<Double>, _ incx: Int32, _ beta: Double,
    _ y: UnsafeMutablePointer<Double>, _ incy: Int32
  ) {
    cblas_dgemv(CblasRowMajor, trans, m, n, alpha, a, lda, x, incx, beta, y, incy)
  }
}
