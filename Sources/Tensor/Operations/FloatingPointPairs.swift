#if canImport(Glibc)
  import Glibc
#else
  import Foundation
#endif

/// √(x² + y²) without overflow in between; within an extension of `Tensor` the name `hypot` is the tensor's.
private func hypotenuse(_ x: Double, _ y: Double) -> Double { hypot(x, y) }

/// A Double holds the squares of all Floats.
private func hypotenuse(_ x: Float, _ y: Float) -> Float {
  if x.isInfinite || y.isInfinite { return .infinity }
  let (a, b) = (Double(x), Double(y))
  return Float((a * a + b * b).squareRoot())
}

extension Tensor {
  /// A function of two floating-point tensors after broadcasting, recorded with its derivatives. Halves are
  /// computed in Float32 and rounded once; integers and bools become float32.
  private static func pairwise(
    _ name: StaticString, _ a: Tensor, _ b: Tensor, single: (Float, Float) -> Float,
    double: (Double, Double) -> Double,
    backward:
      @escaping (_ gradient: Tensor, _ a: Tensor, _ b: Tensor, _ output: Tensor) -> (Tensor?, Tensor?)
  ) -> Tensor {
    if let number = b.literal {
      return a.combined(with: number, "\(name)") {
        pairwise(name, $0, $1, single: single, double: double, backward: backward)
      }
    }
    if let number = a.literal {
      return b.combined(with: number, "\(name)") {
        pairwise(name, $1, $0, single: single, double: double, backward: backward)
      }
    }
    let type = DType.promoted(a.dtype, b.dtype)
    let shape = broadcastShape(a.shape, b.shape, "\(name)")
    let computing: DType = type == .float64 ? .float64 : .float32
    let (x, y) = (a.to(computing), b.to(computing))
    let result =
      computing == .float32
      ? Elementwise.mapped(x, y, shape: shape, as: .float32, single)
      : Elementwise.mapped(x, y, shape: shape, as: .float64, double)
    let found = recorded(name, from: x, y, result, keepingOutput: true) { gradient, output in
      let (first, second) = backward(gradient, x, y, output.unsafelyUnwrapped)
      return [first?.reduced(to: x.shape), second?.reduced(to: y.shape)]
    }
    return type.isHalfPrecision ? found.to(type) : found
  }

  /// The length `√(x² + y²)` of the vector from two elements, after broadcasting, NumPy's `hypot`: without
  /// overflow in between, and infinite where an element is, even beside a NaN.
  ///
  /// At the origin its gradient counts as zero. Integers become float32.
  public func hypot(_ other: Tensor) -> Tensor {
    Tensor.pairwise(
      "hypot", self, other, single: hypotenuse, double: hypotenuse,
      backward: { gradient, x, y, output in
        let isOrigin = output.detached() .== 0
        let share = gradient / Tensor.select(isOrigin, Tensor.ones([], dtype: output.dtype), output)
        return (x.requiresGradient ? share * x : nil, y.requiresGradient ? share * y : nil)
      })
  }

  /// The elements with the signs of those of `sign`, after broadcasting, NumPy's `copysign`; zeros and NaN
  /// have signs, too.
  ///
  /// The gradient flows to the magnitudes alone, and at zero there is none. Integers become float32.
  public func copysign(_ sign: Tensor) -> Tensor {
    Tensor.pairwise(
      "copysign", self, sign, single: { Float(signOf: $1, magnitudeOf: $0) },
      double: { Double(signOf: $1, magnitudeOf: $0) },
      backward: { gradient, x, y, _ in
        let sign = Tensor.ones([], dtype: y.dtype).copysign(y.detached())
        return (gradient * (x.detached().sign() * sign), nil)
      })
  }

  /// The logarithm of the sum of exponentials ln(e^x + e^y), after broadcasting, NumPy's `logaddexp`: without
  /// overflow in between, and exact where one is far below the other. Integers become float32.
  public func logAddExp(_ other: Tensor) -> Tensor {
    Tensor.pairwise(
      "logAddExp", self, other, single: { Float(logarithmOfSum(Double($0), Double($1))) },
      double: { logarithmOfSum($0, $1) },
      backward: { gradient, x, y, _ in
        let share = (x - y).sigmoid()
        return (
          x.requiresGradient ? gradient * share : nil, y.requiresGradient ? gradient * (1 - share) : nil
        )
      })
  }

  /// The next number of the type from each element towards `target`, after broadcasting, NumPy's `nextafter`:
  /// `target` where both are equal, NaN where one is NaN. Nothing flows back.
  ///
  /// Halves step by halves. Integers become float32.
  public func nextAfter(_ target: Tensor) -> Tensor {
    if let number = target.literal {
      return nextAfter(number.tensor(as: DType.promoted(dtype, kind: number.kind), "nextAfter"))
    }
    if let number = literal {
      return number.tensor(as: DType.promoted(target.dtype, kind: number.kind), "nextAfter").nextAfter(target)
    }
    let promoted = DType.promoted(dtype, target.dtype)
    let type = promoted.isFloatingPoint ? promoted : .float32
    let (a, b) = (detached().to(type), target.detached().to(type))
    let shape = Self.broadcastShape(a.shape, b.shape, "nextAfter")
    func step<T: BinaryFloatingPoint>(_: T.Type) -> Tensor {
      Elementwise.mapped(a, b, shape: shape, as: type) { (x: T, y: T) -> T in
        // Of zeros with two signs the target is the result.
        if x == y || y.isNaN { return y }
        return x < y ? x.nextUp : x.nextDown
      }
    }
    switch type {
    case .float16: return step(Float16.self)
    case .float32: return step(Float.self)
    case .float64: return step(Double.self)
    default:
      return Elementwise.mapped(a, b, shape: shape, as: type) { (x: BFloat16, y: BFloat16) -> BFloat16 in
        x.stepped(towards: y)
      }
    }
  }
}

extension BFloat16 {
  /// The next number towards `target`.
  fileprivate func stepped(towards target: BFloat16) -> BFloat16 {
    let (from, to) = (Float(self), Float(target))
    if from == to || to.isNaN { return target }
    if from.isNaN { return self }
    let isUp = from < to
    if from == 0 { return BFloat16(bitPattern: isUp ? 1 : 0x8001) }
    return BFloat16(bitPattern: (from > 0) == isUp ? bitPattern + 1 : bitPattern - 1)
  }
}
