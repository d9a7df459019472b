/// The shape two operands have in common and the place of the axis of their vectors in it, which counts from
/// the back in both.
private func vectorAxis(_ a: Tensor, _ b: Tensor, _ axis: Int, _ name: String) -> (shape: [Int], axis: Int) {
  let longer = a.rank >= b.rank ? a : b
  let place = longer.normalizedAxis(axis, name)
  let back = longer.rank - place
  tensorRequire(
    back <= a.rank && back <= b.rank && a.shape[a.rank - back] == b.shape[b.rank - back], name,
    "vectors along axis \(axis) of shapes \(a.shape) and \(b.shape) differ in length")
  return (Tensor.broadcastShape(a.shape, b.shape, name), place)
}

/// The products of vectors, `Σ a_i b_i` along an axis, after broadcasting, NumPy's and the array API's
/// `vecdot`. Products of integers are integers, exact and wrapping around.
/// - Parameters:
///   - a: the vectors on the left.
///   - b: the vectors on the right.
///   - axis: the axis of both, in the shape that they have in common.
public func vecdot(_ a: Tensor, _ b: Tensor, axis: Int = -1) -> Tensor {
  let (_, place) = vectorAxis(a, b, axis, "vecdot")
  return tensorOperation("vecdot") {
    let type = DType.promoted(a.dtype, b.dtype)
    if type.isHalfPrecision { return (a.to(.float32) * b.to(.float32)).sum(axis: place).to(type) }
    return (a * b).sum(axis: place).to(type)
  }
}

/// The vector products of vectors of three elements, after broadcasting, NumPy's `cross` and PyTorch's
/// `linalg.cross`.
/// - Parameters:
///   - a: the vectors on the left.
///   - b: the vectors on the right.
///   - axis: the axis of both with three elements, in the shape that they have in common.
public func cross(_ a: Tensor, _ b: Tensor, axis: Int = -1) -> Tensor {
  let (shape, place) = vectorAxis(a, b, axis, "cross")
  tensorRequire(
    shape[place] == 3, "cross", "needs vectors of three elements, found axis \(axis) of shape \(shape)")
  return tensorOperation("cross") {
    let type = DType.promoted(a.dtype, b.dtype)
    // What cancels is not rounded to a half before.
    let computing: DType = type.isHalfPrecision ? .float32 : type
    let (x, y) = (a.to(computing).expanded(to: shape), b.to(computing).expanded(to: shape))
    func part(_ vectors: Tensor, _ number: Int) -> Tensor { vectors.slice(axis: place, number..<number + 1) }
    let components = [(1, 2), (2, 0), (0, 1)].map { first, second in
      part(x, first) * part(y, second) - part(x, second) * part(y, first)
    }
    return Tensor.concatenated(components, axis: place).to(type)
  }
}

/// The Kronecker product, NumPy's `kron`: every element of `a` times the whole of `b`, laid out in blocks.
/// The operand with fewer axes gets leading ones.
/// - Returns: a tensor of shape `[a0 · b0, a1 · b1, …]`.
public func kron(_ a: Tensor, _ b: Tensor) -> Tensor {
  let rank = max(a.rank, b.rank)
  let left = [Int](repeating: 1, count: rank - a.rank) + a.shape
  let right = [Int](repeating: 1, count: rank - b.rank) + b.shape
  tensorRequire(
    Tensor.elementCount(zip(left, right).flatMap { [$0, $1] }) != nil, "kron",
    "all products of shapes \(a.shape) and \(b.shape) are beyond all memory")
  return tensorOperation("kron") {
    let blocks = a.reshaped(left.flatMap { [$0, 1] }) * b.reshaped(right.flatMap { [1, $0] })
    return blocks.reshaped(zip(left, right).map { $0 * $1 })
  }
}
