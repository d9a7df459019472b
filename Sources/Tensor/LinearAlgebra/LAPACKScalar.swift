import CMIALAPACKE
import CMIAOpenBLAS

/// Element types with LAPACK routines.
///
/// Matrices are column-major and workspace is passed in, so that LAPACKE neither allocates nor looks for NaN.
/// The routines return LAPACK's `info`.
package protocol LAPACKScalar: BLASScalar, TensorScalar {
  /// Cholesky factor of a symmetric matrix.
  static func potrf(_ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int) -> Int
  /// LU factors with row exchanges.
  static func getrf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int, _ pivots: UnsafeMutablePointer<Int32>
  ) -> Int
  /// Solves with the factors of ``getrf(_:_:_:_:_:)``.
  static func getrs(
    _ trans: LAPACKFlag, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Self>, _ lda: Int,
    _ pivots: UnsafePointer<Int32>, _ b: UnsafeMutablePointer<Self>, _ ldb: Int)
  /// Inverts with the factors of ``getrf(_:_:_:_:_:)``; a `count` of −1 asks for the workspace.
  static func getri(
    _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int, _ pivots: UnsafePointer<Int32>,
    _ work: UnsafeMutablePointer<Self>, _ count: Int
  ) -> Int
  /// Eigenvalues and eigenvectors of a symmetric matrix by divide and conquer.
  static func syevd(
    _ job: LAPACKFlag, _ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int,
    _ w: UnsafeMutablePointer<Self>, _ work: UnsafeMutablePointer<Self>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>, _ integerCount: Int
  ) -> Int
  /// Eigenvalues, and on demand right eigenvectors, of a general matrix.
  static func geev(
    _ withVectors: Bool, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ wr: UnsafeMutablePointer<Self>,
    _ wi: UnsafeMutablePointer<Self>, _ v: UnsafeMutablePointer<Self>, _ work: UnsafeMutablePointer<Self>,
    _ count: Int
  ) -> Int
  /// LQ factors as reflectors.
  static func gelqf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int, _ tau: UnsafeMutablePointer<Self>,
    _ work: UnsafeMutablePointer<Self>, _ count: Int
  ) -> Int
  /// The rows of Q from the reflectors of ``gelqf(_:_:_:_:_:_:_:)``.
  static func orglq(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int, _ tau: UnsafePointer<Self>,
    _ work: UnsafeMutablePointer<Self>, _ count: Int
  ) -> Int
  /// Singular values and vectors by divide and conquer.
  static func gesdd(
    _ job: LAPACKFlag, _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int,
    _ s: UnsafeMutablePointer<Self>, _ u: UnsafeMutablePointer<Self>, _ ldu: Int,
    _ vt: UnsafeMutablePointer<Self>, _ ldvt: Int, _ work: UnsafeMutablePointer<Self>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int
  /// Least squares of smallest norm through the singular values.
  static func gelsd(
    _ m: Int, _ n: Int, _ nrhs: Int, _ a: UnsafeMutablePointer<Self>, _ lda: Int,
    _ b: UnsafeMutablePointer<Self>, _ ldb: Int, _ s: UnsafeMutablePointer<Self>, _ rcond: Self,
    _ rank: UnsafeMutablePointer<Int32>, _ work: UnsafeMutablePointer<Self>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int
  /// Solves with a triangular matrix from the left, row-major.
  static func trsm(
    upper: Bool, transposed: Bool, unit: Bool, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Self>, _ lda: Int,
    _ b: UnsafeMutablePointer<Self>, _ ldb: Int)
}

/// The character options of LAPACK.
package enum LAPACKFlag: UInt8 {
  case upper = 85
  case lower = 76
  case plain = 78
  case transposed = 84
  case vectors = 86
  case all = 65
  case some = 83

  fileprivate var character: CChar { CChar(rawValue) }
}

extension Float: LAPACKScalar {
  package static func potrf(_ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int) -> Int
  {
    Int(LAPACKE_spotrf_work(LAPACK_COL_MAJOR, uplo.character, Int32(n), a, Int32(lda)))
  }

  package static func getrf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int, _ pivots: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(LAPACKE_sgetrf_work(LAPACK_COL_MAJOR, Int32(m), Int32(n), a, Int32(lda), pivots))
  }

  package static func getrs(
    _ trans: LAPACKFlag, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Float>, _ lda: Int,
    _ pivots: UnsafePointer<Int32>, _ b: UnsafeMutablePointer<Float>, _ ldb: Int
  ) {
    _ = LAPACKE_sgetrs_work(
      LAPACK_COL_MAJOR, trans.character, Int32(n), Int32(nrhs), a, Int32(lda), pivots, b, Int32(ldb))
  }

  package static func getri(
    _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int, _ pivots: UnsafePointer<Int32>,
    _ work: UnsafeMutablePointer<Float>, _ count: Int
  ) -> Int {
    Int(LAPACKE_sgetri_work(LAPACK_COL_MAJOR, Int32(n), a, Int32(lda), pivots, work, Int32(count)))
  }

  package static func syevd(
    _ job: LAPACKFlag, _ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int,
    _ w: UnsafeMutablePointer<Float>, _ work: UnsafeMutablePointer<Float>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>, _ integerCount: Int
  ) -> Int {
    Int(
      LAPACKE_ssyevd_work(
        LAPACK_COL_MAJOR, job.character, uplo.character, Int32(n), a, Int32(lda), w, work, Int32(count),
        integers, Int32(integerCount)))
  }

  package static func geev(
    _ withVectors: Bool, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ wr: UnsafeMutablePointer<Float>,
    _ wi: UnsafeMutablePointer<Float>, _ v: UnsafeMutablePointer<Float>, _ work: UnsafeMutablePointer<Float>,
    _ count: Int
  ) -> Int {
    let job: LAPACKFlag = withVectors ? .vectors : .plain
    return Int(
      LAPACKE_sgeev_work(
        LAPACK_COL_MAJOR, LAPACKFlag.plain.character, job.character, Int32(n), a, Int32(n), wr, wi, nil, 1, v,
        Int32(n), work, Int32(count)))
  }

  package static func gelqf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int, _ tau: UnsafeMutablePointer<Float>,
    _ work: UnsafeMutablePointer<Float>, _ count: Int
  ) -> Int {
    Int(LAPACKE_sgelqf_work(LAPACK_COL_MAJOR, Int32(m), Int32(n), a, Int32(lda), tau, work, Int32(count)))
  }

  package static func orglq(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int, _ tau: UnsafePointer<Float>,
    _ work: UnsafeMutablePointer<Float>, _ count: Int
  ) -> Int {
    Int(
      LAPACKE_sorglq_work(
        LAPACK_COL_MAJOR, Int32(m), Int32(n), Int32(k), a, Int32(lda), tau, work, Int32(count)))
  }

  package static func gesdd(
    _ job: LAPACKFlag, _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int,
    _ s: UnsafeMutablePointer<Float>, _ u: UnsafeMutablePointer<Float>, _ ldu: Int,
    _ vt: UnsafeMutablePointer<Float>, _ ldvt: Int, _ work: UnsafeMutablePointer<Float>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(
      LAPACKE_sgesdd_work(
        LAPACK_COL_MAJOR, job.character, Int32(m), Int32(n), a, Int32(lda), s, u, Int32(ldu), vt, Int32(ldvt),
        work, Int32(count), integers))
  }

  package static func gelsd(
    _ m: Int, _ n: Int, _ nrhs: Int, _ a: UnsafeMutablePointer<Float>, _ lda: Int,
    _ b: UnsafeMutablePointer<Float>, _ ldb: Int, _ s: UnsafeMutablePointer<Float>, _ rcond: Float,
    _ rank: UnsafeMutablePointer<Int32>, _ work: UnsafeMutablePointer<Float>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(
      LAPACKE_sgelsd_work(
        LAPACK_COL_MAJOR, Int32(m), Int32(n), Int32(nrhs), a, Int32(lda), b, Int32(ldb), s, rcond, rank, work,
        Int32(count), integers))
  }

  package static func trsm(
    upper: Bool, transposed: Bool, unit: Bool, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Float>, _ lda: Int,
    _ b: UnsafeMutablePointer<Float>, _ ldb: Int
  ) {
    cblas_strsm(
      CblasRowMajor, CblasLeft, upper ? CblasUpper : CblasLower, transposed ? CblasTrans : CblasNoTrans,
      unit ? CblasUnit : CblasNonUnit, Int32(n), Int32(nrhs), 1, a, Int32(lda), b, Int32(ldb))
  }
}

