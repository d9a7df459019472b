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
}
