/// A matrix in memory that a product reads: rows and columns as the product sees them, BLAS's `op(a)`.
///
/// Elements of a stored row are adjacent. A transposed view has NumPy's meaning of `.T`: the same memory with
/// rows and columns exchanged.
package struct MatrixView<Element> {
  package let base: UnsafePointer<Element>
  package let rows: Int
  package let columns: Int
  /// The distance between stored rows.
  package let leadingDimension: Int
  /// Whether stored rows are columns.
  package let isTransposed: Bool

  @inline(__always)
  private init(
    _ base: UnsafePointer<Element>, rows: Int, columns: Int, leadingDimension: Int, isTransposed: Bool
  ) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.leadingDimension = leadingDimension
    self.isTransposed = isTransposed
  }

  /// A matrix stored by rows, which may lie further apart than they are long.
  @inline(__always)
  package init(_ base: UnsafePointer<Element>, rows: Int, columns: Int, rowStride: Int) {
    self.init(base, rows: rows, columns: columns, leadingDimension: rowStride, isTransposed: false)
  }

  /// A matrix stored by rows without gaps.
  @inline(__always)
  package init(_ base: UnsafePointer<Element>, rows: Int, columns: Int) {
    self.init(base, rows: rows, columns: columns, rowStride: columns)
  }

  /// The same memory with rows and columns exchanged.
  @inline(__always)
  package var transposed: MatrixView {
    MatrixView(
      base, rows: columns, columns: rows, leadingDimension: leadingDimension, isTransposed: !isTransposed)
  }

  /// The distance from an element to the one below.
  @inline(__always)
  package var rowStride: Int { isTransposed ? 1 : leadingDimension }
  /// The distance from an element to the one on its right.
  @inline(__always)
  package var columnStride: Int { isTransposed ? leadingDimension : 1 }

  /// Rows and columns as they are stored, which is how BLAS counts those of `a` for `op(a)`.
  @inline(__always)
  package var storedShape: (rows: Int, columns: Int) { isTransposed ? (columns, rows) : (rows, columns) }

  /// Where an element is.
  @inline(__always)
  package func pointer(row: Int, column: Int) -> UnsafePointer<Element> {
    base + (row * rowStride + column * columnStride)
  }

  /// Some of the rows.
  @inline(__always)
  package subscript(rows range: Range<Int>) -> MatrixView {
    MatrixView(
      base + range.lowerBound * rowStride, rows: range.count, columns: columns,
      leadingDimension: leadingDimension, isTransposed: isTransposed)
  }

  /// Some of the columns.
  @inline(__always)
  package subscript(columns range: Range<Int>) -> MatrixView {
    MatrixView(
      base + range.lowerBound * columnStride, rows: rows, columns: range.count,
      leadingDimension: leadingDimension, isTransposed: isTransposed)
  }

  /// A matrix of the same shape that begins so many elements further on, as the next of a batch does.
  @inline(__always)
  package func advanced(by elements: Int) -> MatrixView {
    MatrixView(
      base + elements, rows: rows, columns: columns, leadingDimension: leadingDimension,
      isTransposed: isTransposed)
  }
}

/// A matrix in memory that a product writes, stored by rows.
package struct MutableMatrixView<Element> {
  package let base: UnsafeMutablePointer<Element>
  package let rows: Int
  package let columns: Int
  /// The distance between rows.
  package let rowStride: Int

  /// A matrix whose rows may lie further apart than they are long.
  @inline(__always)
  package init(_ base: UnsafeMutablePointer<Element>, rows: Int, columns: Int, rowStride: Int) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.rowStride = rowStride
  }

  /// A matrix without gaps between its rows.
  @inline(__always)
  package init(_ base: UnsafeMutablePointer<Element>, rows: Int, columns: Int) {
    self.init(base, rows: rows, columns: columns, rowStride: columns)
  }

  /// Where an element is.
  @inline(__always)
  package func pointer(row: Int, column: Int) -> UnsafeMutablePointer<Element> {
    base + (row * rowStride + column)
  }

  /// Some of the rows.
  @inline(__always)
  package subscript(rows range: Range<Int>) -> MutableMatrixView {
    MutableMatrixView(
      base + range.lowerBound * rowStride, rows: range.count, columns: columns, rowStride: rowStride)
  }

  /// Some of the columns.
  @inline(__always)
  package subscript(columns range: Range<Int>) -> MutableMatrixView {
    MutableMatrixView(base + range.lowerBound, rows: rows, columns: range.count, rowStride: rowStride)
  }

  /// A matrix of the same shape that begins so many elements further on, as the next of a batch does.
  @inline(__always)
  package func advanced(by elements: Int) -> MutableMatrixView {
    MutableMatrixView(base + elements, rows: rows, columns: columns, rowStride: rowStride)
  }
}
