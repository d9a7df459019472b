import CTensorKernels

/// Products that are large in all three sizes, by our own kernels: what a library needs several calls to share between
/// threads, one packed copy of `b`, is shared here, and a few hundred rows run as fast as thousands.
///
/// Needs AVX-512. An element's rounding depends on `k` alone.
enum PackedProduct {
  static let exists = tk_has_packed_product() != 0

  /// Terms of each sum that are added in one go, and columns of `b` packed at a time: 8 MiB, and tiles of `c` that are
  /// visited often enough for them to stay near.
  private static let depth = 512
  private static let width = 4096

  /// Whether this is faster than OpenBLAS, which does not pack products of up to a million multiplications and is hard to beat
  /// there, unless both operands are stored along `k`.
  @inline(__always)
  static func suits(_ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool) -> Bool {
    exists && m > BLAS.fewRows && n >= Int(TK_PACKED_COLUMNS) && k >= 16
      && m * n * k >= (transB && !transA ? 1 << 17 : 1 << 20)
  }

  /// `c = alpha · op(a) · op(b) + beta · c`, shapes as in ``BLAS/gemm(_:_:_:alpha:_:lda:transA:_:ldb:transB:beta:_:ldc:)``.
  ///
  /// - Parameter isParallel: share the work between threads.
  static func multiply(
    _ m: Int, _ n: Int, _ k: Int, alpha: Float, _ a: UnsafePointer<Float>, lda: Int, transA: Bool,
    _ b: UnsafePointer<Float>, ldb: Int, transB: Bool, beta: Float, _ c: UnsafeMutablePointer<Float>,
    ldc: Int, isParallel: Bool
  ) {
    let parts = (k + depth - 1) / depth
    let panel = Int(TK_PACKED_COLUMNS)
    let mostColumns = (min(n, width) + panel - 1) / panel * panel
    MemoryPool.withScratch(Float.self, count: mostColumns * min(k, depth)) { packed in
      for column in stride(from: 0, to: n, by: width) {
        let columns = min(n - column, width)
        let panels = (columns + panel - 1) / panel
        for part in 0..<parts {
          let first = part * k / parts
          let terms = (part + 1) * k / parts - first
          divide(panels, isParallel: isParallel) { range in
            let begin = range.lowerBound * panel
            let start = column + begin
            tk_pack_columns_f32(
              Int64(min(range.upperBound * panel, columns) - begin), Int64(terms),
              b + (transB ? start * ldb + first : first * ldb + start), Int64(ldb), transB ? 1 : 0,
              packed + begin * terms)
          }
          let terms64 = Int64(terms)
          let slice = a + (transA ? first * lda : first)
          let scale = part == 0 ? beta : 1
          /// The given rows and columns of this part.
          func block(_ rows: Range<Int>, _ places: Range<Int>) {
            MemoryPool.withScratch(
              Float.self, count: min(rows.count, Int(TK_PACKED_ROWS)) * terms + panel
            ) { scratch in
              tk_packed_product_f32(
                Int64(rows.count), Int64(places.count), terms64, alpha,
                slice + rows.lowerBound * (transA ? 1 : lda), Int64(lda), transA ? 1 : 0,
                packed + places.lowerBound * terms, scale,
                c + rows.lowerBound * ldc + column + places.lowerBound, Int64(ldc), scratch)
            }
          }
          // Threads that share rows pack these rows each for itself, so rows are divided if there are enough.
          if m >= 24 * Threads.count || panels == 1 {
            divide(m, isParallel: isParallel) { block($0, 0..<columns) }
          } else {
            divide(panels, isParallel: isParallel) {
              block(0..<m, $0.lowerBound * panel..<min($0.upperBound * panel, columns))
            }
          }
        }
      }
    }
  }

  private static func divide(_ count: Int, isParallel: Bool, _ body: (Range<Int>) -> Void) {
    if isParallel { Threads.parallel(count, body) } else { body(0..<count) }
  }
}
