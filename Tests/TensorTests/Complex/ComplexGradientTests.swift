import Tensor
import Testing

/// The parts of a function of complex numbers, for a gradient check of both.
private func parts(_ z: ComplexTensor) -> Tensor { z.viewAsReal() }

private func complex(_ x: [Tensor]) -> ComplexTensor { ComplexTensor(real: x[0], imaginary: x[1]) }

private func second(_ x: [Tensor]) -> ComplexTensor { ComplexTensor(real: x[2], imaginary: x[3]) }

private func pair(_ shape: [Int]) -> [[Int]] { [shape, shape] }

private let arithmeticRows: [GradientRow] = [
  .init(name: "complex sum", shapes: pair([2, 3]) + pair([3])) { parts(complex($0) + second($0)) },
  .init(name: "complex difference", shapes: pair([2, 1]) + pair([3])) { parts(complex($0) - second($0)) },
  .init(name: "complex product", shapes: pair([2, 3]) + pair([3])) { parts(complex($0) * second($0)) },
  .init(name: "complex quotient", shapes: pair([2, 3]) + pair([3]), range: 0.5..<2) {
    parts(complex($0) / second($0))
  },
  .init(name: "number by complex", shapes: pair([3]), range: 0.5..<2) { parts(2 / complex($0)) },
  .init(name: "complex by real", shapes: pair([2, 3]) + [[3]], range: 0.5..<2) { parts(complex($0) / $0[2]) },
  .init(name: "conjugate", shapes: pair([3])) { parts(complex($0).conjugate() * complex($0)) },
  .init(name: "magnitude", shapes: pair([5])) { complex($0).magnitude() },
  .init(name: "angle", shapes: pair([5]), range: 0.5..<2) { complex($0).angle() },
  .init(name: "polar", shapes: pair([5])) { parts(ComplexTensor.polar($0[0], $0[1])) },
  .init(name: "complex exp", shapes: pair([4])) { parts(complex($0).exp()) },
  .init(name: "complex log", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).log()) },
  .init(name: "complex sqrt", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).sqrt()) },
  .init(name: "complex expm1", shapes: pair([4])) { parts(complex($0).expm1()) },
  .init(name: "complex log1p", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).log1p()) },
  .init(name: "complex log2", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).log2()) },
  .init(name: "complex log10", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).log10()) },
  .init(name: "complex sin", shapes: pair([4])) { parts(complex($0).sin()) },
  .init(name: "complex cos", shapes: pair([4])) { parts(complex($0).cos()) },
  .init(name: "complex tan", shapes: pair([4])) { parts(complex($0).tan()) },
  .init(name: "complex sinh", shapes: pair([4])) { parts(complex($0).sinh()) },
  .init(name: "complex cosh", shapes: pair([4])) { parts(complex($0).cosh()) },
  .init(name: "complex tanh", shapes: pair([4])) { parts(complex($0).tanh()) },
  .init(name: "complex asin", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).asin()) },
  .init(name: "complex acos", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).acos()) },
  .init(name: "complex atan", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).atan()) },
  .init(name: "complex asinh", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).asinh()) },
  .init(name: "complex acosh", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).acosh()) },
  .init(name: "complex atanh", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).atanh()) },
  .init(name: "complex sign", shapes: pair([4]), range: 0.5..<2) { parts(complex($0).sign()) },
  .init(name: "complex pow", shapes: pair([2, 3]) + pair([3]), range: 0.5..<2) {
    parts(complex($0).pow(second($0)))
  },
  .init(name: "complex matmul", shapes: pair([2, 3]) + pair([3, 2])) {
    parts(complex($0).matmul(second($0)))
  },
  .init(name: "complex mean", shapes: pair([2, 3])) { parts(complex($0).mean(axes: [0])) },
  .init(name: "complex subscript", shapes: pair([3, 4])) { parts(complex($0)[1..., .newAxis, 2]) },
  .init(name: "viewAsComplex", shapes: [[3, 2]]) { parts($0[0].viewAsComplex() * $0[0].viewAsComplex()) },
]

