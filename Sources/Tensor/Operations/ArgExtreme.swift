import CTensorKernels

extension Tensor {
  /// The position of the largest element along an axis (of the flattened tensor when nil), as int64; the
  /// first of equals, and NaN before all.
  public func argmax(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    position("argmax", axis: axis, keepDims: keepDims, largest: true)
  }

  /// The position of the smallest element along an axis (of the flattened tensor when nil), as int64; the
  /// first of equals, and NaN before all.
  public func argmin(axis: Int? = nil, keepDims: Bool = false) -> Tensor {
    position("argmin", axis: axis, keepDims: keepDims, largest: false)
  }

  private func position(_ name: String, axis: Int?, keepDims: Bool, largest: Bool) -> Tensor {
    let (axes, kept, dropped) = reducedShapes(axis.map { [$0] }, name)
    let inner = axes.reduce(1) { $0 * shape[$1] }
    tensorRequire(inner > 0 || dropped.contains(0), name, "nothing to compare in shape \(shape)")
    if isStandIn {
      let (x, along) = axis == nil ? (flattened(), 0) : (self, axes[0])
      return x.overBatch { x, shift in
        x.position(name, axis: along + shift, keepDims: false, largest: largest)
      }.reshaped(keepDims ? kept : dropped)
    }
    let source = detached().contiguous()
    let result = Tensor(uninitialized: dropped, dtype: .int64)
    let named = keepDims ? kept : dropped
    if result.count == 0 { return result.reshaped(named) }
    let sign: Int32 = largest ? 1 : 0
    switch dtype {
    case .float32:
      source.search(axis, sign, result, Float.self, tk_arg_extreme_f32, tk_arg_extreme_columns_f32)
    case .float64:
      source.search(axis, sign, result, Double.self, tk_arg_extreme_f64, tk_arg_extreme_columns_f64)
    case .float16, .bfloat16:
      source.to(.float32).search(
        axis, sign, result, Float.self, tk_arg_extreme_f32, tk_arg_extreme_columns_f32)
    case .int32:
      source.search(axis, sign, result, Int32.self, tk_arg_extreme_i32, tk_arg_extreme_columns_i32)
    case .int64:
      source.search(axis, sign, result, Int64.self, tk_arg_extreme_i64, tk_arg_extreme_columns_i64)
    case .uint8, .bool:
      source.search(axis, sign, result, UInt8.self, tk_arg_extreme_u8, tk_arg_extreme_columns_u8)
    case .int8, .int16, .uint16:
      source.integerKeys().search(
        axis, sign, result, Int32.self, tk_arg_extreme_i32, tk_arg_extreme_columns_i32)
    case .uint32, .uint64:
      source.integerKeys().search(
        axis, sign, result, Int64.self, tk_arg_extreme_i64, tk_arg_extreme_columns_i64)
    }
    return result.reshaped(named)
  }

  /// Fills `result` from this contiguous tensor: along rows by one kernel, down columns of other axes by the
  /// other.
  private func search<T: Comparable>(
    _ axis: Int?, _ sign: Int32, _ result: Tensor, _: T.Type,
    _ alongRow: (Int32, Int64, UnsafePointer<T>?) -> Int64,
    _ downColumns: (
      Int32, Int64, Int64, Int64, UnsafePointer<T>?, UnsafeMutablePointer<T>?, UnsafeMutablePointer<Int64>?
    ) -> Void
  ) {
    let axis = axis.map { $0 < 0 ? $0 + rank : $0 }
    let (input, output) = (pointer(T.self), result.pointer(Int64.self))
    let length = axis.map { shape[$0] } ?? count
    let width = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
    if width == 1 {
      if result.count < Threads.count, length > 1 << 17 {
        for row in 0..<result.count {
          output[row] = searchInPieces(sign, length, input + row * length, alongRow)
        }
        return
      }
      Threads.parallel(result.count, grain: Swift.max(1, (1 << 14) / length)) { range in
        for row in range { output[row] = alongRow(sign, Int64(length), input + row * length) }
      }
      return
    }
    // Columns are shared in blocks that stay in the first cache with their numbers; threads take blocks.
    let block = 1024
    let blocks = (width + block - 1) / block
    let grain = Swift.max(1, (1 << 14) / (length * Swift.min(width, block)))
    Threads.parallel(result.count / width * blocks, grain: grain) { range in
      MemoryPool.withScratch(T.self, count: block) { best in
        for task in range {
          let (outer, part) = task.quotientAndRemainder(dividingBy: blocks)
          let first = part * block
          downColumns(
            sign, Int64(length), Int64(Swift.min(block, width - first)), Int64(width),
            input + outer * length * width + first, best, output + outer * width + first)
        }
      }
    }
  }
  /// The position in one long row, whose pieces threads share: the first piece with the best of all has it.
  private func searchInPieces<T: Comparable>(
    _ sign: Int32, _ length: Int, _ row: UnsafePointer<T>,
    _ alongRow: (Int32, Int64, UnsafePointer<T>?) -> Int64
  ) -> Int64 {
    let piece = 1 << 16
    let count = (length + piece - 1) / piece
    return MemoryPool.withScratch(Int64.self, count: count) { places in
      Threads.parallel(count) { range in
        for index in range {
          let start = index * piece
          places[index] =
            Int64(start) + alongRow(sign, Int64(Swift.min(piece, length - start)), row + start)
        }
      }
      // Only a NaN differs from itself; the first one wins over every number.
      func isNaN(_ value: T) -> Bool { value != value }
      var best = places[0]
      for index in 1..<count {
        let (held, found) = (row[Int(best)], row[Int(places[index])])
        if isNaN(held) { break }
        if isNaN(found) || (sign == 1 ? found > held : found < held) { best = places[index] }
      }
      return best
    }
  }
}
