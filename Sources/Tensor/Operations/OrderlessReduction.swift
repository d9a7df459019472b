import CTensorKernels

/// A reduction whose result does not depend on the order of the elements, so that any walk over them will do:
/// sums and products of integers, extremes, and what counts truth values.
enum OrderlessReduction {
  case sum, product, largest, smallest, any, all, nonZero

  private var code: Int32 {
    switch self {
    case .sum: Int32(TK_REDUCE_SUM)
    case .product: Int32(TK_REDUCE_PRODUCT)
    case .largest: Int32(TK_REDUCE_LARGEST)
    case .smallest: Int32(TK_REDUCE_SMALLEST)
    case .any: Int32(TK_REDUCE_ANY)
    case .all: Int32(TK_REDUCE_ALL)
    case .nonZero: Int32(TK_REDUCE_NONZERO)
    }
  }

  /// The type of the result for elements of a type.
  private func resultType(_ type: DType) -> DType {
    switch self {
    case .sum, .product: type.totalType
    case .nonZero: .int64
    case .largest, .smallest: type
    case .any, .all: .bool
    }
  }

  /// What joins partial results: counts are added.
  private var joining: OrderlessReduction { self == .nonZero ? .sum : self }

  /// Reduces sorted `axes` of a tensor to one of `shape`, without a copy of it.
  func run(_ x: Tensor, axes: [Int], into shape: [Int]) -> Tensor {
    tensorRequire(
      (self != .sum && self != .product || !x.dtype.isFloatingPoint)
        && (self != .largest && self != .smallest || !x.dtype.isHalfPrecision), "reduction",
      "\(self) has no loop for \(x.dtype)")
    let result = Tensor(uninitialized: shape, dtype: resultType(x.dtype))
    tk_reduce_start(code, x.dtype.kernelCode, Int64(result.count), result.rawPointer)
    if x.count == 0 { return result }
    let (moved, _) = x.movingToEnd(axes)
    // Columns when the last axis stays and is worth a loop.
    if let last = shape.last, last >= 16, axes.last != x.rank - 1 {
      reduceColumns(moved, axes.count, into: result)
    } else {
      reduceRows(moved, axes.count, into: result)
    }
    return result
  }

  /// Every output takes in rows of the axes at the end.
  private func reduceRows(_ moved: Tensor, _ reduced: Int, into result: Tensor) {
    let outerWalk = StridedIteration(
      shape: result.shape, strides: [Array(moved.strides.prefix(result.rank))])
    let innerWalk = StridedIteration(
      shape: Array(moved.shape.suffix(reduced)), strides: [Array(moved.strides.suffix(reduced))])
    let (rows, length, stride) = (innerWalk.rowCount, innerWalk.rowLength, innerWalk.rowStride(0))
    let (input, output) = (moved.rawPointer, result.rawPointer)
    let (size, resultSize) = (moved.dtype.byteSize, result.dtype.byteSize)
    let (code, type) = (self.code, moved.dtype.kernelCode)
    if result.count == 1 {
      return reduceAll(innerWalk, input, moved.dtype, into: result)
    }
    let step = outerWalk.rowStride(0)
    outerWalk.forEachPiece(grain: Swift.max(1, (1 << 14) / Swift.max(rows * length, 1))) {
      outer, start, count in
      let base = outerWalk.offset(0, row: outer) + start * step
      for row in 0..<rows {
        tk_reduce_rows(
          code, type, Int64(count), Int64(step), Int64(length),
          input + (base + innerWalk.offset(0, row: row)) * size, Int64(stride),
          output + (outer * outerWalk.rowLength + start) * resultSize)
      }
    }
  }

