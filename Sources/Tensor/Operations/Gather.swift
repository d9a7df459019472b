import CTensorKernels

extension Tensor {
  /// Row numbers as Swift integers, checked against the number of rows; negative ones count from the back.
  private static func rowNumbers(_ indices: Tensor, count: Int, _ operation: String) -> [Int] {
    tensorRequire(
      !indices.dtype.isFloatingPoint, operation, "indices must be integers, found \(indices.dtype)")
    let numbers = indices.to(.int64).contiguous()
    let values = numbers.pointer(Int64.self)
    return [Int](unsafeUninitializedCapacity: indices.count) { rows, initialized in
      for i in 0..<indices.count {
        let row = values[i] < 0 ? Int(values[i]) + count : Int(values[i])
        if row < 0 || row >= count {
          tensorFailure(operation, "index \(values[i]) is outside \(count) rows")
        }
        rows[i] = row
      }
      initialized = indices.count
    }
  }

  /// The rows (slices along the first axis) with the given numbers; the gradient adds up where a row is taken twice.
  /// - Parameter indices: integers of any shape.
  /// - Returns: `indices.shape + shape[1...]`.
  public func rows(at indices: Tensor) -> Tensor {
    tensorRequire(rank >= 1, "rows", "a scalar has no rows")
    let numbers = Self.rowNumbers(indices, count: shape[0], "rows")
    let source = detached().contiguous()
    let width = shape.dropFirst().reduce(1, *) * dtype.byteSize
    let result = Tensor(uninitialized: indices.shape + shape.dropFirst(), dtype: dtype)
    let (from, to) = (source.rawPointer, result.rawPointer)
    if width > 0 {
      Threads.parallel(numbers.count, grain: Swift.max(1, (1 << 16) / width)) { range in
        for i in range { (to + i * width).copyMemory(from: from + numbers[i] * width, byteCount: width) }
      }
    }
    let original = shape
    return recorded("rows", from: self, result) { gradient, _ in
      gradient.scatterAddingRows(at: indices, numbers, of: original)
    }
  }

  /// Zeros of `shape` with this tensor's rows added at `numbers`.
  private func scatterAddingRows(at indices: Tensor, _ numbers: [Int], of shape: [Int]) -> Tensor {
    if dtype.isHalfPrecision {
      return to(.float32).scatterAddingRows(at: indices, numbers, of: shape).to(dtype)
    }
    var result = Tensor.zeros(shape, dtype: dtype)
    result.addRowsInPlace(self, numbers)
    return recorded("scatterAddingRows", from: self, result) { gradient, _ in gradient.rows(at: indices) }
  }

  /// Adds rows of `source` to rows of this tensor, in order of `numbers`; threads share the columns.
  private mutating func addRowsInPlace(_ source: Tensor, _ numbers: [Int]) {
    guard dtype == .float32 || dtype == .float64 else {
      tensorFailure("rows", "only float32 and float64 rows can be added, found \(dtype)")
    }
    let width = shape.dropFirst().reduce(1, *)
    let rows = source.detached().contiguous()
    makeUnique()
    let target = self
    Threads.parallel(width, grain: Swift.max(64, (1 << 15) / Swift.max(numbers.count, 1))) { range in
      for (i, row) in numbers.enumerated() {
        if target.dtype == .float32 {
          tk_accumulate_f32(
            Int64(range.count), 1, rows.pointer(Float.self) + i * width + range.lowerBound, 1,
            target.pointer(Float.self) + row * width + range.lowerBound)
        } else {
          tk_accumulate_f64(
            Int64(range.count), 1, rows.pointer(Double.self) + i * width + range.lowerBound, 1,
            target.pointer(Double.self) + row * width + range.lowerBound)
        }
      }
    }
  }

  /// A copy with some rows replaced, as image features replace placeholder embeddings.
  /// - Parameters:
  ///   - indices: `[k]` row numbers, each at most once.
  ///   - rows: `[k, ...]` the new rows, of this tensor's type.
  public func replacingRows(at indices: Tensor, with rows: Tensor) -> Tensor {
    let numbers = Self.rowNumbers(indices, count: shape[0], "replacingRows")
    tensorRequire(
      rows.shape == [numbers.count] + shape.dropFirst() && rows.dtype == dtype, "replacingRows",
      "\(numbers.count) rows of \(dtype) \(shape) cannot be replaced by \(rows.dtype) \(rows.shape)")
    tensorRequire(Set(numbers).count == numbers.count, "replacingRows", "a row is named twice")
    let result = materialized()
    let source = rows.detached().contiguous()
    let width = shape.dropFirst().reduce(1, *) * dtype.byteSize
    for (i, row) in numbers.enumerated() {
      (result.rawPointer + row * width).copyMemory(from: source.rawPointer + i * width, byteCount: width)
    }
    let (base, replacement) = (self, rows)
    return Tensor.recorded("replacingRows", from: [base, replacement], result) { gradient, _ in
      [
        base.requiresGradient
          ? gradient.replacingRows(at: indices, with: Tensor.zeros(replacement.shape, dtype: gradient.dtype))
          : nil,
        replacement.requiresGradient ? gradient.rows(at: indices) : nil,
      ]
    }
  }
}
