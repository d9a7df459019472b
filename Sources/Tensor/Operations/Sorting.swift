import CTensorKernels

extension Tensor {
  /// The order of the elements along an axis, as int64 indices, stable; NaN counts as the largest value.
  /// - Parameters:
  ///   - axis: the axis to sort along.
  ///   - descending: largest first.
  /// - Complexity: O(n) for each row of n elements, which are sorted by the bits of their keys.
  public func argsort(axis: Int = -1, descending: Bool = false) -> Tensor {
    if isStandIn {
      return overBatch(axis: axis, "argsort") { $0.argsort(axis: $1, descending: descending) }
    }
    let axis = normalizedAxis(axis, "argsort")
    let rows = detached().transposed(axis, rank - 1)
    let length = rows.shape[rank - 1]
    let result = Tensor(uninitialized: rows.shape, dtype: .int64)
    if result.count > 0 {
      let output = result.pointer(Int64.self)
      let source = rows.sortable()
      Threads.parallel(result.count / length, grain: Swift.max(1, 4096 / length)) { range in
        for row in range {
          SortedRow(source, row * length, length, descending: descending).copyOrder(to: output + row * length)
        }
      }
    }
    return result.transposed(axis, rank - 1).contiguous()
  }

  /// The elements in order along an axis, and their indices; see ``argsort(axis:descending:)``.
  public func sorted(axis: Int = -1, descending: Bool = false) -> (values: Tensor, indices: Tensor) {
    tensorOperation("sorted") {
      let indices = argsort(axis: axis, descending: descending)
      return (gather(axis: axis, indices), indices)
    }
  }

  /// The distinct elements in ascending order, how often each occurs, and for every element (in C order)
  /// which one it is.
  public func unique() -> (values: Tensor, inverse: Tensor, counts: Tensor) {
    tensorOperation("unique") {
      let flat = detached().reshaped([count])
      let inverse = Tensor(uninitialized: shape, dtype: .int64)
      if count == 0 { return (flat, inverse, Tensor(uninitialized: [0], dtype: .int64)) }
      var (firsts, counts): ([Int64], [Int64]) = ([], [])
      SortedRow(flat.sortable(), 0, count, descending: false).distinct(
        inverse: inverse.pointer(Int64.self), firsts: &firsts, counts: &counts)
      return (flat.rows(at: Tensor(firsts)), inverse, Tensor(counts))
    }
  }

  /// This tensor, contiguous and of a type that keys are made of.
  func sortable() -> Tensor {
    dtype.isHalfPrecision ? to(.float32).contiguous() : integerKeys().contiguous()
  }

  /// Integers of every type but bytes as int32 or int64 in the same order; other types as they are.
  func integerKeys() -> Tensor {
    switch dtype {
    case .int8, .int16, .uint16: to(.int32)
    case .uint32: to(.int64)
    case .uint64: Elementwise.mapped(self, as: .int64) { (x: UInt64) in Int64(bitPattern: x ^ 1 << 63) }
    case .float16, .bfloat16, .float32, .float64, .int32, .int64, .uint8, .bool: self
    }
  }
}

/// One row of a tensor, sorted by keys: bytes by counting, 32-bit types as pairs of key and number in one
/// word, others as keys and numbers side by side.
struct SortedRow {
  private let source: Tensor
  private let start: Int
  private let length: Int
  private let flip: UInt64

  init(_ source: Tensor, _ start: Int, _ length: Int, descending: Bool) {
    self.source = source
    self.start = start
    self.length = length
    flip = descending ? .max : 0
  }

  /// Writes the numbers of the elements in their order.
  func copyOrder(to order: UnsafeMutablePointer<Int64>) {
    switch source.dtype {
    case .uint8, .bool:
      var counts = [Int64](repeating: 0, count: 256)
      tk_argsort_u8(
        Int64(length), source.pointer(UInt8.self) + start, flip == 0 ? 0 : 1, &counts, order)
    case .float32 where length <= UInt32.max, .int32 where length <= UInt32.max:
      withPairs { pairs in
        for i in 0..<length { order[i] = Int64(pairs[i] & 0xFFFF_FFFF) }
      }
    default:
      withKeys { _, numbers in order.update(from: numbers, count: length) }
    }
  }

