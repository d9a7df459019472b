import Foundation
import TestSupport
import Tensor
import Testing

private let z = ComplexTensor([(1.0, 2.0), (3.5, -4.25)])

@Suite struct ComplexTensorTests {
  /// NumPy's roots and exponentials where parts are infinite, too large for their magnitude, or denormal.
  @Test func rootsAndExponentialsAtTheEndsOfTheType() {
    func root(_ real: Double, _ imaginary: Double) -> (Double, Double) {
      let z = ComplexTensor(real: Tensor([real]), imaginary: Tensor([imaginary])).sqrt()
      return (z.real.item(), z.imaginary.item())
    }
    #expect(root(1, .infinity) == (.infinity, .infinity))
    #expect(root(-1, -.infinity) == (.infinity, -.infinity))
    let (large, small) = root(1.7e308, 1.7e308)
    #expect(abs(large / 1.4325078e154 - 1) < 1e-6 && abs(small / 5.933642e153 - 1) < 1e-6)
    #expect(root(.leastNonzeroMagnitude, 0).0 == Double.leastNonzeroMagnitude.squareRoot())
    #expect(root(-4, 0) == (0, 2))
    let floats = ComplexTensor(real: Tensor([3e38] as [Float]), imaginary: Tensor([3e38] as [Float])).sqrt()
    #expect(floats.real.item().isFinite && abs(floats.real.item() / 1.90298e19 - 1) < 1e-4)
    let end = ComplexTensor(real: Tensor([800.0, .infinity]), imaginary: Tensor([0.0, 0.0])).exp()
    #expect(
      end.real.array() == [.infinity, .infinity] as [Double] && end.imaginary.array() == [0, 0] as [Double])
  }

  @Test func aLiteralTimesAHalfIsComplex64() {
    let half = Tensor([1, 2, 3] as [Float]).to(.float16)
    let z = ComplexTensor(0.0, 1.0)
    for found in [z * half, z + half, z - half, half * z] {
      #expect(found.real.dtype == .float32 && found.imaginary.dtype == .float32)
    }
    #expect((z * half).fft().shape == [3])
  }

  struct Row: Decodable {
    let name: String
    let real: [String]
    let imaginary: [String]?

    /// The numbers; the text of signed zeros, infinities and NaN is Swift's too.
    var numbers: ComplexTensor {
      let parts = [real, imaginary ?? real].map { $0.map { Double($0) ?? .nan } }
      return ComplexTensor(real: Tensor(parts[0]), imaginary: Tensor(parts[1]))
    }
  }

  @Test func creation() {
    #expect(z.shape == [2] && z.rank == 1 && z.count == 2 && z.dtype == .complex128)
    #expect(z.real.array() == [1, 3.5] && z.imaginary.array() == [2, -4.25])
    let wide = ComplexTensor(
      real: Tensor([1, 2, 3] as [Float]), imaginary: Tensor([[1.0], [2]].flatMap { $0 }, shape: [2, 1]))
    #expect(wide.shape == [2, 3] && wide.dtype == .complex128)
    #expect(ComplexTensor(Tensor([1, 2] as [Int32])).dtype == .complex64)
    #expect(ComplexTensor(Tensor([1, 2] as [Float]).to(.bfloat16)).dtype == .complex64)
    #expect(ComplexTensor(real: Tensor([1, 2] as [Double]), imaginary: 0.1).imaginary.array() == [0.1, 0.1])
    let polar = ComplexTensor.polar(Tensor([2.0]), Tensor([Double.pi / 2])).item()
    #expect(abs(polar.real) < 1e-15 && polar.imaginary == 2)
    let pairs = z.viewAsReal()
    #expect(pairs.array() == [1, 2, 3.5, -4.25] && pairs.shape == [2, 2])
    #expect((pairs.viewAsComplex() .== z).all().item() == 1)
    #expect(z.array(of: Double.self)[1] == (real: 3.5, imaginary: -4.25))
    #expect(ComplexTensor([(1, 2), (3, 4)] as [(Float, Float)], shape: [2, 1]).shape == [2, 1])
    #expect(ComplexTensor.zeros([2, 0], dtype: .complex128).real.dtype == .float64)
    #expect(ComplexDType.complex64.byteSize == 8 && ComplexDType(holding: .float64).partType == .float64)
  }

  @Test func arithmeticAndTypes() {
    #expect((z + z).array(of: Double.self)[0] == (real: 2, imaginary: 4))
    #expect((z * z.conjugate()).imaginary.array() == [0.0, 0])
    #expect((z - 1).real.array() == [0, 2.5] && (1 - z).imaginary.array() == [-2, 4.25])
    #expect((2 * z).real.array() == [2.0, 7] && (z / 2).real.array() == [0.5, 1.75])
    #expect((z + Tensor([1.0, 1], shape: [2, 1])).shape == [2, 2])
    #expect((Tensor([2.0]) * z).imaginary.array() == [4, -8.5] && (-z).real.array() == [-1, -3.5])
    #expect((Tensor([1.0, 2]) - z).real.array() == [0, -1.5])
    #expect((1 / ComplexTensor([(0.0, 2.0)])).item() == (real: 0, imaginary: -0.5))
    let single = z.to(.complex64)
    #expect(single.dtype == .complex64 && (single + z).dtype == .complex128)
    #expect((single * 0.1).dtype == .complex64 && (single / 3).dtype == .complex64)
    #expect(
      (single + ComplexTensor(0.5, 1)).dtype == .complex64
        && (z * ComplexTensor(0, 1)).real.array() == [-2, 4.25])
    #expect(
      (z / ComplexTensor(0, 1)).dtype == .complex128 && (ComplexTensor(0, 1) / single).dtype == .complex64)
    #expect(
      (single * Tensor([2.0])).dtype == .complex128 && (single + Tensor([2.0])).imaginary.dtype == .float64)
    #expect(z.sum().item() == (real: 4.5, imaginary: -2.25) && z.mean(axis: 0).item().real == 2.25)
  }

  @Test func numbersAgreeWithNumPy() throws {
    let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: Fixtures.url("fft/numbers.json")))
    let table = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0.numbers) })
    func expected(_ name: String) throws -> ComplexTensor { try #require(table[name]) }
    func near(_ name: String, _ found: Tensor, _ wanted: Tensor) {
      for (index, (a, b)) in zip(found.array(of: Double.self), wanted.array(of: Double.self)).enumerated() {
        let same = a == b || a.isNaN && b.isNaN || abs(a - b) <= 1e-14 * abs(b)
        #expect(same, "\(name) \(index): \(a), NumPy \(b)")
      }
    }
    let (all, small) = (try expected("z"), try expected("small"))
    near("abs", all.magnitude(), try expected("abs").real)
    near("angle", all.angle(), try expected("angle").real)
    near("sqrt", all.sqrt().real, try expected("sqrt").real)
    near("sqrt", all.sqrt().imaginary, try expected("sqrt").imaginary)
    near("exp", small.exp().real, try expected("exp").real)
    near("exp", small.exp().imaginary, try expected("exp").imaginary)
    near("log", small.log().imaginary, try expected("log").imaginary)
    // Near 1 a logarithm is as exact as its argument.
    let logarithms = try expected("log").real
    let errors = (small.log().real - logarithms).abs() / logarithms.abs().maximum(1)
    #expect(errors.max().item() < 1e-15)
    let ends = ComplexTensor([(1.5e308, -1.5e308), (0, 0), (.infinity, -.infinity), (1e-320, 0)]).log()
    #expect(ends.real.array(of: Double.self).map { $0.rounded() } == [710, -.infinity, .infinity, -737])
    let quotient = try expected("dividends").expandedDimensions(axis: 1) / all
    let wanted = try expected("divide").reshaped([6, 81])
    // Where NumPy's sum of products overflows or loses what is small, ours may be a number.
    let difference = (quotient - wanted).magnitude() .<= wanted.magnitude() * 1e-14
    let strange = .!(wanted.isFinite() .& (wanted.magnitude() .< 1e300) .& (wanted.magnitude() .> 1e-300))
    #expect((difference .| strange).all().item() == 1)
    let double = ComplexTensor([(3e300, 1e300)]) / ComplexTensor([(1e300, 2e300)])
    #expect(abs(double.item().real - 1) < 1e-15 && abs(double.item().imaginary + 1) < 1e-15)
    let zero = ComplexTensor([(1.0, 0.0)]) / ComplexTensor([(0.0, 0.0)])
    #expect(zero.item().real == .infinity && zero.item().imaginary.isNaN)
    let infinite = ComplexTensor([(Double.infinity, 1), (.nan, .infinity), (.nan, 1)]).magnitude().array(
      of: Double.self)
    #expect(infinite[0] == .infinity && infinite[1] == .infinity && infinite[2].isNaN)
  }

  @Test func matricesAndShapes() {
    let a = ComplexTensor(
      real: Tensor([1.0, 2, 3, 4], shape: [2, 2]), imaginary: Tensor([0.0, 1, -1, 2], shape: [2, 2]))
    let square = a.matmul(a)
    #expect(square.real.array() == [8, 8, 17, 19] && square.imaginary.array() == [1, 9, 1, 17])
    #expect((a.adjoint() .== a.transposed().conjugate()).all().item() == 1)
    #expect(a.matmul(Tensor.eye(2, dtype: .float64)).isClose(to: a))
    #expect(Tensor.eye(2, dtype: .float64).matmul(a).isClose(to: a))
    #expect(
      a.reshaped([4, 1]).shape == [4, 1] && a.flattened().count == 4
        && a.permuted([1, 0]).real[0, 1].item() == 3)
    #expect(
      a[1, 0].item() == (real: 3, imaginary: -1) && a[1].shape == [2]
        && a[.ellipsis, .newAxis, 0].shape == [2, 1])
    var b = a
    b[0, 1] = ComplexTensor(9, -9)
    #expect(b[0, 1].item() == (real: 9, imaginary: -9) && a[0, 1].item().real == 2)
    #expect(
      ComplexTensor.stacked([a, a]).shape == [2, 2, 2]
        && ComplexTensor.concatenated([a, a], axis: 1).shape == [2, 4])
    #expect(a.flipped(axes: [0])[0, 0].item().real == 3 && a.slice(axis: 1, 1..<2).shape == [2, 1])
    #expect(a.expandedDimensions(axis: 0).squeezed(axis: 0).shape == [2, 2])
    #expect((a .!= b).array(of: Bool.self) == [false, true, false, false])
    #expect(a.sum(axes: [0], keepDims: true).shape == [1, 2] && a.mean().item().real == 2.5)
    #expect(
      !a.isClose(to: b) && a.isClose(to: a * (1 + 1e-7)) && a.expanded(to: [3, 2, 2]).shape == [3, 2, 2])
  }

  /// As NumPy 2 prints the same numbers.
  @Test func printing() {
    #expect("\(z)" == "[1. +2.j   3.5-4.25j]")
    let single = ComplexTensor([(1, 2), (-10, -0.5), (0.25, 3)] as [(Float, Float)])
    #expect("\(single)" == "[  1.  +2.j  -10.  -0.5j   0.25+3.j ]")
    #expect("\(z[0])" == "(1+2j)" && "\(ComplexTensor([(1.5, -2e-20)])[0])" == "(1.5-2e-20j)")
    let table = ComplexTensor([(1.0, 1.0), (2, -2), (3e10, 1), (.nan, -.infinity)], shape: [2, 2])
    #expect("\(table)" == "[[1.e+00 +1.j 2.e+00 -2.j]\n [3.e+10 +1.j    nan-infj]]")
    #expect("\(ComplexTensor([(1e-5, 1.0), (.infinity, .nan)]))" == "[1.e-05 +1.j    inf+nanj]")
    #expect("\(ComplexTensor.zeros([2, 0]))" == "[]" && "\(ComplexTensor([(-0.0, -0.0)]))" == "[-0.-0.j]")
    let many = ComplexTensor(
      real: Tensor.arange(1200).to(.float64), imaginary: Tensor.arange(1200).to(.float64))
    #expect(
      "\(many)" == """
        [0.000e+00+0.000e+00j 1.000e+00+1.000e+00j 2.000e+00+2.000e+00j ...
         1.197e+03+1.197e+03j 1.198e+03+1.198e+03j 1.199e+03+1.199e+03j]
        """)
    #expect(z.debugDescription.hasSuffix(", shape: [2], dtype: complex128)"))
  }

  @Test func mistakes() {
    let calls: [(String, @Sendable () -> Void)] = [
      ("ComplexTensor", { _ = ComplexTensor(real: Tensor.ones([2]), imaginary: Tensor.ones([3])) }),
      ("add", { _ = z + Tensor.ones([3]) }), ("multiply", { _ = z * ComplexTensor.zeros([3]) }),
      ("divide", { _ = z / ComplexTensor.zeros([3]) }),
      ("viewAsComplex", { _ = Tensor.ones([2, 3]).viewAsComplex() }),
      ("viewAsComplex", { _ = Tensor(1).viewAsComplex() }),
      ("matmul", { _ = z.matmul(ComplexTensor.zeros([3, 2])) }),
      ("polar", { _ = ComplexTensor.polar(Tensor.ones([2]), Tensor.ones([3])) }),
      ("sum", { _ = z.sum(axes: [1]) }),
      ("item", { _ = z.item() }), ("reshaped", { _ = z.reshaped([3]) }), ("subscript", { _ = z[2] }),
      ("isClose", { _ = z.isClose(to: ComplexTensor.zeros([3])) }),
    ]
    for (operation, body) in calls {
      let error = #expect(throws: TensorError.self, "\(operation)") { try withTensorErrors(body) }
      #expect(error?.operation == operation, "\(error.map { "\($0)" } ?? "")")
    }
  }
}
