import CTensorKernels

/// A product that is large in all three sizes, `c = alpha · op(a) · op(b) + beta · c`, by our own kernels:
/// one packed copy of `b` serves all threads, and a few hundred rows run as fast as thousands.
///
/// Needs AVX-512. An element's rounding depends on `k` alone.
struct PackedProduct {
  let m: Int
  let n: Int
  let k: Int
  let alpha: Float
  let a: UnsafePointer<Float>
  let lda: Int
  let transA: Bool
  let b: UnsafePointer<Float>
  let ldb: Int
  let transB: Bool
  let beta: Float
  let c: UnsafeMutablePointer<Float>
  let ldc: Int
  /// Whether threads share the work.
  let isParallel: Bool

  static let exists = tk_has_packed_product() != 0

  /// Terms of each sum that are added in one go: `c` is visited once for so many.
  private static let depth = Int(TK_PACKED_TERMS)
  /// Columns of `b` that are packed at a time, with `depth` terms 8 MiB.
  private static let width = 4096
  /// Columns side by side in packed memory.
  private static let panel = Int(TK_PACKED_COLUMNS)
  /// Rows for a thread below which columns are divided: threads with the same rows pack these each for
  /// itself.
  static let fewestRows = 24

  /// Whether this is faster than OpenBLAS, which does not pack products of up to a million multiplications
  /// and is hard to beat there, unless both operands are stored along `k`.
  @inline(__always)
  static func suits(_ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool) -> Bool {
    exists && m > BLAS.fewRows && n >= panel && k >= 16
      && m * n * k >= (transB && !transA ? 1 << 17 : 1 << 20)
  }

  func run() {
    let parts = (k + Self.depth - 1) / Self.depth
    let mostPanels = (min(n, Self.width) + Self.panel - 1) / Self.panel
    MemoryPool.withScratch(Float.self, count: mostPanels * Self.panel * min(k, Self.depth)) { packed in
      for first in stride(from: 0, to: n, by: Self.width) {
        let columns = first..<min(n, first + Self.width)
        for part in 0..<parts {
          let terms = part * k / parts..<(part + 1) * k / parts
          pack(columns, terms, into: packed)
          add(columns, terms, packed)
        }
      }
    }
  }

  private func pack(_ columns: Range<Int>, _ terms: Range<Int>, into packed: UnsafeMutablePointer<Float>) {
    divide((columns.count + Self.panel - 1) / Self.panel) { panels in
      let begin = panels.lowerBound * Self.panel
      let end = min(panels.upperBound * Self.panel, columns.count)
      let column = columns.lowerBound + begin
      tk_pack_columns_f32(
        Int64(end - begin), Int64(terms.count),
        b + (transB ? column * ldb + terms.lowerBound : terms.lowerBound * ldb + column), Int64(ldb),
        transB ? 1 : 0, packed + begin * terms.count)
    }
  }

  private func add(_ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>) {
    let panels = (columns.count + Self.panel - 1) / Self.panel
    if m >= Self.fewestRows * Threads.count || panels == 1 {
      divide(m) { rows in add(rows, columns, terms, packed) }
    } else {
      divide(panels) { panels in
        let begin = columns.lowerBound + panels.lowerBound * Self.panel
        let end = min(columns.lowerBound + panels.upperBound * Self.panel, columns.upperBound)
        add(0..<m, begin..<end, terms, packed + panels.lowerBound * Self.panel * terms.count)
      }
    }
  }

  /// The given terms of the given rows and columns; `packed` begins at the first of these columns.
  private func add(
    _ rows: Range<Int>, _ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>
  ) {
    let most = min(rows.count, Int(TK_PACKED_ROWS)) * terms.count + Self.panel
    let (row, term) = (rows.lowerBound, terms.lowerBound)
    MemoryPool.withScratch(Float.self, count: most) { scratch in
      tk_packed_product_f32(
        Int64(rows.count), Int64(columns.count), Int64(terms.count), alpha,
        a + (transA ? term * lda + row : row * lda + term), Int64(lda), transA ? 1 : 0, packed,
        term == 0 ? beta : 1, c + row * ldc + columns.lowerBound, Int64(ldc), scratch)
    }
  }

  private func divide(_ count: Int, _ body: (Range<Int>) -> Void) {
    if isParallel { Threads.parallel(count, body) } else { body(0..<count) }
  }
}
