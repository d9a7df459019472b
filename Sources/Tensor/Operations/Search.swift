/// Which place ``Tensor/searchSorted(_:side:sorter:)`` names among equal elements.
public enum SearchSide: String, Sendable, CaseIterable {
  /// Before them all.
  case left
  /// Behind them all.
  case right
}

extension Tensor {
  /// The places at which values keep the order of the sorted elements along the last axis, as int64, NumPy's
  /// `searchsorted` and PyTorch's for rows. NaN counts as the largest value; what is compared has the type
  /// both promote to.
  /// - Parameters:
  ///   - values: what to look for: of any shape for one row, else of this shape but the last axis.
  ///   - side: the place among equal elements.
  ///   - sorter: the order that sorts the elements, as ``argsort(axis:descending:)`` gives it; without it
  ///     they must be in order.
  /// - Returns: places from 0 to the length of a row, of the shape of `values`.
  /// - Complexity: O(log n) for each value.
  public func searchSorted(_ values: Tensor, side: SearchSide = .left, sorter: Tensor? = nil) -> Tensor {
    tensorOperation("searchSorted") {
      tensorRequire(
        rank == 1 || rank > 1 && values.rank == rank && values.shape.dropLast() == shape.dropLast(),
        "searchSorted", "values of shape \(values.shape) do not fit sorted rows of shape \(shape)")
      tensorRequire(
        sorter.map { $0.shape == shape } ?? true, "searchSorted",
        "a sorter of shape \(sorter?.shape ?? []) does not fit shape \(shape)")
      let wide =
        values.literal.map { DType.promoted(dtype, kind: $0.kind) } ?? DType.promoted(dtype, values.dtype)
      let type: DType = wide.isHalfPrecision ? .float32 : wide
      let rows = (sorter.map { detached().gather(axis: -1, $0) } ?? detached()).to(type).contiguous()
      let sought =
        values.literal.map { $0.tensor(as: type, "searchSorted") } ?? values.detached().to(type).contiguous()
      switch type {
      case .float64: return rows.places(of: sought, side, Double.self)
      case .bool: return rows.places(of: sought, side, UInt8.self)
      default:
        func integers<T: FixedWidthInteger>(_: T.Type) -> Tensor { rows.places(of: sought, side, T.self) }
        return type.withIntegerType { integers($0) } ?? rows.places(of: sought, side, Float.self)
      }
    }
  }

  private func places<T: Comparable>(of values: Tensor, _ side: SearchSide, _: T.Type) -> Tensor {
    let result = Tensor(uninitialized: values.shape, dtype: .int64)
    if result.count == 0 { return result }
    let length = shape[rank - 1]
    let width = rank == 1 ? values.count : values.shape[rank - 1]
    let (table, keys, output) = (pointer(T.self), values.pointer(T.self), result.pointer(Int64.self))
    Threads.parallel(values.count, grain: 1 << 12) { range in
      for i in range {
        let (key, row) = (keys[i], table + i / width * length)
        let isMissing = key != key
        var (low, high) = (0, length)
        while low < high {
          let middle = low + (high - low) / 2
          let element = row[middle]
          // Only a NaN differs from itself; it stands behind all numbers.
          let isBefore =
            side == .left
            ? element < key || isMissing && element == element
            : isMissing || element <= key
          if isBefore { low = middle + 1 } else { high = middle }
        }
        output[i] = Int64(low)
      }
    }
    return result
  }

  /// Where elements are among those of another tensor, as bool, NumPy's `isin`; a NaN is among none. Integers
  /// are compared exactly, others in the type both promote to.
  /// - Complexity: O((n + m) log m) for n elements and m others.
  public func isIn(_ elements: Tensor) -> Tensor {
    tensorOperation("isIn") {
      if elements.literal != nil { return detached() .== elements }
      let type = DType.promoted(dtype, elements.dtype)
      if elements.count == 0 { return Tensor.zeros(shape, dtype: .bool) }
      let own = detached().to(type)
      let sorted = elements.detached().to(type).flattened().sorted(axis: 0).values
      let places = sorted.searchSorted(own).minimum(Tensor(elements.count - 1, dtype: .int64))
      return sorted.rows(at: places) .== own
    }
  }
}
