/// The type of the elements of a ``ComplexTensor``; the names are NumPy's and PyTorch's.
public enum ComplexDType: String, Sendable, CaseIterable {
  /// Two numbers in float32.
  case complex64
  /// Two numbers in float64.
  case complex128

  /// The type of the real and of the imaginary parts.
  public var partType: DType { self == .complex64 ? .float32 : .float64 }

  /// The type whose parts hold numbers of a type: float64 for float64, and float32 for all others, also for
  /// halves and integers.
  public init(holding type: DType) { self = type == .float64 ? .complex128 : .complex64 }

  /// The size of one element in bytes.
  public var byteSize: Int { 2 * partType.byteSize }
}

/// The real and the imaginary parts of complex numbers.
typealias ComplexParts = (real: Tensor, imaginary: Tensor)

/// An n-dimensional array of complex numbers: two tensors of one shape and one type, the real and the
/// imaginary parts.
///
///     let z = ComplexTensor(real: Tensor([3, 0] as [Float]), imaginary: Tensor([4, 1] as [Float]))
///     z.magnitude()            // [5, 1]
///     z * z.conjugate()        // [25.+0.j  1.+0.j]
///
/// The parts are ordinary tensors and every operation is made of operations on them, so gradients are theirs:
/// of a real result they are the tensors of its derivatives with respect to the real and to the imaginary
/// parts, which together are the number that PyTorch calls the gradient of a complex tensor. A backward pass
/// finds them under the parts, or under the complex tensor (``Gradients/subscript(_:)-(ComplexTensor)``).
/// Types promote as ``DType`` says: float32 with float64 gives complex128, and a Swift number counts by its
/// kind alone.
///
/// Half-precision parts, integers and bools become float32.
public struct ComplexTensor: Sendable {
  /// The real parts.
  public internal(set) var real: Tensor
  /// The imaginary parts.
  public internal(set) var imaginary: Tensor

  /// Complex numbers of real and imaginary parts, which are broadcast together (PyTorch's `complex`).
  /// - Precondition: the shapes can be broadcast.
  public init(real: Tensor, imaginary: Tensor) {
    if real.literal != nil, imaginary.literal != nil {
      // Numbers that count as what they are.
      self.init(real, imaginary)
      return
    }
    let types = [real, imaginary].filter { $0.literal == nil }.map(\.dtype)
    let type = ComplexDType(holding: types.contains(.float64) ? .float64 : .float32).partType
    let shape = Tensor.broadcastShape(real.shape, imaginary.shape, "ComplexTensor")
    self.init(real.to(type).expanded(to: shape), imaginary.to(type).expanded(to: shape))
  }

  /// Real numbers as complex ones.
  public init(_ real: Tensor) {
    let parts = real.to(ComplexDType(holding: real.dtype).partType)
    self.init(parts, Tensor.zeros(real.shape, dtype: parts.dtype))
  }

  /// A complex number without axes, which counts as the number itself beside other tensors as a Swift number
  /// does; complex64 on its own.
  public init(_ real: Double, _ imaginary: Double) { self.init(Tensor(real), Tensor(imaginary)) }

  /// Complex numbers in C order.
  /// - Parameters:
  ///   - numbers: real and imaginary parts.
  ///   - shape: their shape; one axis when omitted.
  /// - Precondition: the shape has as many elements as there are numbers.
  public init<Scalar: TensorScalar>(_ numbers: [(Scalar, Scalar)], shape: [Int]? = nil) {
    self.init(
      real: Tensor(numbers.map { $0.0 }, shape: shape), imaginary: Tensor(numbers.map { $0.1 }, shape: shape))
  }

  /// Complex numbers of a magnitude and an angle in radians, `r cos φ + i r sin φ` (PyTorch's `polar`).
  /// - Precondition: the shapes can be broadcast.
  public static func polar(_ magnitude: Tensor, _ angle: Tensor) -> ComplexTensor {
    tensorOperation("polar") {
      ComplexTensor(real: magnitude * angle.cos(), imaginary: magnitude * angle.sin())
    }
  }

