import CTensorKernels

#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// The last two axes of a tensor as products read them: rows of elements one apart, or the same transposed.
private struct MatrixOperand {
  var tensor: Tensor
  var isTransposed: Bool
  var leadingDimension: Int

  /// Without copying where the strides allow it, which those of a transposed matrix do not for integers.
  init(_ tensor: Tensor, allowsTransposed: Bool = true) {
    let (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
    let (rowStride, columnStride) = (tensor.strides[tensor.rank - 2], tensor.strides[tensor.rank - 1])
    if Swift.max(rowStride, columnStride) > Int(Int32.max) {
      // Rows further apart than the library counts.
      self.tensor = tensor.materialized()
      isTransposed = false
      leadingDimension = Swift.max(columns, 1)
    } else if (columnStride == 1 || columns == 1) && (rowStride >= Swift.max(columns, 1) || rows == 1) {
      self.tensor = tensor
      isTransposed = false
      leadingDimension = rows == 1 ? Swift.max(columns, 1) : rowStride
    } else if allowsTransposed && (rowStride == 1 || rows == 1)
      && (columnStride >= Swift.max(rows, 1) || columns == 1)
    {
      self.tensor = tensor
      isTransposed = true
      leadingDimension = columns == 1 ? Swift.max(rows, 1) : columnStride
    } else {
      self.tensor = tensor.materialized()
      isTransposed = false
      leadingDimension = Swift.max(columns, 1)
    }
  }

  /// The matrix that begins so many elements after the tensor.
  func view<T>(at offset: Int = 0) -> MatrixView<T> {
    let (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
    let start: UnsafePointer<T> = UnsafePointer(tensor.pointer(T.self)) + offset
    if !isTransposed { return MatrixView(start, rows: rows, columns: columns, rowStride: leadingDimension) }
    return MatrixView(start, rows: columns, columns: rows, rowStride: leadingDimension).transposed
  }
}

/// The matrix product of two tensors, NumPy's `matmul`.
///
/// Matrices are the last two axes and the other axes broadcast; a vector is a row on the left and a column on
/// the right. Strided and transposed operands are multiplied where they lie. Products of integers are
/// integers, exact and wrapping around; those of bools say whether any pair is true. A second operand in
/// float16 or bfloat16 is read as it is stored and accumulated in Float32, as frozen weights are.
/// - Precondition: the inner extents agree.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor { a.matmul(b) }

extension Tensor {
  /// The matrix product with `other`; see ``matmul(_:_:)``.
  public func matmul(_ other: Tensor) -> Tensor {
    tensorOperation("matmul") {
      let type = DType.promoted(dtype, other.dtype)
      if type.isHalfPrecision { return to(.float32).matmul(other).to(type) }
      let (a, b) = (to(type), type == .float32 && other.dtype.isHalfPrecision ? other : other.to(type))
      tensorRequire(
        a.rank > 0 && b.rank > 0, "matmul",
        "needs at least one axis on both sides, found shapes \(a.shape) and \(b.shape)")
      if a.rank == 1 { return a.expandedDimensions(axis: 0).matmul(b).squeezed(axis: b.rank == 1 ? 0 : -2) }
      if b.rank == 1 { return a.matmul(b.expandedDimensions(axis: 1)).squeezed(axis: -1) }
      tensorRequire(
        a.shape[a.rank - 1] == b.shape[b.rank - 2], "matmul",
        "shapes \(a.shape) and \(b.shape) do not agree inside")
      if a.isStandIn || b.isStandIn { return Self.matmulOverBatch(a, b) }
      if b.rank == 2 && a.rank > 2 {
        // One product over all rows instead of one for each matrix.
        return a.reshaped([-1, a.shape[a.rank - 1]].resolvingRows(a)).matmul(b)
          .reshaped(Array(a.shape.dropLast()) + [b.shape[1]])
      }
      let result = Self.product(a, b)
      return Tensor.recorded("matmul", from: [a, b], result) { gradient, _ in
        [
          a.requiresGradient ? gradient.matmul(b.transposed()).reduced(to: a.shape) : nil,
          b.requiresGradient ? a.transposed().matmul(gradient).reduced(to: b.shape).to(b.dtype) : nil,
        ]
      }
    }
  }

  /// A product of matrices for every example.
  private static func matmulOverBatch(_ a: Tensor, _ b: Tensor) -> Tensor {
    let operands = BatchOperands([a, b])
    if operands.run == nil { return operands.tensors[0].matmul(operands.tensors[1]) }
    _ = broadcastShape(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)), "matmul")
    if !operands.isBatch[0], a.rank == 2, a.requiresGradient || b.shape[b.rank - 1] < 16 {
      // One product of all columns; its gradient is one product too, where the sum over a product for each
      // example would need a matrix for each.
      let (x, y) = (operands.tensors[0], operands.tensors[1])
      return operands.result(y.transposed().matmul(x.transposed()).transposed())
    }
    let aligned = operands.aligned(to: Swift.max(a.rank, b.rank))
    return operands.result(aligned[0].matmul(aligned[1]))
  }

