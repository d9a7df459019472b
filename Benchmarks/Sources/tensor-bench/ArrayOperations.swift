import Tensor

/// Operations on whole arrays that are no layer of a model, by name after `array `;
/// `peers/array_operations.py` has the same. Bytes and bools are there because it is easy to compute with
/// them in copies of eight times their size.
enum ArrayOperations {
  /// Builds the operands of an operation and returns what to time; nil for an unknown name.
  static func operation(_ name: String) -> MicroOperations.Operation? {
    guard name.hasPrefix("array ") else { return nil }
    let words = name.split(separator: " ")
    if words[1].hasSuffix("fft"), words.count == 4 { return transform(words[1], words[2], words[3]) }
    return words[1] == "uint8" || words[1] == "bool"
      ? byteOperation(name.dropFirst(6)) : floatOperation(name.dropFirst(6))
  }

  /// A Fourier transform of some extents, such as `256x256`.
  private static func transform(
    _ operation: Substring, _ type: Substring, _ extents: Substring
  ) -> MicroOperations.Operation? {
    var generator = RandomGenerator(seed: 1)
    let shape = extents.split(separator: "x").compactMap { Int($0) }
    let dtype: DType = type.hasSuffix("128") || type == "float64" ? .float64 : .float32
    let real = Tensor.randomNormal(shape, dtype: dtype, using: &generator)
    if operation == "rfft" { return { _ = real.rfft() } }
    let numbers = ComplexTensor(
      real: real, imaginary: Tensor.randomNormal(shape, dtype: dtype, using: &generator))
    return shape.count == 1 ? { _ = numbers.fft() } : { _ = numbers.fftn() }
  }

  private static func floatOperation(_ name: Substring) -> MicroOperations.Operation? {
    var generator = RandomGenerator(seed: 1)
    let square = Tensor.randomNormal([2000, 2000], using: &generator)
    let line = Tensor.randomNormal([1_000_000], using: &generator)
    switch name {
    case "pow(3) 4M": return { _ = square.pow(3) }
    case "pow(2.5) 4M":
      let positive = square.abs()
      return { _ = positive.pow(2.5) }
    case "atan2 4M": return { _ = square.atan2(square) }
    case "isClose 4M": return { _ = square.isClose(to: square) }
    case "max axis 0 2000x2000": return { _ = square.max(axes: [0]) }
    case "max axis 1 2000x2000": return { _ = square.max(axes: [1]) }
    case "argmax axis 0 2000x2000": return { _ = square.argmax(axis: 0) }
    case "argmax axis 1 2000x2000": return { _ = square.argmax(axis: 1) }
    case "cumsum axis 0 2000x2000": return { _ = square.cumsum(axis: 0) }
    case "cumsum axis 1 2000x2000": return { _ = square.cumsum(axis: 1) }
    case "cumsum 1M": return { _ = line.cumsum(axis: 0) }
    case "lower triangle 2000x2000": return { _ = square.lowerTriangle() }
    case "eye 2000": return { _ = Tensor.eye(2000) }
    case "topK(10) 1M": return { _ = line.topK(10) }
    case "sort 1M": return { _ = line.sorted() }
    case "unique 1M": return { _ = line.unique() }
    case "unique int64 1M":
      let numbers = Tensor((0..<1_000_000).map { _ in Int64(generator.integer(below: 1000)) })
      return { _ = numbers.unique() }
    case "x[mask] 4M":
      let mask = square .> 0
      return { _ = square[mask] }
    case "nonZero 4M":
      let mask = square .> 0
      return { _ = mask.nonZero() }
    case "x[i] 1M":
      let indices = Tensor((0..<1_000_000).map { _ in Int64(generator.integer(below: 1_000_000)) })
      return { _ = line[indices] }
    case "pad reflect 8x3x224x224":
      let pictures = Tensor.randomNormal([8, 3, 224, 224], using: &generator)
      return { _ = pictures.padded([(0, 0), (0, 0), (3, 3), (3, 3)], mode: .reflect) }
    case "arange 16M": return { _ = Tensor.arange(16_000_000, dtype: .float32) }
    default: return nil
    }
  }

  private static func byteOperation(_ name: Substring) -> MicroOperations.Operation? {
    var generator = RandomGenerator(seed: 1)
    let bytes = Tensor((0..<16_000_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
    let mask = bytes .> 127
    switch name {
    case "uint8 add 16M": return { _ = bytes + bytes }
    case "uint8 compare 16M": return { _ = bytes .> bytes }
    case "uint8 clamped 16M": return { _ = bytes.clamped(10, 200) }
    case "uint8 select 16M": return { _ = Tensor.select(mask, bytes, bytes) }
    case "uint8 max 16M": return { _ = bytes.max() }
    case "uint8 max axis 0 4000x4000":
      let rows = bytes.reshaped([4000, 4000])
      return { _ = rows.max(axes: [0]) }
    case "uint8 argmax 16M": return { _ = bytes.argmax() }
    case "uint8 sum 16M": return { _ = bytes.sum() }
    case "uint8 mean 16M": return { _ = bytes.mean() }
    case "uint8 cumsum 16M": return { _ = bytes.cumsum(axis: 0) }
    case "uint8 sort 16M": return { _ = bytes.sorted() }
    case "uint8 argsort 16M": return { _ = bytes.argsort() }
    case "uint8 unique 16M": return { _ = bytes.unique() }
    case "uint8 nonZero 16M": return { _ = bytes.nonZero() }
    case "uint8 x[mask] 16M": return { _ = bytes[mask] }
    case "uint8 to float32 16M": return { _ = bytes.to(.float32) }
    case "bool any 16M": return { _ = mask.any() }
    case "bool all 16M": return { _ = mask.all() }
    case "bool any of none 16M":
      let none = Tensor.zeros(mask.shape, dtype: .bool)
      return { _ = none.any() }
    case "bool all of all 16M":
      let every = Tensor.ones(mask.shape, dtype: .bool)
      return { _ = every.all() }
    case "bool and 16M": return { _ = mask .& mask }
    default: return nil
    }
  }
}
