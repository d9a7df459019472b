import Tensor
import TestSupport
import Testing

/// Products with quantised matrices equal those with the same values expanded.
@Suite struct QuantizedMatrixTests {
  /// A matrix of random blocks with scales and minima of ordinary size.
  private func matrix(_ encoding: BlockEncoding, rows: Int, columns: Int, seed: UInt64) -> QuantizedMatrix {
    var generator = RandomGenerator(seed: seed)
    var bytes: [UInt8] = []
    for _ in 0..<rows * columns / 32 {
      let numbers = encoding == .q4_1 ? 2 : 1
      for _ in 0..<numbers {
        let half = Float16(generator.uniform() - 0.5)
        bytes += [UInt8(truncatingIfNeeded: half.bitPattern), UInt8(half.bitPattern >> 8)]
      }
      for _ in 0..<encoding.blockSize - 2 * numbers { bytes.append(UInt8(generator.uniform() * 256)) }
    }
    let width = columns / 32 * encoding.blockSize
    return QuantizedMatrix(encoding, blocks: Tensor(bytes, shape: [rows, width]))
  }

  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomNormal(shape, using: &generator)
  }

  private func deviation(_ a: Tensor, _ b: Tensor) -> Double {
    ((a - b).abs().max() / (b.abs().max() + 1e-30)).item()
  }

  @Test func valuesOfOneBlock() {
    // The scale 0.5, the minimum −1; the bytes 0x10, 0x32, … hold 0, 2, … low and 1, 3, … high.
    let half: [UInt8] = [0x00, 0x38]
    var nibbles: [UInt8] = []
    var low: [Float] = []
    var high: [Float] = []
    for index in 0..<16 {
      let (first, second) = (index * 2 % 16, (index * 2 + 1) % 16)
      nibbles.append(UInt8(first | second << 4))
      low.append(Float(first))
      high.append(Float(second))
    }
    let signed = (0..<32).map { Int8($0 * 7 - 100) }
    func values(_ encoding: BlockEncoding, _ bytes: [UInt8]) -> [Float] {
      QuantizedMatrix(encoding, blocks: Tensor(bytes, shape: [1, bytes.count])).expanded().array()
    }
    #expect(values(.q4_0, half + nibbles) == (low + high).map { 0.5 * ($0 - 8) })
    #expect(values(.q4_1, half + [0x00, 0xBC] + nibbles) == (low + high).map { 0.5 * $0 - 1 })
    let bytes = signed.map { UInt8(bitPattern: $0) }
    #expect(values(.q8_0, half + bytes) == signed.map { 0.5 * Float($0) })
  }

  @Test(
    arguments: BlockEncoding.allCases,
    [
      (1, 1, 32), (1, 7, 96), (1, 530, 64), (3, 9, 1056), (8, 40, 2080), (12, 5, 64), (13, 600, 1056),
      (40, 33, 96),
    ])
  func productsEqualExpanded(_ encoding: BlockEncoding, _ size: (Int, Int, Int)) {
    let (m, n, k) = size
    let weight = matrix(encoding, rows: n, columns: k, seed: 1)
    #expect(weight.shape == [n, k])
    let x = random([m, k], 2).requiringGradient()
    let bias = random([n], 3).requiringGradient()
    let found = linear(x, weight: weight, bias: bias)
    let expected = linear(x, weight: weight.expanded(), bias: bias)
    #expect(deviation(found, expected) < 2e-6)
    let upstream = random([m, n], 4)
    let (gradients, others) = (found.backward(from: upstream), expected.backward(from: upstream))
    #expect(deviation(gradients[x]!, others[x]!) < 2e-6)
    #expect(deviation(gradients[bias]!, others[bias]!) == 0)
  }

  @Test func leadingAxesEmptyInputsAndThreads() {
    let weight = matrix(.q4_1, rows: 300, columns: 512, seed: 1)
    let x = random([2, 3, 512], 2)
    #expect(deviation(linear(x, weight: weight), linear(x, weight: weight.expanded())) < 2e-6)
    #expect(linear(random([0, 512], 1), weight: weight).shape == [0, 300])
    let count = Threads.count
    defer { Threads.count = count }
    // The matrix library, which takes many rows, rounds by how they are cut for threads on some processors.
    for (rows, allowed) in [(1, 0), (5, 0), (50, 2e-6)] {
      let y = random([rows, 512], 3)
      Threads.count = 1
      let alone = linear(y, weight: weight)
      Threads.count = 3
      #expect(deviation(linear(y, weight: weight), alone) <= allowed)
    }
  }

  @Test func layersKeepTheirBlocks() {
    let table = QuantizedEmbedding(matrix(.q8_0, rows: 12, columns: 64, seed: 1))
    let ids = Tensor([3, 0, 11, 3] as [Int32])
    #expect(deviation(table(ids), table.matrix.expanded().rows(at: ids)) == 0)
    var generator = RandomGenerator(seed: 3)
    let layer = QuantizedLinear(matrix(.q4_0, rows: 10, columns: 64, seed: 2))
    let adapter = LoRALinear(base: layer, rank: 2, alpha: 4, using: &generator)
    adapter.loraB.tensor = random([10, 2], 4)
    let x = random([5, 64], 5)
    #expect(deviation(adapter(x), linear(x, weight: adapter.mergedWeight())) < 2e-6)
    #expect(adapter.trainableParameters().map(\.name) == ["lora_A.weight", "lora_B.weight"])
    #expect(layer.namedParameters().map(\.parameter.shape) == [[10, 36]])
  }
}
