import Tensor
import Testing

@Suite struct GatedProductTests {
  /// The two products, then the activation.
  private func separately(_ x: Tensor, _ gate: Tensor, _ up: Tensor) -> Tensor {
    swiGLU(linear(x, weight: gate), linear(x, weight: up))
  }

  @Test(arguments: [
    [512, 40, 100], [513, 64, 513], [600, 130, 1030], [777, 96, 64], [530, 33, 512], [520, 1100, 2050],
    [520, 1, 64], [3, 64, 64], [64, 0, 16], [0, 64, 16],
  ])
  func hasTheBitsOfItsParts(sizes: [Int]) {
    let (m, n, k) = (sizes[0], sizes[1], sizes[2])
    var generator = RandomGenerator(seed: UInt64(m + n + k))
    let x = Tensor.randomNormal([m, k], using: &generator)
    let gate = Tensor.randomNormal([n, k], standardDeviation: 0.1, using: &generator)
    let wide = Tensor.randomNormal([n, k + 3], standardDeviation: 0.1, using: &generator)
    let up = wide.slice(axis: 1, 1..<k + 1)
    let expected = separately(x, gate, up)
    let before = Threads.count
    defer { Threads.count = before }
    for threads in [1, 2, 3] {
      Threads.count = threads
      let found = swiGLU(x, gate: gate, up: up)
      #expect(found.shape == [m, n])
      // Without kernels of our own for large products the library computes them, in slices whose bits differ
      // with the number of threads, which other tests change too.
      let isSame =
        ProductPlan.OwnKernels.here.packed || found.count == 0
        ? found.array(of: Float.self) == expected.array(of: Float.self)
        : (found - expected).abs().max().item() < 1e-3
      #expect(isSame, "\(threads) threads")
    }
  }

  @Test func viewsBatchesAndGradientsAreThoseOfItsParts() throws {
    var generator = RandomGenerator(seed: 4)
    let x = Tensor.randomNormal([64, 2, 300], using: &generator).permuted([1, 2, 0])
    let gate = Tensor.randomNormal([48, 64], using: &generator).requiringGradient()
    let up = Tensor.randomNormal([48, 64], using: &generator).requiringGradient()
    let found = swiGLU(x, gate: gate, up: up)
    #expect(found.shape == [2, 300, 48])
    let quiet = noGradient { swiGLU(x, gate: gate, up: up) }
    #expect(quiet.array(of: Float.self) == found.array(of: Float.self))
    func derivatives(_ y: Tensor) -> [[Float]?] {
      gradients(of: y.sum(), withRespectTo: [gate, up]).map { $0?.array(of: Float.self) }
    }
    // The library's slices, and with them the bits, follow the number of threads, which other tests change.
    let isSame = (0..<5).contains { _ in
      derivatives(swiGLU(x, gate: gate, up: up)) == derivatives(separately(x, gate, up))
    }
    #expect(isSame && !derivatives(found).contains(nil))
    let double = swiGLU(x.to(.float64), gate: gate.to(.float64), up: up.to(.float64))
    #expect(double.dtype == .float64)
  }
}
