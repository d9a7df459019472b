import Tensor
import Testing

@Suite("Threads, memory and matrix products", .serialized)
struct RuntimeTests {
  @Test func everyIndexRunsOnce() {
    for n in [0, 1, 2, 7, 1000] {
      let hits = MemoryPool.withScratch(Int.self, count: max(1, n)) { hits in
        hits.update(repeating: 0, count: max(1, n))
        Threads.parallel(n, grain: 3) { range in for i in range { hits[i] += 1 } }
        Threads.forEachTask(n) { i in hits[i] += 1 }
        return (0..<n).map { hits[$0] }
      }
      #expect(hits.allSatisfy { $0 == 2 })
    }
  }

  /// Also while other threads keep the pool busy and release it again, as the tests beside this one do.
  @Test func nestedRegionsStayOnTheirThread() {
    let whole = MemoryPool.withScratch(Int.self, count: 2000) { whole in
      whole.update(repeating: 0, count: 2000)
      Threads.forEachTask(2000) { i in
        Threads.parallel(10) { inner in if inner == 0..<10 { whole[i] += 1 } }
      }
      return (0..<2000).map { whole[$0] }
    }
    #expect(whole.allSatisfy { $0 == 1 })
  }

  @Test func threadCountCanChange() {
    let before = Threads.count
    defer { Threads.count = before }
    for count in [1, 4, 2] {
      Threads.count = count
      #expect(Threads.count == count)
      var sums = [Int](repeating: 0, count: 64)
      sums.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let buffer = buffer
        Threads.forEachTask(64) { i in buffer[i] = i * i }
      }
      #expect(sums == (0..<64).map { $0 * $0 })
    }
  }

  @Test func freedMemoryIsUsedAgain() {
    let size = 5 << 20
    let first = MemoryPool.allocate(byteCount: size)
    #expect(UInt(bitPattern: first) % 64 == 0)
    let inUse = TensorRuntime.bytesInUse
    MemoryPool.release(first, byteCount: size)
    #expect(TensorRuntime.cachedBytes >= size)
    #expect(TensorRuntime.bytesInUse <= inUse - size)
    #expect(TensorRuntime.peakBytes >= size)
    let small = MemoryPool.allocate(byteCount: 1)
    MemoryPool.release(small, byteCount: 1)
  }

  @Test(arguments: [
    (1, 1, 1), (1, 300, 70), (300, 1, 70), (2, 9, 5), (5, 64, 33), (8, 700, 250), (130, 257, 64),
    (257, 130, 129),
  ])
  func productsAgreeWithLoops(m: Int, n: Int, k: Int) {
    checkProduct(m, n, k, Float.self, tolerance: 1e-5)
    checkProduct(m, n, k, Double.self, tolerance: 1e-13)
  }

  private func checkProduct<T: BLASScalar>(_ m: Int, _ n: Int, _ k: Int, _: T.Type, tolerance: Double) {
    var generator = RandomGenerator(seed: 7)
    let a = (0..<m * k).map { _ in T(generator.uniform() - 0.5) }
    let b = (0..<k * n).map { _ in T(generator.uniform() - 0.5) }
    for transA in [false, true] {
      for transB in [false, true] {
        for beta in [0, 0.5] as [T] {
          var c = [T](repeating: beta == 0 ? .nan : 2, count: m * n)
          BLAS.gemm(
            m, n, k, alpha: 2, a, lda: transA ? m : k, transA: transA, b, ldb: transB ? k : n, transB: transB,
            beta: beta, &c, ldc: n)
          var worst = 0.0
          for i in 0..<m {
            for j in 0..<n {
              var sum = beta == 0 ? 0 : Double(beta) * 2
              for l in 0..<k {
                sum +=
                  2 * Double(a[transA ? l * m + i : i * k + l]) * Double(b[transB ? j * k + l : l * n + j])
              }
              worst = max(worst, abs(sum - Double(c[i * n + j])))
            }
          }
          #expect(worst <= tolerance * Double(k).squareRoot() * 4, "\(m) \(n) \(k) \(transA) \(transB)")
        }
      }
    }
  }
}
