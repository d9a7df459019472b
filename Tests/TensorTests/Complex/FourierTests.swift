import Testing

import Tensor

private func random(_ shape: [Int], _ seed: UInt64 = 3) -> ComplexTensor {
  var generator = RandomGenerator(seed: seed)
  return ComplexTensor(
    real: Tensor.randomNormal(shape, dtype: .float64, using: &generator),
    imaginary: Tensor.randomNormal(shape, dtype: .float64, using: &generator))
}

private func norm(_ z: ComplexTensor) -> Double {
  (z.real.to(.float64).square().sum().item() + z.imaginary.to(.float64).square().sum().item()).squareRoot()
}

private func distance(_ a: ComplexTensor, _ b: ComplexTensor) -> Double { norm(a - b) / norm(b) }

/// What holds for every transform.
@Suite(.serialized) struct FourierTests {
  private let lengths = [1, 2, 3, 16, 30, 31, 37, 64, 96, 121, 128, 509, 1009, 1024, 1155, 2047, 4096]

  @Test func theInverseGivesBackWhatWas() {
    for n in lengths {
      let z = random([2, n])
      for norm in FFTNorm.allCases {
        #expect(distance(z.fft(norm: norm).ifft(norm: norm), z) < 2e-15, "\(n)")
        let real = z.real.rfft(norm: norm).irfft(n: n, norm: norm)
        #expect((real - z.real).abs().max().item() < 1e-14, "\(n)")
        let other = z.real.ihfft(norm: norm).hfft(n: n, norm: norm)
        #expect((other - z.real).abs().max().item() < 1e-14, "\(n)")
      }
    }
    let cube = random([3, 4, 5])
    #expect(distance(cube.fftn().ifftn(), cube) < 1e-15)
    #expect((cube.real.rfftn().irfftn(s: [3, 4, 5]) - cube.real).abs().max().item() < 1e-14)
    #expect((cube.real.rfft2().irfft2(s: [4, 5]) - cube.real).abs().max().item() < 1e-14)
  }

  @Test func theNormIsKept() {
    for n in lengths {
      let z = random([n])
      #expect(abs(norm(z.fft(norm: .ortho)) / norm(z) - 1) < 1e-14, "\(n)")
      #expect(abs(norm(z.fft()) / norm(z) / Double(n).squareRoot() - 1) < 1e-14, "\(n)")
    }
  }

  @Test func sumsAndShifts() {
    for n in [12, 37, 100, 1009] {
      let (a, b) = (random([n]), random([n], 4))
      let factor = ComplexTensor(2.0, -3.0)
      #expect(distance((a * factor + b).fft(), a.fft() * factor + b.fft()) < 1e-14)
      // A sequence moved by one is a transform times the roots of unity.
      let moved = ComplexTensor(real: a.real.rolled(1, axis: 0), imaginary: a.imaginary.rolled(1, axis: 0))
      let angles = Tensor.fftfreq(n, dtype: .float64) * (-2 * Double.pi)
      let roots = ComplexTensor.polar(Tensor.ones([n], dtype: .float64), angles)
      #expect(distance(moved.fft(), a.fft() * roots) < 1e-13)
      #expect(distance(ComplexTensor(a.real).fft(), a.real.fft()) < 1e-15)
      let half = a.real.fft().slice(axis: 0, 0..<n / 2 + 1)
      #expect(distance(a.real.rfft(), half) < 1e-14)
    }
  }

  /// Root mean square errors, relative; the bounds hold for one rounding in each of log n passes.
  @Test func singlePrecisionIsAsGoodAsItsNumbers() {
    for n in [1000, 1009, 1021, 4096, 65536] {
      let z = random([n]).to(.complex64)
      let exact = z.to(.complex128)
      #expect(distance(z.fft().to(.complex128), exact.fft()) < 5e-7, "\(n)")
      #expect(distance(z.real.rfft().to(.complex128), exact.real.rfft()) < 5e-7, "\(n)")
      let spectrum = exact.real.rfft().to(.complex64)
      let back = ComplexTensor(spectrum.irfft(n: n))
      #expect(distance(back.to(.complex128), ComplexTensor(spectrum.to(.complex128).irfft(n: n))) < 5e-7)
    }
  }

  @Test func viewsAreReadAsWhatTheyShow() {
    let z = random([6, 10, 7])
    let view = z.permuted([2, 0, 1]).slice(axis: 2, 1..<9, step: 2).flipped(axes: [0])
    let plain = ComplexTensor(real: view.real.materialized(), imaginary: view.imaginary.materialized())
    for axis in 0..<3 {
      #expect(distance(view.fft(axis: axis), plain.fft(axis: axis)) == 0)
      #expect(distance(view.real.rfft(axis: axis), plain.real.rfft(axis: axis)) == 0)
      #expect((view.irfft(axis: axis) - plain.irfft(axis: axis)).abs().max().item() == 0)
    }
    #expect(distance(view.fftn(), plain.fftn()) == 0)
    let expanded = ComplexTensor(Tensor.arange(4, dtype: .float64).expanded(to: [3, 4]))
    #expect(distance(expanded.fft(), expanded.contiguous().fft()) == 0)
  }

  /// Columns are copied into narrower blocks the longer they are.
  @Test func longColumns() {
    for n in [1 << 15, 1 << 16, 1 << 18, 65537] {
      let z = random([n, 3])
      let rows = z.transposed().contiguous().fft().transposed()
      #expect(distance(z.fft(axis: 0), rows) < 1e-15, "\(n)")
    }
  }