  private static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, k, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
    let batchShape = broadcastShape(Array(a.shape.dropLast(2)), Array(b.shape.dropLast(2)), "matmul")
    let result = Tensor(uninitialized: batchShape + [m, n], dtype: a.dtype)
    if result.count == 0 { return result }
    if k == 0 { return Tensor.zeros(result.shape, dtype: a.dtype) }
    let isFloatingPoint = a.dtype.isFloatingPoint
    let left = MatrixOperand(a.detached(), allowsTransposed: isFloatingPoint)
    let right = MatrixOperand(b.detached(), allowsTransposed: isFloatingPoint)
    let walk = StridedIteration(
      shape: batchShape + [1],
      strides: [
        left.tensor.view(shape: Array(a.shape.dropLast(2)), strides: Array(left.tensor.strides.dropLast(2)))
          .broadcastStrides(to: batchShape) + [0],
        right.tensor.view(shape: Array(b.shape.dropLast(2)), strides: Array(right.tensor.strides.dropLast(2)))
          .broadcastStrides(to: batchShape) + [0],
      ])
    func offset(_ operand: Int, _ index: Int) -> Int {
      let (row, column) = index.quotientAndRemainder(dividingBy: walk.rowLength)
      return walk.offset(operand, row: row) + column * walk.rowStride(operand)
    }
    if !isFloatingPoint {
      multiplyIntegers(left, right, batchShape.reduce(1, *), m, n, k, offset, into: result)
      return result
    }
    if b.dtype.isHalfPrecision {
      for index in 0..<batchShape.reduce(1, *) {
        BLAS.gemm(
          left.view(at: offset(0, index)), right.view(at: offset(1, index)), type: b.dtype,
          into: MutableMatrixView(result.pointer(Float.self) + index * m * n, rows: m, columns: n))
      }
      return result
    }
    func multiply<T: BLASScalar>(_: T.Type) {
      BLAS.gemmBatch(
        count: batchShape.reduce(1, *), left.view(), aOffset: { offset(0, $0) }, right.view(),
        bOffset: { offset(1, $0) }, into: MutableMatrixView(result.pointer(T.self), rows: m, columns: n),
        cOffset: { $0 * m * n })
    }
    if a.dtype == .float32 { multiply(Float.self) } else { multiply(Double.self) }
    return result
  }

  /// `scale · a b` for matrices of one type, float32 or float64, added to `sum` where that is given; without
  /// a record.
  static func scaledProduct(_ a: Tensor, _ b: Tensor, scale: Double, addedTo sum: consuming Tensor? = nil)
    -> Tensor
  {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    tensorRequire(
      b.shape[0] == k && b.dtype == a.dtype
        && (sum.map { $0.shape == [m, n] && $0.dtype == a.dtype } ?? true),
      "scaledProduct", "\(a.shape) of \(a.dtype) and \(b.shape) of \(b.dtype) do not fit")
    if m == 0 || n == 0 || k == 0 { return sum ?? .zeros([m, n], dtype: a.dtype) }
    let (left, right) = (MatrixOperand(a.detached()), MatrixOperand(b.detached()))
    let isAdded = sum != nil
    var result = sum.take() ?? Tensor(uninitialized: [m, n], dtype: a.dtype)
    result.makeUnique()
    func multiply<T: BLASScalar>(_: T.Type) {
      BLAS.gemm(
        alpha: T(scale), left.view(), right.view(), beta: isAdded ? 1 : 0,
        into: MutableMatrixView(result.pointer(T.self), rows: m, columns: n))
    }
    if a.dtype == .float32 { multiply(Float.self) } else { multiply(Double.self) }
    return result
  }

  /// Products of integers or bools of one type, rows shared out to threads.
  private static func multiplyIntegers(
    _ left: MatrixOperand, _ right: MatrixOperand, _ batch: Int, _ m: Int, _ n: Int, _ k: Int,
    _ offset: (_ operand: Int, _ index: Int) -> Int, into result: Tensor
  ) {
    let (code, size) = (result.dtype.kernelCode, result.dtype.byteSize)
    let (a, b, c) = (left.tensor.rawPointer, right.tensor.rawPointer, result.rawPointer)
    tensorRequire(
      left.tensor.dtype == result.dtype && right.tensor.dtype == result.dtype, "matmul",
      "\(left.tensor.dtype) and \(right.tensor.dtype) have no product of \(result.dtype)")
    memset(c, 0, result.count * size)
    // Strips of rows: many enough for all threads, few enough to use a block of b again.
    let strip = Swift.max(1, Swift.min(64, m * batch / Swift.max(Threads.count, 1)))
    let strips = (m + strip - 1) / strip
    Threads.parallel(batch * strips, grain: Swift.max(1, (1 << 14) / Swift.max(strip * n * k, 1))) { range in
      for task in range {
        let (index, part) = task.quotientAndRemainder(dividingBy: strips)
        let first = part * strip
        tk_integer_product(
          code, Int64(Swift.min(strip, m - first)), Int64(n), Int64(k),
          a + (offset(0, index) + first * left.leadingDimension) * size, Int64(left.leadingDimension),
          b + offset(1, index) * size, Int64(right.leadingDimension), c + (index * m + first) * n * size,
          Int64(n))
      }
    }
  }
}