  /// Zeros.
  public static func zeros(_ shape: [Int], dtype: ComplexDType = .complex64) -> ComplexTensor {
    ComplexTensor(Tensor.zeros(shape, dtype: dtype.partType), Tensor.zeros(shape, dtype: dtype.partType))
  }

  /// Parts of one shape and one floating-point type.
  init(_ real: Tensor, _ imaginary: Tensor) {
    tensorRequire(
      real.shape == imaginary.shape && real.dtype == imaginary.dtype, "ComplexTensor",
      "the real parts are \(real.dtype) \(real.shape), the imaginary ones \(imaginary.dtype) "
        + "\(imaginary.shape)")
    self.real = real
    self.imaginary = imaginary
  }

  init(parts: ComplexParts) { self.init(parts.real, parts.imaginary) }

  /// The same done to both parts.
  func map(_ body: (Tensor) -> Tensor) -> ComplexTensor {
    let (a, b) = (body(real), body(imaginary))
    // A literal takes the type of what it meets, which may be half.
    return a.dtype.isHalfPrecision ? ComplexTensor(a.to(.float32), b.to(.float32)) : ComplexTensor(a, b)
  }

  /// The extent of every axis; empty for a single number.
  public var shape: [Int] { real.shape }
  /// The number of axes.
  public var rank: Int { real.rank }
  /// The number of elements.
  public var count: Int { real.count }
  /// The type of the elements.
  public var dtype: ComplexDType { ComplexDType(holding: real.dtype) }

  /// The same values as another type.
  public func to(_ target: ComplexDType) -> ComplexTensor { map { $0.to(target.partType) } }

  /// The numbers in C order, as pairs of real and imaginary parts.
  /// - Complexity: O(count).
  public func array<Scalar: TensorScalar>(
    of _: Scalar.Type = Scalar.self
  ) -> [(real: Scalar, imaginary: Scalar)] {
    zip(real.array(of: Scalar.self), imaginary.array(of: Scalar.self)).map { (real: $0, imaginary: $1) }
  }

  /// The only number, as its real and its imaginary part.
  /// - Precondition: there is exactly one element.
  public func item() -> (real: Double, imaginary: Double) { (real.item(), imaginary.item()) }

  /// Real and imaginary parts side by side in a new last axis of 2, PyTorch's `view_as_real`, as a copy.
  public func viewAsReal() -> Tensor { Tensor.stacked([real, imaginary], axis: -1) }
}

extension Tensor {
  /// Complex numbers of a last axis of 2 that holds the real and the imaginary part, PyTorch's
  /// `view_as_complex`, as a copy.
  /// - Precondition: the last axis has the extent 2.
  public func viewAsComplex() -> ComplexTensor {
    tensorRequire(
      shape.last == 2, "viewAsComplex", "needs a last axis of 2, found shape \(shape)")
    func part(_ index: Int) -> Tensor {
      slice(axis: -1, index..<index + 1).squeezed(axis: -1).to(ComplexDType(holding: dtype).partType)
        .contiguous()
    }
    return tensorOperation("viewAsComplex") { ComplexTensor(part(0), part(1)) }
  }
}

extension ComplexTensor {
  /// Whether gradients flow to a part.
  public var requiresGradient: Bool { real.requiresGradient || imaginary.requiresGradient }

  /// The same values as the start of a record, in both parts.
  public func requiringGradient() -> ComplexTensor { map { $0.requiringGradient() } }

  /// The same values as a constant.
  public func detached() -> ComplexTensor { map { $0.detached() } }
}

extension Gradients {
  /// The gradients of both parts of a complex tensor, zeros for the one that the result did not depend on;
  /// nil if it depended on neither.
  public subscript(tensor: ComplexTensor) -> ComplexTensor? {
    let (a, b) = (self[tensor.real], self[tensor.imaginary])
    if a == nil && b == nil { return nil }
    let zeros = Tensor.zeros(tensor.shape, dtype: tensor.real.dtype)
    return ComplexTensor(a ?? zeros, b ?? zeros)
  }
}
