import CMIAOpenBLAS
import CTensorKernels

/// Element types with BLAS routines.
package protocol BLASScalar: BinaryFloatingPoint {
  /// One call of the library's matrix product on the calling thread.
  static func gemmCall(
    _ transA: CBLAS_TRANSPOSE, _ transB: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ k: Int32, _ alpha: Self,
    _ a: UnsafePointer<Self>, _ lda: Int32, _ b: UnsafePointer<Self>, _ ldb: Int32, _ beta: Self,
    _ c: UnsafeMutablePointer<Self>, _ ldc: Int32)
  /// One call of the library's matrix-vector product on the calling thread.
  static func gemvCall(
    _ trans: CBLAS_TRANSPOSE, _ m: Int32, _ n: Int32, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int32,
    _ x: UnsafePointer<Self>, _ incx: Int32, _ beta: Self, _ y: UnsafeMutablePointer<Self>, _ incy: Int32)
  /// `c = alpha a bᵀ + beta c` for a few rows of `a`; nil when there is nothing better than `gemmCall`.
  static var smallProduct: SmallProduct<Self>? { get }
  /// `c = alpha a b + beta c` for a few rows or columns of `a`; nil when there is nothing better than
  /// `gemmCall`.
  static var thinProduct: ThinProduct<Self>? { get }
  /// Computes what ``BLAS/gemm(_:_:_:alpha:_:lda:transA:_:ldb:transB:beta:_:ldc:)`` does with our own
  /// kernels, on all threads if the last argument says so; false when `gemmCall` is better.
  static func packedProduct(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: Self, _ a: UnsafePointer<Self>, _ lda: Int, _ transA: Bool,
    _ b: UnsafePointer<Self>, _ ldb: Int, _ transB: Bool, _ beta: Self, _ c: UnsafeMutablePointer<Self>,
    _ ldc: Int, isParallel: Bool
  ) -> Bool
}

/// A product of `[m, k]` with the transpose of `[n, k]`: sizes, alpha, a, lda, b, ldb, beta, c, ldc.
package typealias SmallProduct<T> = (
  Int64, Int64, Int64, T, UnsafePointer<T>?, Int64, UnsafePointer<T>?, Int64, T, UnsafeMutablePointer<T>?,
  Int64
) -> Void

/// A product of `[m, k]` with `[k, n]`: sizes, alpha, a, distances between its rows and columns, b, ldb,
/// beta, c, ldc.
package typealias ThinProduct<T> = (
  Int64, Int64, Int64, T, UnsafePointer<T>?, Int64, Int64, UnsafePointer<T>?, Int64, T,
  UnsafeMutablePointer<T>?, Int64
) -> Void

extension Float: BLASScalar {
  // OpenBLAS is optimised in debug builds too.
  package static var smallProduct: SmallProduct<Float>? {
    if tk_is_optimized() == 0 { return nil }
    return tk_small_product_f32
  }
  package static var thinProduct: ThinProduct<Float>? {
    if tk_is_optimized() == 0 { return nil }
    return tk_thin_product_f32
  }

  @inline(__always)
  package static func packedProduct(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: Float, _ a: UnsafePointer<Float>, _ lda: Int, _ transA: Bool,
    _ b: UnsafePointer<Float>, _ ldb: Int, _ transB: Bool, _ beta: Float, _ c: UnsafeMutablePointer<Float>,
    _ ldc: Int, isParallel: Bool
  ) -> Bool {
    guard PackedProduct.suits(m, n, k, transA: transA, transB: transB) else { return false }
    PackedProduct(
      m: m, n: n, k: k, alpha: alpha, a: a, lda: lda, transA: transA, b: b, ldb: ldb, transB: transB,
      beta: beta, c: c, ldc: ldc, isParallel: isParallel
    ).run()
    return true
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
  package static var smallProduct: SmallProduct<Double>? { nil }
  package static var thinProduct: ThinProduct<Double>? { nil }

  @inline(__always)
  package static func packedProduct(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: Double, _ a: UnsafePointer<Double>, _ lda: Int, _ transA: Bool,
    _ b: UnsafePointer<Double>, _ ldb: Int, _ transB: Bool, _ beta: Double,
    _ c: UnsafeMutablePointer<Double>, _ ldc: Int, isParallel: Bool
  ) -> Bool { false }

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
    _ lda: Int32,
    _ x: UnsafePointer<Double>, _ incx: Int32, _ beta: Double, _ y: UnsafeMutablePointer<Double>,
    _ incy: Int32
  ) {
    cblas_dgemv(CblasRowMajor, trans, m, n, alpha, a, lda, x, incx, beta, y, incy)
  }
}

