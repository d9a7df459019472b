// What moves or picks elements does so with both parts; errors are those of the operations on them.

extension ComplexTensor {
  /// The same numbers in C order under another shape; one extent may be −1 and is worked out.
  public func reshaped(_ shape: [Int]) -> ComplexTensor { map { $0.reshaped(shape) } }

  /// All axes in one.
  public func flattened() -> ComplexTensor { map { $0.flattened() } }

  /// The axes in another order: axis `i` of the result is axis `order[i]` of this tensor.
  public func permuted(_ order: [Int]) -> ComplexTensor { map { $0.permuted(order) } }

  /// Two axes exchanged, without conjugating.
  public func transposed(_ a: Int = -2, _ b: Int = -1) -> ComplexTensor { map { $0.transposed(a, b) } }

  /// The conjugates of the transposed matrices in the last two axes, PyTorch's `mH`.
  public func adjoint() -> ComplexTensor { transposed().conjugate() }

  /// Axes of extent 1, and new leading ones, repeated without copying.
  public func expanded(to shape: [Int]) -> ComplexTensor { map { $0.expanded(to: shape) } }

  /// Without an axis of extent 1.
  public func squeezed(axis: Int) -> ComplexTensor { map { $0.squeezed(axis: axis) } }

  /// With a new axis of extent 1 at `axis`.
  public func expandedDimensions(axis: Int) -> ComplexTensor { map { $0.expandedDimensions(axis: axis) } }

  /// Part of an axis; see ``Tensor/slice(axis:_:step:)``.
  public func slice(axis: Int, _ range: Range<Int>, step: Int = 1) -> ComplexTensor {
    map { $0.slice(axis: axis, range, step: step) }
  }

  /// The numbers in reverse along some axes.
  public func flipped(axes: [Int]) -> ComplexTensor { map { $0.flipped(axes: axes) } }

  /// The same numbers one after the other in C order.
  public func contiguous() -> ComplexTensor { map { $0.contiguous() } }

  /// Joins tensors along an axis they already have.
  /// - Precondition: all shapes agree on every other axis, and there is at least one tensor.
  public static func concatenated(_ tensors: [ComplexTensor], axis: Int = 0) -> ComplexTensor {
    ComplexTensor(
      Tensor.concatenated(tensors.map(\.real), axis: axis),
      Tensor.concatenated(tensors.map(\.imaginary), axis: axis))
  }

  /// Joins tensors of one shape along a new axis.
  public static func stacked(_ tensors: [ComplexTensor], axis: Int = 0) -> ComplexTensor {
    ComplexTensor(
      Tensor.stacked(tensors.map(\.real), axis: axis), Tensor.stacked(tensors.map(\.imaginary), axis: axis))
  }

  /// Part of the tensor, or assignment to it; positions are those of ``Tensor/subscript(_:)``.
  public subscript<A: TensorIndexConvertible>(_ a: A) -> ComplexTensor {
    get { indexed([a.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex]) }
  }

  /// Part of the tensor, or assignment to it, by position in each axis.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible>(_ a: A, _ b: B) -> ComplexTensor {
    get { indexed([a.tensorIndex, b.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex]) }
  }

  /// Part of the tensor, or assignment to it, by position in each axis.
  public subscript<A: TensorIndexConvertible, B: TensorIndexConvertible, C: TensorIndexConvertible>(_ a: A,
    _ b: B, _ c: C
  ) -> ComplexTensor {
    get { indexed([a.tensorIndex, b.tensorIndex, c.tensorIndex]) }
    set { assign(newValue, at: [a.tensorIndex, b.tensorIndex, c.tensorIndex]) }
  }

  /// The part that a list of positions names.
  public func indexed(_ positions: [TensorIndex]) -> ComplexTensor { map { $0.indexed(positions) } }

  private mutating func assign(_ value: ComplexTensor, at positions: [TensorIndex]) {
    real.assign(value.real, at: positions)
    imaginary.assign(value.imaginary, at: positions)
  }
}
