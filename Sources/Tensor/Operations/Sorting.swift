extension Tensor {
  /// The order of the elements along an axis, as int64 indices, stable; NaN counts as the largest value.
  /// - Parameters:
  ///   - axis: the axis to sort along.
  ///   - descending: largest first.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    let axis = normalizedAxis(axis, "argsort")
    let rows = detached().transposed(axis, rank - 1).contiguous()
    let length = rows.shape[rank - 1]
    let result = Tensor(uninitialized: rows.shape, dtype: .int64)
    let output = result.pointer(Int64.self)
    func sort<T: TensorScalar>(_: T.Type) {
      let input = rows.pointer(T.self)
      Threads.parallel(
        length == 0 ? 0 : rows.count / length, grain: Swift.max(1, 4096 / Swift.max(length, 1))
      ) { range in
        for row in range {
          let values = (0..<length).map { input[row * length + $0].asDouble }
          let order = values.indices.sorted { a, b in
            let (x, y) = (values[a], values[b])
            if x == y || (x.isNaN && y.isNaN) { return a < b }
            let isLess = y.isNaN || x < y
            return descending ? !isLess : isLess
          }
          for (i, index) in order.enumerated() { output[row * length + i] = Int64(index) }
        }
      }
    }
    dtype.withScalarType { sort($0) }
    return result.transposed(axis, rank - 1).contiguous()
  }

  /// The elements in order along an axis, and their indices; see ``argsort(axis:descending:)``.
  public func sorted(axis: Int = -1, descending: Bool = false) -> (values: Tensor, indices: Tensor) {
    let indices = argsort(axis: axis, descending: descending)
    return (gather(axis: axis, indices), indices)
  }

  /// The `count` largest (or smallest) elements along an axis in order, and their indices.
  /// - Precondition: the axis has at least `count` elements.
  public func topK(_ count: Int, axis: Int = -1, largest: Bool = true) -> (values: Tensor, indices: Tensor) {
    let axis = normalizedAxis(axis, "topK")
    tensorRequire(count >= 0 && count <= shape[axis], "topK", "\(count) of axis \(axis) of shape \(shape)")
    let indices = argsort(axis: axis, descending: largest).slice(axis: axis, 0..<count).contiguous()
    return (gather(axis: axis, indices), indices)
  }

  /// The distinct elements in ascending order, how often each occurs, and for every element (in C order) which one it is.
  public func unique() -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    let flat = detached().reshaped([count])
    let order = flat.argsort().array(of: Int64.self)
    let values = flat.array(of: Double.self)
    var firsts: [Int64] = []
    var counts: [Int64] = []
    var inverse = [Int64](repeating: 0, count: values.count)
    for index in order {
      if let last = firsts.last, values[Int(last)] == values[Int(index)] {
        counts[counts.count - 1] += 1
      } else {
        firsts.append(index)
        counts.append(1)
      }
      inverse[Int(index)] = Int64(firsts.count - 1)
    }
    return (flat.rows(at: Tensor(firsts)), Tensor(inverse, shape: shape), Tensor(counts))
  }
}
