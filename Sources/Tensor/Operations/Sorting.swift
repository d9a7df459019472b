extension Tensor {
  /// The order of the elements along an axis, as int64 indices, stable; NaN counts as the largest value.
  /// - Parameters:
  ///   - axis: the axis to sort along.
  ///   - descending: largest first.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    let axis = normalizedAxis(axis, "argsort")
    let (keys, bits) = detached().transposed(axis, rank - 1).sortingKeys(descending: descending)
    let length = keys.shape[rank - 1]
    let result = Tensor(uninitialized: keys.shape, dtype: .int64)
    if result.count > 0 {
      let (input, output) = (keys.pointer(UInt64.self), result.pointer(Int64.self))
      Threads.parallel(result.count / length, grain: Swift.max(1, 4096 / length)) { range in
        MemoryPool.withScratch(UInt64.self, count: length) { otherKeys in
          MemoryPool.withScratch(Int64.self, count: length) { otherOrder in
            for row in range {
              let start = row * length
              for i in 0..<length { output[start + i] = Int64(i) }
              Self.sort(input + start, output + start, otherKeys, otherOrder, length, bits: bits)
            }
          }
        }
      }
    }
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

  /// The distinct elements in ascending order, how often each occurs, and for every element (in C order)
  /// which one it is.
  public func unique() -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    let flat = detached().reshaped([count])
    let order = flat.argsort().array(of: Int64.self)
    let keys = flat.sortingKeys(descending: false).keys
    let key = keys.pointer(UInt64.self)
    var firsts: [Int64] = []
    var counts: [Int64] = []
    var inverse = [Int64](repeating: 0, count: order.count)
    for index in order {
      if let last = firsts.last, key[Int(last)] == key[Int(index)] {
        counts[counts.count - 1] += 1
      } else {
        firsts.append(index)
        counts.append(1)
      }
      inverse[Int(index)] = Int64(firsts.count - 1)
    }
    return (flat.rows(at: Tensor(firsts)), Tensor(inverse, shape: shape), Tensor(counts))
  }

  /// Unsigned numbers in the order of the elements, in the memory of an int64 tensor, and how many of their
  /// bits count. All NaN have the largest key, both zeros one key.
  private func sortingKeys(descending: Bool) -> (keys: Tensor, bits: Int) {
    let source: Tensor =
      switch dtype {
      case .float16, .bfloat16: to(.float32)
      case .uint8, .bool: to(.int32)
      default: contiguous()
      }
    let result = Tensor(uninitialized: shape, dtype: .int64)
    let output = result.pointer(UInt64.self)
    let bits = source.dtype.byteSize * 8
    let flip: UInt64 = descending ? (bits == 64 ? .max : 1 << bits - 1) : 0
    func fill<T>(_: T.Type, _ key: (T) -> UInt64) {
      let input = source.pointer(T.self)
      for i in 0..<result.count { output[i] = key(input[i]) ^ flip }
    }
    switch source.dtype {
    case .float32:
      fill(Float.self) { x in
        let pattern = x == 0 ? 0 : x.bitPattern
        return x.isNaN ? 0xFFFF_FFFF : UInt64(pattern >> 31 == 1 ? ~pattern : pattern | 1 << 31)
      }
    case .float64:
      fill(Double.self) { x in
        let pattern = x == 0 ? 0 : x.bitPattern
        return x.isNaN ? .max : pattern >> 63 == 1 ? ~pattern : pattern | 1 << 63
      }
    case .int32: fill(Int32.self) { UInt64(UInt32(bitPattern: $0) ^ 1 << 31) }
    default: fill(Int64.self) { UInt64(bitPattern: $0) ^ 1 << 63 }
    }
    return (result, bits)
  }

  /// Sorts keys with their numbers, stable: byte by byte from the lowest, few of them by insertion.
  private static func sort(
    _ keys: UnsafeMutablePointer<UInt64>, _ order: UnsafeMutablePointer<Int64>,
    _ otherKeys: UnsafeMutablePointer<UInt64>, _ otherOrder: UnsafeMutablePointer<Int64>, _ n: Int, bits: Int
  ) {
    if n <= 48 {
      for i in 1..<Swift.max(n, 1) {
        let (key, number) = (keys[i], order[i])
        var place = i
        while place > 0, keys[place - 1] > key {
          keys[place] = keys[place - 1]
          order[place] = order[place - 1]
          place -= 1
        }
        keys[place] = key
        order[place] = number
      }
      return
    }
    var (from, to) = ((keys, order), (otherKeys, otherOrder))
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { starts in
      for shift in stride(from: 0, to: UInt64(bits), by: 8) {
        starts.initialize(repeating: 0)
        for i in 0..<n { starts[Int(from.0[i] >> shift & 0xFF)] += 1 }
        if starts[Int(from.0[0] >> shift & 0xFF)] == n { continue }
        var next = 0
        for digit in 0..<256 {
          let count = starts[digit]
          starts[digit] = next
          next += count
        }
        for i in 0..<n {
          let digit = Int(from.0[i] >> shift & 0xFF)
          to.0[starts[digit]] = from.0[i]
          to.1[starts[digit]] = from.1[i]
          starts[digit] += 1
        }
        swap(&from, &to)
      }
    }
    if from.1 != order { order.update(from: from.1, count: n) }
  }
}
