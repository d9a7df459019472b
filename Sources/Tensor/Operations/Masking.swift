extension Tensor {
  /// The numbers of the elements, in C order, for which `mask`, broadcast to this shape, is true.
  private func chosenElements(_ mask: Tensor, _ operation: String) -> Tensor {
    tensorRequire(mask.dtype == .bool, operation, "the mask must be bool, found \(mask.dtype)")
    return SelectedElements(mask.expanded(to: shape)).numbers()
  }

  /// The elements for which `mask`, broadcast to this shape, is true, in C order: shape `[k]`.
  public func masked(by mask: Tensor) -> Tensor {
    tensorOperation("masked") {
      guard requiresGradient else {
        tensorRequire(mask.dtype == .bool, "masked", "the mask must be bool, found \(mask.dtype)")
        return SelectedElements(mask.expanded(to: shape)).elements(of: self)
      }
      return reshaped([count]).rows(at: chosenElements(mask, "masked"))
    }
  }

  /// A copy with `value` wherever `mask`, broadcast to this shape, is true.
  public func maskedFill(_ mask: Tensor, _ value: Double) -> Tensor {
    tensorOperation("maskedFill") { Tensor.select(mask, value, self) }
  }

  /// A copy with `value` wherever `mask`, broadcast to this shape, is true; its type is that of any operation
  /// with a number (see ``DType``).
  public func maskedFill<Number: TensorScalar>(_ mask: Tensor, _ value: Number) -> Tensor {
    tensorOperation("maskedFill") { Tensor.select(mask, value, self) }
  }

  /// A copy in which the elements where `mask`, broadcast to this shape, is true are the first elements of
  /// `source`, both in C order (PyTorch's `masked_scatter`).
  /// - Precondition: `source` has at least as many elements as are replaced.
  public func maskedScatter(_ mask: Tensor, _ source: Tensor) -> Tensor {
    let chosen = tensorOperation("maskedScatter") { chosenElements(mask, "maskedScatter") }
    tensorRequire(
      source.count >= chosen.count, "maskedScatter",
      "\(chosen.count) elements of shape \(shape) cannot be replaced by shape \(source.shape)")
    let values = source.to(dtype).reshaped([source.count]).slice(axis: 0, 0..<chosen.count)
    return reshaped([count]).replacingRows(at: chosen, with: values).reshaped(shape)
  }
}
