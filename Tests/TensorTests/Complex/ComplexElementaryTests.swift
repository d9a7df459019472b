import Tensor
import Testing

private let infinity = Double.infinity

/// A function of one complex number.
private func of(_ a: Double, _ b: Double, _ function: (ComplexTensor) -> ComplexTensor) -> (Double, Double) {
  let found = function(ComplexTensor([(a, b)], shape: []))
  return (found.real.item(), found.imaginary.item())
}

private func same(_ found: (Double, Double), _ a: Double, _ b: Double) -> Bool {
  func same(_ x: Double, _ y: Double) -> Bool { x.isNaN ? y.isNaN : x == y && x.sign == y.sign }
  return same(found.0, a) && same(found.1, b)
}

@Suite struct ComplexElementaryTests {
  /// Functions against what they are of exponentials, logarithms and roots, in both types.
  @Test(arguments: [ComplexDType.complex64, .complex128]) func identities(type: ComplexDType) {
    let z = ComplexTensor([(0.3, -0.7), (1.5, 0.25), (-2, 3), (-0.4, -1.25)]).to(type)
    let i = ComplexTensor(0, 1)
    let half = 0.5
    let pairs: [(String, ComplexTensor, ComplexTensor)] = [
      ("sin", z.sin(), ((i * z).exp() - (-i * z).exp()) * (-i * half)),
      ("cos", z.cos(), ((i * z).exp() + (-i * z).exp()) * half),
      ("tan", z.tan(), z.sin() / z.cos()),
      ("sinh", z.sinh(), (z.exp() - (-z).exp()) * half),
      ("cosh", z.cosh(), (z.exp() + (-z).exp()) * half),
      ("tanh", z.tanh(), z.sinh() / z.cosh()),
      ("asin", z.asin().sin(), z), ("acos", z.acos().cos(), z), ("atan", z.atan().tan(), z),
      ("asinh", z.asinh().sinh(), z), ("acosh", z.acosh().cosh(), z), ("atanh", z.atanh().tanh(), z),
      ("expm1", z.expm1(), z.exp() - 1), ("log1p", z.log1p(), (z + 1).log()),
      ("log2", (z.log2() * 0.6931471805599453).exp(), z), ("log10", (z.log10() * 2.302585092994046).exp(), z),
      ("sign", z.sign() * z.magnitude(), z), ("pow", z.pow(z), (z * z.log()).exp()),
    ]
    for (name, found, expected) in pairs {
      #expect(found.dtype == type, "\(name)")
      #expect(found.isClose(to: expected, relative: type == .complex64 ? 1e-5 : 1e-13), "\(name): \(found)")
    }
  }

  @Test func smallNumbersKeepTheirDigits() {
    let z = ComplexTensor([(1e-12, -2e-12)])
    #expect(z.expm1().isClose(to: z, relative: 1e-11, absolute: 0))
    #expect(z.log1p().isClose(to: z, relative: 1e-11, absolute: 0))
  }

  /// The array API's special cases.
  @Test func endsOfTheType() {
    #expect(same(of(-infinity, infinity) { $0.exp() }, 0, 0))
    #expect(same(of(infinity, infinity) { $0.exp() }, infinity, .nan))
    #expect(same(of(-infinity, .nan) { $0.exp() }, 0, 0))
    #expect(same(of(.nan, 0) { $0.exp() }, .nan, 0))
    #expect(same(of(infinity, .nan) { $0.log() }, infinity, .nan))
    #expect(same(of(.nan, infinity) { $0.log() }, infinity, .nan))
    #expect(same(of(-1, infinity) { $0.log() }, infinity, .pi / 2))
    #expect(same(of(-0.0, 0) { $0.expm1() }, 0, 0))
    #expect(same(of(-infinity, infinity) { $0.expm1() }, -1, 0))
    #expect(same(of(-1, 0) { $0.log1p() }, -infinity, 0))
    #expect(same(of(infinity, 2) { $0.tanh() }, 1, 0))
    #expect(same(of(-infinity, -2) { $0.tanh() }, -1, -0.0))
    #expect(same(of(-0.0, -0.0) { $0.sign() }, 0, 0))
    #expect(same(of(0, infinity) { $0.acos() }, .pi / 2, -infinity))
    #expect(same(of(infinity, 1) { $0.atan() }, .pi / 2, 0))
    // In float32 a result beyond the type is infinite.
    let wide = ComplexTensor([(100, 0.5)] as [(Float, Float)]).sinh()
    #expect(wide.real.item() == infinity && wide.imaginary.item() == infinity)
  }

  /// Python's powers of zero, and what Python refuses.
  @Test func powersOfZero() {
    let zero = ComplexTensor([(0.0, 0.0)], shape: [])
    func power(_ a: Double, _ b: Double) -> (Double, Double) { of(a, b) { zero.pow($0) } }
    #expect(power(0, 0) == (1, 0) && power(2, 3) == (0, 0))
    #expect(power(-1, 0).0.isNaN && power(0, 1).0.isNaN)
    #expect(of(2, 0) { $0.pow(ComplexTensor([(0.0, 0.0)], shape: [])) } == (1, 0))
  }

  @Test func layoutsAndNoElements() {
    let z = ComplexTensor(
      real: Tensor([1.0, 2, 3, 4], shape: [2, 2]), imaginary: Tensor([4.0, 3, 2, 1], shape: [2, 2]))
    #expect(z.transposed().sin().transposed().isClose(to: z.sin()))
    #expect(
      ComplexTensor.zeros([2, 0]).tanh().shape == [2, 0] && ComplexTensor.zeros([0]).exp().shape == [0])
    #expect(ComplexTensor.zeros([0, 2]).pow(ComplexTensor.zeros([2])).shape == [0, 2])
  }
}
