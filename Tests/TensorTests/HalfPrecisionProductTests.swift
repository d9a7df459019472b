import Foundation
import Tensor
import Testing

/// Products whose second operand is stored in float16 or bfloat16 equal those with the same values in
/// Float32.
@Suite("Products with half precision", .serialized) struct HalfPrecisionProductTests {
  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomNormal(shape, using: &generator)
  }

  private func deviation(_ a: Tensor, _ b: Tensor) -> Double {
    a.count == 0 ? 0 : ((a - b).abs().max() / (b.abs().max() + 1e-30)).item()
  }

  @Test(
    arguments: [1, 2, 3, 5, 8, 12, 13, 40],
    [(4, 16), (7, 19), (33, 64), (530, 40), (600, 1100), (3, 0), (0, 5)])
  func equalsFloat32(_ m: Int, _ size: (Int, Int)) {
    let (n, k) = size
    let x = random([m, k], 1)
    for type in [DType.float16, .bfloat16] {
      let weight = random([n, k], 2).to(type)
      let expected = x.matmul(weight.to(.float32).transposed())
      let found = x.matmul(weight.transposed())
      #expect(found.dtype == .float32 && found.shape == [m, n])
      #expect(deviation(found, expected) < 2e-6, "\(type) \(m) \(n) \(k)")
      // Not transposed, as the gradient of the input needs it, and from a transposed first operand.
      let g = random([m, n], 3)
      #expect(deviation(g.matmul(weight), g.matmul(weight.to(.float32))) < 2e-6, "\(type) \(m) \(n) \(k)")
      let columns = random([k, m], 4)
      let other = columns.transposed().matmul(weight.transposed())
      #expect(
        deviation(other, columns.transposed().matmul(weight.to(.float32).transposed())) < 2e-6,
        "\(type) \(m) \(n) \(k)")
    }
  }

  @Test func batchesViewsAndVectors() {
    let weight = random([3, 10, 8], 1).to(.bfloat16)
    let full = weight.to(.float32)
    let x = random([2, 1, 5, 10], 2)
    #expect(deviation(x.matmul(weight), x.matmul(full)) < 2e-6)
    let view = weight.slice(axis: 1, 1..<9, step: 2)
    #expect(
      deviation(x[.all, .all, .all, 0..<4].matmul(view), x[.all, .all, .all, 0..<4].matmul(view.to(.float32)))
        < 2e-6)
    #expect(deviation(random([10], 3).matmul(weight), random([10], 3).matmul(full)) < 2e-6)
    #expect(deviation(x.matmul(weight[0, .all, 0]), x.matmul(full[0, .all, 0])) < 2e-6)
  }

  @Test func gradientsOfTheInputAndOfTheWeight() {
    let x = random([6, 40], 1).requiringGradient()
    for type in [DType.float16, .bfloat16] {
      let stored = random([30, 40], 2).to(type)
      let bias = random([30], 3).requiringGradient()
      let upstream = random([6, 30], 4)
      let gradients = linear(x, weight: stored, bias: bias).backward(from: upstream)
      let expected = linear(x, weight: stored.to(.float32), bias: bias).backward(from: upstream)
      #expect(deviation(gradients[x]!, expected[x]!) < 2e-6)
      #expect(deviation(gradients[bias]!, expected[bias]!) < 2e-6)
      let leaf = stored.requiringGradient()
      let weightGradient = linear(x, weight: leaf).backward(from: upstream)[leaf]!
      #expect(weightGradient.dtype == type)
      #expect(
        deviation(weightGradient.to(.float32), upstream.transposed().matmul(x.detached()))
          < (type == .float16 ? 1e-3 : 8e-3))
    }
  }

  @Test func typesOfLinear() {
    let weight = Tensor.ones([2, 3], dtype: .bfloat16)
    for (type, expected) in [
      (DType.float32, DType.float32), (.bfloat16, .bfloat16), (.float16, .float32), (.float64, .float64),
    ] {
      let x = Tensor.ones([4, 3], dtype: type)
      #expect(linear(x, weight: weight).dtype == expected)
      #expect(linear(x, weight: weight, bias: Tensor.ones([2], dtype: .bfloat16)).dtype == expected)
      #expect(linear(x, weight: weight).array(of: Double.self) == [Double](repeating: 3, count: 8))
    }
  }

  /// OpenBLAS's other kernels round differently at the ends of a slice; those for AVX-512 do not.
  @Test(.enabled(if: ["SkylakeX", "Cooperlake", "SapphireRapids"].contains(TensorRuntime.blasCoreName)))
  func sameBytesForAnyThreadCount() {
    let before = Threads.count
    defer { Threads.count = before }
    let weight = random([1100, 300], 1).to(.bfloat16)
    let (few, many, back) = (random([3, 300], 2), random([70, 300], 3), random([70, 1100], 4))
    let results = [1, 2, 4].map { count in
      Threads.count = count
      return [few.matmul(weight.transposed()), many.matmul(weight.transposed()), back.matmul(weight)]
        .map { $0.array(of: Float.self) }
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }

  @Test func theWeightIsNeverWholeInFloat32() {
    let weight = Tensor.full([4096, 2048], 0.5, dtype: .bfloat16)
    let x = Tensor.ones([64, 2048])
    let whole = 4096 * 2048 * 4
    // Tests beside this one ask for memory too, some for seconds, hardly for so long.
    var peaks: [Int] = []
    while peaks.count < 300, !peaks.contains(where: { $0 < whole / 2 }) {
      if !peaks.isEmpty { usleep(50_000) }
      TensorRuntime.resetPeak()
      let before = TensorRuntime.bytesInUse
      #expect(x.matmul(weight.transposed())[5, 7].item() == 1024)
      peaks.append(TensorRuntime.peakBytes - before)
    }
    #expect(peaks.contains { $0 < whole / 2 }, "\(peaks)")
  }

  @Test func targetLogProbabilitiesReadStoredWeights() {
    let hidden = random([5, 24], 1).requiringGradient()
    let weight = (random([300, 24], 2) * 0.3).to(.float16)
    let targets: [Int32] = [0, 299, 17, 64, 128]
    let found = targetLogProbabilities(hidden: hidden, weight: weight, targets: targets)
    let expected = targetLogProbabilities(hidden: hidden, weight: weight.to(.float32), targets: targets)
    #expect(found.array(of: Float.self) == expected.array(of: Float.self))
    let (a, b) = (found.sum().backward()[hidden]!, expected.sum().backward()[hidden]!)
    #expect(a.array(of: Float.self) == b.array(of: Float.self))
  }

  @Test func embeddingsOfStoredWeightsHaveGradients() {
    let table = random([6, 4], 1).to(.bfloat16).requiringGradient()
    let rows = table.rows(at: Tensor([1, 1, 5] as [Int32]))
    #expect(rows.dtype == .bfloat16)
    let gradient = rows.to(.float32).sum().backward()[table]!
    #expect(gradient.sum(axes: [1]).array(of: Float.self) == [0, 8, 0, 0, 0, 4])
  }
}
