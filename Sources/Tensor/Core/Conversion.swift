import CTensorKernels

extension Tensor {
  /// The same values as another element type; ``DType`` says how they are rounded.
  ///
  /// The gradient is converted back to this tensor's type.
  public func to(_ target: DType) -> Tensor {
    if target == dtype { return self }
    if isStandIn { return overBatch { x, _ in x.to(target) } }
    // A literal has one element, which every view of it shows.
    if let number = storage.number, node == nil {
      return number.tensor(as: target, "to").expanded(to: shape).contiguous()
    }
    let result = Tensor(uninitialized: shape, dtype: target)
    let walk = StridedIteration(shape: shape, strides: [strides, result.strides])
    let stride = walk.rowStride(0)
    let (input, output) = (rawPointer, result.rawPointer)
    let (from, to) = (dtype.kernelCode, target.kernelCode)
    let (inputSize, outputSize) = (dtype.byteSize, target.byteSize)
    walk.forEachPiece { row, start, length in
      tk_convert(
        from, to, Int64(length), input + (walk.offset(0, row: row) + start * stride) * inputSize,
        Int64(stride),
        output + (walk.offset(1, row: row) + start) * outputSize)
    }
    guard target.isFloatingPoint && dtype.isFloatingPoint else { return result }
    let original = dtype
    return recorded("to", from: self, result) { gradient, _ in gradient.to(original) }
  }

  /// The same bits read as elements of another type of the same size, `view(dtype)` in NumPy and PyTorch. The
  /// memory is shared until one of the two is written to, but for bools, which are made of what is not zero;
  /// nothing is recorded for gradients.
  /// - Precondition: both types have elements of one size.
  public func viewed(as type: DType) -> Tensor {
    tensorRequire(
      type.byteSize == dtype.byteSize, "viewed",
      "elements of \(dtype) have \(dtype.byteSize) bytes, those of \(type) \(type.byteSize)")
    if isStandIn { return overBatch { x, _ in x.viewed(as: type) } }
    // A byte other than 0 and 1 is no truth value in Swift.
    if type == .bool { return dtype == .bool ? self : detached() .!= 0 }
    // A number that was written in a program is one of its own.
    let source = storage.number.map { $0.tensor(as: dtype, "viewed").expanded(to: shape) } ?? self
    return Tensor(
      storage: source.storage, shape: shape, strides: source.strides, offset: source.offset, dtype: type)
  }
}
