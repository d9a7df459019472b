import Tensor
import Testing

@Suite("Threads and memory", .serialized)
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
}
