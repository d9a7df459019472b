import Tensor
import Testing

/// Products that are large in all sizes, which do not go to the library on processors with AVX-512.
@Suite(.serialized) struct PackedProductTests {
  /// In Float32, and rounded to bfloat16 by each kind of instructions that this processor has.
  private static let ways: [Float32MatmulPrecision.Instructions?] =
    switch Float32MatmulPrecision.instructions {
    case .amx: [nil, .amx, .avx512BF16]
    case .avx512BF16: [nil, .avx512BF16]
    case nil: [nil]
    }
  private static let layouts = [(false, false), (false, true), (true, false), (true, true)]

  private func by<Result>(_ way: Float32MatmulPrecision.Instructions?, _ body: () -> Result) -> Result {
    guard let way else { return body() }
    return Float32MatmulPrecision.limited(to: way) { withFloat32MatmulPrecision(.medium, body) }
  }

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

  /// The nearest bfloat16.
  private func rounded(_ value: Float) -> Double {
    let bits = value.bitPattern
    return Double(Float(bitPattern: (bits + 0x7FFF + (bits >> 16) & 1) & 0xFFFF_0000))
  }

  /// The largest distance from `op(a) · op(b) · alpha + beta · c` in Float64, with rows of all matrices
  /// further apart than they are long; infinite when something beside the result was written.
  private func error(
    _ m: Int, _ n: Int, _ k: Int, transA: Bool, transB: Bool, alpha: Float = 1, beta: Float = 0,
    way: Float32MatmulPrecision.Instructions? = nil
  ) -> Double {
    let (lda, ldb, ldc) = ((transA ? m : k) + 3, (transB ? k : n) + 1, n + 2)
    let operands = Operands(
      m, n, k, lda: lda, ldb: ldb, ldc: ldc, rowsOfA: transA ? k : m, rowsOfB: transB ? n : k)
    var c = operands.c
    if beta == 0 { for i in 0..<m { for j in 0..<n { c[i * ldc + j] = .nan } } }
    by(way) {
      multiply(
        m, n, k, alpha: alpha, operands.a, lda: lda, transA: transA, operands.b, ldb: ldb, transB: transB,
        beta: beta, &c, ldc: ldc)
    }
    let plan = ProductPlan(
      m: m, n: n, k: k, transA: transA, transB: transB, type: .float32, threads: Threads.count,
      isInParallelRegion: false)
    let isRounded = way != nil && plan.kernel == .packed
    func factors(_ values: [Float]) -> [Double] { values.map { isRounded ? rounded($0) : Double($0) } }
    var right = operands.c.map { Double($0) }
    multiply(
      m, n, k, alpha: Double(alpha), factors(operands.a), lda: lda, transA: transA, factors(operands.b),
      ldb: ldb, transB: transB, beta: Double(beta), &right, ldc: ldc)
    var worst = 0.0
    for place in c.indices {
      if place % ldc >= n {
        if c[place] != operands.c[place] { return .infinity }
        continue
      }
      let distance = abs(Double(c[place]) - right[place])
      worst = distance.isNaN ? .infinity : max(worst, distance)
    }
    return worst
  }

  @Test(arguments: Array(13...45) + [97, 225, 240])
  func everyHeightOfATile(m: Int) {
    for way in Self.ways {
      for (transA, transB) in Self.layouts {
        let error = error(m, 80, 1030, transA: transA, transB: transB, way: way)
        #expect(error <= 1e-4, "\(transA) \(transB) \(way?.rawValue ?? "")")
      }
    }
  }

  @Test(arguments: [31, 32, 33, 47, 48, 49, 63, 64, 65, 100])
  func everyWidthOfATile(n: Int) {
    for way in Self.ways {
      for (transA, transB) in Self.layouts {
        let error = error(230, n, 145, transA: transA, transB: transB, alpha: -0.5, beta: 2, way: way)
        #expect(error <= 3e-5, "\(transA) \(transB) \(way?.rawValue ?? "")")
      }
    }
  }

  /// Lengths of sums around the vectors that are transposed and the parts that are added one after the other.
  @Test(arguments: [16, 17, 31, 33, 511, 512, 513, 1025])
  func everyLengthOfASum(k: Int) {
    for way in Self.ways {
      for (transA, transB) in Self.layouts {
        for (alpha, beta) in [(1, 0), (1, 1), (0.5, -2)] as [(Float, Float)] {
          let error = error(950, 70, k, transA: transA, transB: transB, alpha: alpha, beta: beta, way: way)
          #expect(error <= 2e-4, "\(transA) \(transB) \(alpha) \(beta) \(way?.rawValue ?? "")")
        }
      }
    }
  }

