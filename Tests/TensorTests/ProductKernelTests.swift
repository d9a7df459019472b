import Tensor
import Testing

/// All kernels of products against the definition.
@Suite("Products by every kernel", .serialized) struct ProductKernelTests {
  private static let layouts = [(false, false), (false, true), (true, false), (true, true)]

  /// Calls `body` with one and with two threads.
  private func withThreads(_ body: (Int) throws -> Void) rethrows {
    let before = Threads.count
    defer { Threads.count = before }
    for threads in [1, 2] {
      Threads.count = threads
      try body(threads)
    }
  }

  private func check(_ m: Int, _ n: Int, _ k: Int) {
    for (transA, transB) in Self.layouts {
      let reference = ProductReference(m, n, k, transA: transA, transB: transB)
      let (single, double) = (reference.operands(Float.self), reference.operands(Double.self))
      withThreads { threads in
        for (alpha, beta) in [(1.0, 0.0), (-0.5, 1.0)] {
          let isSingleRight = reference.isMet(by: single, alpha: alpha, beta: beta)
          let isDoubleRight = reference.isMet(by: double, alpha: alpha, beta: beta)
          #expect(
            isSingleRight && isDoubleRight,
            "\(m)×\(n)×\(k) \(transA) \(transB), beta \(beta), \(threads) threads")
        }
      }
    }
  }

  /// Around the limits of few rows, few terms, vectors and panels.
  static let small = [1, 2, 5, 12, 13, 33]
  static let columns = [1, 15, 16, 33, 70]
  static let terms = [0, 1, 7, 16, 17, 65]
  /// Worth two threads, by one kernel or two.
  static let large = [
    (1, 300, 301), (301, 1, 300), (66, 130, 125), (20, 31, 1700), (4100, 12, 22), (20, 4000, 15),
    (265, 265, 16),
    (10, 4, 8000), (33, 1100, 30), (257, 130, 129), (8, 700, 250),
  ]

  @Test(arguments: small, columns)
  func smallProducts(m: Int, n: Int) {
    for k in Self.terms { check(m, n, k) }
  }

  @Test(arguments: large)
  func dividedProducts(m: Int, n: Int, k: Int) { check(m, n, k) }

  @Test func theyMeetEveryKernel() {
    var met: Set<ProductPlan.Kernel> = []
    var divisions: Set<String> = []
    for (m, n, k) in Self.small.flatMap({ m in
      Self.columns.flatMap { n in Self.terms.map { (m, n, $0) } }
    }) + Self.large {
      for (transA, transB) in Self.layouts {
        let plan = ProductPlan(
          m: m, n: n, k: k, transA: transA, transB: transB, type: .float32, threads: 2,
          isInParallelRegion: false, own: .init(rows: true, packed: true))
        met.formUnion([plan.kernel, plan.lastKernel])
        divisions.insert(String("\(plan.division)".prefix(4)))
      }
    }
    #expect(met == [.scale, .fewRows, .thin, .rowTimesMatrix, .matrixTimesColumn, .packed, .library])
    #expect(divisions == ["none", "rows", "colu", "byKe"])
  }

  @Test func emptyProductsWriteNothing() {
    for (m, n, k) in [(0, 5, 7), (5, 0, 7), (0, 0, 0), (0, 3000, 3000)] {
      for (transA, transB) in Self.layouts {
        var c: [Float] = [.nan]
        multiply(
          m, n, k, [0], lda: max(1, transA ? m : k), transA: transA, [0], ldb: max(1, transB ? k : n),
          transB: transB, &c, ldc: max(1, n))
        #expect(c[0].isNaN)
      }
    }
  }

  @Test func sumsWithoutTermsScale() {
    for (beta, expected) in [(0, 0), (1, 3), (-2, -6)] as [(Float, Float)] {
      var c = [Float](repeating: beta == 0 ? .nan : 3, count: 6)
      multiply(2, 3, 0, [0], lda: 1, [0], ldb: 3, beta: beta, &c, ldc: 3)
      #expect(c == [Float](repeating: expected, count: 6))
    }
  }

  /// A product of a batch is the product alone, with fewer products than threads and with more.
  @Test(arguments: [1, 2, 3, 40], [(1, 9, 5), (14, 33, 40), (5, 20, 16)])
  func batches(count: Int, size: (Int, Int, Int)) {
    let (m, n, k) = size
    var generator = RandomGenerator(seed: 3)
    let a = Tensor.randomNormal([count, m, k], using: &generator)
    let b = Tensor.randomNormal([count, k, n], using: &generator)
    withThreads { _ in
      let all = a.matmul(b)
      for index in 0..<count {
        let alone = a[index].matmul(b[index])
        #expect(all[index].array(of: Float.self) == alone.array(of: Float.self))
      }
    }
  }

  @Test(
    arguments: [0, 1, 3, 12, 13, 40], [(7, 19), (33, 65), (530, 41), (1, 5), (300, 1030), (3, 0), (0, 5)])
  func halfPrecision(m: Int, size: (Int, Int)) {
    let (n, k) = size
    for type in [DType.bfloat16, .float16] {
      for (transA, transB) in Self.layouts {
        var generator = RandomGenerator(seed: UInt64(m * 1009 + n))
        let a = Tensor.randomUniform(transA ? [k, m + 3] : [m, k + 3], in: -1..<1, using: &generator)
        let b = Tensor.randomUniform(transB ? [n, k + 1] : [k, n + 1], in: -1..<1, using: &generator).to(type)
        let left = (transA ? a.slice(axis: 1, 0..<m).transposed() : a.slice(axis: 1, 0..<k)).to(.float64)
        let right = (transB ? b.slice(axis: 1, 0..<k).transposed() : b.slice(axis: 1, 0..<n)).to(.float64)
        let expected = k == 0 ? Tensor.zeros([m, n], dtype: .float64) : left.matmul(right)
        withThreads { threads in
          let c = Tensor.full([m, n + 2], 7)
          a.array(of: Float.self).withUnsafeBufferPointer { a in
            guard a.baseAddress != nil else { return }
            BLAS.gemm(
              view(a, m, k, (transA ? m : k) + 3, isTransposed: transA),
              view(
                UnsafeBufferPointer(start: b.pointer(UInt16.self), count: b.count), k, n,
                (transB ? k : n) + 1, isTransposed: transB), type: type,
              into: MutableMatrixView(c.pointer(Float.self), rows: m, columns: n, rowStride: n + 2))
          }
          let found = c.slice(axis: 1, 0..<n)
          let error = m * n == 0 ? 0 : (found.to(.float64) - expected).abs().max().item()
          #expect(error <= 4e-6 * Double(k + 1).squareRoot(), "\(type) \(transA) \(transB) \(threads)")
          #expect(c.slice(axis: 1, n..<n + 2).array(of: Float.self).allSatisfy { $0 == 7 })
        }
      }
    }
  }
}
