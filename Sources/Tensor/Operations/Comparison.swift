import CTensorKernels

infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence
infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence

extension Tensor {
  /// `reversed` is the comparison with its sides exchanged.
  private static func compare(
    _ name: StaticString, _ operation: Int, reversed: Int, _ a: Tensor, _ b: Tensor
  ) -> Tensor {
    if let number = b.literal { return a.compared(operation, with: number) }
    if let number = a.literal { return b.compared(reversed, with: number) }
    if a.isStandIn || b.isStandIn {
      return overBatch("\(name)", broadcasting: [a, b]) {
        compare(name, operation, reversed: reversed, $0[0], $0[1])
      }
    }
    let type = DType.promoted(a.dtype, b.dtype)
    if type == .float64, a.dtype.isInteger, b.dtype.isInteger {
      return a.dtype.isUnsigned
        ? b.compared(reversed, unsigned: a, "\(name)") : a.compared(operation, unsigned: b, "\(name)")
    }
    return Elementwise.compare(
      operation, a, b, shape: broadcastShape(a.shape, b.shape, "\(name)"),
      computing: type.isHalfPrecision ? .float32 : type)
  }

  /// Compares integers that may be negative with uint64, exactly: what is negative lies below all of those.
  private func compared(_ operation: Int, unsigned other: Tensor, _ name: String) -> Tensor {
    let shape = Tensor.broadcastShape(shape, other.shape, name)
    let isBelow = [Int(TK_LT), Int(TK_LE), Int(TK_NE)].contains(operation)
    let fits = Elementwise.compare(operation, to(.uint64), other, shape: shape, computing: .uint64)
    return Tensor.select(detached() .< 0, Tensor.full([], isBelow, dtype: .bool), fits)
  }

  /// Compares with a number: half precision in Float32, other floating-point types in their own, and integers
  /// with the exact number, whatever it is.
  func compared(_ operation: Int, with number: TensorNumber) -> Tensor {
    if isStandIn { return overBatch { x, _ in x.compared(operation, with: number) } }
    if dtype.isFloatingPoint {
      let type: DType = dtype.isHalfPrecision ? .float32 : dtype
      return Elementwise.compare(
        operation, self, number.tensor(as: type, "comparison"), shape: shape, computing: type)
    }
    var operation = operation
    let bound: Int128
    if let integer = number.integer {
      bound = integer
    } else if let whole = Int128(exactly: number.double) {
      bound = whole
    } else {
      // Between two integers, or beyond all: x < d is x <= ⌊d⌋, and x >= d is x > ⌊d⌋.
      let isBelow = operation == Int(TK_LT) || operation == Int(TK_LE)
      let isAbove = operation == Int(TK_GT) || operation == Int(TK_GE)
      guard isBelow || isAbove, let floor = Int128(exactly: number.double.rounded(.down)) else {
        let holds =
          operation == Int(TK_NE) || (isBelow && number.double > 0) || (isAbove && number.double < 0)
        return Tensor.full(shape, holds, dtype: .bool)
      }
      bound = floor
      operation = isBelow ? Int(TK_LE) : Int(TK_GT)
    }
    let range = dtype.integerRange
    if range.contains(bound) {
      let y = TensorNumber(whole: bound).tensor(as: dtype, "comparison")
      return Elementwise.compare(operation, self, y, shape: shape, computing: dtype)
    }
    // All elements lie on the same side of the number.
    let onThatSide =
      bound > range.upperBound ? [Int(TK_LT), Int(TK_LE), Int(TK_NE)] : [Int(TK_GT), Int(TK_GE), Int(TK_NE)]
    return Tensor.full(shape, onThatSide.contains(operation), dtype: .bool)
  }

  /// Where elements are equal, as bool.
  public static func .== (a: Tensor, b: Tensor) -> Tensor {
    compare("equal", Int(TK_EQ), reversed: Int(TK_EQ), a, b)
  }
  /// Where elements equal a number, as bool.
  public static func .== <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_EQ), with: TensorNumber(b))
  }
  /// Where a number equals elements, as bool.
  public static func .== <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_EQ), with: TensorNumber(a))
  }
  /// Where elements differ, as bool.
  public static func .!= (a: Tensor, b: Tensor) -> Tensor {
    compare("notEqual", Int(TK_NE), reversed: Int(TK_NE), a, b)
  }
  /// Where elements differ from a number, as bool.
  public static func .!= <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_NE), with: TensorNumber(b))
  }
  /// Where a number differs from elements, as bool.
  public static func .!= <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_NE), with: TensorNumber(a))
  }
  /// Where elements of the first are smaller, as bool.
  public static func .< (a: Tensor, b: Tensor) -> Tensor {
    compare("less", Int(TK_LT), reversed: Int(TK_GT), a, b)
  }
  /// Where elements are smaller than a number, as bool.
  public static func .< <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_LT), with: TensorNumber(b))
  }
  /// Where a number is smaller than elements, as bool.
  public static func .< <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_GT), with: TensorNumber(a))
  }
  /// Where elements of the first are smaller or equal, as bool.
  public static func .<= (a: Tensor, b: Tensor) -> Tensor {
    compare("lessOrEqual", Int(TK_LE), reversed: Int(TK_GE), a, b)
  }
  /// Where elements are at most a number, as bool.
  public static func .<= <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_LE), with: TensorNumber(b))
  }
  /// Where a number is at most elements, as bool.
  public static func .<= <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_GE), with: TensorNumber(a))
  }
  /// Where elements of the first are larger, as bool.
  public static func .> (a: Tensor, b: Tensor) -> Tensor {
    compare("greater", Int(TK_GT), reversed: Int(TK_LT), a, b)
  }
  /// Where elements are larger than a number, as bool.
  public static func .> <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_GT), with: TensorNumber(b))
  }
  /// Where a number is larger than elements, as bool.
  public static func .> <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_LT), with: TensorNumber(a))
  }
  /// Where elements of the first are larger or equal, as bool.
  public static func .>= (a: Tensor, b: Tensor) -> Tensor {
    compare("greaterOrEqual", Int(TK_GE), reversed: Int(TK_LE), a, b)
  }
  /// Where elements are at least a number, as bool.
  public static func .>= <Number: TensorScalar>(a: Tensor, b: Number) -> Tensor {
    a.compared(Int(TK_GE), with: TensorNumber(b))
  }
  /// Where a number is at least elements, as bool.
  public static func .>= <Number: TensorScalar>(a: Number, b: Tensor) -> Tensor {
    b.compared(Int(TK_LE), with: TensorNumber(a))
  }
}
