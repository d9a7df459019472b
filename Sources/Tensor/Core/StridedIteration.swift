import CTensorKernels

/// Walks tensors of one shape row by row, with as few and as long rows as their strides allow.
///
/// Neighbouring axes are merged where every operand's strides permit it, so contiguous operands are one row.
package struct StridedIteration {
  /// Merged extents, outermost first; never empty.
  package private(set) var shape: [Int] = []
  /// Merged strides of each operand.
  package private(set) var strides: [[Int]]

  /// - Parameters:
  ///   - shape: the common shape.
  ///   - strides: for each operand, its strides along that shape (0 where it is broadcast).
  package init(shape: [Int], strides operands: [[Int]]) {
    strides = operands.map { _ in [] }
    for axis in shape.indices where shape[axis] != 1 {
      if let last = self.shape.indices.last,
        operands.indices.allSatisfy({ strides[$0][last] == operands[$0][axis] * shape[axis] })
      {
        self.shape[last] *= shape[axis]
        for i in operands.indices { strides[i][last] = operands[i][axis] }
      } else {
        self.shape.append(shape[axis])
        for i in operands.indices { strides[i].append(operands[i][axis]) }
      }
    }
    if self.shape.isEmpty {
      self.shape = [1]
      strides = operands.map { _ in [0] }
    }
  }

  /// The length of a row.
  package var rowLength: Int { shape[shape.count - 1] }

  /// The number of rows.
  package var rowCount: Int { shape.dropLast().reduce(1, *) }

  /// The stride of an operand along a row.
  package func rowStride(_ operand: Int) -> Int { strides[operand][shape.count - 1] }

  /// The offset of a row's first element for an operand.
  /// - Complexity: O(merged rank).
  package func offset(_ operand: Int, row: Int) -> Int {
    if shape.count == 2 { return row * strides[operand][0] }
    var rest = row
    var offset = 0
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      let (quotient, index) = rest.quotientAndRemainder(dividingBy: shape[axis])
      offset += index * strides[operand][axis]
      rest = quotient
    }
    return offset
  }

  /// The stride of each operand from row to row; nil where rows do not lie at even distances.
  package var rowSteps: [Int]? { shape.count == 2 ? strides.map { $0[0] } : nil }

  /// Calls `body(row, start, rows, length)` for pieces of a row, or for several rows.
  /// - Parameters:
  ///   - together: whether neighbouring rows may come in one call.
  ///   - grain: the number of elements worth a thread.
  func forEachPiece(
    together: Bool, grain: Int = 1 << 14,
    _ body: (_ row: Int, _ start: Int, _ rows: Int, _ length: Int) -> Void
  ) {
    guard together else {
      forEachPiece(grain: grain) { row, start, length in body(row, start, 1, length) }
      return
    }
    let (rows, length) = (rowCount, rowLength)
    if rows * length == 0 { return }
    Threads.parallel(rows, grain: Swift.max(1, grain / length)) { range in
      body(range.lowerBound, 0, range.count, length)
    }
  }

  /// Calls `body(row, start, length)` for pieces of all rows, on several threads when there is enough to do.
  /// - Parameter grain: the number of elements worth a thread.
  package func forEachPiece(grain: Int = 1 << 14, _ body: (_ row: Int, _ start: Int, _ length: Int) -> Void) {
    let (rows, length) = (rowCount, rowLength)
    if rows * length == 0 { return }
    if rows == 1 {
      Threads.parallel(length, grain: grain) { range in body(0, range.lowerBound, range.count) }
    } else {
      Threads.parallel(rows, grain: Swift.max(1, grain / length)) { range in
        for row in range { body(row, 0, length) }
      }
    }
  }
}

extension Tensor {
  /// The shape two shapes broadcast to (NumPy's rule: extents are equal or one of them is 1, aligned at the
  /// end).
  package static func broadcastShape(_ a: [Int], _ b: [Int], _ operation: @autoclosure () -> String) -> [Int]
  {
    if a == b { return a }
    let rank = Swift.max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for i in 0..<rank {
      let x = i < a.count ? a[a.count - 1 - i] : 1
      let y = i < b.count ? b[b.count - 1 - i] : 1
      tensorRequire(x == y || x == 1 || y == 1, operation(), "shapes \(a) and \(b) cannot be broadcast")
      result[rank - 1 - i] = x == 1 ? y : x
    }
    return result
  }

  /// This tensor's strides when read as `shape`.
  package func broadcastStrides(to shape: [Int]) -> [Int] {
    if shape == self.shape { return strides }
    let lead = shape.count - rank
    tensorRequire(
      lead >= 0 && zip(self.shape, shape.dropFirst(lead)).allSatisfy { $0 == $1 || $0 == 1 }, "broadcast",
      "\(self.shape) cannot be read as \(shape)")
    return shape.indices.map { axis in
      axis < lead || self.shape[axis - lead] != shape[axis] ? 0 : strides[axis - lead]
    }
  }

  /// Copies the elements in C order to a contiguous tensor of the same count and type.
  package func copyElements(to target: Tensor) {
    let size = dtype.byteSize
    let iteration = StridedIteration(shape: shape, strides: [strides, Self.contiguousStrides(shape)])
    let (input, output) = (rawPointer, target.rawPointer)
    // A transposed matrix: rows of the output are columns of the input.
    if size >= 4, iteration.shape.count >= 2, iteration.rowStride(0) != 1,
      iteration.strides[0][iteration.shape.count - 2] == 1
    {
      return copyTransposed(iteration, input, output, size)
    }
    let (inputStride, outputStride) = (iteration.rowStride(0), iteration.rowStride(1))
    iteration.forEachPiece { row, start, length in
      tk_copy_strided(
        Int32(size), Int64(length),
        input + (iteration.offset(0, row: row) + start * inputStride) * size, Int64(inputStride),
        output + (iteration.offset(1, row: row) + start * outputStride) * size, Int64(outputStride))
    }
  }

  private func copyTransposed(
    _ iteration: StridedIteration, _ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer,
    _ size: Int
  ) {
    let last = iteration.shape.count - 1
    let (rows, columns) = (iteration.shape[last - 1], iteration.shape[last])
    let inputStride = iteration.strides[0][last]
    let outputStride = iteration.strides[1][last - 1]
    let batch = iteration.shape.dropLast(2).reduce(1, *)
    if rows * columns == 0 { return }
    let pieces = (rows + 63) / 64
    Threads.parallel(batch * pieces, grain: Swift.max(1, (1 << 14) / (64 * columns))) { range in
      for task in range {
        let (matrix, piece) = task.quotientAndRemainder(dividingBy: pieces)
        let first = piece * 64
        let source = input + (iteration.offset(0, row: matrix * rows) + first) * size
        let target = output + (iteration.offset(1, row: matrix * rows) + first * outputStride) * size
        let count = Int64(Swift.min(64, rows - first))
        // The input holds `columns` lines of `rows` values each.
        if size == 4 {
          tk_transpose_4(
            Int64(columns), count, source.assumingMemoryBound(to: UInt32.self), Int64(inputStride),
            target.assumingMemoryBound(to: UInt32.self), Int64(outputStride))
        } else {
          tk_transpose_8(
            Int64(columns), count, source.assumingMemoryBound(to: UInt64.self), Int64(inputStride),
            target.assumingMemoryBound(to: UInt64.self), Int64(outputStride))
        }
      }
    }
  }
}
