/// One parameter in the middle of a step: its elements, its gradient and its slots, contiguous and of one
/// type.
struct OptimizerUpdate {
  let target: Tensor
  let gradient: Tensor
  let slots: [Tensor]
  /// How often the parameter has been changed, this time included.
  let steps: Int
  let isDecayed: Bool

  /// Puts a result of tensor operations where the target or a slot lies, for optimizers without a kernel.
  func write(_ result: Tensor, to place: Tensor) {
    tensorRequire(
      result.shape == place.shape && result.dtype == place.dtype, "step",
      "\(result.dtype) \(result.shape) does not fit \(place.dtype) \(place.shape)")
    result.copyElements(to: place)
  }

  /// Pointers to one piece of the elements.
  struct Piece<Scalar> {
    let target: UnsafeMutablePointer<Scalar>
    let gradient: UnsafeMutablePointer<Scalar>
    let count: Int64
    let start: Int
    let slots: [Tensor]

    /// The piece of a slot; nil for a slot the optimizer does not have.
    func slot(_ index: Int?) -> UnsafeMutablePointer<Scalar>? {
      index.map { slots[$0].pointer(Scalar.self) + start }
    }

    /// The piece of a slot that is always there.
    subscript(index: Int) -> UnsafeMutablePointer<Scalar> { slots[index].pointer(Scalar.self) + start }
  }

  /// Runs the kernel of the parameter's type over all elements.
  func run(_ single: (Piece<Float>) -> Void, _ double: (Piece<Double>) -> Void) {
    switch target.dtype {
    case .float32: pieces(single)
    case .float64: pieces(double)
    default: tensorFailure("step", "state is float32 or float64, found \(target.dtype) \(target.shape)")
    }
  }

  private func pieces<Scalar>(_ body: (Piece<Scalar>) -> Void) {
    tensorRequire(
      gradient.shape == target.shape && slots.allSatisfy { $0.shape == target.shape }, "step",
      "a gradient of shape \(gradient.shape) and slots of \(slots.map(\.shape)) do not fit \(target.shape)")
    Threads.parallel(target.count, grain: 1 << 14) { range in
      body(
        Piece(
          target: target.pointer(Scalar.self) + range.lowerBound,
          gradient: gradient.pointer(Scalar.self) + range.lowerBound, count: Int64(range.count),
          start: range.lowerBound, slots: slots))
    }
  }
}
