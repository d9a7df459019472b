import CTensorKernels

/// A product that is large in all three sizes, `c = alpha a b + beta c`, by our own kernels: one packed copy
/// of `b` serves all threads, and a few hundred rows run as fast as thousands.
///
/// Needs AVX-512. An element's rounding depends on `k` alone.
struct PackedProduct {
  let alpha: Float
  let a: MatrixView<Float>
  let b: MatrixView<Float>
  let beta: Float
  let c: MutableMatrixView<Float>
  /// Whether threads share the work.
  let isParallel: Bool

  /// Terms of each sum that are added in one go: `c` is visited once for so many.
  private static let depth = Int(TK_PACKED_TERMS)
  /// Columns of `b` that are packed at a time, with `depth` terms 8 MiB.
  private static let width = 4096
  /// Columns side by side in packed memory.
  private static let panel = Int(TK_PACKED_COLUMNS)

  func run() {
    let (n, k) = (c.columns, a.columns)
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
      tk_pack_columns_f32(
        Int64(end - begin), Int64(terms.count),
        b.pointer(row: terms.lowerBound, column: columns.lowerBound + begin), Int64(b.leadingDimension),
        b.isTransposed ? 1 : 0, packed + begin * terms.count)
    }
  }

  private func add(_ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>) {
    let panels = (columns.count + Self.panel - 1) / Self.panel
    if panels == 1 || ProductPlan.dividesPackedRows(c.rows, threads: Threads.count) {
      divide(c.rows) { rows in add(rows, columns, terms, packed) }
    } else {
      divide(panels) { panels in
        let begin = columns.lowerBound + panels.lowerBound * Self.panel
        let end = min(columns.lowerBound + panels.upperBound * Self.panel, columns.upperBound)
        add(0..<c.rows, begin..<end, terms, packed + panels.lowerBound * Self.panel * terms.count)
      }
    }
  }

  /// The given terms of the given rows and columns; `packed` begins at the first of these columns.
  private func add(
    _ rows: Range<Int>, _ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Float>
  ) {
    let most = min(rows.count, Int(TK_PACKED_ROWS)) * terms.count + Self.panel
    MemoryPool.withScratch(Float.self, count: most) { scratch in
      tk_packed_product_f32(
        Int64(rows.count), Int64(columns.count), Int64(terms.count), alpha,
        a.pointer(row: rows.lowerBound, column: terms.lowerBound), Int64(a.leadingDimension),
        a.isTransposed ? 1 : 0, packed, terms.lowerBound == 0 ? beta : 1,
        c.pointer(row: rows.lowerBound, column: columns.lowerBound), Int64(c.rowStride), scratch)
    }
  }

  private func divide(_ count: Int, _ body: (Range<Int>) -> Void) {
    if isParallel { Threads.parallel(count, body) } else { body(0..<count) }
  }
}