  @Test func theNumberOfThreadsChangesNoBit() {
    let before = Threads.count
    defer { Threads.count = before }
    let z = random([9, 64, 50])
    func all() -> [Tensor] {
      let results = [
        z.fft(), z.fft(axis: 1), z.fft(axis: 0), z.real.rfft(), z.real.rfft(axis: 1), z.fftn(), z.fft(n: 61),
      ]
      return results.flatMap { [$0.real, $0.imaginary] } + [z.irfft(), z.irfft(axis: 0), z.hfft(n: 37)]
    }
    Threads.count = 1
    let one = all()
    Threads.count = 2
    let two = all()
    for (a, b) in zip(one, two) { #expect((a .== b).all().item() == 1) }
  }

  @Test func whatIsEmptyOrSingle() {
    #expect(Tensor.zeros([0, 8]).fft().shape == [0, 8])
    #expect(Tensor.zeros([0, 8]).rfft().shape == [0, 5])
    #expect(ComplexTensor.zeros([3, 0, 5]).irfft().shape == [3, 0, 8])
    #expect(ComplexTensor.zeros([3, 4, 0]).fft(axis: 1).shape == [3, 4, 0])
    #expect(Tensor.zeros([0]).fft(n: 3).real.array() == [0, 0, 0] as [Float])
    #expect(Tensor.zeros([0]).rfft(n: 3).shape == [2])
    #expect(ComplexTensor.zeros([2, 0]).irfft(n: 4).array() == [Float](repeating: 0, count: 8))
    #expect(Tensor([5] as [Float]).fft().array(of: Float.self)[0].real == 5)
    #expect(Tensor([5] as [Float]).rfft().irfft(n: 1).item() == 5)
    #expect(Tensor.ones([2, 3]).fftn(axes: []).shape == [2, 3])
  }

  @Test func otherTypes() {
    #expect(Tensor([1, 2, 3] as [Int32]).fft().dtype == .complex64)
    #expect(Tensor([true, false]).rfft().real.array() == [1, 1] as [Float])
    #expect(Tensor([1, 2] as [Float]).to(.float16).fft().dtype == .complex64)
    #expect(Tensor([1, 2] as [Double]).rfft().dtype == .complex128)
  }

  @Test func plansAreKeptWithinBounds() {
    let cache = FFTPlanCache(limit: 3, byteLimit: 1 << 14)
    for n in [8, 16, 32, 64, 128] { _ = cache.identity(n) }
    #expect(cache.contents.plans == 3)
    #expect(cache.identity(128) == cache.identity(128))
    _ = cache.identity(1 << 16)
    #expect(cache.contents.byteCount <= 1 << 14)
    #expect(cache.identity(128, isDouble: true).points == 128)
    #expect(cache.identity(9, isDouble: true, isReal: true).points == 9)
    for n in 200..<300 { _ = Tensor.ones([n]).fft() }
    #expect(FFTPlanCache.shared.contents.plans <= FFTPlanCache.shared.limit)
  }

  @Test func everyMistakeHasASentence() throws {
    let x = Tensor.ones([2, 6])
    let z = ComplexTensor(x)
    let calls: [(String, String, @Sendable () -> Void)] = [
      ("fft", "at least one point", { _ = x.fft(n: 0) }),
      ("fft", "at least one point", { _ = z.fft(n: -3) }),
      ("fft", "beyond all memory", { _ = z.fft(n: .max) }),
      ("fft", "out of memory", { _ = z.fft(n: 1 << 40) }),
      ("fft", "axis 2", { _ = z.fft(axis: 2) }),
      ("fft", "axis -1", { _ = Tensor(1).fft() }),
      ("ifft", "at least one point", { _ = Tensor.ones([2, 0]).ifft() }),
      ("rfft", "at least one point", { _ = x.rfft(n: 0) }),
      ("ihfft", "at least one point", { _ = x.ihfft(n: .min) }),
      ("irfft", "at least one point", { _ = ComplexTensor(Tensor.ones([3, 1])).irfft() }),
      ("hfft", "axis 7", { _ = z.hfft(axis: 7) }),
      ("irfft", "at least one point", { _ = ComplexTensor.zeros([3, 0]).irfft() }),
      ("fft2", "named twice", { _ = x.fft2(axes: [1, -1]) }),
      ("fft2", "axis", { _ = Tensor.ones([3]).fft2() }),
      ("fftn", "not of one number", { _ = z.fftn(s: [3], axes: [0, 1]) }),
      ("fftn", "more than the axes", { _ = z.fftn(s: [3, 4, 5]) }),
      ("ifftn", "at least one point", { _ = z.ifftn(s: [3, 0]) }),
      ("rfftn", "at least one axis", { _ = x.rfftn(axes: []) }),
      ("irfftn", "named twice", { _ = z.irfftn(axes: [0, 1, 0]) }),
      ("irfft2", "axis 5", { _ = z.irfft2(axes: [0, 5]) }),
      ("rfft2", "axis", { _ = x.rfft2(axes: [.min, 0]) }),
      ("fftfreq", "at least one point", { _ = Tensor.fftfreq(0) }),
      ("rfftfreq", "distance", { _ = Tensor.rfftfreq(4, spacing: 0) }),
      ("fftfreq", "fractions", { _ = Tensor.fftfreq(4, dtype: .int32) }),
      ("fftshift", "axis 4", { _ = x.fftshift(axes: [4]) }),
    ]
    for (operation, words, body) in calls {
      let error = #expect(throws: TensorError.self, "\(operation): \(words)") { try withTensorErrors(body) }
      #expect(error?.operation == operation, "\(words): \(error.map { "\($0)" } ?? "")")
      #expect(error?.message.contains(words) == true, "\(words): \(error.map { "\($0)" } ?? "")")
    }
    // What came before a mistake is whole afterwards.
    #expect(distance(z.fft().ifft(), z) < 1e-6)
  }
}