extension [Int] {
  /// Replaces a −1 in front by the number of rows of `tensor`, which also works for empty tensors.
  fileprivate func resolvingRows(_ tensor: Tensor) -> [Int] {
    [tensor.shape.dropLast().reduce(1, *)] + dropFirst()
  }
}

/// An affine map of the last axis: `x Wᵀ + b`.
///
/// A weight in float16 or bfloat16 is read as it is stored, without a Float32 copy of it; the result has the
/// promoted type of the operands, so Float32 activations stay Float32.
/// - Parameters:
///   - x: `[..., inputs]`.
///   - weight: `[outputs, inputs]`, as PyTorch stores it.
///   - bias: `[outputs]`.
/// - Returns: `[..., outputs]`.
public func linear(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
  tensorOperation("linear") {
    tensorRequire(
      weight.rank == 2 && x.rank >= 1 && x.shape[x.rank - 1] == weight.shape[1], "linear",
      "input of shape \(x.shape) does not fit a weight of shape \(weight.shape)")
    let lead = Array(x.shape.dropLast())
    let product = DType.promoted(x.dtype, weight.dtype)
    let type = bias.map { DType.promoted(product, $0.dtype) } ?? product
    guard type == .float32 || type == .float64 else {
      // Half precision throughout: computed in Float32 and rounded once.
      tensorRequire(type.isFloatingPoint, "linear", "needs floating-point elements, found \(x.dtype)")
      return linear(x.to(.float32), weight: weight, bias: bias).to(type)
    }
    let bias = bias?.to(type)
    if x.isStandIn || weight.isStandIn || bias?.isStandIn ?? false {
      return linearOverBatch(x.to(type), weight, bias)
    }
    let rows = x.to(type).reshaped([lead.reduce(1, *), weight.shape[1]])
    if let bias {
      tensorRequire(
        bias.shape == [weight.shape[0]], "linear",
        "bias of shape \(bias.shape) does not fit a weight of shape \(weight.shape)")
    }
    var result = noGradient { rows.matmul(weight.transposed()) }
    if let bias { Elementwise.accumulate(bias.detached().expanded(to: result.shape), into: &result) }
    let inputs = bias.map { [rows, weight, $0] } ?? [rows, weight]
    return Tensor.recorded("linear", from: inputs, result) { gradient, _ in
      var gradients: [Tensor?] = [
        rows.requiresGradient ? gradient.matmul(weight) : nil,
        weight.requiresGradient ? gradient.transposed().matmul(rows).to(weight.dtype) : nil,
      ]
      if let bias { gradients.append(bias.requiresGradient ? gradient.sum(axes: [0]) : nil) }
      return gradients
    }.reshaped(lead + [weight.shape[0]])
  }
}

/// An affine map for every example: one product unless examples have weights of their own.
private func linearOverBatch(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?) -> Tensor {
  if let bias {
    tensorRequire(
      bias.shape == [weight.shape[0]], "linear",
      "bias of shape \(bias.shape) does not fit a weight of shape \(weight.shape)")
  }
  let operands = BatchOperands([x, weight] + (bias.map { [$0] } ?? []))
  if operands.run == nil || !operands.isBatch.dropFirst().contains(true) {
    let tensors = operands.tensors
    return operands.result(linear(tensors[0], weight: tensors[1], bias: bias == nil ? nil : tensors[2]))
  }
  let product = x.matmul(weight.transposed())
  return bias.map { product + $0 } ?? product
}
