extension ComplexTensor {
  /// Where numbers are equal in both parts, as bool.
  public static func .== (a: ComplexTensor, b: ComplexTensor) -> Tensor {
    (a.real .== b.real) .& (a.imaginary .== b.imaginary)
  }

  /// Where numbers differ in a part, as bool.
  public static func .!= (a: ComplexTensor, b: ComplexTensor) -> Tensor {
    (a.real .!= b.real) .| (a.imaginary .!= b.imaginary)
  }

  /// Where no part is infinite or not a number, as bool.
  public func isFinite() -> Tensor { real.isFinite() .& imaginary.isFinite() }

  /// Whether |a − b| ≤ `absolute` + `relative` · |b| for all elements after broadcasting, or they are equal:
  /// NumPy's `allclose`.
  public func isClose(
    to other: ComplexTensor, relative: Double = 1e-5, absolute: Double = 1e-8
  ) -> Bool {
    tensorOperation("isClose") {
      let (a, b) = (detached().to(.complex128), other.detached().to(.complex128))
      let isNear =
        ((a - b).magnitude() .<= b.magnitude() * relative + absolute) .& a.isFinite() .& b.isFinite()
      return (isNear .| (a .== b)).all().item() != 0
    }
  }
}