private let transformRows: [GradientRow] = [
  .init(name: "fft", shapes: pair([2, 5])) { parts(complex($0).fft()) },
  .init(name: "fft of real numbers", shapes: [[2, 6]]) { parts($0[0].fft(norm: .ortho)) },
  .init(name: "fft cut", shapes: pair([7])) { parts(complex($0).fft(n: 4)) },
  .init(name: "fft filled", shapes: pair([3])) { parts(complex($0).fft(n: 5, norm: .forward)) },
  .init(name: "fft along columns", shapes: pair([4, 3])) { parts(complex($0).fft(axis: 0)) },
  .init(name: "fft of a prime", shapes: pair([37])) { parts(complex($0).fft(norm: .ortho)) },
  .init(name: "ifft", shapes: pair([2, 6])) { parts(complex($0).ifft(norm: .ortho)) },
  .init(name: "fft of a view", shapes: pair([4, 6])) {
    parts(complex($0).transposed().slice(axis: 0, 0..<6, step: 2).fft())
  },
  .init(name: "rfft, even", shapes: [[2, 6]]) { parts($0[0].rfft()) },
  .init(name: "rfft, odd", shapes: [[2, 5]]) { parts($0[0].rfft(norm: .ortho)) },
  .init(name: "rfft cut along columns", shapes: [[7, 2]]) { parts($0[0].rfft(n: 4, axis: 0)) },
  .init(name: "rfft filled", shapes: [[3]]) { parts($0[0].rfft(n: 8)) },
  .init(name: "irfft, even", shapes: pair([2, 4])) { complex($0).irfft(norm: .ortho) },
  .init(name: "irfft, odd", shapes: pair([2, 4])) { complex($0).irfft(n: 7, norm: .forward) },
  .init(name: "irfft cut", shapes: pair([6])) { complex($0).irfft(n: 5, norm: .forward) },
  .init(name: "irfft filled", shapes: pair([2, 3])) { complex($0).irfft(n: 6, axis: 0, norm: .forward) },
  .init(name: "hfft", shapes: pair([4])) { complex($0).hfft() },
  .init(name: "ihfft", shapes: [[5]]) { parts($0[0].ihfft(norm: .forward)) },
  .init(name: "fft2", shapes: pair([2, 3, 4])) { parts(complex($0).fft2()) },
  .init(name: "rfftn", shapes: [[2, 3, 4]]) { parts($0[0].rfftn(s: [4, 3], axes: [1, 2], norm: .ortho)) },
  .init(name: "irfftn", shapes: pair([2, 3])) { complex($0).irfftn(norm: .ortho) },
  .init(name: "fftshift", shapes: pair([5])) { parts(complex($0).fftshift() * complex($0).ifftshift()) },
  .init(name: "half a transform", shapes: pair([5])) { complex($0).fft().imaginary },
]

/// Matrices whose eigenvalues are far apart: those of a rotation, which are complex, and real ones.
private func spread(_ x: Tensor) -> Tensor {
  let base = Tensor([1.0, -2, 0, 2, 1, 0, 0, 0, 5], shape: [3, 3])
  return 0.3 * x + base
}

private let eigenRows: [GradientRow] = [
  .init(name: "eigvals", shapes: [[3, 3]]) { parts(try! spread($0[0]).eigvals()) },
  .init(name: "eigvals of a batch", shapes: [[2, 3, 3]]) { parts(try! spread($0[0]).eigvals()) },
  .init(name: "eig, magnitudes of vectors", shapes: [[3, 3]]) {
    let v = try! spread($0[0]).eig().eigenvectors
    return (v.real.square() + v.imaginary.square())
      * Tensor.arange(9, dtype: .float64).reshaped([3, 3]).sin()
  },
  .init(name: "eig, the matrix again", shapes: [[3, 3]]) {
    // V diag(w²) Vᴴ depends on no phase.
    let (w, v) = try! spread($0[0]).eig()
    return parts((v * (w * w).expandedDimensions(axis: -2)).matmul(v.adjoint()))
  },
]

@Suite struct ComplexGradientTests {
  private func inputs(_ row: GradientRow, seed: UInt64) -> [Tensor] {
    var generator = RandomGenerator(seed: seed)
    return row.shapes.map { Tensor.randomUniform($0, in: row.range, dtype: .float64, using: &generator) }
  }

  @Test(arguments: arithmeticRows + transformRows + eigenRows)
  func recordedGradientsAgreeWithFiniteDifferences(_ row: GradientRow) {
    #expect(gradCheck(inputs(row, seed: 5), row.function) <= 1)
  }

  @Test(arguments: arithmeticRows + transformRows + eigenRows)
  func secondDerivativesAgreeWithFiniteDifferences(_ row: GradientRow) {
    #expect(worstSecondDerivative(of: row.function, at: inputs(row, seed: 6)) <= 1)
  }

  @Test func gradientsAtZero() {
    let z = ComplexTensor(real: Tensor([0.0, 3]), imaginary: Tensor([0.0, -4])).requiringGradient()
    let size = z.magnitude().sum().backward()[z]!
    #expect(size.isClose(to: ComplexTensor([(0.0, 0.0), (0.6, -0.8)]), relative: 1e-15))
    let angle = z.angle().sum().backward()[z]!
    #expect(angle.real.array() == [0, 0.16] && angle.imaginary.array() == [0, 0.12])
    let real = z.real.sum().backward()
    #expect(real[z]!.imaginary.array() == [0.0, 0] && real[z]!.real.array() == [1.0, 1])
    #expect(z.detached().requiresGradient == false && z.requiresGradient)
  }

  /// PyTorch: `z = torch.tensor([1+2j, -0.5+0.25j], requires_grad=True); (z.exp() / (z + 2)).abs().sum()`.
  @Test func theGradientIsPyTorchs() throws {
    let z = ComplexTensor([(1.0, 2.0), (-0.5, 0.25)]).requiringGradient()
    let gradient = try #require((z.exp() / (z + 2)).magnitude().sum().backward()[z])
    let expected = ComplexTensor([(0.579935178324, -0.115987035665), (0.140137226048, -0.043119146476)])
    #expect(gradient.isClose(to: expected, relative: 1e-8), "\(gradient)")
  }
}
