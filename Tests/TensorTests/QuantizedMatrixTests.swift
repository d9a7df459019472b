import Foundation
import Tensor
import TestSupport
import Testing

/// Products with quantised matrices equal those with the same values expanded.
@Suite struct QuantizedMatrixTests {
  private func matrix(_ encoding: BlockEncoding, rows: Int, columns: Int, seed: UInt64) -> QuantizedMatrix {
    var generator = RandomGenerator(seed: seed)
    return .random(encoding, rows: rows, columns: columns, using: &generator)
  }

  private func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
    var generator = RandomGenerator(seed: seed)
    return Tensor.randomNormal(shape, using: &generator)
  }

  private func deviation(_ a: Tensor, _ b: Tensor) -> Double {
    let (a, b) = (a.to(.float64), b.to(.float64))
    return ((a - b).abs().max() / (b.abs().max() + 1e-30)).item()
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

  /// Products and the gradients of input and bias against Float64; the last number counts blocks of 32 in a
  /// row, of which six make way for one of 256.
  @Test(
    arguments: BlockEncoding.allCases,
    [
      (1, 1, 1), (1, 7, 3), (1, 530, 2), (2, 19, 35), (3, 9, 33), (8, 40, 65), (12, 5, 2), (13, 600, 33),
      (40, 33, 3),
    ])
  func productsEqualExpanded(_ encoding: BlockEncoding, _ size: (Int, Int, Int)) {
    let (m, n, blocks) = size
    let k = encoding.blockLength * (encoding.blockLength == 256 ? max(1, blocks / 6) : blocks)
    let weight = matrix(encoding, rows: n, columns: k, seed: 1)
    #expect(weight.shape == [n, k])
    let x = random([m, k], 2).requiringGradient()
    let bias = random([n], 3).requiringGradient()
    let found = linear(x, weight: weight, bias: bias)
    let (exactX, exactBias) = (x.detached().to(.float64), bias.detached().to(.float64))
    let (wideX, wideBias) = (exactX.requiringGradient(), exactBias.requiringGradient())
    let expected = linear(wideX, weight: weight.expanded().to(.float64), bias: wideBias)
    #expect(found.dtype == .float32 && deviation(found, expected) < 2e-6)
    let upstream = random([m, n], 4)
    let gradients = found.backward(from: upstream)
    let others = expected.backward(from: upstream.to(.float64))
    #expect(deviation(gradients[x]!, others[wideX]!) < 2e-6)
    #expect(deviation(gradients[bias]!, others[wideBias]!) < 1e-6)
  }

  /// Rows of a weight are shared in groups; here the last group and the last thread have fewer.
  @Test(arguments: BlockEncoding.allCases) func sharingChangesNothing(_ encoding: BlockEncoding) {
    let weight = matrix(encoding, rows: 299, columns: 512, seed: 1)
    let count = Threads.count
    defer { Threads.count = count }
    for rows in [1, 2, 8] {
      let x = random([rows, 512], 2).requiringGradient()
      let upstream = random([rows, 299], 3)
      Threads.count = 1
      let alone = linear(x, weight: weight)
      let gradient = alone.backward(from: upstream)[x]!
      #expect(deviation(alone, linear(x.detached(), weight: weight.expanded())) < 2e-6)
      for threads in [2, 3, 5] {
        Threads.count = threads
        let shared = linear(x, weight: weight)
        #expect(shared.array(of: Float.self) == alone.array(of: Float.self), "\(rows), \(threads)")
        #expect(deviation(shared.backward(from: upstream)[x]!, gradient) < 2e-6, "\(rows), \(threads)")
      }
    }
  }

  @Test(arguments: BlockEncoding.allCases) func logProbabilitiesOfTargets(_ encoding: BlockEncoding) {
    checkLogProbabilities(encoding, 9, 300, 256)
  }

  /// Vocabularies whose logits, or whose weights, are not held at once.
  @Test func logProbabilitiesInPieces() {
    checkLogProbabilities(.q5_1, 600, 1800, 64)
    checkLogProbabilities(.q4_k, 2, 70, 1 << 16)
  }

  /// Values and the gradient against Float64.
  private func checkLogProbabilities(
    _ encoding: BlockEncoding, _ n: Int, _ vocabulary: Int, _ width: Int
  ) {
    let weight = matrix(encoding, rows: vocabulary, columns: width, seed: 1)
    let hidden = (random([n, width], 2) * 0.1).requiringGradient()
    let targets = (0..<n).map { Int32($0 * 37 % vocabulary) }
    let wide = hidden.detached().to(.float64).requiringGradient()
    let found = targetLogProbabilities(hidden: hidden, weight: weight, targets: targets)
    let expected = targetLogProbabilities(
      hidden: wide, weight: weight.expanded().to(.float64), targets: targets)
    #expect(found.dtype == .float32 && deviation(found, expected) < 2e-6)
    let upstream = random([n], 3)
    let gradient = found.backward(from: upstream)[hidden]!
    #expect(deviation(gradient, expected.backward(from: upstream.to(.float64))[wide]!) < 5e-6)
  }

  @Test(arguments: BlockEncoding.allCases) func nothingToCompute(_ encoding: BlockEncoding) {
    let weight = matrix(encoding, rows: 5, columns: 256, seed: 1)
    let x = Tensor.zeros([2, 0, 256]).requiringGradient()
    let y = linear(x, weight: weight)
    #expect(y.shape == [2, 0, 5])
    #expect(y.backward(from: .zeros([2, 0, 5]))[x]?.shape == [2, 0, 256])
    #expect(weight.rows(at: Tensor([Int32]())).shape == [0, 256])
    #expect(targetLogProbabilities(hidden: .zeros([0, 256]), weight: weight, targets: []).shape == [0])
    let empty = QuantizedMatrix(encoding, blocks: Tensor([UInt8](), shape: [0, encoding.blockSize]))
    #expect(empty.isFinite && empty.expanded().shape == [0, encoding.blockLength])
    #expect(linear(random([3, encoding.blockLength], 1), weight: empty).shape == [3, 0])
  }

  /// A low-rank adapter on blocks learns what it would on the same values in Float32.
  @Test(arguments: BlockEncoding.allCases, [1, 5, 40]) func adaptersOnBlocks(
    _ encoding: BlockEncoding, _ rows: Int
  ) {
    checkAdapter(encoding, rows, decomposesWeight: false)
  }

  @Test(arguments: BlockEncoding.allCases) func decomposedAdaptersOnBlocks(_ encoding: BlockEncoding) {
    checkAdapter(encoding, 5, decomposesWeight: true)
  }

  private func checkAdapter(_ encoding: BlockEncoding, _ rows: Int, decomposesWeight: Bool) {
    let weight = matrix(encoding, rows: 70, columns: 512, seed: 1)
    let bias = random([70], 2)
    func adapter(_ base: Linear) -> LoRALinear {
      var generator = RandomGenerator(seed: 3)
      let layer = LoRALinear(
        base: base, rank: 4, alpha: 8, decomposesWeight: decomposesWeight, using: &generator)
      layer.loraB.tensor = random([70, 4], 4).requiringGradient()
      return layer
    }
    let quantized = adapter(QuantizedLinear(weight, bias: Parameter(bias)))
    let plain = adapter(Linear(weight: Parameter(weight.expanded()), bias: Parameter(bias)))
    #expect(
      quantized.trainableParameters().map(\.name)
        == ["lora_A.weight", "lora_B.weight"] + (decomposesWeight ? ["lora_magnitude_vector"] : []))
    let upstream = random([rows, 70], 5)
    let results = [quantized, plain].map { layer in
      let x = random([rows, 512], 6).requiringGradient()
      let y = layer(x)
      let gradients = y.backward(from: upstream)
      return [y, gradients[x]!] + layer.trainableParameters().map { gradients[$0.parameter]! }
    }
    for (found, expected) in zip(results[0], results[1]) {
      #expect(found.shape == expected.shape && deviation(found, expected) < 3e-6)
    }
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

  /// Neither forward nor backward.
  @Test func theWeightIsNeverWholeInFloat32() {
    let weight = QuantizedMatrix(.q4_k, blocks: Tensor.zeros([8192, 8 * 144], dtype: .uint8))
    let whole = 8192 * 2048 * 4
    // Tests beside this one ask for memory too, some for seconds, hardly for so long.
    var peaks: [Int] = []
    while peaks.count < 300, !peaks.contains(where: { $0 < whole / 2 }) {
      if !peaks.isEmpty { usleep(50_000) }
      TensorRuntime.resetPeak()
      let before = TensorRuntime.bytesInUse
      let x = Tensor.ones([16, 2048]).requiringGradient()
      #expect(linear(x, weight: weight).sum().backward()[x]?.shape == [16, 2048])
      let likelihood = targetLogProbabilities(
        hidden: x, weight: weight, targets: [Int32](repeating: 8191, count: 16))
      #expect(likelihood.sum().backward()[x]?.shape == [16, 2048])
      peaks.append(TensorRuntime.peakBytes - before)
    }
    #expect(peaks.contains { $0 < whole / 2 }, "\(peaks), \(whole)")
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
