import Tensor
import Testing

/// Products that are large in all sizes, which do not go to the library on processors with AVX-512.
@Suite struct PackedProductTests {
  private struct Operands {
    var a: [Float]
    var b: [Float]
    var c: [Float]

    init(_ m: Int, _ n: Int, _ k: Int, lda: Int, ldb: Int, ldc: Int, rowsOfA: Int, rowsOfB: Int) {
      var generator = RandomGenerator(seed: UInt64(m * 1_000_003 + n * 1009 + k))
      func random(_ count: Int) -> [Float] {
        Tensor.randomUniform([count], in: -1..<1, using: &generator).array(of: Float.self)
      }
      (a, b, c) = (random(rowsOfA * lda), random(rowsOfB * ldb), random(m * ldc))
    }
  }

  /// The largest distance from `op(a) · op(b) · alpha + beta · c` in Float64, with rows of all matrices
  /// further apart than they are long; infinite when something beside the result was written.
  private func error(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool, alpha: Float = 1, beta: Float = 0
  ) -> Double {
    let (lda, ldb, ldc) = ((transA ? m : k) + 3, (transB ? k : n) + 1, n + 2)
    let operands = Operands(
      m, n, k, lda: lda, ldb: ldb, ldc: ldc, rowsOfA: transA ? k : m, rowsOfB: transB ? n : k)
    var c = operands.c
    if beta == 0 { for i in 0..<m { for j in 0..<n { c[i * ldc + j] = .nan } } }
    multiply(
      m, n, k, alpha: alpha, operands.a, lda: lda, transA: transA, operands.b, ldb: ldb, transB: transB,
      beta: beta, &c, ldc: ldc)
    var worst = 0.0
    var (row, columns) = ([Double](repeating: 0, count: k), [Double](repeating: 0, count: k * n))
    for l in 0..<k {
      for j in 0..<n { columns[j * k + l] = Double(operands.b[transB ? j * ldb + l : l * ldb + j]) }
    }
    for i in 0..<m {
      for l in 0..<k { row[l] = Double(operands.a[transA ? l * lda + i : i * lda + l]) }
      for j in 0..<ldc {
        let place = i * ldc + j
        if j >= n {
          if c[place] != operands.c[place] { return .infinity }
          continue
        }
        var sum = 0.0
        for l in 0..<k { sum += row[l] * columns[j * k + l] }
        let right = Double(alpha) * sum + (beta == 0 ? 0 : Double(beta) * Double(operands.c[place]))
        let distance = abs(Double(c[place]) - right)
        worst = distance.isNaN ? .infinity : max(worst, distance)
      }
    }
    return worst
  }

  @Test(arguments: Array(13...45) + [97, 225, 240])
  func everyHeightOfATile(m: Int) {
    for (transA, transB) in [(false, false), (false, true), (true, false), (true, true)] {
      #expect(error(m, 80, 1030, transA: transA, transB: transB) <= 1e-4, "\(transA) \(transB)")
    }
  }

  @Test(arguments: [31, 32, 33, 47, 48, 49, 63, 64, 65, 100])
  func everyWidthOfATile(n: Int) {
    for (transA, transB) in [(false, false), (false, true), (true, false), (true, true)] {
      #expect(
        error(230, n, 145, transA: transA, transB: transB, alpha: -0.5, beta: 2) <= 3e-5,
        "\(transA) \(transB)"
      )
    }
  }

  /// Lengths of sums around the vectors that are transposed and the parts that are added one after the other.
  @Test(arguments: [16, 17, 31, 33, 511, 512, 513, 1025])
  func everyLengthOfASum(k: Int) {
    for (transA, transB) in [(false, false), (false, true), (true, false), (true, true)] {
      for (alpha, beta) in [(1, 0), (1, 1), (0.5, -2)] as [(Float, Float)] {
        #expect(
          error(950, 70, k, transA: transA, transB: transB, alpha: alpha, beta: beta) <= 2e-4,
          "\(transA) \(transB) \(alpha) \(beta)")
      }
    }
  }

  /// More columns than are packed at a time, and so few rows that threads share columns.
  @Test func moreColumnsThanOnePackedBlock() {
    #expect(error(14, 4100, 40, transA: false, transB: true) <= 3e-5)
    #expect(error(300, 4100, 24, transA: true, transB: false) <= 3e-5)
  }

  @Test func rowsAndColumnsDoNotDependOnTheirNeighbours() {
    var generator = RandomGenerator(seed: 4)
    let a = Tensor.randomNormal([230, 600], using: &generator)
    let b = Tensor.randomNormal([600, 100], using: &generator)
    let all = a.matmul(b)
    for rows in [0..<230, 3..<100, 100..<230] {
      for columns in [0..<100, 7..<60] {
        let part = a[rows].matmul(b.slice(axis: 1, columns))
        #expect(part.array(of: Float.self) == all[rows].slice(axis: 1, columns).array(of: Float.self))
      }
    }
  }

  @Test func infinitiesStayInTheirRowAndColumn() {
    var a = [Float](repeating: 1, count: 80 * 512)
    var b = [Float](repeating: 1, count: 512 * 40)
    a[5 * 512 + 3] = .infinity
    b[3 * 40 + 39] = .nan
    var c = [Float](repeating: 0, count: 80 * 40)
    multiply(80, 40, 512, a, lda: 512, b, ldb: 40, &c, ldc: 40)
    for i in 0..<80 {
      for j in 0..<40 {
        let value = c[i * 40 + j]
        #expect(j == 39 ? value.isNaN : i == 5 ? value == .infinity : value == 512)
      }
    }
  }
}
