extension Tensor {
  /// The slices along an axis, without it: the reverse of ``stacked(_:axis:)``, the array
  /// API's `unstack` and PyTorch's `unbind`.
  ///
  /// They are views of this tensor's memory. Their gradients come back as one stack, where slices taken one
  /// by one would each bring a tensor of the whole shape.
  ///
  /// Fails with a ``TensorError`` where there is no such axis.
  public func unstacked(axis: Int = 0) -> [Tensor] {
    let axis = normalizedAxis(axis, "unstacked")
    if isStandIn { return (0..<shape[axis]).map { slice(axis: axis, $0..<$0 + 1).squeezed(axis: axis) } }
    let source = detached()
    let parts = (0..<shape[axis]).map { source.slice(axis: axis, $0..<$0 + 1).squeezed(axis: axis) }
    if parts.isEmpty { return [] }
    let (shape, dtype) = (parts[0].shape, dtype)
    return Tensor.recordedJointly("unstacked", from: [self], parts) { gradients, _ in
      let zero = gradients.contains { $0 == nil } ? Tensor.zeros(shape, dtype: dtype) : nil
      return [Tensor.stacked(gradients.map { $0 ?? zero! }, axis: axis)]
    }
  }
}
