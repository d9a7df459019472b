import CTensorKernels

extension Tensor {
  /// The `count` largest (or smallest) elements along an axis in order, and their indices; equal ones by
  /// index, NaN as the largest of all.
  /// - Precondition: the axis has at least `count` elements.
  /// - Complexity: O(n) for a row of n elements and few of them asked for; otherwise that of sorting.
  public func topK(_ count: Int, axis: Int = -1, largest: Bool = true) -> (values: Tensor, indices: Tensor) {
    let axis = normalizedAxis(axis, "topK")
    tensorRequire(count >= 0 && count <= shape[axis], "topK", "\(count) of axis \(axis) of shape \(shape)")
    if isStandIn {
      let indices = overBatch(axis: axis, "topK") { $0.topK(count, axis: $1, largest: largest).indices }
      return (gather(axis: axis, indices), indices)
    }
    // Keeping a short list in order costs a comparison an element; a long one moves too often, so that
    // sorting is faster.
    let isFew = count > 0 && count <= 64 && shape[axis] >= 4 * count
    let indices =
      isFew
      ? largestKeys(count, axis: axis, largest: largest)
      : argsort(axis: axis, descending: largest).slice(axis: axis, 0..<count).contiguous()
    return (gather(axis: axis, indices), indices)
  }

  private func largestKeys(_ wanted: Int, axis: Int, largest: Bool) -> Tensor {
    let rows = detached().transposed(axis, rank - 1)
    let source = (rows.dtype == .uint8 || rows.dtype == .bool ? rows.to(.int32) : rows).sortable()
    let length = rows.shape[rank - 1]
    let result = Tensor(uninitialized: Array(rows.shape.dropLast()) + [wanted], dtype: .int64)
    let output = result.pointer(Int64.self)
    let count = rows.count / Swift.max(length, 1)
    let (flip32, flip64): (UInt32, UInt64) = largest ? (0, 0) : (.max, .max)
    withExtendedLifetime(source) {
      switch source.dtype {
      case .float64:
        let values = source.pointer(Double.self)
        Self.search(count, length, wanted, output, tk_largest_keys_64) {
          tk_sort_keys_f64($1, values + $0, flip64, $2)
        }
      case .int64:
        let values = source.pointer(Int64.self)
        Self.search(count, length, wanted, output, tk_largest_keys_64) {
          tk_sort_keys_i64($1, values + $0, flip64, $2)
        }
      case .float32:
        let values = source.pointer(Float.self)
        Self.search(count, length, wanted, output, tk_largest_keys_32) {
          tk_sort_keys_f32($1, values + $0, flip32, $2)
        }
      default:
        let values = source.pointer(Int32.self)
        Self.search(count, length, wanted, output, tk_largest_keys_32) {
          tk_sort_keys_i32($1, values + $0, flip32, $2)
        }
      }
    }
    return result.transposed(axis, rank - 1).contiguous()
  }

  /// The numbers of the largest keys of each row. Long rows are searched in parts of one size, whatever the
  /// number of threads, and the best of the parts are put in order.
  private static func search<Key: FixedWidthInteger>(
    _ rows: Int, _ length: Int, _ wanted: Int, _ output: UnsafeMutablePointer<Int64>,
    _ best: (
      Int64, UnsafePointer<Key>?, Int64, Int64, UnsafeMutablePointer<Key>?, UnsafeMutablePointer<Int64>?
    ) -> Void,
    keys: (_ start: Int, _ count: Int64, UnsafeMutablePointer<Key>) -> Void
  ) {
    let part = Swift.max(1 << 14, 4 * wanted)
    let parts = Swift.max(1, length / part)
    MemoryPool.withScratch(Key.self, count: rows * parts * wanted) { tops in
      MemoryPool.withScratch(Int64.self, count: rows * parts * wanted) { numbers in
        Threads.parallel(rows * parts, grain: Swift.max(1, (1 << 14) / (length / parts + 1))) { range in
          MemoryPool.withScratch(Key.self, count: length / parts + 1) { buffer in
            for task in range {
              let (row, piece) = task.quotientAndRemainder(dividingBy: parts)
              let (low, high) = (length * piece / parts, length * (piece + 1) / parts)
              keys(row * length + low, Int64(high - low), buffer)
              best(
                Int64(high - low), buffer, Int64(low), Int64(wanted), tops + task * wanted,
                numbers + task * wanted)
            }
          }
        }
        for row in 0..<rows {
          let first = row * parts * wanted
          let order =
            parts == 1
            ? Array(first..<first + wanted)
            : Array(
              (first..<first + parts * wanted).sorted {
                tops[$0] != tops[$1] ? tops[$0] > tops[$1] : numbers[$0] < numbers[$1]
              }.prefix(wanted))
          for (place, entry) in order.enumerated() { output[row * wanted + place] = numbers[entry] }
        }
      }
    }
  }
}