  /// One output: pieces of the rows are reduced side by side, then their results.
  private func reduceAll(
    _ walk: StridedIteration, _ input: UnsafeMutableRawPointer, _ type: DType, into result: Tensor
  ) {
    let (rows, length, stride) = (walk.rowCount, walk.rowLength, walk.rowStride(0))
    let piece = 1 << 16
    if self == .any || self == .all {
      // The first elements often decide; waking threads takes longer than to look at them.
      tk_reduce_rows(
        code, type.kernelCode, 1, 0, Int64(Swift.min(piece, length)),
        input + walk.offset(0, row: 0) * type.byteSize,
        Int64(stride), result.rawPointer)
      let decision: UInt8 = self == .any ? 1 : 0
      if result.pointer(UInt8.self).pointee == decision || rows == 1 && length <= piece { return }
    }
    let perRow = (length + piece - 1) / piece
    let partial = Tensor(uninitialized: [rows * perRow], dtype: result.dtype)
    let (code, typeCode) = (self.code, type.kernelCode)
    tk_reduce_start(code, typeCode, Int64(partial.count), partial.rawPointer)
    let (sums, size, resultSize) = (partial.rawPointer, type.byteSize, result.dtype.byteSize)
    Threads.parallel(partial.count, grain: Swift.max(1, (1 << 14) / Swift.min(length, piece))) { range in
      for index in range {
        let (row, part) = index.quotientAndRemainder(dividingBy: perRow)
        let start = part * piece
        tk_reduce_rows(
          code, typeCode, 1, 0, Int64(Swift.min(piece, length - start)),
          input + (walk.offset(0, row: row) + start * stride) * size, Int64(stride), sums + index * resultSize
        )
      }
    }
    tk_reduce_rows(
      joining.code, result.dtype.kernelCode, 1, 0, Int64(partial.count), sums, 1, result.rawPointer)
  }

  /// Whole rows of the last axis join the output's rows.
  private func reduceColumns(_ moved: Tensor, _ reduced: Int, into result: Tensor) {
    let last = result.rank - 1
    let (length, stride) = (result.shape[last], moved.strides[last])
    let outerRows = result.count / length
    let outerWalk = StridedIteration(
      shape: Array(result.shape.prefix(last)) + [1], strides: [Array(moved.strides.prefix(last)) + [0]])
    let innerWalk = StridedIteration(
      shape: Array(moved.shape.suffix(reduced)), strides: [Array(moved.strides.suffix(reduced))])
    let (rows, step) = (innerWalk.rowLength, innerWalk.rowStride(0))
    let inner = moved.shape.suffix(reduced).reduce(1, *)
    // Threads share a row by columns when there are fewer rows than threads; a block of outputs stays in the
    // first cache.
    let share = outerRows >= Threads.count ? length : (length + Threads.count - 1) / Threads.count
    let block = Swift.max(64, Swift.min(share, (1 << 14) / result.dtype.byteSize))
    let blocks = (length + block - 1) / block
    let (input, output) = (moved.rawPointer, result.rawPointer)
    let (size, resultSize) = (moved.dtype.byteSize, result.dtype.byteSize)
    let (code, type) = (self.code, moved.dtype.kernelCode)
    Threads.parallel(outerRows * blocks, grain: Swift.max(1, (1 << 14) / Swift.max(inner * block, 1))) {
      range in
      for task in range {
        let (row, part) = task.quotientAndRemainder(dividingBy: blocks)
        let start = part * block
        let base = Tensor.flatOffset(outerWalk, row) + start * stride
        let sums = output + (row * length + start) * resultSize
        for group in 0..<innerWalk.rowCount {
          tk_reduce_columns(
            code, type, Int64(rows), Int64(step), Int64(Swift.min(block, length - start)),
            input + (base + innerWalk.offset(0, row: group)) * size, Int64(stride), sums)
        }
      }
    }
  }
}

extension Tensor {
  /// Reduces some axes (all when omitted); nothing is recorded.
  func orderless(_ kind: OrderlessReduction, _ name: String, axes: [Int]?, keepDims: Bool) -> Tensor {
    if isStandIn {
      return overBatch(axes: axes, name) { $0.orderless(kind, name, axes: $1, keepDims: keepDims) }
    }
    let (axes, kept, dropped) = reducedShapes(axes, name)
    return kind.run(self, axes: axes, into: dropped).reshaped(keepDims ? kept : dropped)
  }
}
