import Foundation
import Tensor
import Testing

/// What no table of finite numbers shows: signs of zero, infinities, sums that must not overflow or lose
/// digits.
struct SpecialValueTests {
  private func values(_ x: Tensor) -> [Double] { x.array(of: Double.self) }

  private func slope(of function: @escaping (Tensor) -> Tensor, _ x: Tensor) -> Tensor {
    grad { function($0).sum() }(x)
  }

  @Test func reluKeepsNaN() {
    let x = Tensor([Float.nan, -1, 0, 2, -.infinity], shape: [5])
    let y = values(x.relu())
    #expect(y[0].isNaN && y[1...] == [0, 0, 2, 0])
    #expect(values(slope(of: { $0.relu() }, x)) == [1, 0, 0, 1, 0])
  }

  @Test func logisticFunctionsAtInfinity() {
    for type in [DType.float16, .bfloat16, .float32, .float64] {
      let x = Tensor([-Double.infinity, .infinity]).to(type)
      #expect(values(x.softplus()) == [0, .infinity], "\(type)")
      #expect(values(x.logSigmoid()) == [-.infinity, 0], "\(type)")
      let losses = { (targets: [Double]) in
        binaryCrossEntropy(logits: x, targets: Tensor(targets).to(type), reduction: .none)
      }
      #expect(values(losses([0.0, 1.0])) == [0, 0], "\(type)")
      #expect(values(losses([1.0, 0.0])) == [.infinity, .infinity], "\(type)")
      #expect(values(losses([0.5, 0.5])) == [.infinity, .infinity], "\(type)")
    }
  }

  @Test func magnitudeOfNegativeZero() {
    for type in [DType.float32, .float64, .float16, .bfloat16] {
      #expect(values(Tensor([-0.0, -0.0, -0.0]).to(type).abs()).allSatisfy { $0.sign == .plus })
    }
  }

  @Test func powersHaveAllDerivativesAtZero() {
    for value in [0.0, -0.0, .leastNonzeroMagnitude * 1e14, .infinity, .nan] {
      let x = Tensor([value])
      #expect(values(slope(of: { $0.pow(0) }, x)) == [0])
      #expect(values(slope(of: { $0.pow(Tensor([0.0])) }, x)) == [0])
    }
    let functions: [(Tensor) -> Tensor] = [
      { $0.pow(Tensor([2.0])).sum() }, { $0.pow(3).sum() }, { $0.pow(2).sum() },
    ]
    for (exponent, function) in zip([2, 3, 2], functions) {
      var f = function
      for order in 1...5 {
        let previous = f
        f = { slope(of: previous, $0) }
        let expected = order == exponent ? (1...exponent).reduce(1, *) : 0
        #expect(values(f(Tensor([0.0]))) == [Double(expected)], "x^\(exponent), derivative \(order)")
      }
    }
  }

