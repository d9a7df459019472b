import CTensorKernels

extension Tensor {
  /// Replaces `a` by an operation of `a` and `b`: in place where `a` alone owns its memory, has the shape and
  /// the floating-point or integer type of the result, and nothing is recorded.
  private static func update(
    _ a: inout Tensor, _ operation: Int, _ name: String, with b: Tensor, otherwise: (Tensor, Tensor) -> Tensor
  ) {
    if let number = b.literal { return update(&a, operation, name, with: number) { otherwise($0, b) } }
    let isRecorded = a.node != nil || (GradientMode.isEnabled && b.requiresGradient)
    let isQuotientOfIntegers = operation == Int(TK_DIV) && !a.dtype.isFloatingPoint
    guard !isRecorded, !isQuotientOfIntegers, !b.isStandIn, DType.promoted(a.dtype, b.dtype) == a.dtype,
      broadcastShape(a.shape, b.shape, name) == a.shape, a.isUnique()
    else {
      a = otherwise(a, b)
      return
    }
    if operation == Int(TK_ADD), a.dtype == b.dtype, a.dtype == .float32 || a.dtype == .float64 {
      Elementwise.accumulate(b.detached().expanded(to: a.shape), into: &a)
    } else {
      Elementwise.update(operation, a, with: b)
    }
  }

  private static func update(
    _ a: inout Tensor, _ operation: Int, _ name: String, with number: TensorNumber,
    otherwise: (Tensor) -> Tensor
  ) {
    let type = DType.promoted(a.dtype, kind: number.kind)
    let isQuotientOfIntegers = operation == Int(TK_DIV) && !type.isFloatingPoint
    guard a.node == nil, !isQuotientOfIntegers, type == a.dtype, a.isUnique() else {
      a = otherwise(a)
      return
    }
    let b = number.tensor(as: type.isHalfPrecision ? .float32 : type, name)
    Elementwise.update(operation, a, with: b)
  }

  /// Adds a tensor, broadcast to this one's shape or beyond; in place where nobody else refers to the memory.
  public static func += (a: inout Tensor, b: Tensor) { update(&a, Int(TK_ADD), "add", with: b) { $0 + $1 } }
  /// Subtracts a tensor; in place where nobody else refers to the memory.
  public static func -= (a: inout Tensor, b: Tensor) {
    update(&a, Int(TK_SUB), "subtract", with: b) { $0 - $1 }
  }
  /// Multiplies by a tensor, element by element; in place where nobody else refers to the memory.
  public static func *= (a: inout Tensor, b: Tensor) {
    update(&a, Int(TK_MUL), "multiply", with: b) { $0 * $1 }
  }
  /// Divides by a tensor, element by element; in place where nobody else refers to the memory. Integers
  /// become float32.
  public static func /= (a: inout Tensor, b: Tensor) {
    update(&a, Int(TK_DIV), "divide", with: b) { $0 / $1 }
  }

  /// Adds a number; in place where nobody else refers to the memory.
  public static func += <Number: TensorScalar>(a: inout Tensor, b: Number) {
    update(&a, Int(TK_ADD), "add", with: TensorNumber(b)) { $0 + b }
  }
  /// Subtracts a number; in place where nobody else refers to the memory.
  public static func -= <Number: TensorScalar>(a: inout Tensor, b: Number) {
    update(&a, Int(TK_SUB), "subtract", with: TensorNumber(b)) { $0 - b }
  }
  /// Multiplies by a number; in place where nobody else refers to the memory.
  public static func *= <Number: TensorScalar>(a: inout Tensor, b: Number) {
    update(&a, Int(TK_MUL), "multiply", with: TensorNumber(b)) { $0 * b }
  }
  /// Divides by a number; in place where nobody else refers to the memory. Integers become float32.
  public static func /= <Number: TensorScalar>(a: inout Tensor, b: Number) {
    update(&a, Int(TK_DIV), "divide", with: TensorNumber(b)) { $0 / b }
  }
}
