import Tensor
import Testing

/// Products in which the left side has few rows or few columns, which do not go to the library.
@Suite struct ThinProductTests {
  /// `op(a) · b · alpha + beta · c` by definition, in Float64.
  private func expected(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, _ a: [Float], _ b: [Float], _ c: [Float], alpha: Float,
    beta: Float
  ) -> [Float] {
    (0..<m * n).map { place in
      let (i, j) = place.quotientAndRemainder(dividingBy: n)
      let sum = (0..<k).reduce(0.0) {
        $0 + Double(a[transA ? $1 * m + i : i * k + $1]) * Double(b[$1 * n + j])
      }
      return Float(Double(alpha) * sum + (beta == 0 ? 0 : Double(beta) * Double(c[place])))
    }
  }

  @Test(arguments: [1, 2, 3, 7, 8, 12, 13, 29], [1, 2, 15, 16, 17, 90])
  func everyBlockOfRowsAndColumns(m: Int, k: Int) {
    var generator = RandomGenerator(seed: UInt64(m * 100 + k))
    for n in [1, 15, 16, 31, 32, 47, 50, 80] {
      for (transA, alpha, beta) in [(false, Float(1), Float(0)), (true, 1, 0), (true, -0.5, 2)] {
        func random(_ count: Int) -> [Float] {
          Tensor.randomUniform([count], in: -1..<1, using: &generator).array(of: Float.self)
        }
        let (a, b, start) = (random(m * k), random(k * n), random(m * n))
        // What a product does not read may be anything.
        var c = beta == 0 ? [Float](repeating: .nan, count: m * n) : start
        multiply(
          m, n, k, alpha: alpha, a, lda: transA ? m : k, transA: transA, b, ldb: n, beta: beta, &c, ldc: n)
        let right = expected(m, n, k, transA: transA, a, b, start, alpha: alpha, beta: beta)
        let error = zip(c, right).map { abs($0 - $1) }.max() ?? 0
        #expect(
          error <= 1e-5 && !c.contains(where: \.isNaN), "\(m)×\(k)×\(n), transposed \(transA): \(error)")
      }
    }
  }

  @Test func aRowIsTheSameAloneAndAmongOthers() {
    var generator = RandomGenerator(seed: 4)
    let (a, b) = (
      Tensor.randomNormal([12, 70], using: &generator), Tensor.randomNormal([70, 100], using: &generator)
    )
    let all = a.matmul(b)
    for rows in [0..<2, 3..<7, 4..<12, 1..<12] {
      #expect(a[rows].matmul(b).array(of: Float.self) == all[rows].array(of: Float.self))
    }
  }
}