  /// Writes which distinct element each one is, and collects the first of each with how often it occurs.
  func distinct(inverse: UnsafeMutablePointer<Int64>, firsts: inout [Int64], counts: inout [Int64]) {
    switch source.dtype {
    case .uint8, .bool:
      let values = source.pointer(UInt8.self) + start
      var found = [Int64](repeating: 0, count: 256)
      tk_argsort_u8(Int64(length), values, 0, &found, nil)
      var places = [Int64](repeating: 0, count: 256)
      for value in 0..<256 where found[value] > 0 {
        places[value] = Int64(counts.count)
        counts.append(found[value])
      }
      var first = [Int64](repeating: -1, count: 256)
      var open = counts.count
      for i in 0..<length where open > 0 && first[Int(values[i])] < 0 {
        first[Int(values[i])] = Int64(i)
        open -= 1
      }
      firsts = first.filter { $0 >= 0 }
      for i in 0..<length { inverse[i] = places[Int(values[i])] }
    case .float32 where length <= UInt32.max, .int32 where length <= UInt32.max:
      withPairs { pairs in
        collect(inverse, &firsts, &counts, key: { pairs[$0] >> 32 }, number: { Int(pairs[$0] & 0xFFFF_FFFF) })
      }
    default:
      withKeys { keys, numbers in
        collect(inverse, &firsts, &counts, key: { keys[$0] }, number: { Int(numbers[$0]) })
      }
    }
  }

  @inline(__always)
  private func collect(
    _ inverse: UnsafeMutablePointer<Int64>, _ firsts: inout [Int64], _ counts: inout [Int64],
    key: (Int) -> UInt64, number: (Int) -> Int
  ) {
    var (last, begin) = (key(0), 0)
    firsts.append(Int64(number(0)))
    inverse[number(0)] = 0
    for i in 1..<Swift.max(length, 1) {
      let own = key(i)
      if own != last {
        counts.append(Int64(i - begin))
        firsts.append(Int64(number(i)))
        (last, begin) = (own, i)
      }
      inverse[number(i)] = Int64(firsts.count - 1)
    }
    counts.append(Int64(length - begin))
  }

  /// The pairs of key (upper half) and number (lower half) of a 32-bit type in order.
  private func withPairs(_ body: (UnsafeMutablePointer<UInt64>) -> Void) {
    MemoryPool.withScratch(UInt64.self, count: length) { pairs in
      MemoryPool.withScratch(UInt64.self, count: length) { scratch in
        // Keys are made in the half of the scratch memory that the first pass has not reached yet.
        let keys = UnsafeMutableRawPointer(scratch).bindMemory(to: UInt32.self, capacity: length)
        if source.dtype == .float32 {
          tk_sort_keys_f32(
            Int64(length), source.pointer(Float.self) + start, UInt32(truncatingIfNeeded: flip), keys)
        } else {
          tk_sort_keys_i32(
            Int64(length), source.pointer(Int32.self) + start, UInt32(truncatingIfNeeded: flip), keys)
        }
        for i in 0..<length { pairs[i] = UInt64(keys[i]) << 32 | UInt64(i) }
        body(tk_sort_pairs(Int64(length), pairs, scratch).unsafelyUnwrapped)
      }
    }
  }

  private func withKeys(_ body: (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Int64>) -> Void) {
    MemoryPool.withScratch(UInt64.self, count: 2 * length) { keys in
      MemoryPool.withScratch(Int64.self, count: 2 * length) { numbers in
        switch source.dtype {
        case .float64: tk_sort_keys_f64(Int64(length), source.pointer(Double.self) + start, flip, keys)
        case .int64: tk_sort_keys_i64(Int64(length), source.pointer(Int64.self) + start, flip, keys)
        case .float32:
          let input = source.pointer(Float.self) + start
          for i in 0..<length {
            var key: UInt32 = 0
            tk_sort_keys_f32(1, input + i, UInt32(truncatingIfNeeded: flip), &key)
            keys[i] = UInt64(key)
          }
        default:
          let input = source.pointer(Int32.self) + start
          for i in 0..<length { keys[i] = (UInt64(UInt32(bitPattern: input[i]) ^ 1 << 31)) ^ flip }
        }
        for i in 0..<length { numbers[i] = Int64(i) }
        let sorted = Self.sort(keys, numbers, keys + length, numbers + length, length)
        body(sorted.keys, sorted.numbers)
      }
    }
  }

  /// Sorts keys with their numbers, stable: byte by byte from the lowest, few of them by insertion.
  private static func sort(
    _ keys: UnsafeMutablePointer<UInt64>, _ order: UnsafeMutablePointer<Int64>,
    _ otherKeys: UnsafeMutablePointer<UInt64>, _ otherOrder: UnsafeMutablePointer<Int64>, _ n: Int
  ) -> (keys: UnsafeMutablePointer<UInt64>, numbers: UnsafeMutablePointer<Int64>) {
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
      return (keys, order)
    }
    var (from, to) = ((keys, order), (otherKeys, otherOrder))
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { starts in
      for shift in stride(from: 0, to: UInt64(64), by: 8) {
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
    return (from.0, from.1)
  }
}