  @Test func negativeAttentionScale() {
    var generator = RandomGenerator(seed: 7)
    for tokens in [5, 20, 40] {
      let draw = { (generator: inout RandomGenerator) in
        Tensor.randomNormal([2, tokens, 16], using: &generator) * 8
      }
      let (q, k, v) = (draw(&generator), draw(&generator), draw(&generator))
      let expected = (q.matmul(k.transposed()) * -0.25).softmax().matmul(v)
      let found = scaledDotProductAttention(query: q, key: k, value: v, scale: -0.25)
      #expect(found.isClose(to: expected, relative: 1e-4, absolute: 1e-5))
      let weighted = { (f: @escaping (Tensor) -> Tensor) in slope(of: { f($0) * v }, q) }
      #expect(
        weighted { scaledDotProductAttention(query: $0, key: k, value: v, scale: -0.25) }
          .isClose(
            to: weighted { ($0.matmul(k.transposed()) * -0.25).softmax().matmul(v) }, relative: 1e-3,
            absolute: 1e-3))
    }
  }

  @Test func halfPrecisionMeansDoNotOverflow() {
    #expect(Tensor.full([70000], 1, dtype: .float16).mean().item() == 1)
    let x = Tensor([0.0, 600.0]).to(.float16)
    #expect(x.standardDeviation().item() == 424.25)
    #expect(Tensor([60000.0, 60000.0, 60000.0]).to(.float16).logSumExp().item() == 60000)
    #expect(mseLoss(x, Tensor([0.0, 0.0]).to(.float16), reduction: .mean).item() == .infinity)
    #expect(l1Loss(x * 100, x * -8).item() == 32400)
    let logits = Tensor.zeros([100_000, 4], dtype: .float16)
    let loss = crossEntropy(logits, targets: Tensor([Int64](repeating: 1, count: 100_000)))
    #expect(abs(loss.item() - 1.3862943611198906) < 1e-3)
  }

  @Test func longSumsKeepTheirDigits() {
    let rows = Tensor.full([1_000_000, 2], 0.1)
    let exact = Double(Float(0.1)) * 1e6
    for found in values(rows.sum(axes: [0])) + values(rows.transposed().sum(axes: [1])) {
      #expect(abs(found / exact - 1) < 1.2e-7)
    }
    let mean = values(rows.mean(axes: [0]))
    #expect(mean.allSatisfy { abs($0 / Double(Float(0.1)) - 1) < 1.2e-7 })
    let gradient = grad { layerNorm(Tensor.full([300_000, 2], 0.1), bias: $0).sum() * 0.1 }(Tensor.zeros([2]))
    #expect(values(gradient).allSatisfy { abs($0 / 3e4 - 1) < 1e-5 })
    let wide = Tensor.full([20_000, 3, 5], 0.1)
    #expect(values(wide.sum(axes: [0, 1])).allSatisfy { abs($0 / (Double(Float(0.1)) * 6e4) - 1) < 1.2e-7 })
    #expect(values(wide.sum(axes: [0])).allSatisfy { abs($0 / (Double(Float(0.1)) * 2e4) - 1) < 1.2e-7 })
  }

  /// Running sums and products of rows side by side and of columns in blocks are those of one row alone.
  @Test(arguments: [DType.float32, .float64, .int64, .int32, .uint8, .bool, .float16])
  func runningSumsAlongEveryAxis(type: DType) {
    for shape in [[1], [7], [5, 3], [4, 1], [9, 2, 6], [3, 1100], [2, 2050, 2], [1030, 2]] {
      let count = shape.reduce(1, *)
      let x = Tensor((0..<count).map { Double(($0 * 5) % 3) }, shape: shape).to(type)
      let kept = values(x)
      for (view, strides) in [(x, "as it lies"), (x.transposed(0, -1), "turned")] {
        for axis in 0..<view.rank {
          let rows = view.transposed(axis, -1)
          let length = rows.shape.last ?? 1
          let flat = values(rows)
          var (sums, products) = (flat, flat)
          for i in 0..<count where i % length > 0 {
            sums[i] = sums[i - 1] + flat[i]
            products[i] = products[i - 1] * flat[i]
          }
          let wanted = Tensor(sums, shape: rows.shape).transposed(axis, -1)
          let found = view.cumsum(axis: axis)
          #expect(found.dtype == (type.isFloatingPoint ? type : .int64) && found.shape == view.shape)
          if type != .float16 || length < 1000 {
            #expect(values(found) == values(wanted), "sums of \(type) \(shape) \(strides), axis \(axis)")
          }
          // Zeros are among the factors, so that no product leaves its type.
          let product = Tensor(products, shape: rows.shape).transposed(axis, -1)
          #expect(
            values(view.cumprod(axis: axis)) == values(product),
            "products of \(type) \(shape) \(strides), axis \(axis)")
        }
      }
      #expect(values(x) == kept)
    }
  }

  /// Few columns of many rows are summed as wide rows in pieces; what is left over is added to them.
  @Test(arguments: [DType.float32, .float64]) func sumsOfFewColumns(type: DType) {
    for (count, width) in [(4095, 64), (131_072, 1), (131_075, 1), (70_001, 3), (400_000, 5), (33_000, 63)] {
      let x = Tensor((0..<count * width).map { Double(($0 * 7919) % 1009) }, shape: [count, width]).to(type)
      var expected = [Double](repeating: 0, count: width)
      for (index, value) in values(x).enumerated() { expected[index % width] += value }
      // Float keeps whole numbers of this size in groups of sixteen.
      #expect(values(x.sum(axes: [0])) == expected.map { type == .float32 ? Double(Float($0)) : $0 })
      #expect(values(x.reshaped([1, count, width]).sum(axes: [0, 1])) == values(x.sum(axes: [0])))
    }
    var y = Tensor.ones([200_000, 2], dtype: type)
    y[199_999, 1] = Tensor.full([], .nan, dtype: type)
    y[7, 0] = Tensor.full([], .infinity, dtype: type)
    let sums = values(y.sum(axes: [0]))
    #expect(sums[0] == .infinity && sums[1].isNaN)
  }

  @Test func logSumExpOfNothing() {
    #expect(values(Tensor.zeros([2, 0]).logSumExp(axes: [1])) == [-.infinity, -.infinity])
    #expect(Tensor.zeros([0]).logSumExp().item() == -.infinity)
  }
}