/// Matrix products in row-major order.
///
/// Products of a few rows or terms, and with AVX-512 large ones (``PackedProduct``), run in our own kernels,
/// the others in OpenBLAS, which always runs on one thread here: products are cut into slices of rows or
/// columns that our own threads work on. Inside a parallel region a product stays on the calling thread.
package enum BLAS {
  /// Multiplications below which a second thread costs more than it brings.
  static let parallelThreshold = 1 << 20
  /// The same for products that read a large matrix for a few rows only, in elements of that matrix.
  static let streamingThreshold = 1 << 16
  /// Rows up to which our own products of a few rows are faster than the library's.
  static let fewRows = 12
  /// The same for the terms of each sum.
  static let fewTerms = 16

  private static let singleThreaded: Void = openblas_set_num_threads(1)

  /// Sets the library to one thread; every product does this first.
  @inline(__always)
  package static func prepare() { _ = singleThreaded }

  /// Name of the CPU kernels in use.
  package static var coreName: String { String(cString: openblas_get_corename()) }

  /// The library's version and build options.
  package static var configuration: String { String(cString: openblas_get_config()) }

  /// `c = alpha · op(a) · op(b) + beta · c` with `op(a)` `[m, k]`, `op(b)` `[k, n]` and `c` `[m, n]`.
  ///
  /// `lda`, `ldb` and `ldc` are the distances between stored rows. With `beta` zero `c` need not be
  /// initialised.
  package static func gemm<T: BLASScalar>(
    _ m: Int, _ n: Int, _ k: Int, alpha: T = 1, _ a: UnsafePointer<T>, lda: Int, transA: Bool = false,
    _ b: UnsafePointer<T>, ldb: Int, transB: Bool = false, beta: T = 0, _ c: UnsafeMutablePointer<T>, ldc: Int
  ) {
    if m <= 0 || n <= 0 { return }
    prepare()
    let threads = Threads.count
    let isLarge =
      m * n * k >= parallelThreshold || (min(m, n) <= fewRows && max(m, n) * k >= streamingThreshold)
    if threads == 1 || !isLarge || Threads.isInParallelRegion {
      return serial(m, n, k, alpha, a, lda, transA, b, ldb, transB, beta, c, ldc)
    }
    if T.packedProduct(m, n, k, alpha, a, lda, transA, b, ldb, transB, beta, c, ldc, isParallel: true) {
      return
    }
    // The library is faster on half of the rows than on half of the columns, unless that leaves few rows.
    if n > 4 * m {
      let slice = sliceSize(n, threads, multipleOf: 16)
      Threads.parallel((n + slice - 1) / slice) { range in
        // Slice by slice even when one thread gets several: the product's shape decides its rounding.
        for index in range {
          let begin = index * slice
          serial(
            m, min(n, begin + slice) - begin, k, alpha, a, lda, transA, b + begin * (transB ? ldb : 1), ldb,
            transB,
            beta, c + begin, ldc)
        }
      }
    } else {
      let slice = sliceSize(m, threads, multipleOf: 8)
      Threads.parallel((m + slice - 1) / slice) { range in
        for index in range {
          let begin = index * slice
          serial(
            min(m, begin + slice) - begin, n, k, alpha, a + begin * (transA ? 1 : lda), lda, transA, b, ldb,
            transB,
            beta, c + begin * ldc, ldc)
        }
      }
    }
  }

  /// One product per batch entry, of equal shapes; entry `i` starts at the given offsets.
  ///
  /// Entries of `c` must not overlap.
  package static func gemmBatch<T: BLASScalar>(
    count: Int, _ m: Int, _ n: Int, _ k: Int, alpha: T = 1, _ a: UnsafePointer<T>, aOffset: (Int) -> Int,
    lda: Int, transA: Bool = false, _ b: UnsafePointer<T>, bOffset: (Int) -> Int, ldb: Int,
    transB: Bool = false,
    beta: T = 0, _ c: UnsafeMutablePointer<T>, cOffset: (Int) -> Int, ldc: Int
  ) {
    if m <= 0 || n <= 0 || count <= 0 { return }
    prepare()
    if count < Threads.count {
      for i in 0..<count {
        gemm(
          m, n, k, alpha: alpha, a + aOffset(i), lda: lda, transA: transA, b + bOffset(i), ldb: ldb,
          transB: transB, beta: beta, c + cOffset(i), ldc: ldc)
      }
      return
    }
    let grain = max(1, (parallelThreshold / 4) / max(1, m * n * max(k, 1)))
    Threads.parallel(count, grain: grain) { range in
      for i in range {
        serial(
          m, n, k, alpha, a + aOffset(i), lda, transA, b + bOffset(i), ldb, transB, beta, c + cOffset(i), ldc)
      }
    }
  }

  /// Columns or rows per thread, a multiple of the library's register blocks.
  static func sliceSize(_ n: Int, _ threads: Int, multipleOf block: Int) -> Int {
    ((n + threads - 1) / threads + block - 1) / block * block
  }

  /// A number as the library counts.
  package static func libraryInteger(_ number: Int) -> Int32 {
    guard let result = Int32(exactly: number) else {
      tensorFailure(
        "matmul", "an extent or a distance of rows of \(number): the library counts to \(Int32.max)")
    }
    return result
  }

  /// A product on the calling thread; vectors go to the matrix-vector routine.
  static func serial<T: BLASScalar>(
    _ m: Int, _ n: Int, _ k: Int, _ alpha: T, _ a: UnsafePointer<T>, _ lda: Int, _ transA: Bool,
    _ b: UnsafePointer<T>, _ ldb: Int, _ transB: Bool, _ beta: T, _ c: UnsafeMutablePointer<T>, _ ldc: Int
  ) {
    if k == 0 {
      for i in 0..<m {
        for j in 0..<n { c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j] }
      }
    } else if m <= fewRows, transB, !transA, let smallProduct = T.smallProduct {
      smallProduct(Int64(m), Int64(n), Int64(k), alpha, a, Int64(lda), b, Int64(ldb), beta, c, Int64(ldc))
    } else if (2...fewRows).contains(m) || k <= fewTerms, n >= 16, !transB, let thinProduct = T.thinProduct {
      thinProduct(
        Int64(m), Int64(n), Int64(k), alpha, a, Int64(transA ? 1 : lda), Int64(transA ? lda : 1), b,
        Int64(ldb), beta, c, Int64(ldc))
    } else if m == 1 {
      if beta == 0 { c.zero(count: n) }
      T.gemvCall(
        transB ? CblasNoTrans : CblasTrans, libraryInteger(transB ? n : k), libraryInteger(transB ? k : n),
        alpha, b,
        libraryInteger(ldb), a,
        libraryInteger(transA ? lda : 1), beta, c, 1)
    } else if n == 1 {
      if beta == 0 { for i in 0..<m { c[i * ldc] = 0 } }
      T.gemvCall(
        transA ? CblasTrans : CblasNoTrans, libraryInteger(transA ? k : m), libraryInteger(transA ? m : k),
        alpha, a,
        libraryInteger(lda), b,
        libraryInteger(transB ? 1 : ldb), beta, c, libraryInteger(ldc))
    } else if !T.packedProduct(
      m, n, k, alpha, a, lda, transA, b, ldb, transB, beta, c, ldc, isParallel: false)
    {
      T.gemmCall(
        transA ? CblasTrans : CblasNoTrans, transB ? CblasTrans : CblasNoTrans, libraryInteger(m),
        libraryInteger(n), libraryInteger(k),
        alpha, a, libraryInteger(lda), b, libraryInteger(ldb), beta, c, libraryInteger(ldc))
    }
  }
}