  /// More columns than are packed at a time, and so few rows that threads share columns.
  @Test func moreColumnsThanOnePackedBlock() {
    for way in Self.ways {
      #expect(error(14, 4100, 40, transA: false, transB: true, way: way) <= 3e-5)
      #expect(error(300, 4100, 24, transA: true, transB: false, way: way) <= 3e-5)
    }
  }

  @Test func rowsAndColumnsDoNotDependOnTheirNeighbours() {
    var generator = RandomGenerator(seed: 4)
    let a = Tensor.randomNormal([230, 600], using: &generator)
    let b = Tensor.randomNormal([600, 100], using: &generator)
    for way in Self.ways {
      let all = by(way) { a.matmul(b) }
      for rows in [0..<230, 3..<100, 100..<230] {
        for columns in [0..<100, 7..<60] {
          let part = by(way) { a[rows].matmul(b.slice(axis: 1, columns)) }
          let same = all[rows].slice(axis: 1, columns)
          // The library promises no bits.
          #expect(
            ProductPlan.OwnKernels.here.packed
              ? part.array(of: Float.self) == same.array(of: Float.self)
              : (part - same).abs().max().item() < 1e-3)
        }
      }
    }
  }

  @Test func infinitiesStayInTheirRowAndColumn() {
    var a = [Float](repeating: 1, count: 80 * 512)
    var b = [Float](repeating: 1, count: 512 * 40)
    a[5 * 512 + 3] = .infinity
    b[3 * 40 + 39] = .nan
    for way in Self.ways {
      var c = [Float](repeating: 0, count: 80 * 40)
      by(way) { multiply(80, 40, 512, a, lda: 512, b, ldb: 40, &c, ldc: 40) }
      for i in 0..<80 {
        for j in 0..<40 {
          let value = c[i * 40 + j]
          #expect(j == 39 ? value.isNaN : i == 5 ? value == .infinity : value == 512)
        }
      }
    }
  }

  @Test func precisionBelongsToTheThreadAndEndsWithTheClosure() {
    #expect(Float32MatmulPrecision.current == .highest)
    struct Stop: Error {}
    #expect(throws: Stop.self) {
      try withFloat32MatmulPrecision(.medium) {
        #expect(Float32MatmulPrecision.current == .medium)
        withFloat32MatmulPrecision(.highest) { #expect(Float32MatmulPrecision.current == .highest) }
        #expect(Float32MatmulPrecision.current == .medium)
        // Threads that share the work follow.
        Threads.forEachTask(8) { _ in #expect(Float32MatmulPrecision.current == .medium) }
        throw Stop()
      }
    }
    #expect(Float32MatmulPrecision.current == .highest)
    Threads.forEachTask(8) { _ in #expect(Float32MatmulPrecision.current == .highest) }
  }

  /// Products and their gradients are near those in Float32.
  @Test func layersInBFloat16() {
    var generator = RandomGenerator(seed: 11)
    let x = Tensor.randomNormal([96, 256], using: &generator)
    let gate = Tensor.randomNormal([320, 256], using: &generator) * 0.06
    let up = Tensor.randomNormal([320, 256], using: &generator) * 0.06
    func values(_ way: Float32MatmulPrecision.Instructions?) -> [[Float]] {
      by(way) {
        let leaves = [x, gate, up].map { $0.requiringGradient() }
        let y = swiGLU(leaves[0], gate: leaves[1], up: leaves[2])
        let gradients = y.square().mean().backward()
        return [y.array(of: Float.self)] + leaves.map { gradients[$0]!.array(of: Float.self) }
      }
    }
    let exact = values(nil)
    for way in Self.ways.compactMap(\.self) {
      let rounded = values(way)
      for (one, other) in zip(exact, rounded) {
        let size = one.reduce(0) { max($0, abs($1)) }
        let distance = zip(one, other).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(distance > 0 && distance <= 0.02 * size, "\(way): \(distance) of \(size)")
      }
      // Where nothing is recorded, the two products are not fused.
      let plain = by(way) { swiGLU(x, gate: gate, up: up).array(of: Float.self) }
      #expect(plain == rounded[0])
    }
  }
}
