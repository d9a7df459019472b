import Tensor

/// A product with matrices by rows or transposed, rows as far apart as `lda`, `ldb` and `ldc` say.
func multiply<T: BLASScalar>(
  _ m: Int, _ n: Int, _ k: Int, alpha: T = 1, _ a: [T], lda: Int, transA: Bool = false, _ b: [T], ldb: Int,
  transB: Bool = false, beta: T = 0, _ c: inout [T], ldc: Int
) {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        BLAS.gemm(
          alpha: alpha, view(a, m, k, lda, isTransposed: transA), view(b, k, n, ldb, isTransposed: transB),
          beta: beta, into: MutableMatrixView(c.baseAddress!, rows: m, columns: n, rowStride: ldc))
      }
    }
  }
}

/// `[rows, columns]` of what is stored by rows `stride` apart, or as its transpose.
func view<T>(
  _ elements: UnsafeBufferPointer<T>, _ rows: Int, _ columns: Int, _ stride: Int, isTransposed: Bool
) -> MatrixView<T> {
  let start = elements.baseAddress!
  if !isTransposed { return MatrixView(start, rows: rows, columns: columns, rowStride: stride) }
  return MatrixView(start, rows: columns, columns: rows, rowStride: stride).transposed
}

/// A product of Float32 numbers by definition in Float64, with gaps between the rows of all three matrices.
/// Gaps of operands are NaN: what is no element is not read.
struct ProductReference {
  let (m, n, k): (Int, Int, Int)
  let (transA, transB): (Bool, Bool)
  let (lda, ldb, ldc): (Int, Int, Int)
  /// Operands, and what the result is added to, as they are stored.
  let (a, b, c): ([Double], [Double], [Double])
  /// The sums, `[m, n]`.
  let sums: [Double]

  init(_ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool) {
    var generator = RandomGenerator(seed: UInt64(m * 1_000_003 + n * 1009 + k))
    func random(_ rows: Int, _ columns: Int, _ stride: Int, gap: Double) -> [Double] {
      (0..<max(1, rows * stride)).map {
        $0 % stride >= columns ? gap : Double(Float(2 * generator.uniform() - 1))
      }
    }
    let (lda, ldb, ldc) = ((transA ? m : k) + 3, (transB ? k : n) + 1, n + 2)
    let a = random(transA ? k : m, transA ? m : k, lda, gap: .nan)
    let b = random(transB ? n : k, transB ? k : n, ldb, gap: .nan)
    let (stepA, nextA) = transA ? (lda, 1) : (1, lda)
    let (stepB, nextB) = transB ? (1, ldb) : (ldb, 1)
    var sums: [Double] = []
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        for i in 0..<m {
          for j in 0..<n {
            var (sum, l) = (0.0, 0)
            while l < k {
              sum += a[i * nextA + l * stepA] * b[l * stepB + j * nextB]
              l += 1
            }
            sums.append(sum)
          }
        }
      }
    }
    (self.m, self.n, self.k, self.transA, self.transB) = (m, n, k, transA, transB)
    (self.lda, self.ldb, self.ldc) = (lda, ldb, ldc)
    (self.a, self.b, c, self.sums) = (a, b, random(m, n, ldc, gap: 7), sums)
  }

  /// Operands and start of a type.
  func operands<T: BLASScalar>(_: T.Type) -> [[T]] { [a, b, c].map { $0.map { T($0) } } }

  /// Whether `alpha a b + beta c` of a type is right within the rounding of sums of `k` terms, and nothing
  /// beside the result is written.
  func isMet<T: BLASScalar>(by operands: [[T]], alpha: Double, beta: Double) -> Bool {
    var result = operands[2]
    // What beta 0 overwrites may be anything.
    if beta == 0 { for i in 0..<m { for j in 0..<n { result[i * ldc + j] = .nan } } }
    multiply(
      m, n, k, alpha: T(alpha), operands[0], lda: lda, transA: transA, operands[1], ldb: ldb, transB: transB,
      beta: T(beta), &result, ldc: ldc)
    let tolerance = 4 * Double(T.ulpOfOne) * (abs(alpha) * Double(k) + abs(beta) + 1)
    let found = result.map { Double($0) }
    for i in 0..<m {
      for j in 0..<ldc {
        let place = i * ldc + j
        if j >= n {
          if found[place] != 7 { return false }
        } else {
          let expected = alpha * sums[i * n + j] + (beta == 0 ? 0 : beta * c[place])
          // A NaN is not within the tolerance.
          if !(abs(found[place] - expected) <= tolerance) { return false }
        }
      }
    }
    return true
  }
}
