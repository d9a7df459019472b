import CTensorKernels

extension Tensor {
  /// Indices as int64; an unsigned one that this does not hold becomes its largest number, which no axis has.
  func asIndices() -> Tensor { (dtype == .uint64 ? minimum(Int64.max) : self).to(.int64) }

  /// Row numbers as Swift integers, checked against the number of rows; negative ones count from the back.
  private static func rowNumbers(_ indices: Tensor, count: Int, _ operation: String) -> [Int] {
    tensorRequire(
      !indices.dtype.isFloatingPoint, operation, "indices must be integers, found \(indices.dtype)")
    func checked<Index: FixedWidthInteger>(_ numbers: Tensor, _: Index.Type) -> [Int] {
      let values = numbers.pointer(Index.self)
      // Before anything is allocated: what a failed check leaves behind is lost.
      if let bad = (0..<numbers.count).first(where: { !(-count..<count).contains(Int(values[$0])) }) {
        tensorFailure(operation, "index \(values[bad]) is outside \(count) rows")
      }
      return [Int](unsafeUninitializedCapacity: numbers.count) { rows, initialized in
        for i in 0..<numbers.count {
          let value = Int(values[i])
          rows[i] = value < 0 ? value + count : value
        }
        initialized = numbers.count
      }
    }
    return indices.dtype == .int32
      ? checked(indices.contiguous(), Int32.self) : checked(indices.asIndices().contiguous(), Int64.self)
  }

  /// The rows (slices along the first axis) with the given numbers; the gradient adds up where a row is taken
  /// twice.
  /// - Parameter indices: integers of any shape.
  /// - Returns: `indices.shape + shape[1...]`.
  public func rows(at indices: Tensor) -> Tensor { rows(at: indices, "rows") }

  /// - Parameter name: what errors call the operation.
  func rows(at indices: Tensor, _ name: String) -> Tensor {
    tensorRequire(rank >= 1, name, "a scalar has no rows")
    if isStandIn || indices.isStandIn { return rowsOverBatch(at: indices, name) }
    let numbers = Self.rowNumbers(indices, count: shape[0], name)
    let source = detached().contiguous()
    let width = shape.dropFirst().reduce(1, *) * dtype.byteSize
    let result = Tensor(uninitialized: indices.shape + shape.dropFirst(), dtype: dtype)
    let (from, to) = (source.rawPointer, result.rawPointer)
    func copyElements<T>(_: T.Type) {
      let (elements, places) = (from.assumingMemoryBound(to: T.self), to.assumingMemoryBound(to: T.self))
      Threads.parallel(numbers.count, grain: 1 << 14) { range in
        numbers.withUnsafeBufferPointer { numbers in
          for i in range { places[i] = elements[numbers[i]] }
        }
      }
    }
    // A call to copy a few bytes costs more than the bytes.
    switch width {
    case 0: break
    case 1: copyElements(UInt8.self)
    case 4: copyElements(UInt32.self)
    case 8: copyElements(UInt64.self)
    default:
      Threads.parallel(numbers.count, grain: Swift.max(1, (1 << 16) / width)) { range in
        for i in range { (to + i * width).copyMemory(from: from + numbers[i] * width, byteCount: width) }
      }
    }
    let original = shape
    return recorded("rows", from: self, result) { gradient, _ in
      gradient.scatterAddingRows(at: indices, numbers, of: original)
    }
  }

  /// Rows for every example.
  private func rowsOverBatch(at indices: Tensor, _ name: String) -> Tensor {
    let operands = BatchOperands([self, indices])
    let (table, numbers) = (operands.tensors[0], operands.tensors[1])
    guard operands.run != nil, operands.isBatch[0] else {
      return operands.result(table.rows(at: numbers, name))
    }
    let rest = Array(shape.dropFirst())
    if !operands.isBatch[1] {
      // The axis of examples stands behind those of the indices at first.
      let rows = table.transposed(0, 1).rows(at: numbers, name)
      let lead = indices.rank
      return operands.result(
        rows.permuted([lead] + Array(0..<lead) + Array(lead + 1..<rows.rank)))
    }
    let ones = [Int](repeating: 1, count: rest.count)
    let places = numbers.reshaped([numbers.shape[0], indices.count] + ones)
      .expanded(to: [numbers.shape[0], indices.count] + rest)
    return operands.result(
      table.gather(axis: 1, places).reshaped([numbers.shape[0]] + indices.shape + rest))
  }

  /// Zeros of `shape` with this tensor's rows added at `numbers`.
  private func scatterAddingRows(at indices: Tensor, _ numbers: [Int], of shape: [Int]) -> Tensor {
    if dtype.isHalfPrecision {
      return to(.float32).scatterAddingRows(at: indices, numbers, of: shape).to(dtype)
    }
    let result = Tensor(uninitialized: shape, dtype: dtype)
    let source = detached().contiguous()
    switch dtype {
    case .float32:
      result.fillWithSums(of: source, numbers, Float.self) { tk_accumulate_f32($0, 1, $1, 1, $2) }
    case .float64:
      result.fillWithSums(of: source, numbers, Double.self) { tk_accumulate_f64($0, 1, $1, 1, $2) }
    default: tensorFailure("rows", "only float32 and float64 rows can be added, found \(dtype)")
    }
    return recorded("scatterAddingRows", from: self, result) { gradient, _ in gradient.rows(at: indices) }
  }

  /// Makes row `r` the sum of the rows of `source` whose number is `r`, in their order.
  private func fillWithSums<T: BinaryFloatingPoint>(
    of source: Tensor, _ numbers: [Int], _: T.Type,
    adding: (Int64, UnsafePointer<T>, UnsafeMutablePointer<T>) -> Void
  ) {
    let width = shape.dropFirst().reduce(1, *)
    if width == 0 { return }
    // Where the sources of each row stand in `order`.
    var starts = [Int](repeating: 0, count: shape[0] + 1)
    for row in numbers { starts[row + 1] += 1 }
    for row in 0..<shape[0] { starts[row + 1] += starts[row] }
    var (next, order) = (starts, [Int](repeating: 0, count: numbers.count))
    for (i, row) in numbers.enumerated() {
      order[next[row]] = i
      next[row] += 1
    }
    let (from, to) = (source.pointer(T.self), pointer(T.self))
    Threads.parallel(shape[0], grain: Swift.max(1, (1 << 14) / width)) { [starts, order] range in
      for row in range {
        let target = to + row * width
        let sources = order[starts[row]..<starts[row + 1]]
        guard let first = sources.first else {
          target.update(repeating: 0, count: width)
          continue
        }
        target.update(from: from + first * width, count: width)
        for i in sources.dropFirst() { adding(Int64(width), from + i * width, target) }
      }
    }
  }

  /// A copy with some rows replaced, as image features replace placeholder embeddings.
  /// - Parameters:
  ///   - indices: `[k]` row numbers, each at most once.
  ///   - rows: `[k, ...]` the new rows, of this tensor's type.
  public func replacingRows(at indices: Tensor, with rows: Tensor) -> Tensor {
    tensorRequire(rank >= 1, "replacingRows", "a scalar has no rows")
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