extension Double: LAPACKScalar {
  package static func potrf(_ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int)
    -> Int
  {
    Int(LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, uplo.character, Int32(n), a, Int32(lda)))
  }

  package static func getrf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int, _ pivots: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, Int32(m), Int32(n), a, Int32(lda), pivots))
  }

  package static func getrs(
    _ trans: LAPACKFlag, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Double>, _ lda: Int,
    _ pivots: UnsafePointer<Int32>, _ b: UnsafeMutablePointer<Double>, _ ldb: Int
  ) {
    _ = LAPACKE_dgetrs_work(
      LAPACK_COL_MAJOR, trans.character, Int32(n), Int32(nrhs), a, Int32(lda), pivots, b, Int32(ldb))
  }

  package static func getri(
    _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int, _ pivots: UnsafePointer<Int32>,
    _ work: UnsafeMutablePointer<Double>, _ count: Int
  ) -> Int {
    Int(LAPACKE_dgetri_work(LAPACK_COL_MAJOR, Int32(n), a, Int32(lda), pivots, work, Int32(count)))
  }

  package static func syevd(
    _ job: LAPACKFlag, _ uplo: LAPACKFlag, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int,
    _ w: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<Double>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>, _ integerCount: Int
  ) -> Int {
    Int(
      LAPACKE_dsyevd_work(
        LAPACK_COL_MAJOR, job.character, uplo.character, Int32(n), a, Int32(lda), w, work, Int32(count),
        integers, Int32(integerCount)))
  }

  package static func geev(
    _ withVectors: Bool, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ wr: UnsafeMutablePointer<Double>,
    _ wi: UnsafeMutablePointer<Double>, _ v: UnsafeMutablePointer<Double>,
    _ work: UnsafeMutablePointer<Double>,
    _ count: Int
  ) -> Int {
    let job: LAPACKFlag = withVectors ? .vectors : .plain
    return Int(
      LAPACKE_dgeev_work(
        LAPACK_COL_MAJOR, LAPACKFlag.plain.character, job.character, Int32(n), a, Int32(n), wr, wi, nil, 1, v,
        Int32(n), work, Int32(count)))
  }

  package static func gelqf(
    _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int, _ tau: UnsafeMutablePointer<Double>,
    _ work: UnsafeMutablePointer<Double>, _ count: Int
  ) -> Int {
    Int(LAPACKE_dgelqf_work(LAPACK_COL_MAJOR, Int32(m), Int32(n), a, Int32(lda), tau, work, Int32(count)))
  }

  package static func orglq(
    _ m: Int, _ n: Int, _ k: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int, _ tau: UnsafePointer<Double>,
    _ work: UnsafeMutablePointer<Double>, _ count: Int
  ) -> Int {
    Int(
      LAPACKE_dorglq_work(
        LAPACK_COL_MAJOR, Int32(m), Int32(n), Int32(k), a, Int32(lda), tau, work, Int32(count)))
  }

  package static func gesdd(
    _ job: LAPACKFlag, _ m: Int, _ n: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int,
    _ s: UnsafeMutablePointer<Double>, _ u: UnsafeMutablePointer<Double>, _ ldu: Int,
    _ vt: UnsafeMutablePointer<Double>, _ ldvt: Int, _ work: UnsafeMutablePointer<Double>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(
      LAPACKE_dgesdd_work(
        LAPACK_COL_MAJOR, job.character, Int32(m), Int32(n), a, Int32(lda), s, u, Int32(ldu), vt, Int32(ldvt),
        work, Int32(count), integers))
  }

  package static func gelsd(
    _ m: Int, _ n: Int, _ nrhs: Int, _ a: UnsafeMutablePointer<Double>, _ lda: Int,
    _ b: UnsafeMutablePointer<Double>, _ ldb: Int, _ s: UnsafeMutablePointer<Double>, _ rcond: Double,
    _ rank: UnsafeMutablePointer<Int32>, _ work: UnsafeMutablePointer<Double>, _ count: Int,
    _ integers: UnsafeMutablePointer<Int32>
  ) -> Int {
    Int(
      LAPACKE_dgelsd_work(
        LAPACK_COL_MAJOR, Int32(m), Int32(n), Int32(nrhs), a, Int32(lda), b, Int32(ldb), s, rcond, rank, work,
        Int32(count), integers))
  }

  package static func trsm(
    upper: Bool, transposed: Bool, unit: Bool, _ n: Int, _ nrhs: Int, _ a: UnsafePointer<Double>, _ lda: Int,
    _ b: UnsafeMutablePointer<Double>, _ ldb: Int
  ) {
    cblas_dtrsm(
      CblasRowMajor, CblasLeft, upper ? CblasUpper : CblasLower, transposed ? CblasTrans : CblasNoTrans,
      unit ? CblasUnit : CblasNonUnit, Int32(n), Int32(nrhs), 1, a, Int32(lda), b, Int32(ldb))
  }
}

extension LAPACKScalar {
  /// The workspace a query asked for; large sizes were rounded when they were stored as `Self`.
  package static func workspaceSize(_ query: (UnsafeMutablePointer<Self>) -> Int) -> Int {
    var size: Self = 0
    _ = query(&size)
    return Swift.max(1, Int(size.nextUp.rounded(.up)))
  }
}
