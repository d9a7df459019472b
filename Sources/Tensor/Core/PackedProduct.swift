import CTensorKernels

/// A product that is large in all three sizes, `c = alpha a b + beta c`, by our own kernels: one packed copy
/// of `b` serves all threads, and a few hundred rows run as fast as thousands.
///
/// Needs AVX-512. An element's rounding depends on `k` alone.
struct PackedProduct<Element: PackedElement> {
  let alpha: Float
  let a: MatrixView<Float>
  let b: MatrixView<Float>
  let beta: Float
  let c: MutableMatrixView<Float>
  /// Whether threads share the work.
  let isParallel: Bool

  /// Terms of each sum that are added in one go: `c` is visited once for so many.
  private var depth: Int { Int(TK_PACKED_TERMS) }
  /// Columns of `b` that are packed at a time, with `depth` terms 8 MiB of Float32.
  private var width: Int { 4096 }
  /// Columns side by side in packed memory.
  private var panel: Int { Int(TK_PACKED_COLUMNS) }

  func run() {
    let (n, k) = (c.columns, a.columns)
    let parts = (k + depth - 1) / depth
    let mostPanels = (min(n, width) + panel - 1) / panel
    let mostTerms = Element.stored(min(k, depth))
    MemoryPool.withScratch(Element.self, count: mostPanels * panel * mostTerms) { packed in
      for first in stride(from: 0, to: n, by: width) {
        let columns = first..<min(n, first + width)
        for part in 0..<parts {
          let terms = part * k / parts..<(part + 1) * k / parts
          pack(columns, terms, into: packed)
          add(columns, terms, packed)
        }
      }
    }
  }

  private func pack(_ columns: Range<Int>, _ terms: Range<Int>, into packed: UnsafeMutablePointer<Element>) {
    divide((columns.count + panel - 1) / panel) { panels in
      let begin = panels.lowerBound * panel
      let end = min(panels.upperBound * panel, columns.count)
      Element.packColumns(
        Int64(end - begin), Int64(terms.count),
        b.pointer(row: terms.lowerBound, column: columns.lowerBound + begin), Int64(b.leadingDimension),
        b.isTransposed ? 1 : 0, packed + begin * Element.stored(terms.count))
    }
  }

  private func add(_ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Element>) {
    let panels = (columns.count + panel - 1) / panel
    if panels == 1 || ProductPlan.dividesPackedRows(c.rows, threads: Threads.count) {
      divide(c.rows) { rows in add(rows, columns, terms, packed) }
    } else {
      divide(panels) { panels in
        let begin = columns.lowerBound + panels.lowerBound * panel
        let end = min(columns.lowerBound + panels.upperBound * panel, columns.upperBound)
        add(
          0..<c.rows, begin..<end, terms,
          packed + panels.lowerBound * panel * Element.stored(terms.count))
      }
    }
  }

  /// The given terms of the given rows and columns; `packed` begins at the first of these columns.
  private func add(
    _ rows: Range<Int>, _ columns: Range<Int>, _ terms: Range<Int>, _ packed: UnsafePointer<Element>
  ) {
    let most = Element.scratch(rows: rows.count, terms: terms.count)
    MemoryPool.withScratch(Element.self, count: most) { scratch in
      Element.product(
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

/// What the two Float32 matrices of a ``PackedProduct`` are packed as: Float32, or bfloat16.
protocol PackedElement {
  /// `n, k, b, ldb, transposed, out` of `tk_pack_columns_…`.
  typealias Packing = (
    Int64, Int64, UnsafePointer<Float>?, Int64, Int32, UnsafeMutablePointer<Self>?
  ) -> Void
  /// `m, n, k, alpha, a, lda, transposed, b, beta, c, ldc, scratch` of `tk_packed_product_…`.
  typealias Multiplication = (
    Int64, Int64, Int64, Float, UnsafePointer<Float>?, Int64, Int32, UnsafePointer<Self>?, Float,
    UnsafeMutablePointer<Float>?, Int64, UnsafeMutablePointer<Self>?
  ) -> Void

  static var packColumns: Packing { get }
  static var product: Multiplication { get }
  /// Terms in packed memory for so many of a sum.
  static func stored(_ terms: Int) -> Int
  /// Numbers of scratch memory for a product.
  static func scratch(rows: Int, terms: Int) -> Int
}

extension Float: PackedElement {
  static var packColumns: Packing { tk_pack_columns_f32 }
  static var product: Multiplication { tk_packed_product_f32 }
  static func stored(_ terms: Int) -> Int { terms }

  static func scratch(rows: Int, terms: Int) -> Int {
    min(rows, Int(TK_PACKED_ROWS)) * terms + Int(TK_PACKED_COLUMNS)
  }
}

extension UInt16: PackedElement {
  static var packColumns: Packing { tk_pack_columns_bf16 }
  static var product: Multiplication { tk_packed_product_bf16 }

  static func stored(_ terms: Int) -> Int {
    let group = Int(TK_BF16_TERMS)
    return (terms + group - 1) / group * group
  }

  static func scratch(rows: Int, terms: Int) -> Int {
    Int(tk_packed_bf16_scratch(Int64(rows), Int64(terms)))
  }
}
