/// Matrices of rows as fused kernels want them.
extension Tensor {
  /// Runs `body` with the element type of a float32 or float64 tensor.
  package func withFusedType(_ operation: StaticString, _ body: (any FusedScalar.Type) -> Void) {
    switch dtype {
    case .float32: body(Float.self)
    case .float64: body(Double.self)
    default: tensorFailure("\(operation)", "needs float32 or float64 elements, found \(dtype)")
    }
  }

  /// The type fused kernels compute in: the tensor's if it is float32 or float64, else float32.
  var fusedType: DType { dtype == .float64 ? .float64 : .float32 }

  /// `body` of this tensor in float32, rounded once to a half-precision type; float32 for integers and bools.
  /// Nil for types that are computed in as they are.
  func inSinglePrecision(_ body: (Tensor) -> Tensor) -> Tensor? {
    if dtype == fusedType { return nil }
    let result = body(to(.float32))
    return dtype.isFloatingPoint ? result.to(dtype) : result
  }

  /// The number of slices along the last axis and their length.
  var rowsAndWidth: (rows: Int, width: Int) {
    let width = shape.last ?? 1
    return (shape.dropLast().reduce(1, *), width)
  }

  /// Reports that an operation cannot be differentiated twice.
  static func requireFirstDerivative(_ operation: StaticString) {
    tensorRequire(
      !GradientMode.isEnabled, "\(operation)",
      "has no second derivative; backward(keepingGraph: true) cannot pass through it")
  }
}

/// Rows per task of row-wise loops, about 16 thousand elements each.
func rowGrain(_ width: Int) -> Int { max(1, 16384 / max(width, 1)) }
